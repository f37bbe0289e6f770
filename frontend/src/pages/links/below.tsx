import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, got } from '../../api/client';
import type { ChannelCost, LinkReport, LinkRow } from '../../api/link-views';
import { showNumber } from '../../base/format';
import { type Resource, useResource } from '../../base/resource';
import { named } from '../../i18n';
import { type Column, Grid, Pager } from '../../parts/grid';
import { Segmented } from '../../parts/segmented';
import { Loaded } from '../../parts/states';
import { Counted, Share, Signal, useMedium } from './marks';
import { useSize } from './period';

const WHY = ['silent', 'signal', 'success'] as const;
type Why = (typeof WHY)[number];

/** What each channel type costs, and whether the cheap one works. */
export function Costs({ report }: { report: Resource<LinkReport> }) {
  const { t } = useTranslation();
  return (
    <section className="panel" data-testid="links-costs">
      <header>
        <h2>{t('links.costs')}</h2>
        <span className="small muted">{t('links.costsHelp')}</span>
      </header>
      <Loaded of={report} height={120}>
        {(data) => <CostTable costs={data.costs} rule={data.success_rule_pct} />}
      </Loaded>
    </section>
  );
}

function CostTable({ costs, rule }: { costs: ChannelCost[]; rule: number }) {
  const { t } = useTranslation();
  const medium = useMedium();
  const kept = costs.filter((cost) => cost.cost_per_point_yuan !== null && (cost.success_pct ?? 0) >= rule);
  const best = kept.sort((a, b) => (a.cost_per_point_yuan ?? 0) - (b.cost_per_point_yuan ?? 0))[0];
  const columns: Column<ChannelCost>[] = [
    {
      name: 'medium',
      label: t('links.medium'),
      cell: (cost) => (
        <span className="row">
          {medium(cost.medium)}
          {cost === best && costs.length > 1 && <span className="tag strong">✓ {t('links.bestCost')}</span>}
        </span>
      ),
    },
    {
      name: 'points',
      label: t('links.gatewaysPoints'),
      num: true,
      cell: (cost) => <span className="nowrap">{`${cost.gateways} / ${showNumber(cost.points, 0)}`}</span>,
    },
    { name: 'monthly', label: t('links.monthly'), num: true, cell: (cost) => showNumber(cost.monthly_cost_yuan, 0) },
    { name: 'each', label: t('links.perPoint'), num: true, cell: (cost) => showNumber(cost.cost_per_point_yuan, 4) },
    {
      name: 'success',
      label: t('links.success'),
      num: true,
      cell: (cost) => (
        <Share value={cost.success_pct} passed={cost.success_pct === null ? null : cost.success_pct >= rule} />
      ),
    },
  ];
  return (
    <Grid columns={columns} rows={costs} rowKey={(cost) => cost.medium} empty={t('links.noGateways')} caption={t('links.costs')} />
  );
}

/** Radio devices that were not heard well enough over seven days. */
export function BlindSpots({ turn }: { turn: unknown }) {
  const { t } = useTranslation();
  const medium = useMedium();
  const size = useSize(12);
  const [page, setPage] = useState(1);
  const [why, setWhy] = useState<Why | 'all'>('all');
  const now = useResource(() => got(api.GET('/api/v1/links')), [turn]);
  const columns: Column<LinkRow>[] = [
    {
      name: 'device',
      label: t('links.device'),
      cell: (row) => (
        <>
          {named(row)}{' '}
          <span className="code nowrap">
            {row.code} · {row.gateway}
          </span>
        </>
      ),
    },
    { name: 'protocol', label: t('links.protocol'), cell: (row) => <span className="nowrap">{medium(row.medium)}</span> },
    { name: 'success', label: t('links.success'), num: true, cell: (row) => <Counted row={row} /> },
    { name: 'signal', label: t('links.signal'), cell: (row) => <Signal row={row} /> },
  ];
  return (
    <section className="panel" data-testid="links-blind">
      <header>
        <h2>{t('links.blindSpots')}</h2>
        <span className="small muted">{t('links.blindHelp')}</span>
      </header>
      <Loaded of={now}>
        {({ blind_spots: all }) => {
          const rows = all.filter((row) => why === 'all' || row.blind === why);
          const at = Math.min(page, Math.max(1, Math.ceil(rows.length / size)));
          return (
            <>
              {all.length > 0 && (
                <div className="links-why">
                  <Segmented
                    label={t('links.signal')}
                    value={why}
                    choices={(['all', ...WHY] as const).map((value) => ({
                      value,
                      label: (
                        <>
                          {value === 'all' ? t('links.every') : t(`links.blindWhy.${value}`)}{' '}
                          <small>{value === 'all' ? all.length : all.filter((row) => row.blind === value).length}</small>
                        </>
                      ),
                    }))}
                    onChoose={(value) => {
                      setWhy(value);
                      setPage(1);
                    }}
                    testid="links-why"
                  />
                </div>
              )}
              <Grid
                columns={columns}
                rows={rows.slice((at - 1) * size, at * size)}
                rowKey={(row) => row.code}
                empty={t(all.length > 0 ? 'links.nothingFits' : 'links.noBlind')}
                caption={t('links.blindSpots')}
              />
              {rows.length > size && <Pager page={at} size={size} total={rows.length} onPage={setPage} />}
            </>
          );
        }}
      </Loaded>
    </section>
  );
}
