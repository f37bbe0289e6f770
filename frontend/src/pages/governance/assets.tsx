import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, got } from '../../api/client';
import type { DataAsset, Grading } from '../../api/governance-views';
import { session } from '../../api/session';
import { useResource } from '../../base/resource';
import { useStore } from '../../base/store';
import { named } from '../../i18n';
import { type Column, Grid } from '../../parts/grid';
import { Loaded } from '../../parts/states';
import { AssetForm } from './asset-form';

/** The register of data assets: what there is, whose it is, what it may be used for. */
export function Assets({ grading }: { grading: Grading }) {
  const { t, i18n } = useTranslation();
  const who = (role: string) => (i18n.exists(`role.${role}`) ? t(`role.${role as 'manager'}`) : role);
  const decides = useStore(session)?.permissions.some((each) => each === 'manage_users' || each === 'manage_ledger') ?? false;
  const [chosen, setChosen] = useState<DataAsset | null>(null);
  const list = useResource(() => got(api.GET('/api/v1/governance/assets')), []);
  const name = (of: string) => named(grading.purposes.find((each) => each.name === of) ?? { zh: of, en: of });
  const columns: Column<DataAsset>[] = [
    {
      name: 'name',
      label: t('governance.asset'),
      cell: (row) => (
        <>
          {named(row)} <span className="code">{row.code}</span>
          <div className="small muted breakable">{row.locations.slice(0, 6).join(' · ')}</div>
        </>
      ),
    },
    { name: 'level', label: t('governance.level'), cell: (row) => row.levels.join(' ') },
    { name: 'fields', label: t('governance.fields'), num: true, cell: (row) => row.fields },
    { name: 'owner', label: t('governance.owner'), cell: (row) => who(row.owner) },
    { name: 'custodian', label: t('governance.custodian'), cell: (row) => who(row.custodian) },
    { name: 'uses', label: t('governance.uses'), cell: (row) => row.uses.map(name).join(' · ') || '–' },
    { name: 'consent', label: t('governance.consent'), cell: (row) => t(`governance.consents.${row.consent as 'needed'}`) },
    { name: 'kept', label: t('governance.kept'), num: true, cell: (row) => (row.retention_days === null ? t('governance.always') : t('governance.daysOf', { n: row.retention_days })) },
    {
      name: 'act',
      label: '',
      cell: (row) =>
        decides && (
          <button type="button" className="btn tiny" data-testid={`asset-edit-${row.code}`} onClick={() => setChosen(row)}>
            {t('governance.decide')}
          </button>
        ),
    },
  ];
  return (
    <section className="panel" data-testid="data-assets">
      <header>
        <h2>{t('governance.register')}</h2>
        <span className="small muted">{t('governance.approvalFrom', { level: grading.approval_from })}</span>
      </header>
      <Loaded of={list}>
        {(data) => (
          <Grid columns={columns} rows={data.items} rowKey={(row) => row.code} rowTestid={(row) => `asset-${row.code}`} empty="–" caption={t('governance.register')} />
        )}
      </Loaded>
      {chosen && (
        <AssetForm
          of={chosen}
          grading={grading}
          onClose={() => setChosen(null)}
          onDone={() => {
            setChosen(null);
            list.reload();
          }}
        />
      )}
    </section>
  );
}
