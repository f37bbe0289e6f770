import { useTranslation } from 'react-i18next';
import { api, got } from '../../api/client';
import type { CutView } from '../../api/network-views';
import { showArea, showNumber } from '../../base/format';
import { useResource } from '../../base/resource';
import { named } from '../../i18n';
import { Loaded } from '../../parts/states';

const LISTED = 12;

function Things({ things }: { things: { code: string; zh: string; en: string }[] }) {
  const { t } = useTranslation();
  const more = things.length - LISTED;
  return (
    <>
      {things
        .slice(0, LISTED)
        .map((thing) => named(thing))
        .join(t('network.comma'))}
      {more > 0 && t('network.andMore', { count: more })}
    </>
  );
}

function Cut({ cut }: { cut: CutView }) {
  const { t } = useTranslation();
  const area = showArea(cut.area_m2);
  if (cut.units === 0) return <p className="muted small">{t('network.nobodyLost')}</p>;
  return (
    <p className="small">
      {t('network.lost', {
        stations: cut.stations.length,
        units: cut.units,
        area: `${area.value} ${area.unit}`,
        flats: showNumber(cut.flats, 0),
      })}
      <br />
      <span className="muted">
        <Things things={cut.stations} />
      </span>
    </p>
  );
}

/** Who is without heat when a pipe is closed, and how a burst in it is shut off. */
export function Outage({ segment }: { segment: string }) {
  const { t } = useTranslation();
  const outage = useResource(
    () => got(api.GET('/api/v1/network/outage', { params: { query: { segment } } })),
    [segment],
  );
  return (
    <Loaded of={outage} height={110}>
      {({ shut, burst }) => (
        <div className="net-outage" data-testid="outage">
          <h3>{t('network.ifClosed')}</h3>
          <Cut cut={shut} />
          {shut.rerouted > 0 && <p className="small">{t('network.rerouted', { count: shut.rerouted })}</p>}
          <h3>{t('network.ifBurst')}</h3>
          {burst.possible ? (
            <p className="small" data-testid="valves">
              {t('network.closeValves', { count: burst.closed.length })}{' '}
              <b>
                <Things things={burst.closed} />
              </b>
            </p>
          ) : (
            <p className="small" data-testid="valves">
              {t('network.noValves')}{' '}
              <b>
                <Things things={burst.stop} />
              </b>
            </p>
          )}
          <Cut cut={burst} />
        </div>
      )}
    </Loaded>
  );
}
