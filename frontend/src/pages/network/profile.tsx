import { Suspense, lazy } from 'react';
import { useTranslation } from 'react-i18next';
import { api, got } from '../../api/client';
import { useResource } from '../../base/resource';
import { Bones, Loaded } from '../../parts/states';
import { useEvery } from './every';

const Chart = lazy(() => import('./profile-chart'));
const HEIGHT = 260;

/** Pressures along the way from the source: the profile every operator knows. */
export function Profile({ to }: { to: string }) {
  const { t } = useTranslation();
  const profile = useResource(
    () => got(api.GET('/api/v1/network/profile', { params: { query: { to } } })),
    [to],
  );
  useEvery(profile.reload);
  return (
    <div data-testid="profile">
      <h3>{t('network.profile')}</h3>
      <Loaded of={profile} height={HEIGHT}>
        {(data) =>
          data.points.some((point) => point.supply_head_m !== null) ? (
            <Suspense fallback={<Bones height={HEIGHT} />}>
              <Chart profile={data} height={HEIGHT} />
            </Suspense>
          ) : (
            <p className="muted small">{t('network.noPressures')}</p>
          )
        }
      </Loaded>
    </div>
  );
}
