import { useTranslation } from 'react-i18next';
import { api, got } from '../../api/client';
import type { PersonalField } from '../../api/personal-views';
import { useResource } from '../../base/resource';
import { named } from '../../i18n';
import { type Column, Grid } from '../../parts/grid';
import { Loaded } from '../../parts/states';
import { usePurposes } from './purposes';

/** What is collected about persons, what for, on which basis, and how long. */
export function Register() {
  const { t } = useTranslation();
  const purpose = usePurposes();
  const register = useResource(() => got(api.GET('/api/v1/personal/register')), []);
  const columns: Column<PersonalField>[] = [
    { name: 'field', label: t('personal.field'), cell: (row) => <span className="code">{`${row.dataset}.${row.field}`}</span> },
    { name: 'why', label: t('personal.why'), cell: (row) => named(row) },
    { name: 'purposes', label: t('personal.purposes'), cell: (row) => row.purposes.map(purpose).join(' · ') },
    { name: 'basis', label: t('personal.basis'), cell: (row) => t(`personal.bases.${row.basis as 'contract'}`) },
    { name: 'mask', label: t('personal.mask'), cell: (row) => t(`personal.masks.${row.mask as 'name'}`) },
    { name: 'level', label: t('personal.level'), cell: (row) => row.level },
    {
      name: 'kept',
      label: t('personal.kept'),
      num: true,
      cell: (row) => (
        <>
          {row.retention_days}
          {row.legal_days > 0 && <div className="small muted">{named({ zh: row.legal_zh, en: row.legal_en })}</div>}
        </>
      ),
    },
    { name: 'held', label: t('personal.held'), num: true, cell: (row) => (row.place === 'ledger' ? row.held : '–') },
  ];
  return (
    <section className="panel">
      <header>
        <h2>{t('personal.tab.register')}</h2>
      </header>
      <Loaded of={register}>
        {(data) => (
          <>
            {data.findings.map((finding) => (
              <p key={finding} className="gate-error" role="alert">
                {finding}
              </p>
            ))}
            <Grid columns={columns} rows={data.items} rowKey={(row) => `${row.place}.${row.dataset}.${row.field}`} empty="" caption={t('personal.tab.register')} testid="personal-register" />
          </>
        )}
      </Loaded>
    </section>
  );
}
