import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, got } from '../../api/client';
import type { SyncConflict, SyncSystem } from '../../api/open-views';
import { may } from '../../api/session';
import { problemText } from '../../base/problem';
import { useResource } from '../../base/resource';
import { showTime } from '../../base/time';
import { named } from '../../i18n';
import { type Column, Grid } from '../../parts/grid';
import { Loaded } from '../../parts/states';
import { say } from '../../parts/toast';

const text = (value: unknown) => (value === null || value === undefined ? '–' : String(value));

function Conflicts() {
  const { t } = useTranslation();
  const [codes, setCodes] = useState<Record<string, string>>({});
  const list = useResource(
    () => got(api.GET('/api/v1/sync/conflicts', { params: { query: { state: 'open', page: 1, size: 50 } } })),
    [],
  );
  const decide = async (row: SyncConflict, take: 'theirs' | 'ours' | 'link') => {
    try {
      await got(
        api.POST('/api/v1/sync/conflicts/{id}/decide', {
          params: { path: { id: row.id } },
          body: { take, code: take === 'link' ? (codes[row.id] ?? '') : '', note: '' },
        }),
      );
      say(t('interfaces.decided'));
      list.reload();
    } catch (error) {
      say(problemText(error));
    }
  };
  const columns: Column<SyncConflict>[] = [
    {
      name: 'what',
      label: t('interfaces.thing'),
      cell: (row) => (
        <>
          {named({ zh: row.name_zh, en: row.name_en }) || row.source_id}
          <div className="code small">{row.code ?? `${row.system} ${row.source_id}`}</div>
        </>
      ),
    },
    {
      name: 'kind',
      label: t('interfaces.conflict'),
      cell: (row) => (
        <>
          {named({ zh: row.kind_zh, en: row.kind_en })}
          <div className="small muted">{named({ zh: row.field_zh, en: row.field_en })}</div>
        </>
      ),
    },
    { name: 'theirs', label: t('interfaces.theirs'), cell: (row) => text(row.theirs) },
    { name: 'ours', label: t('interfaces.ours'), cell: (row) => text(row.ours) },
    { name: 'found', label: t('interfaces.at'), cell: (row) => showTime(row.found, 'minute') },
    {
      name: 'act',
      label: '',
      cell: (row) =>
        may('manage_ledger') && (
          <span className="row">
            {row.kind === 'unmatched' ? (
              <>
                <input
                  className="input"
                  placeholder={t('interfaces.code')}
                  aria-label={t('interfaces.code')}
                  value={codes[row.id] ?? ''}
                  onChange={(event) => setCodes({ ...codes, [row.id]: event.target.value })}
                />
                <button type="button" className="btn tiny" disabled={!codes[row.id]} onClick={() => void decide(row, 'link')}>
                  {t('interfaces.link')}
                </button>
              </>
            ) : (
              <>
                <button type="button" className="btn tiny" onClick={() => void decide(row, 'theirs')}>
                  {t('interfaces.takeTheirs')}
                </button>
                <button type="button" className="btn tiny" onClick={() => void decide(row, 'ours')}>
                  {t('interfaces.takeOurs')}
                </button>
              </>
            )}
          </span>
        ),
    },
  ];
  return (
    <Loaded of={list} height={80}>
      {(data) => (
        <Grid columns={columns} rows={data.items} rowKey={(row) => row.id} empty={t('interfaces.noConflicts')} caption={t('interfaces.conflicts')} testid="sync-conflicts" />
      )}
    </Loaded>
  );
}

/** The exchange with billing and customer systems, and where they disagree with us. */
export function Sync() {
  const { t } = useTranslation();
  const state = useResource(() => got(api.GET('/api/v1/sync/state')), []);
  const columns: Column<SyncSystem>[] = [
    { name: 'system', label: t('interfaces.system'), cell: (row) => named(row) || row.system },
    { name: 'records', label: t('interfaces.records'), num: true, cell: (row) => `${row.linked} / ${row.records}` },
    { name: 'last', label: t('interfaces.lastRun'), cell: (row) => showTime(row.last_run, 'minute') },
    { name: 'open', label: t('interfaces.openConflicts'), num: true, cell: (row) => row.open_conflicts },
    { name: 'error', label: t('interfaces.lastError'), cell: (row) => <span className="small breakable">{row.last_error || '–'}</span> },
  ];
  return (
    <section className="panel">
      <header>
        <h2>{t('interfaces.sync')}</h2>
      </header>
      <Loaded of={state} height={80}>
        {(data) => (
          <>
            <Grid columns={columns} rows={data.systems} rowKey={(row) => row.system} empty={t('interfaces.noSystems')} caption={t('interfaces.sync')} testid="sync-systems" />
            {data.systems.length > 0 && <Conflicts />}
          </>
        )}
      </Loaded>
    </section>
  );
}
