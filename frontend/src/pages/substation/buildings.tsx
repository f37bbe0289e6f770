import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { BuildingView } from '../../api/views';
import { showNumber } from '../../base/format';
import { named } from '../../i18n';
import { Segmented } from '../../parts/segmented';

/** The scale of room temperatures, degC. */
const LOW = 14;
const HIGH = 26;
/** What every room must have, degC. */
const MUST = 18;

function at(value: number): string {
  return `${(Math.min(1, Math.max(0, (value - LOW) / (HIGH - LOW))) * 100).toFixed(1)}%`;
}

function Scale({ building }: { building: BuildingView }) {
  const { room_min_c: coldest, room_mean_c: mean } = building;
  return (
    <span className="room-scale" aria-hidden="true">
      <i className="must" style={{ left: at(MUST) }} />
      {coldest !== null && mean !== null && (
        <i className="span" style={{ left: at(coldest), right: `calc(100% - ${at(mean)})` }} />
      )}
      {mean !== null && <i className={`dot${mean < MUST ? ' cold' : ''}`} style={{ left: at(mean) }} />}
    </span>
  );
}

/** Buildings of the station with what their rooms say. */
export function Buildings({ buildings, unit }: { buildings: BuildingView[]; unit: string }) {
  const { t } = useTranslation();
  const [all, setAll] = useState(false);
  const shown = buildings.filter((building) => all || !unit || building.unit === unit);
  return (
    <section className="panel" aria-label={t('buildings.title')}>
      <header>
        <h2>{t('buildings.title')}</h2>
        <span className="faint small">{t('buildings.scale', { low: LOW, high: HIGH, must: MUST })}</span>
        <span className="grow" />
        <Segmented
          label={t('buildings.which')}
          value={all ? 'all' : 'unit'}
          choices={[
            { value: 'unit', label: t('buildings.unit') },
            { value: 'all', label: t('buildings.all') },
          ]}
          onChoose={(which) => setAll(which === 'all')}
        />
      </header>
      {shown.length === 0 ? (
        <p className="empty">{t('buildings.none')}</p>
      ) : (
        <ul className="buildings" data-testid="buildings">
          {shown.map((building) => (
            <li key={building.code} data-testid={`building-${building.code}`}>
              <span className="building-name" title={building.code}>
                {named(building)}
              </span>
              <Scale building={building} />
              <span className="v">
                <b>{showNumber(building.room_mean_c, 1)}</b>
                <small>°C</small>
              </span>
              <span className="small faint" title={t('buildings.coldest')}>
                {building.rooms > 0
                  ? t('buildings.rooms', { count: building.rooms, low: showNumber(building.room_min_c, 1) })
                  : t('buildings.noRooms')}
              </span>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}
