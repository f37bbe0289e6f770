import { useTranslation } from 'react-i18next';
import { api, got } from '../../api/client';
import type { Expiry, MachineResource, StoredTable } from '../../api/keeping-views';
import { showNumber } from '../../base/format';
import { useResource } from '../../base/resource';
import { Figure } from '../../parts/figure';
import { type Column, Grid } from '../../parts/grid';
import { Loaded } from '../../parts/states';
import { showBytes } from './size';

/** A month as 2026-11, a year as it is; nothing for what is not divided. */
function stretch(name: number): string {
  return name > 9999 ? `${Math.floor(name / 100)}-${String(name % 100).padStart(2, '0')}` : name > 0 ? String(name) : '';
}

function days(value: number | null): string {
  return value === null ? '–' : showNumber(value, 0);
}

/** What is in use of what there is. */
function used(of: MachineResource): string {
  return of.name === 'cpu' ? `${showNumber(of.used, 1)} / ${showNumber(of.total, 0)}` : `${showBytes(of.used)} / ${showBytes(of.total)}`;
}

/** What the store keeps, how well it is packed, and how long the disk lasts. */
export function Storage() {
  const { t, i18n } = useTranslation();
  const zh = i18n.language.startsWith('zh');
  const kept = useResource(
    () =>
      Promise.all([
        got(api.GET('/api/v1/storage')),
        got(api.GET('/api/v1/storage/compression')),
        got(api.GET('/api/v1/storage/forecast')),
      ]),
    [],
  );
  const tables: Column<StoredTable>[] = [
    { name: 'table', label: t('keeping.table'), cell: (row) => t(`keeping.tables.${row.table as 'raw'}`, { defaultValue: row.table }) },
    { name: 'rows', label: t('keeping.rows'), num: true, cell: (row) => showNumber(row.rows, 0) },
    { name: 'stored', label: t('keeping.stored'), num: true, cell: (row) => showBytes(row.stored_bytes) },
    { name: 'row', label: t('keeping.aRow'), num: true, cell: (row) => (row.bytes_a_row === null ? '–' : `${showNumber(row.bytes_a_row, 2)} B`) },
    { name: 'ratio', label: t('keeping.ratio'), num: true, cell: (row) => (row.ratio === null ? '–' : showNumber(row.ratio, 1)) },
    {
      name: 'span',
      label: t('keeping.span'),
      cell: (row) => [...new Set([stretch(row.first), stretch(row.last)])].filter(Boolean).join(' – ') || '–',
    },
  ];
  return (
    <section className="panel" data-testid="keeping-storage">
      <header>
        <h2>{t('keeping.storage')}</h2>
        {kept.data && (
          <span className="tag">
            {kept.data[0].engine} · {t(kept.data[0].encrypted ? 'keeping.atRest' : 'keeping.plainAtRest')}
          </span>
        )}
      </header>
      <Loaded of={kept} height={200}>
        {([report, packed, forecast]) => (
          <>
            <dl className="figures">
              <Figure label={t('keeping.total')} testid="storage-total">
                {showBytes(report.stored_bytes)}
              </Figure>
              <Figure label={t('keeping.aSample')} raised={packed.passed === false} testid="storage-packed">
                {packed.stored_bytes_a_sample === null ? '–' : showNumber(packed.stored_bytes_a_sample, 2)}{' '}
                <small>{t('keeping.received', { n: packed.received_bytes_a_sample })}</small>
              </Figure>
              <Figure label={t('keeping.lossless')} raised={!packed.lossless}>
                {t(packed.lossless ? 'keeping.yes' : 'keeping.no')}{' '}
                <small>{t('keeping.compared', { n: showNumber(packed.samples, 0) })}</small>
              </Figure>
              <Figure label={t('keeping.growth')}>{forecast.bytes_a_day === null ? '–' : showBytes(forecast.bytes_a_day)}</Figure>
              <Figure label={t('keeping.untilFull')} raised={forecast.days_until_warning === 0} testid="storage-full">
                {days(forecast.days_until_full)} <small>{t('keeping.untilWarning', { n: days(forecast.days_until_warning) })}</small>
              </Figure>
              {forecast.resources.map((each) => (
                <Figure
                  key={each.name}
                  label={t('keeping.headroom', { of: zh ? each.zh : each.en })}
                  raised={!each.ok}
                  testid={`headroom-${each.name}`}
                >
                  {showNumber(each.headroom_pct, 0)} % <small>{used(each)}</small>
                </Figure>
              ))}
            </dl>
            {(zh ? forecast.warning_zh : forecast.warning_en) && (
              <ul className="plain-list small" data-testid="storage-warning">
                <li>{zh ? forecast.warning_zh : forecast.warning_en}</li>
              </ul>
            )}
            <Grid
              columns={tables}
              rows={report.tables}
              rowKey={(row) => row.table}
              rowTestid={(row) => `table-${row.table}`}
              empty={t('keeping.nothing')}
              caption={t('keeping.storage')}
            />
          </>
        )}
      </Loaded>
    </section>
  );
}

/** How long each class of data is kept, and what has had its time. */
export function Retention() {
  const { t } = useTranslation();
  const kept = useResource(() => got(api.GET('/api/v1/storage/retention')), []);
  const expired: Column<Expiry>[] = [
    { name: 'table', label: t('keeping.table'), cell: (row) => t(`keeping.tables.${row.table as 'raw'}`, { defaultValue: row.table }) },
    { name: 'span', label: t('keeping.span'), cell: (row) => stretch(row.partition) },
    {
      name: 'classes',
      label: t('keeping.class'),
      cell: (row) => row.classes.map((name) => t(`keeping.classes.${name as 'process'}`, { defaultValue: name })).join(' · '),
    },
    { name: 'rows', label: t('keeping.rows'), num: true, cell: (row) => showNumber(row.rows, 0) },
    { name: 'size', label: t('keeping.stored'), num: true, cell: (row) => showBytes(row.stored_bytes) },
  ];
  return (
    <section className="panel" data-testid="keeping-retention">
      <header>
        <h2>{t('keeping.retention')}</h2>
      </header>
      <Loaded of={kept} height={120}>
        {(data) => (
          <>
            <dl className="figures">
              {data.classes.map((each) => (
                <Figure
                  key={each.name}
                  label={t(`keeping.classes.${each.name as 'process'}`, { defaultValue: each.name })}
                  testid={`retention-${each.name}`}
                >
                  {each.days === 0 ? t('keeping.forEver') : t('keeping.daysKept', { count: each.days })}
                </Figure>
              ))}
            </dl>
            <ul className="plain-list small muted">
              <li>{t('keeping.least', { count: data.least_days })}</li>
            </ul>
            <Grid
              columns={expired}
              rows={data.expired}
              rowKey={(row) => `${row.table} ${row.partition}`}
              empty={t('keeping.nothingExpired')}
              caption={t('keeping.expired')}
            />
          </>
        )}
      </Loaded>
    </section>
  );
}
