import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useSearchParams } from 'react-router';
import { api, got } from '../../api/client';
import type { BalanceBuilding, BalanceCard, BalanceView } from '../../api/strategy-views';
import { showNumber } from '../../base/format';
import { useResource } from '../../base/resource';
import { showTime } from '../../base/time';
import { language, named } from '../../i18n';
import { ExportLink } from '../../parts/export-link';
import { type Column, Grid, Pager } from '../../parts/grid';
import { Icon } from '../../parts/icon';
import { Loaded } from '../../parts/states';
import { useStrategyWords } from './words';

const WORST = 5;
/** Factors at the ends of the scale; a logarithm, so that half and double lie alike. */
const MOST = 1.6;
const FINE = 0.05;

const value = (of: number | null, digits: number, unit: string) =>
  of === null ? '–' : `${showNumber(of, digits)} ${unit}`;
const place = (factor: number) => Math.min(100, Math.max(0, 50 + (50 * Math.log(factor)) / Math.log(MOST)));

/** Where a building stands: left it gets too much, right too little, the band is its share. */
function Factor({ row }: { row: BalanceBuilding }) {
  const { t } = useTranslation();
  if (row.factor === null) return <>–</>;
  const low = place(1 - FINE);
  const label = t('strategy.balance.factorSays', { n: showNumber(row.factor, 2) });
  return (
    <span className="row">
      <span
        className={`plan-band${Math.abs(row.factor - 1) > FINE ? ' outside' : ''}`}
        role="img"
        aria-label={label}
        title={label}
      >
        <b style={{ left: `${low}%`, width: `${place(1 + FINE) - low}%` }} />
        <i style={{ left: `${place(row.factor)}%` }} />
      </span>
      <span>{showNumber(row.factor, 2)}</span>
    </span>
  );
}

function Buildings({ view }: { view: BalanceView }) {
  const { t } = useTranslation();
  const words = useStrategyWords();
  const columns: Column<BalanceBuilding>[] = [
    {
      name: 'building',
      label: t('strategy.balance.building'),
      cell: (row) => (
        <>
          {named(row)} <span className="code">{row.building}</span>
        </>
      ),
    },
    { name: 'share', label: t('strategy.balance.share'), num: true, cell: (row) => value(row.share_pct, 1, '%') },
    { name: 'flow', label: t('strategy.balance.flow'), num: true, cell: (row) => value(row.flow_m3h, 1, 'm³/h') },
    {
      name: 'return',
      label: t('strategy.balance.water'),
      num: true,
      cell: (row) => `${row.supply_c === null ? '–' : showNumber(row.supply_c, 1)} / ${value(row.return_c, 1, '°C')}`,
    },
    { name: 'room', label: t('strategy.balance.room'), num: true, cell: (row) => value(row.room_c, 1, '°C') },
    { name: 'factor', label: t('strategy.balance.factor'), cell: (row) => <Factor row={row} /> },
    { name: 'opening', label: t('strategy.balance.opening'), num: true, cell: (row) => value(row.opening_pct, 0, '%') },
    {
      name: 'proposed',
      label: t('strategy.balance.proposed'),
      num: true,
      cell: (row) => <strong>{value(row.proposed_pct, 0, '%')}</strong>,
    },
    {
      name: 'state',
      label: t('strategy.balance.state'),
      cell: (row) => (
        <span className={row.state === 'fine' || row.state === 'unknown' ? 'tag' : 'tag strong'}>
          {words.balanceState(row.state)}
        </span>
      ),
    },
  ];
  return (
    <Grid
      columns={columns}
      rows={view.items}
      rowKey={(row) => row.building}
      rowTestid={(row) => `balance-row-${row.building}`}
      empty={t('strategy.balance.none')}
      caption={t('strategy.balance.title')}
      testid="balance-buildings"
    />
  );
}

/** Units by how unequally their buildings are fed, so that people start with the worst. */
function Worst({ unit, mark }: { unit: string; mark: string }) {
  const { t } = useTranslation();
  const words = useStrategyWords();
  const [, setQuery] = useSearchParams();
  const [page, setPage] = useState(1);
  const answer = useResource(
    () => got(api.GET('/api/v1/balance', { params: { query: { page, size: WORST } } })),
    [page, mark],
  );
  const columns: Column<BalanceCard>[] = [
    {
      name: 'unit',
      label: t('strategy.unit'),
      cell: (row) => (
        <>
          <button
            type="button"
            className="link"
            aria-pressed={row.unit === unit}
            data-testid={`balance-open-${row.unit}`}
            onClick={() => setQuery({ unit: row.unit }, { replace: true })}
          >
            {named(row)} <span className="code">{row.unit}</span>
          </button>
          <div className="small muted">{named({ zh: row.station_zh, en: row.station_en })}</div>
        </>
      ),
    },
    { name: 'spread', label: t('strategy.balance.spread'), num: true, cell: (row) => value(row.spread_pct, 1, '%') },
    { name: 'known', label: t('strategy.balance.known'), num: true, cell: (row) => `${row.known} / ${row.buildings}` },
    {
      name: 'move',
      label: t('strategy.balance.toMove'),
      num: true,
      cell: (row) => (row.reason ? '–' : row.to_move),
    },
    { name: 'stop', label: t('strategy.balance.atStop'), num: true, cell: (row) => (row.reason ? '–' : row.at_stop) },
    {
      name: 'told',
      label: t('strategy.balance.by'),
      cell: (row) => (row.reason ? words.balanceWhy(row.reason) : words.balanceMethod(row.method)),
    },
  ];
  return (
    <section className="panel" data-testid="strategy-balance-worst">
      <header>
        <h2>{t('strategy.balance.worst')}</h2>
        <span className="grow" />
        <ExportLink href={`/api/v1/balance/export?language=${language.get()}`} testid="balance-export">
          <Icon name="download" size={16} /> {t('strategy.balance.exportAll')}
        </ExportLink>
      </header>
      <Loaded of={answer} height={160}>
        {(data) => (
          <>
            <Grid
              columns={columns}
              rows={data.items}
              rowKey={(row) => row.unit}
              rowTestid={(row) => `balance-unit-${row.unit}`}
              empty={t('strategy.noUnits')}
              caption={t('strategy.balance.worst')}
            />
            {data.total > WORST && <Pager page={page} size={WORST} total={data.total} onPage={setPage} />}
          </>
        )}
      </Loaded>
    </section>
  );
}

/** How a unit's buildings share its water, what to set their valves to, and which units are worst. */
export function SecondaryBalance({ unit, mark }: { unit: string; mark: string }) {
  const { t } = useTranslation();
  const words = useStrategyWords();
  const answer = useResource(
    () => got(api.GET('/api/v1/balance/{unit}', { params: { path: { unit } } })),
    [unit, mark],
  );
  const href = `/api/v1/balance/export?unit=${encodeURIComponent(unit)}&language=${language.get()}`;
  return (
    <>
      <section className="panel" data-testid="strategy-balance">
        <Loaded of={answer} height={200}>
          {(view) => (
            <>
              <header>
                <h2>{t('strategy.balance.title')}</h2>
                {view.card.method && (
                  <span className="tag" data-testid="balance-method">
                    {words.balanceMethod(view.card.method)}
                  </span>
                )}
                {view.card.spread_pct !== null && (
                  <span className="small muted" data-testid="balance-spread">
                    {t('strategy.balance.spreadNow', { pct: showNumber(view.card.spread_pct, 1) })}
                  </span>
                )}
                {view.items.length > 0 && (
                  <>
                    <span className="grow" />
                    <ExportLink href={href} testid="balance-export-unit">
                      <Icon name="download" size={16} /> Excel
                    </ExportLink>
                  </>
                )}
              </header>
              {view.card.reason && (
                <p className="panel-text" role="status" data-testid="balance-why">
                  {words.balanceWhy(view.card.reason)}
                </p>
              )}
              {view.items.length > 0 && (
                <>
                  <p className="small muted panel-text">{t('strategy.balance.about')}</p>
                  <Buildings view={view} />
                  <p className="small muted panel-text">
                    {t(view.share_by === 'load' ? 'strategy.balance.sharesByLoad' : 'strategy.balance.sharesByArea', {
                      from: showTime(view.data_from, 'minute'),
                      until: showTime(view.data_until, 'minute'),
                      n: view.card.hours,
                    })}
                  </p>
                </>
              )}
            </>
          )}
        </Loaded>
      </section>
      <Worst unit={unit} mark={mark} />
    </>
  );
}
