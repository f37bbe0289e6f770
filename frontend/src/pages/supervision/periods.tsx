import { Suspense, lazy, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, got } from '../../api/client';
import type { DeviationEvent, DispatchPeriodSubject } from '../../api/forecast-views';
import { showNumber } from '../../base/format';
import { useResource } from '../../base/resource';
import { showTime } from '../../base/time';
import { named } from '../../i18n';
import { ExportLink } from '../../parts/export-link';
import { type Column, Grid, Pager } from '../../parts/grid';
import { Icon } from '../../parts/icon';
import { Bones, Loaded } from '../../parts/states';

const BandChart = lazy(() => import('../forecast/chart'));
const SIZE = 20;
type Quantity = 'heat_kw' | 'supply_c';

function Hours({ day, code, quantity }: { day: string; code: string; quantity: Quantity }) {
  const { t } = useTranslation();
  const answer = useResource(
    () =>
      got(
        api.GET('/api/v1/supervision/periods/{day}/{code}', {
          params: { path: { day, code }, query: { quantity } },
        }),
      ),
    [day, code, quantity],
  );
  return (
    <Loaded of={answer} height={280}>
      {(data) => (
        <Suspense fallback={<Bones height={280} />}>
          <h3 className="period-title">
            {named(data)} <span className="code">{data.code}</span>
          </h3>
          <BandChart
            steps={data.hours.map((hour) => ({
              at: hour.at,
              actual: hour.actual,
              low: hour.forecast_low,
              middle: hour.forecast ?? (quantity === 'supply_c' ? hour.plan : null),
              high: hour.forecast_high,
              planLow: hour.plan_low,
              planHigh: hour.plan_high,
            }))}
            unit={quantity === 'heat_kw' ? 'kW' : '°C'}
            decimals={quantity === 'heat_kw' ? 0 : 1}
            middleName={t(quantity === 'heat_kw' ? 'forecast.median' : 'supervision.plan')}
            height={280}
            testid="period-chart"
            label={named(data)}
          />
        </Suspense>
      )}
    </Loaded>
  );
}

function Period({ day }: { day: string }) {
  const { t } = useTranslation();
  const [page, setPage] = useState(1);
  const [chosen, setChosen] = useState<{ code: string; quantity: Quantity } | null>(null);
  const answer = useResource(
    () =>
      got(api.GET('/api/v1/supervision/periods/{day}', { params: { path: { day }, query: { page, size: SIZE } } })),
    [day, page],
  );
  const figure = (row: DispatchPeriodSubject, value: number | null) =>
    value === null ? '–' : row.quantity === 'heat_kw' ? `${showNumber(value / 1000, 2)} MWh` : `${showNumber(value, 1)} °C`;
  const percent = (value: number | null) => (value === null ? '–' : `${showNumber(value, 1)} %`);
  const signed = (value: number, unit: string) => `${value > 0 ? '+' : ''}${showNumber(value, 1)} ${unit}`;
  // Per cent of a temperature mean nothing: kelvins do.
  const deviation = (row: DispatchPeriodSubject) => {
    if (row.quantity === 'heat_kw') return row.deviation_pct === null ? '–' : signed(row.deviation_pct, '%');
    return row.plan === null || row.plan_actual === null ? '–' : signed(row.plan_actual - row.plan, 'K');
  };
  const columns: Column<DispatchPeriodSubject>[] = [
    {
      name: 'subject',
      label: t('supervision.subject'),
      cell: (row) => (
        <button
          type="button"
          className="link"
          aria-pressed={chosen?.code === row.code && chosen.quantity === row.quantity}
          onClick={() => setChosen({ code: row.code, quantity: row.quantity as Quantity })}
        >
          {named(row)} <span className="code">{row.code}</span>
        </button>
      ),
    },
    { name: 'quantity', label: t('supervision.quantity'), cell: (row) => t(`supervision.quantities.${row.quantity as 'heat_kw'}`) },
    { name: 'plan', label: t('supervision.plan'), num: true, cell: (row) => figure(row, row.plan) },
    { name: 'came', label: t('supervision.planActual'), num: true, cell: (row) => figure(row, row.plan_actual) },
    { name: 'deviation', label: t('supervision.deviation'), num: true, cell: deviation },
    { name: 'outside', label: t('supervision.outside'), num: true, cell: (row) => `${row.outside} / ${row.hours} h` },
    { name: 'forecast', label: t('supervision.forecast'), num: true, cell: (row) => figure(row, row.forecast) },
    { name: 'mape', label: t('supervision.mape'), num: true, cell: (row) => percent(row.forecast_mape_pct) },
  ];
  const measured = (row: DeviationEvent, value: number | null) => {
    const quantity = answer.data?.subjects.find((each) => each.code === row.code)?.quantity;
    return quantity === 'supply_c' ? `${showNumber(value, 1)} °C` : `${showNumber(value, 0)}${quantity ? ' kW' : ''}`;
  };
  const events: Column<DeviationEvent>[] = [
    { name: 'onset', label: t('supervision.onset'), cell: (row) => showTime(row.onset, 'minute') },
    {
      name: 'subject',
      label: t('supervision.subject'),
      cell: (row) => (
        <>
          {named(row)} <span className="code">{row.code}</span>
        </>
      ),
    },
    { name: 'rule', label: t('supervision.event'), cell: (row) => named({ zh: row.rule_zh, en: row.rule_en }) },
    { name: 'value', label: t('supervision.actual'), num: true, cell: (row) => measured(row, row.value) },
    { name: 'limit', label: t('supervision.limit'), num: true, cell: (row) => measured(row, row.limit) },
  ];
  return (
    <Loaded of={answer} height={260}>
      {(data) => {
        const shown = chosen ?? (data.subjects[0] && { code: data.subjects[0].code, quantity: data.subjects[0].quantity as Quantity });
        return (
          <>
            <p className="small muted period-about" data-testid="period-about">
              {data.forecast
                ? t('supervision.about', {
                    reason: t(`forecast.reasons.${data.forecast as 'schedule'}`),
                    at: showTime(data.forecast_known, 'minute'),
                  })
                : t('supervision.aboutNone')}
              {!data.complete && ` · ${t('supervision.running')}`}
            </p>
            {shown && <Hours day={day} code={shown.code} quantity={shown.quantity} />}
            <Grid
              columns={columns}
              rows={data.subjects}
              rowKey={(row) => `${row.code} ${row.quantity}`}
              empty={t('supervision.noPeriod')}
              caption={t('supervision.periods')}
              testid="period-subjects"
            />
            {data.total > SIZE && <Pager page={page} size={SIZE} total={data.total} onPage={setPage} />}
            <h3 className="period-title">{t('supervision.events', { n: data.events_total })}</h3>
            <Grid
              columns={events}
              rows={data.events}
              rowKey={(row) => `${row.code} ${row.rule_en} ${row.onset}`}
              empty={t('supervision.noEvents')}
              caption={t('supervision.events', { n: data.events_total })}
              testid="period-events"
            />
          </>
        );
      }}
    </Loaded>
  );
}

/** Past dispatch periods: plan, forecast, what came, deviations; also as a file. */
export function Periods() {
  const { t } = useTranslation();
  const [chosen, setChosen] = useState('');
  const answer = useResource(
    () => got(api.GET('/api/v1/supervision/periods', { params: { query: { page: 1, size: 400 } } })),
    [],
  );
  return (
    <section className="panel" data-testid="supervision-periods">
      <Loaded of={answer} height={260}>
        {(data) => {
          const day = chosen || data.items[0]?.day || '';
          return (
            <>
              <header>
                <h2>{t('supervision.periods')}</h2>
                <span className="grow" />
                {day && (
                  <>
                    <select
                      className="select"
                      aria-label={t('supervision.period')}
                      value={day}
                      data-testid="period-day"
                      onChange={(event) => setChosen(event.target.value)}
                    >
                      {data.items.map((each) => (
                        <option key={each.day} value={each.day}>
                          {each.day}
                          {each.forecast === 'hindcast' ? ` · ${t('forecast.reasons.hindcast')}` : ''}
                        </option>
                      ))}
                    </select>
                    <ExportLink href={`/api/v1/supervision/periods/${day}/export?format=xlsx`} testid="period-export">
                      <Icon name="download" size={16} /> Excel
                    </ExportLink>
                    <ExportLink href={`/api/v1/supervision/periods/${day}/export?format=csv`} testid="period-export-csv">
                      <Icon name="download" size={16} /> CSV
                    </ExportLink>
                  </>
                )}
              </header>
              {day ? <Period day={day} key={day} /> : <p className="empty">{t('supervision.noPeriod')}</p>}
            </>
          );
        }}
      </Loaded>
    </section>
  );
}
