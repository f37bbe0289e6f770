import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, got } from '../../api/client';
import type { CostRow, CostStation, CostView } from '../../api/dispatch-views';
import { showNumber } from '../../base/format';
import { useResource } from '../../base/resource';
import { named } from '../../i18n';
import { type Column, Grid } from '../../parts/grid';
import { Loaded } from '../../parts/states';

const SHOWN = 20;
const yuan = (value: number | null) => (value === null ? '–' : showNumber(value, 2));
const two = (planned: number | undefined, actual: number, digits = 0) =>
  `${planned === undefined ? '–' : showNumber(planned, digits)} / ${showNumber(actual, digits)}`;

function Whole({ view }: { view: CostView }) {
  const { t } = useTranslation();
  const figures = [
    { label: t('dispatch.companyCost'), value: yuan(view.total_yuan), unit: t('dispatch.yuan'), id: 'total' },
    { label: t('dispatch.perGj'), value: yuan(view.yuan_gj), unit: t('dispatch.yuanGj'), id: 'gj' },
    { label: t('dispatch.perM2'), value: yuan(view.yuan_m2), unit: t('dispatch.yuanM2'), id: 'm2' },
    { label: t('dispatch.heat'), value: showNumber(view.heat_kwh / 1000, 1), unit: 'MWh', id: 'heat' },
  ];
  return (
    <dl className="weather-figures">
      {figures.map((each) => (
        <div key={each.id} data-testid={`cost-${each.id}`}>
          <dt>{each.label}</dt>
          <dd className="nowrap">
            {each.value} <small>{each.unit}</small>
          </dd>
        </div>
      ))}
    </dl>
  );
}

function Rows({ view }: { view: CostView }) {
  const { t } = useTranslation();
  const [all, setAll] = useState(false);
  const days: Column<CostRow>[] = [
    { name: 'day', label: t('dispatch.day'), cell: (row) => row.day },
    {
      name: 'source',
      label: t('dispatch.source'),
      cell: (row) => (
        <>
          {named(row)} <span className="code">{row.source}</span>
        </>
      ),
    },
    { name: 'heat', label: `${t('dispatch.heat')} MWh`, num: true, cell: (row) => two(row.planned ? row.planned.heat_kwh / 1000 : undefined, row.actual.heat_kwh / 1000, 1) },
    { name: 'fuel', label: t('dispatch.fuel'), num: true, cell: (row) => two(row.planned?.fuel_yuan, row.actual.fuel_yuan) },
    { name: 'power', label: t('dispatch.electricity'), num: true, cell: (row) => two(row.planned?.power_yuan, row.actual.power_yuan) },
    { name: 'co2', label: t('dispatch.carbon'), num: true, cell: (row) => two(row.planned?.co2_yuan, row.actual.co2_yuan) },
    { name: 'starts', label: t('dispatch.starts'), num: true, cell: (row) => two(row.planned?.starts, row.actual.starts) },
    { name: 'total', label: t('dispatch.total'), num: true, cell: (row) => two(row.planned?.total_yuan, row.actual.total_yuan) },
    { name: 'off', label: t('dispatch.deviation'), num: true, cell: (row) => yuan(row.deviation_yuan) },
  ];
  const stations: Column<CostStation>[] = [
    {
      name: 'station',
      label: t('dispatch.station'),
      cell: (row) => (
        <>
          {named(row)} <span className="code">{row.station}</span>
        </>
      ),
    },
    { name: 'heatKwh', label: `${t('dispatch.heat')} MWh`, num: true, cell: (row) => showNumber(row.heat_kwh / 1000, 2) },
    { name: 'heat', label: t('dispatch.heatShare'), num: true, cell: (row) => yuan(row.heat_yuan) },
    { name: 'power', label: t('dispatch.ownPower'), num: true, cell: (row) => yuan(row.power_yuan) },
    { name: 'water', label: t('dispatch.water'), num: true, cell: (row) => yuan(row.water_yuan) },
    { name: 'total', label: t('dispatch.total'), num: true, cell: (row) => yuan(row.total_yuan) },
    { name: 'gj', label: t('dispatch.yuanGj'), num: true, cell: (row) => yuan(row.yuan_gj) },
    { name: 'm2', label: t('dispatch.yuanM2'), num: true, cell: (row) => yuan(row.yuan_m2) },
  ];
  return (
    <>
      <Whole view={view} />
      <h3 className="panel-text">{t('dispatch.costDays')}</h3>
      <Grid columns={days} rows={view.rows} rowKey={(row) => `${row.day} ${row.source}`} empty={t('dispatch.noCosts')} caption={t('dispatch.costDays')} testid="cost-days" />
      <h3 className="panel-text">{t('dispatch.costStations')}</h3>
      <Grid
        columns={stations}
        rows={all ? view.stations : view.stations.slice(0, SHOWN)}
        rowKey={(row) => row.station}
        empty={t('dispatch.noCosts')}
        caption={t('dispatch.costStations')}
        testid="cost-stations"
      />
      {view.stations.length > SHOWN && (
        <p className="panel-text">
          <button type="button" className="btn tiny" onClick={() => setAll(!all)}>
            {all ? t('dispatch.fewer') : t('dispatch.allUnits', { n: view.stations.length })}
          </button>
        </p>
      )}
    </>
  );
}

/** What heat cost: planned and actual by source and day, and by station. */
export function Costs() {
  const { t } = useTranslation();
  const [first, setFirst] = useState('');
  const [last, setLast] = useState('');
  const query = { ...(first && { first }), ...(last && { last }) };
  const answer = useResource(() => got(api.GET('/api/v1/dispatch/costs', { params: { query } })), [first, last]);
  return (
    <section className="panel" data-testid="dispatch-costs">
      <header>
        <h2>{t('dispatch.costs')}</h2>
        <span className="small muted">{t('dispatch.plannedActual')}</span>
        <span className="grow" />
        <label className="row small">
          {t('dispatch.from')}
          <input className="input" type="date" value={first || answer.data?.first || ''} onChange={(event) => setFirst(event.target.value)} data-testid="cost-first" />
        </label>
        <label className="row small">
          {t('dispatch.until')}
          <input className="input" type="date" value={last || answer.data?.last || ''} onChange={(event) => setLast(event.target.value)} data-testid="cost-last" />
        </label>
      </header>
      <Loaded of={answer} height={160}>
        {(view) => <Rows view={view} />}
      </Loaded>
    </section>
  );
}
