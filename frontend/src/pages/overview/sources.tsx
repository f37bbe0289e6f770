import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import type { OverviewSource } from '../../api/views';
import { showNumber, showPower } from '../../base/format';
import { named } from '../../i18n';
import { StateMark } from '../../parts/mark';

function Fact({ label, value, unit }: { label: string; value: string; unit: string }) {
  return (
    <span className="fact">
      <span className="faint small">{label}</span>
      <span className="v">
        <b>{value}</b>
        <small>{unit}</small>
      </span>
    </span>
  );
}

/** Heat sources, one line each. */
export function Sources({ sources }: { sources: OverviewSource[] }) {
  const { t } = useTranslation();
  if (sources.length === 0) return null;
  return (
    <ul className="sources panel">
      {sources.map((source) => {
        const power = showPower(source.heat_power_kw);
        const load =
          source.heat_power_kw !== null && source.rated_load_kw
            ? (source.heat_power_kw / source.rated_load_kw) * 100
            : null;
        const points = ['supply_temperature', 'return_temperature', 'heat_power']
          .map((kind) => `${source.code}.source_${kind}`)
          .join(',');
        return (
          <li key={source.code} data-testid={`source-${source.code}`}>
            <span className="source-name">
              <StateMark state={source.state} count={source.alarms} />
              <Link to={`/trends?points=${points}`}>{named(source)}</Link>
              <span className="code">{source.code}</span>
            </span>
            <Fact label={t('overview.power')} value={power.value} unit={power.unit} />
            {load !== null && (
              <span className="load" title={t('overview.load')}>
                <span className="load-bar">
                  <i style={{ width: `${Math.min(100, Math.max(0, load))}%` }} />
                </span>
                <span className="small">{showNumber(load, 0)} %</span>
              </span>
            )}
            <Fact label={t('short.supply')} value={showNumber(source.supply_c, 1)} unit="°C" />
            <Fact label={t('short.return')} value={showNumber(source.return_c, 1)} unit="°C" />
            <Fact label={t('short.supplyPressure')} value={showNumber(source.supply_kpa, 0)} unit="kPa" />
            <Fact label={t('short.returnPressure')} value={showNumber(source.return_kpa, 0)} unit="kPa" />
            <Fact label={t('short.flow')} value={showNumber(source.flow_m3h, 0)} unit="m³/h" />
          </li>
        );
      })}
    </ul>
  );
}
