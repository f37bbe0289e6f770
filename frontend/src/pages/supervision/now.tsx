import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { api, got } from '../../api/client';
import type { PlanStanding } from '../../api/forecast-views';
import { showNumber } from '../../base/format';
import { useResource } from '../../base/resource';
import { showTime } from '../../base/time';
import { named } from '../../i18n';
import { type Column, Grid, Pager } from '../../parts/grid';
import { PriorityMark } from '../../parts/mark';
import { Segmented } from '../../parts/segmented';
import { Loaded } from '../../parts/states';

const QUANTITIES = ['', 'heat_kw', 'supply_c'] as const;
type Quantity = (typeof QUANTITIES)[number];
const SIZE = 20;

/** The planned band as a bar, and where the value lies. */
function Band({ row }: { row: PlanStanding }) {
  const reach = Math.max(row.high - row.low, 1e-6);
  const from = Math.min(row.low, row.actual ?? row.low) - 0.25 * reach;
  const to = Math.max(row.high, row.actual ?? row.high) + 0.25 * reach;
  const at = (value: number) => `${(100 * (value - from)) / (to - from)}%`;
  const outside = row.state === 'above' || row.state === 'below';
  return (
    <span className={`plan-band${outside ? ' outside' : ''}`} aria-hidden="true">
      <b style={{ insetInlineStart: at(row.low), width: `${(100 * reach) / (to - from)}%` }} />
      {row.actual !== null && <i style={{ insetInlineStart: at(row.actual) }} />}
    </span>
  );
}

/** Every station and unit beside its plan, those outside their band first. */
export function Now() {
  const { t } = useTranslation();
  const [quantity, setQuantity] = useState<Quantity>('');
  const [page, setPage] = useState(1);
  const answer = useResource(
    () => got(api.GET('/api/v1/supervision', { params: { query: { quantity, page, size: SIZE } } })),
    [quantity, page],
  );
  const { reload } = answer;
  useEffect(() => {
    const timer = window.setInterval(() => !document.hidden && reload(), 10_000);
    return () => window.clearInterval(timer);
  }, [reload]);
  const bare = (row: PlanStanding, of: number | null) => showNumber(of, row.quantity === 'heat_kw' ? 0 : 1);
  const value = (row: PlanStanding, of: number | null) =>
    of === null ? '–' : `${bare(row, of)} ${row.quantity === 'heat_kw' ? 'kW' : '°C'}`;
  const columns: Column<PlanStanding>[] = [
    {
      name: 'subject',
      label: t('supervision.subject'),
      cell: (row) => (
        <>
          {row.station.startsWith('SS') ? <Link to={`/substations/${row.station}`}>{named(row)}</Link> : named(row)}{' '}
          <span className="code">{row.code}</span>
        </>
      ),
    },
    { name: 'quantity', label: t('supervision.quantity'), cell: (row) => t(`supervision.quantities.${row.quantity as 'heat_kw'}`) },
    { name: 'plan', label: t('supervision.plan'), num: true, cell: (row) => value(row, row.plan) },
    { name: 'band', label: t('supervision.band'), num: true, cell: (row) => `${bare(row, row.low)} … ${value(row, row.high)}` },
    { name: 'actual', label: t('supervision.actual'), num: true, cell: (row) => value(row, row.actual) },
    { name: 'bar', label: t('supervision.place'), cell: (row) => <Band row={row} /> },
    {
      name: 'state',
      label: t('supervision.state'),
      cell: (row) => (
        <span className="nowrap">
          {(row.state === 'above' || row.state === 'below') && <PriorityMark priority={3} size={16} />}{' '}
          {t(`supervision.states.${row.state as 'inside'}`)}{' '}
          <span className="small muted">{t('supervision.since', { at: showTime(row.since, 'minute') })}</span>
        </span>
      ),
    },
  ];
  return (
    <section className="panel" data-testid="supervision-now">
      <Loaded of={answer} height={300}>
        {(data) => (
          <>
            <header>
              <h2>{t('supervision.now')}</h2>
              <span className="small muted" data-testid="supervision-counts">
                {t('supervision.counts', {
                  inside: data.counts.inside ?? 0,
                  outside: (data.counts.above ?? 0) + (data.counts.below ?? 0),
                  unknown: data.counts.unknown ?? 0,
                  at: showTime(data.at, 'minute'),
                })}
              </span>
              <span className="grow" />
              <Segmented
                label={t('supervision.quantity')}
                value={quantity}
                choices={QUANTITIES.map((each) => ({ value: each, label: t(`supervision.quantities.${each || 'all'}`) }))}
                onChoose={(next) => {
                  setQuantity(next);
                  setPage(1);
                }}
                testid="supervision-quantity"
              />
            </header>
            <Grid
              columns={columns}
              rows={data.rows}
              rowKey={(row) => `${row.code} ${row.quantity}`}
              rowTestid={(row) => `plan-${row.code}-${row.quantity}`}
              empty={t('supervision.noPlan')}
              caption={t('supervision.now')}
            />
            {data.total > SIZE && <Pager page={page} size={SIZE} total={data.total} onPage={setPage} />}
          </>
        )}
      </Loaded>
    </section>
  );
}
