import { memo, useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { useNavigate } from 'react-router';
import type { AssetView, OverviewStation } from '../../api/views';
import { language, named } from '../../i18n';
import { useMedia } from '../../base/media';
import { shapeOf } from '../../parts/mark';
import { type Box, type Spot, fitBox, lay, outline, placeLabels } from './geometry';
import { shortName } from './select';

const WIDE: Box = { width: 560, height: 500, margin: 60 };
const NARROW: Box = { width: 340, height: 300, margin: 44 };
/** With more substations than this only the abnormal ones carry their name. */
const NAMED_BELOW = 60;

function Symbol({ spot }: { spot: Spot }) {
  const { station, x, y, r } = spot;
  if (station.state === 'alarm' || station.state === 'warning') {
    const priority = station.state === 'alarm' ? 1 : 3;
    const size = 20;
    return (
      <g transform={`translate(${x - size / 2} ${y - size / 2})`}>
        <path d={shapeOf(priority)} fill={`var(--p${priority})`} stroke="var(--panel)" strokeWidth="1.5" />
        <text
          x="10"
          y={priority === 3 ? 16 : 14.4}
          className="map-number"
          fill={`var(--p${priority}-ink)`}
        >
          {station.alarms > 99 ? 99 : station.alarms}
        </text>
      </g>
    );
  }
  if (station.state === 'offline') {
    const d = r * 0.5;
    return (
      <g fill="var(--panel)" stroke="var(--ink-2)" strokeWidth="1.4">
        <circle cx={x} cy={y} r={r} strokeDasharray="3 2.5" />
        <path d={`M${x - d} ${y - d}l${2 * d} ${2 * d}m0 ${-2 * d}l${-2 * d} ${2 * d}`} />
      </g>
    );
  }
  return <circle cx={x} cy={y} r={r} fill="var(--pipe-2)" stroke="var(--panel)" strokeWidth="1.5" />;
}

/** A round number of kilometres about a fifth of the sheet wide. */
function scaleBar(kmAUnit: number, box: Box): { km: number; width: number } {
  const want = kmAUnit * box.width * 0.2;
  const ten = 10 ** Math.floor(Math.log10(want));
  const km = [5, 2, 1].map((n) => n * ten).find((n) => n <= want) ?? ten;
  return { km, width: km / kmAUnit };
}

interface StationMapProps {
  stations: OverviewStation[];
  shown: OverviewStation[];
  branches: Map<string, AssetView>;
  pointed: string | null;
  onPoint: (code: string | null) => void;
}

/** A schematic map: places true to scale, size by heated area, branches as grey ground. */
export const StationMap = memo(function StationMap(props: StationMapProps) {
  const { stations, shown, branches, pointed, onPoint } = props;
  const { t } = useTranslation();
  const go = useNavigate();
  const narrow = useMedia('(max-width: 720px)');
  const box = useMemo(() => fitBox(stations, narrow ? NARROW : WIDE), [stations, narrow]);
  const { spots, kmAUnit } = useMemo(() => lay(stations, box), [stations, box]);
  const areas = useMemo(() => {
    const by = new Map<string, Spot[]>();
    for (const spot of spots) by.set(spot.station.branch, [...(by.get(spot.station.branch) ?? []), spot]);
    return [...by].map(([branch, own]) => ({
      branch,
      path: outline(own),
      x: own.reduce((sum, s) => sum + s.x, 0) / own.length,
      y: Math.max(16, Math.min(...own.map((s) => s.y)) - 30),
    }));
  }, [spots]);
  const lang = language.get();
  const titles = useMemo(
    () =>
      areas.length < 2
        ? []
        : areas.map(({ branch, x, y }) => {
            const known = branches.get(branch);
            return { branch, x, y, text: known ? known[lang] : branch };
          }),
    [areas, branches, lang],
  );
  const labels = useMemo(() => {
    const wanted = spots.length < NAMED_BELOW ? spots : spots.filter((s) => s.station.state !== 'normal');
    return placeLabels(wanted.slice(0, 200), (spot) => shortName(spot.station), box, titles);
    // The names follow the language.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [spots, lang, box, titles]);
  const visible = useMemo(() => new Set(shown.map((station) => station.code)), [shown]);
  if (spots.length === 0) return <p className="empty">{t('overview.noPlaces')}</p>;
  const bar = scaleBar(kmAUnit, box);
  // Abnormal ones are drawn last, on top.
  const order = [...spots].sort(
    (a, b) => Number(a.station.state !== 'normal') - Number(b.station.state !== 'normal'),
  );
  return (
    <svg className="map" viewBox={`0 0 ${box.width} ${box.height}`} data-testid="station-map">
      {areas.map((area) => (
        <path key={area.branch} d={area.path} className="map-area" />
      ))}
      {titles.map((title) => (
        <text key={title.branch} x={title.x} y={title.y} className="map-branch">
          {title.text}
        </text>
      ))}
      {order.map((spot) => {
        const { station } = spot;
        const label = labels.get(station.code);
        const path = `/substations/${station.code}`;
        return (
          <a
            key={station.code}
            href={path}
            className={`map-spot${visible.has(station.code) ? '' : ' aside'}${pointed === station.code ? ' pointed' : ''}`}
            data-testid={`map-${station.code}`}
            aria-label={`${named(station)} ${t(`state.${station.state}`)}`}
            onClick={(event) => {
              if (event.metaKey || event.ctrlKey) return;
              event.preventDefault();
              void go(path);
            }}
            onPointerEnter={() => onPoint(station.code)}
            onPointerLeave={() => onPoint(null)}
          >
            <title>{`${named(station)} · ${station.code} · ${t(`state.${station.state}`)}`}</title>
            <circle className="map-halo" cx={spot.x} cy={spot.y} r={Math.max(spot.r + 6, 15)} />
            <Symbol spot={spot} />
            {label && (
              <text x={label.x} y={label.y} textAnchor={label.anchor} className="map-name">
                {shortName(station)}
              </text>
            )}
          </a>
        );
      })}
      <g className="map-scale" transform={`translate(16 ${box.height - 14})`}>
        <path d={`M0 -5V0H${bar.width.toFixed(1)}V-5`} />
        <text x={bar.width + 8} y="1">
          {bar.km >= 1 ? `${bar.km} km` : `${Math.round(bar.km * 1000)} m`}
        </text>
      </g>
    </svg>
  );
});
