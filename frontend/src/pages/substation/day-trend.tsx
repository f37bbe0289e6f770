import { Suspense, lazy, useEffect } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { api, got } from '../../api/client';
import type { StationUnit, StationView } from '../../api/views';
import { useResource } from '../../base/resource';
import { plantNow } from '../../live/clock';
import { Icon } from '../../parts/icon';
import { Bones, Loaded } from '../../parts/states';

const Chart = lazy(() => import('../trends/chart'));

const KINDS = [
  'secondary_supply_temperature',
  'secondary_supply_temperature_setpoint',
  'secondary_return_temperature',
];
const DAY_MS = 86_400_000;
const AGAIN_MS = 30_000;

/** The unit's temperatures of the last day. */
export function DayTrend({ station, unit }: { station: StationView; unit: StationUnit }) {
  const { t } = useTranslation();
  const codes = KINDS.flatMap((kind) =>
    station.points.filter((point) => point.asset === unit.code && point.kind === kind).map((p) => p.code),
  ).join(',');
  const trends = useResource(() => {
    const end = plantNow() ?? Date.now();
    const query = {
      points: codes,
      start: new Date(end - DAY_MS).toISOString(),
      end: new Date(end).toISOString(),
      max_points: 400,
    };
    return got(api.GET('/api/v1/trends', { params: { query } }));
  }, [codes]);
  const { reload } = trends;
  useEffect(() => {
    const timer = window.setInterval(() => !document.hidden && reload(), AGAIN_MS);
    return () => window.clearInterval(timer);
  }, [reload]);
  return (
    <section className="panel" aria-label={t('station.day')} data-testid="day-trend">
      <header>
        <h2>{t('station.day')}</h2>
        <span className="grow" />
        <Link className="btn plain tiny" to={`/trends?points=${codes}`}>
          <Icon name="trends" size={16} /> {t('station.openTrends')}
        </Link>
      </header>
      <div className="body chart-small">
        <Loaded of={trends} height={260}>
          {(data) => (
            <Suspense fallback={<Bones height={260} />}>
              <Chart trends={data} height={260} small />
            </Suspense>
          )}
        </Loaded>
      </div>
    </section>
  );
}
