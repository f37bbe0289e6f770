import { memo, useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import type { AssetView, OverviewStation, OverviewUnit } from '../../api/views';
import { showNumber, showPower } from '../../base/format';
import { named } from '../../i18n';
import { StateMark } from '../../parts/mark';
import { useChanged } from '../../parts/value';
import { shortName } from './select';

const STEP = 60;
/** The deviation bar's half width, K. */
const SPAN_K = 8;

function Number1({ value, unit, digits = 1 }: { value: number | null; unit: string; digits?: number }) {
  const text = showNumber(value, digits);
  const changed = useChanged(text);
  return (
    <span className={`v${changed ? ' changed' : ''}`}>
      <b>{text}</b>
      <small>{unit}</small>
    </span>
  );
}

/** How far the supply is from its set-point, as a bar from the middle. */
function Deviation({ unit }: { unit: OverviewUnit }) {
  const { t } = useTranslation();
  if (unit.supply_c === null || unit.setpoint_c === null) return <span className="dev none" />;
  const off = unit.supply_c - unit.setpoint_c;
  const share = Math.min(1, Math.abs(off) / SPAN_K) * 50;
  const text = `${off >= 0 ? '+' : ''}${showNumber(off, 1)} K`;
  return (
    <span className="dev" role="img" aria-label={t('overview.deviation', { value: text })} title={text}>
      <i style={{ left: off >= 0 ? '50%' : `${50 - share}%`, width: `${share}%` }} />
    </span>
  );
}

function UnitLine({ unit }: { unit: OverviewUnit }) {
  const { t } = useTranslation();
  return (
    <li className="unit-line" data-testid={`unit-${unit.code}`}>
      <span className="unit-name small">
        {t(`zone.${unit.zone as 'high'}`)}
        <span className="hide-phone"> · {t(`emitter.${unit.emitter as 'floor'}`)}</span>
      </span>
      <span className="pair" title={t('short.supplySecondary')}>
        <Number1 value={unit.supply_c} unit="°C" />
      </span>
      <Deviation unit={unit} />
      <span className="pair set" title={t('short.setpoint')}>
        <span className="faint">{t('short.set')}</span> {showNumber(unit.setpoint_c, 1)}
      </span>
      <span className="pair back" title={t('short.returnSecondary')}>
        <Number1 value={unit.return_c} unit="°C" />
      </span>
      <span className="tag mode">{unit.mode ? t(`modeShort.${unit.mode}`) : '–'}</span>
    </li>
  );
}

interface RowProps {
  station: OverviewStation;
  branch: AssetView | undefined;
  pointed: boolean;
  onPoint: (code: string | null) => void;
}

const Row = memo(function Row({ station, branch, pointed, onPoint }: RowProps) {
  const { t } = useTranslation();
  const power = showPower(station.heat_power_kw);
  return (
    <li
      className={`station-row${pointed ? ' pointed' : ''} is-${station.state}`}
      onPointerEnter={() => onPoint(station.code)}
      onPointerLeave={() => onPoint(null)}
    >
      <Link
        to={`/substations/${station.code}`}
        className="station-head"
        data-testid={`substation-${station.code}`}
        data-state={station.state}
      >
        <StateMark state={station.state} count={station.alarms} size={20} />
        <span className="station-name">
          <strong title={named(station)}>{shortName(station)}</strong>
          <span className="code">
            {station.code} · {branch ? named(branch) : station.branch}
          </span>
        </span>
      </Link>
      <span className="station-facts">
        <span className="line-fact" title={t('short.primaryHelp')}>
          <span className="faint small">{t('short.primary')}</span>
          <span className="nowrap">
            <Number1 value={station.primary_supply_c} unit="" />/<Number1 value={station.primary_return_c} unit="°C" />
          </span>
        </span>
        <span className="line-fact">
          <span className="faint small">{t('short.heat')}</span>
          <span className="v">
            <b>{power.value}</b>
            <small>{power.unit}</small>
          </span>
        </span>
      </span>
      <ul className="unit-lines">
        {station.units.map((unit) => (
          <UnitLine key={unit.code} unit={unit} />
        ))}
      </ul>
    </li>
  );
});

interface StationListProps {
  stations: OverviewStation[];
  branches: Map<string, AssetView>;
  pointed: string | null;
  onPoint: (code: string | null) => void;
}

/** The list grows as it is scrolled, so thousands of substations open as fast as twelve. */
export function StationList({ stations, branches, pointed, onPoint }: StationListProps) {
  const { t } = useTranslation();
  const [limit, setLimit] = useState(STEP);
  const end = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const mark = end.current;
    if (!mark || limit >= stations.length) return undefined;
    const eye = new IntersectionObserver(
      (seen) => seen.some((entry) => entry.isIntersecting) && setLimit((old) => old + STEP),
      { rootMargin: '600px' },
    );
    eye.observe(mark);
    return () => eye.disconnect();
  }, [limit, stations.length]);
  if (stations.length === 0) return <p className="empty">{t('overview.nothing')}</p>;
  return (
    <>
      <ul className="station-list" data-testid="station-list">
        {stations.slice(0, limit).map((station) => (
          <Row
            key={station.code}
            station={station}
            branch={branches.get(station.branch)}
            pointed={pointed === station.code}
            onPoint={onPoint}
          />
        ))}
      </ul>
      <div ref={end} />
    </>
  );
}
