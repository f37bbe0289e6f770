import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, got } from '../../api/client';
import type { Subject } from '../../api/personal-views';
import { may } from '../../api/session';
import { useResource } from '../../base/resource';
import { language } from '../../i18n';
import { useStore } from '../../base/store';
import { type Column, Grid } from '../../parts/grid';
import { Segmented } from '../../parts/segmented';
import { Loaded } from '../../parts/states';
import { Reveal } from './reveal';

const KINDS = ['contract', 'person', 'flat'] as const;
const SIZE = 50;

/** Contracts, staff and flats with their masked values; one at a time may be revealed. */
export function People() {
  const { t } = useTranslation();
  const speaks = useStore(language);
  const [kind, setKind] = useState<(typeof KINDS)[number]>('contract');
  const [page, setPage] = useState(1);
  const [wanted, setWanted] = useState<{ subject: Subject; field: string } | null>(null);
  const list = useResource(
    () => got(api.GET('/api/v1/assets', { params: { query: { kind, page, size: SIZE } } })),
    [kind, page],
  );
  const shown = (row: Subject, field: string) => {
    if (field === 'zh' || field === 'en') return row[field];
    return String(row.attributes[field] ?? '');
  };
  const columns: Column<Subject>[] = [
    { name: 'code', label: t('personal.subject'), cell: (row) => <span className="code">{row.code}</span> },
    { name: 'name', label: t('personal.name'), cell: (row) => (speaks === 'zh' ? row.zh : row.en) },
    {
      name: 'masked',
      label: t('personal.masked'),
      cell: (row) => (
        <span className="row">
          {row.masked.map((field) =>
            may('reveal_personal') ? (
              <button
                key={field}
                type="button"
                className="btn tiny"
                data-testid={`reveal-${row.code}-${field}`}
                onClick={() => setWanted({ subject: row, field })}
              >
                {t(`personal.fields.${field as 'phone'}`)}: {shown(row, field)}
              </button>
            ) : (
              <span key={field} className="tag">
                {t(`personal.fields.${field as 'phone'}`)}: {shown(row, field)}
              </span>
            ),
          )}
        </span>
      ),
    },
  ];
  return (
    <section className="panel">
      <header>
        <h2>{t('personal.tab.people')}</h2>
        <span className="grow" />
        <Segmented
          label={t('personal.kind')}
          value={kind}
          choices={KINDS.map((value) => ({ value, label: t(`personal.kinds.${value}`) }))}
          onChoose={(value) => {
            setKind(value);
            setPage(1);
          }}
          testid="people-kind"
        />
      </header>
      <Loaded of={list}>
        {(data) => (
          <>
            <Grid columns={columns} rows={data.items} rowKey={(row) => row.code} empty={t('personal.none')} caption={t('personal.tab.people')} testid="people" />
            {data.total > SIZE && (
              <div className="row">
                <button type="button" className="btn tiny" disabled={page === 1} onClick={() => setPage(page - 1)}>
                  ‹
                </button>
                <span className="small muted">
                  {page} / {Math.ceil(data.total / SIZE)}
                </span>
                <button type="button" className="btn tiny" disabled={page * SIZE >= data.total} onClick={() => setPage(page + 1)}>
                  ›
                </button>
              </div>
            )}
          </>
        )}
      </Loaded>
      {wanted && <Reveal subject={wanted.subject} field={wanted.field} onClose={() => setWanted(null)} />}
    </section>
  );
}
