import { Suspense, lazy, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, got } from '../../api/client';
import type { LinkGateway } from '../../api/link-views';
import { showNumber } from '../../base/format';
import { useMedia } from '../../base/media';
import { useResource } from '../../base/resource';
import { showTime } from '../../base/time';
import { named } from '../../i18n';
import { Bones, Loaded } from '../../parts/states';
import { showShare } from './marks';
import type { PeriodName, Span } from './period';

const Chart = lazy(() => import('./trend-chart'));
const HEIGHT = 260;

/** How success went, hour by hour or day by day, of the company or of one gateway. */
export function Trend({ period, span, gateways }: { period: PeriodName; span: Span; gateways: LinkGateway[] }) {
  const { t } = useTranslation();
  const narrow = useMedia('(max-width: 720px)');
  const [gateway, setGateway] = useState('');
  const by = period === 'month' ? 'day' : 'hour';
  const history = useResource(
    () => got(api.GET('/api/v1/links/history', { params: { query: { ...span, by, gateway } } })),
    [span, by, gateway],
  );
  return (
    <section className="panel" data-testid="links-trend">
      <header>
        <h2>{t('links.trend')}</h2>
        <span className="small muted">{t(by === 'day' ? 'links.byDay' : 'links.byHour')}</span>
        <span className="grow" />
        <select
          className="select links-pick"
          aria-label={t('links.gateway')}
          value={gateway}
          onChange={(event) => setGateway(event.target.value)}
          data-testid="links-trend-gateway"
        >
          <option value="">{t('links.company')}</option>
          {gateways.map((row) => (
            <option key={row.code} value={row.code}>
              {named(row)} ({row.code})
            </option>
          ))}
        </select>
      </header>
      <div className="body links-chart" style={{ minHeight: HEIGHT + 32 }}>
        <Loaded of={history} height={HEIGHT}>
          {(data) =>
            data.steps.length > 0 ? (
              <>
                <Suspense fallback={<Bones height={HEIGHT} />}>
                  <Chart history={data} height={HEIGHT} narrow={narrow} />
                </Suspense>
                <details className="small">
                  <summary className="muted">{t('links.asTable')}</summary>
                  <div className="table-wrap links-steps">
                    <table className="grid-table">
                      <caption className="hidden-label">{t('links.trend')}</caption>
                      <thead>
                        <tr>
                          <th scope="col">{t('links.at')}</th>
                          <th scope="col" className="num">{t('links.success')}</th>
                          <th scope="col" className="num">{t('links.asked')}</th>
                          <th scope="col" className="num">{t('links.answered')}</th>
                        </tr>
                      </thead>
                      <tbody>
                        {data.steps.map((step) => (
                          <tr key={step.at}>
                            <td>{showTime(step.at, by === 'day' ? 'day' : 'minute')}</td>
                            <td className="num">{step.success_pct === null ? '–' : `${showShare(step.success_pct)} %`}</td>
                            <td className="num">{showNumber(step.asked, 0)}</td>
                            <td className="num">{showNumber(step.answered, 0)}</td>
                          </tr>
                        ))}
                      </tbody>
                    </table>
                  </div>
                </details>
              </>
            ) : (
              <p className="empty">{t('links.noSteps')}</p>
            )
          }
        </Loaded>
      </div>
    </section>
  );
}
