import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link, useSearchParams } from 'react-router';
import { api, got } from '../../api/client';
import type { StrategyCard } from '../../api/strategy-views';
import { showNumber } from '../../base/format';
import { useResource } from '../../base/resource';
import { showTime } from '../../base/time';
import { named } from '../../i18n';
import { type Column, Grid, Pager } from '../../parts/grid';
import { Loaded } from '../../parts/states';
import '../../styles/weather.css';
import '../../styles/forecast.css';
import { UnitStrategy } from './unit';
import { useStrategyWords } from './words';

const SIZE = 50;

/** What station control means to do with every unit, why, and who agreed. */
export default function StrategyPage() {
  const { t } = useTranslation();
  const words = useStrategyWords();
  const [query, setQuery] = useSearchParams();
  const [page, setPage] = useState(1);
  const answer = useResource(() => got(api.GET('/api/v1/strategies', { params: { query: { page, size: SIZE } } })), [page]);
  const { reload } = answer;
  useEffect(() => {
    const timer = window.setInterval(() => !document.hidden && reload(), 60_000);
    return () => window.clearInterval(timer);
  }, [reload]);
  // Until somebody chooses: the first unit, so that there is a plan to look at.
  const chosen = query.get('unit') ?? answer.data?.items[0]?.unit ?? '';
  const made = answer.data?.items.find((row) => row.unit === chosen)?.made ?? '';
  const degrees = (value: number | null | undefined) => (typeof value === 'number' ? `${showNumber(value, 1)} °C` : '–');
  const columns: Column<StrategyCard>[] = [
    {
      name: 'unit',
      label: t('strategy.unit'),
      cell: (row) => (
        <>
          <button
            type="button"
            className="link"
            aria-pressed={row.unit === chosen}
            data-testid={`strategy-open-${row.unit}`}
            onClick={() => {
              setQuery({ unit: row.unit }, { replace: true });
              window.scrollTo({ top: 0 });
            }}
          >
            {named(row)} <span className="code">{row.unit}</span>
          </button>
          <div className="small muted">{named({ zh: row.station_zh, en: row.station_en })}</div>
        </>
      ),
    },
    { name: 'stage', label: t('strategy.stage'), cell: (row) => words.stage(row.stage) },
    {
      name: 'state',
      label: t('strategy.state'),
      cell: (row) => (
        <>
          {row.state ? words.state(row.state) : '–'}
          <div className="small muted">{t(row.followed ? 'strategy.followed' : 'strategy.silent')}</div>
        </>
      ),
    },
    { name: 'supply', label: t('strategy.supplyNow'), num: true, cell: (row) => degrees(row.supply_c) },
    { name: 'setpoint', label: t('strategy.setpoint'), num: true, cell: (row) => degrees(row.setpoint_c) },
    { name: 'room', label: t('strategy.roomNow'), num: true, cell: (row) => degrees(row.room_c) },
    {
      name: 'target',
      label: t('strategy.target'),
      num: true,
      cell: (row) => (
        <>
          {degrees(row.target_c)}
          {row.target_source && <div className="small muted">{words.source(row.target_source)}</div>}
        </>
      ),
    },
    { name: 'reason', label: t('strategy.reason'), cell: (row) => (row.reason ? words.why(row.reason, row.relaxed) : '–') },
    { name: 'model', label: t('strategy.model'), cell: (row) => (row.model ? <Link to={`/models/${encodeURIComponent(row.unit)}`}>{words.model(row.model)}</Link> : '–') },
    { name: 'made', label: t('strategy.made'), cell: (row) => <span className="nowrap">{showTime(row.made, 'minute')}</span> },
  ];
  return (
    <div className="page" data-testid="strategy-page">
      <header className="page-head">
        <h1>{t('nav.strategy')}</h1>
      </header>
      {chosen && <UnitStrategy key={chosen} unit={chosen} mark={made} onDone={reload} />}
      <section className="panel">
        <Loaded of={answer} height={240}>
          {(data) => (
            <>
              <header>
                <h2>{t('strategy.units')}</h2>
                <span className="small muted">{t('strategy.about')}</span>
              </header>
              {data.reason && (
                <p className="panel-text" role="status" data-testid="strategy-idle">
                  {words.idle(data.reason)}
                </p>
              )}
              {data.scarce && (
                <p className="panel-text">
                  {t('strategy.scarce', { pct: showNumber(data.violation_pct, 1) })}
                </p>
              )}
              {data.failed > 0 && (
                <p className="panel-text" role="status">
                  {t('strategy.failed', { n: data.failed })}
                </p>
              )}
              <Grid
                columns={columns}
                rows={data.items}
                rowKey={(row) => row.unit}
                rowTestid={(row) => `strategy-row-${row.unit}`}
                empty={t('strategy.noUnits')}
                caption={t('nav.strategy')}
                testid="strategy-units"
              />
              {data.total > SIZE && <Pager page={page} size={SIZE} total={data.total} onPage={setPage} />}
            </>
          )}
        </Loaded>
      </section>
    </div>
  );
}
