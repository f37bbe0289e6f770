import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import type { Overview } from '../../api/views';
import { showArea, showNumber, showPower } from '../../base/format';

interface TotalProps {
  name: string;
  label: string;
  value: string;
  unit?: string;
  more?: ReactNode;
}

function Total({ name, label, value, unit, more }: TotalProps) {
  return (
    <div className="total" data-testid={`total-${name}`}>
      <dt>{label}</dt>
      <dd>
        <b>{value}</b>
        {unit && <small>{unit}</small>}
      </dd>
      {more && <dd className="total-more">{more}</dd>}
    </div>
  );
}

/** The company in numbers. */
export function Totals({ overview }: { overview: Overview }) {
  const { t } = useTranslation();
  const { totals } = overview;
  const power = showPower(totals.heat_power_kw);
  const area = showArea(totals.heated_area_m2);
  const specific =
    totals.heat_power_kw !== null && totals.heated_area_m2
      ? (totals.heat_power_kw * 1000) / totals.heated_area_m2
      : null;
  const offline = totals.substations - totals.online;
  return (
    <dl className="totals panel">
      <Total
        name="outdoor"
        label={t('overview.outdoor')}
        value={showNumber(overview.outdoor_temperature_c, 1)}
        unit="°C"
      />
      <Total
        name="substations"
        label={t('overview.online')}
        value={`${totals.online} / ${totals.substations}`}
        more={offline > 0 ? t('overview.offline', { count: offline }) : t('overview.allOnline')}
      />
      <Total
        name="alarms"
        label={t('overview.alarms')}
        value={String(totals.alarms_active)}
        more={
          <Link to="/alarms">
            {totals.alarms_unacknowledged > 0
              ? t('overview.unacknowledged', { count: totals.alarms_unacknowledged })
              : t('overview.allAcknowledged')}
          </Link>
        }
      />
      <Total
        name="power"
        label={t('overview.power')}
        value={power.value}
        unit={power.unit}
        more={specific !== null && `${showNumber(specific, 1)} W/m²`}
      />
      <Total name="area" label={t('overview.area')} value={area.value} unit={area.unit} />
      <Total
        name="room"
        label={t('overview.room')}
        value={showNumber(totals.room_mean_c, 1)}
        unit="°C"
      />
      <Total
        name="warm"
        label={t('overview.warm')}
        value={showNumber(totals.room_share_18_pct, 1)}
        unit="%"
      />
    </dl>
  );
}
