import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, got } from '../../api/client';
import type { RightRow } from '../../api/personal-views';
import { useResource } from '../../base/resource';
import { named } from '../../i18n';
import { type Column, Grid } from '../../parts/grid';
import { Loaded } from '../../parts/states';

/** Which right every endpoint asks for, and which roles have it: read from the running program. */
export function Rights() {
  const { t } = useTranslation();
  const [word, setWord] = useState('');
  const matrix = useResource(() => got(api.GET('/api/v1/rights')), []);
  const columns = (roles: string[]): Column<RightRow>[] => [
    { name: 'route', label: t('personal.route'), cell: (row) => <span className="code small">{`${row.method} ${row.path.replace('/api/v1', '')}`}</span> },
    {
      name: 'right',
      label: t('personal.right'),
      cell: (row) => (
        <>
          <span className="code small">{row.right}</span>
          {row.reason_en && <div className="small muted">{named({ zh: row.reason_zh, en: row.reason_en })}</div>}
        </>
      ),
    },
    ...roles.map((role) => ({
      name: role,
      label: t(`role.${role as 'manager'}`),
      cell: (row: RightRow) => (row.roles.includes(role) ? '✓' : ''),
    })),
  ];
  const fits = (row: RightRow) => `${row.method} ${row.path} ${row.right}`.includes(word);
  return (
    <section className="panel">
      <header>
        <h2>{t('personal.tab.rights')}</h2>
        <span className="grow" />
        <input className="input" placeholder={t('personal.find')} aria-label={t('personal.find')} value={word} onChange={(event) => setWord(event.target.value)} />
      </header>
      <Loaded of={matrix}>
        {(data) => (
          <Grid columns={columns(data.roles)} rows={data.items.filter(fits)} rowKey={(row) => `${row.method} ${row.path}`} empty={t('personal.none')} caption={t('personal.tab.rights')} testid="rights" />
        )}
      </Loaded>
    </section>
  );
}
