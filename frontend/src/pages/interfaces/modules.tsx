import { useTranslation } from 'react-i18next';
import { api, got } from '../../api/client';
import type { ModuleView } from '../../api/open-views';
import { may } from '../../api/session';
import { problemText } from '../../base/problem';
import { useResource } from '../../base/resource';
import { named } from '../../i18n';
import { type Column, Grid } from '../../parts/grid';
import { StateMark } from '../../parts/mark';
import { Loaded } from '../../parts/states';
import { say } from '../../parts/toast';

/** Modules, ours and plug-ins; each can be switched off without touching the others. */
export function Modules() {
  const { t } = useTranslation();
  const list = useResource(() => got(api.GET('/api/v1/extensions')), []);
  const change = async (row: ModuleView) => {
    try {
      const fresh = await got(
        api.PUT('/api/v1/extensions/{name}', { params: { path: { name: row.name } }, body: { enabled: row.state !== 'running' } }),
      );
      list.patch(() => fresh);
    } catch (error) {
      say(problemText(error));
    }
  };
  const columns: Column<ModuleView>[] = [
    {
      name: 'name',
      label: t('interfaces.module'),
      cell: (row) => (
        <>
          {named(row)}{' '}
          <span className="code">
            {row.name} {row.version}
          </span>
          <div className="small muted">{row.distribution === 'heatloop' ? '' : `${row.distribution} · ${row.author}`}</div>
        </>
      ),
    },
    { name: 'kind', label: t('interfaces.kind'), cell: (row) => t(`interfaces.kinds.${row.kind as 'driver'}`) },
    { name: 'io', label: t('interfaces.io'), cell: (row) => <span className="small breakable">{`${row.inputs.join(', ') || '–'} → ${row.outputs.join(', ') || '–'}`}</span> },
    {
      name: 'state',
      label: t('interfaces.state'),
      cell: (row) => (
        <>
          <span className="nowrap">
            <StateMark state={row.state === 'failed' || row.state === 'refused' ? 'offline' : 'normal'} />{' '}
            {t(`interfaces.states.${row.state as 'running'}`)}
          </span>
          <div className="small muted breakable">{named({ zh: row.reason_zh, en: row.reason_en })}</div>
        </>
      ),
    },
    { name: 'calls', label: t('interfaces.calls'), num: true, cell: (row) => `${row.calls} / ${row.failures}` },
    {
      name: 'act',
      label: '',
      cell: (row) =>
        may('manage_ledger') &&
        row.state !== 'refused' && (
          <button type="button" className="btn tiny" data-testid={`module-switch-${row.name}`} onClick={() => void change(row)}>
            {t(row.state === 'running' ? 'interfaces.disable' : 'interfaces.enable')}
          </button>
        ),
    },
  ];
  return (
    <section className="panel">
      <header>
        <h2>{t('interfaces.modules')}</h2>
        {list.data && <span className="small muted">{t('interfaces.apiVersion', { version: list.data.api })}</span>}
      </header>
      <Loaded of={list} height={160}>
        {(data) => (
          <Grid columns={columns} rows={data.items} rowKey={(row) => row.name} rowTestid={(row) => `module-${row.name}`} empty={t('interfaces.none')} caption={t('interfaces.modules')} testid="modules" />
        )}
      </Loaded>
    </section>
  );
}
