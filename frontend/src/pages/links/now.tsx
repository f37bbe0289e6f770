import { useEffect } from 'react';
import { useTranslation } from 'react-i18next';
import { api, got } from '../../api/client';
import type { LinkReport } from '../../api/link-views';
import { useResource } from '../../base/resource';
import { Loaded } from '../../parts/states';
import { BlindSpots, Costs } from './below';
import { Gateways, useLines } from './gateways';
import type { PeriodName, Span } from './period';
import { Summary } from './summary';
import { Trend } from './trend';

const AGAIN_MS = 10_000;

async function readReport(span: Span, by: 'gateway' | 'channel'): Promise<LinkReport> {
  // The route gives a workbook as well; asked for without a format it is never one.
  return (await api.GET('/api/v1/links/report', { params: { query: { ...span, by } } })).data as LinkReport;
}

/** How the links do: the company first, then gateway by gateway. */
export function LinksNow({ period, span }: { period: PeriodName; span: Span }) {
  const { t } = useTranslation();
  const by = period === 'month' ? 'day' : 'hour';
  const ask = { params: { query: span } };
  const history = useResource(
    () => got(api.GET('/api/v1/links/history', { params: { query: { ...span, by } } })),
    [span, by],
  );
  const gateways = useResource(() => got(api.GET('/api/v1/gateways')).then((list) => list.items), []);
  const report = useResource(() => readReport(span, 'gateway'), [span]);
  const channels = useResource(() => readReport(span, 'channel'), [span]);
  const complete = useResource(() => got(api.GET('/api/v1/links/completeness', ask)), [span]);
  const lines = useLines(report.data, channels.data, gateways.data, history.data?.spare_spans);
  const { reload } = gateways;
  useEffect(() => {
    // Which channel carries changes by itself; the figures are those of whole hours.
    const timer = window.setInterval(() => !document.hidden && reload(), AGAIN_MS);
    return () => window.clearInterval(timer);
  }, [reload]);
  return (
    <>
      <Summary history={history} gateways={gateways} report={report} channels={channels} complete={complete} />
      <Loaded of={report} height={320}>
        {() => <Gateways lines={lines} span={span} busy={report.loading} />}
      </Loaded>
      <Trend period={period} span={span} gateways={gateways.data ?? []} />
      <div className="links-pair">
        <Costs report={report} />
        <BlindSpots turn={span} />
      </div>
      <p className="small faint">{t('links.howCounted')}</p>
    </>
  );
}
