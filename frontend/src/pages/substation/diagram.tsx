import { useTranslation } from 'react-i18next';
import type { AlarmView, PointView, StationUnit, StationView } from '../../api/views';
import { useMedia } from '../../base/media';
import { useStore } from '../../base/store';
import { named } from '../../i18n';
import { isUnacknowledged, openAlarms, worstBySubject } from '../../live/alarms';
import { PriorityMark } from '../../parts/mark';
import { LiveValue } from '../../parts/value';
import { alarmText } from '../../shell/alarm-place';
import { type GroupName, type Layout, TALL, WIDE } from './layout';
import { PumpSymbol, TankSymbol, ValveSymbol } from './symbols';

/** Rows of a tag: short label and point kind; `station` points are shared by the units. */
const ROWS: Record<GroupName, { label: LabelName; kind: string; of: 'station' | 'unit'; main?: boolean }[]> = {
  primarySupply: [
    { label: 'temperature', kind: 'primary_supply_temperature', of: 'station', main: true },
    { label: 'pressure', kind: 'primary_supply_pressure', of: 'station' },
  ],
  primaryMeter: [
    { label: 'flow', kind: 'primary_flow', of: 'station' },
    { label: 'heat', kind: 'primary_heat_power', of: 'station' },
  ],
  primaryReturn: [
    { label: 'temperature', kind: 'primary_return_temperature', of: 'station', main: true },
    { label: 'pressure', kind: 'primary_return_pressure', of: 'station' },
  ],
  valve: [{ label: 'opening', kind: 'valve_opening', of: 'unit' }],
  secondarySupply: [
    { label: 'temperature', kind: 'secondary_supply_temperature', of: 'unit', main: true },
    { label: 'set', kind: 'secondary_supply_temperature_setpoint', of: 'unit' },
    { label: 'pressure', kind: 'secondary_supply_pressure', of: 'unit' },
  ],
  secondaryMeter: [
    { label: 'flow', kind: 'secondary_flow', of: 'unit' },
    { label: 'heat', kind: 'secondary_heat_power', of: 'unit' },
  ],
  secondaryReturn: [
    { label: 'temperature', kind: 'secondary_return_temperature', of: 'unit', main: true },
    { label: 'pressure', kind: 'secondary_return_pressure', of: 'unit' },
  ],
  pump: [
    { label: 'state', kind: 'circulation_pump_state', of: 'unit' },
    { label: 'frequency', kind: 'circulation_pump_frequency', of: 'unit' },
    { label: 'current', kind: 'circulation_pump_current', of: 'unit' },
  ],
  makeup: [
    { label: 'state', kind: 'makeup_pump_state', of: 'unit' },
    { label: 'flow', kind: 'makeup_flow', of: 'unit' },
  ],
  tank: [{ label: 'level', kind: 'tank_level', of: 'station' }],
};

type LabelName =
  | 'temperature'
  | 'pressure'
  | 'flow'
  | 'heat'
  | 'opening'
  | 'set'
  | 'state'
  | 'frequency'
  | 'current'
  | 'level';

type Find = (kind: string, of: 'station' | 'unit') => PointView | undefined;

interface TagProps {
  name: GroupName;
  layout: Layout;
  find: Find;
  worst: Map<string, AlarmView>;
}

function Tag({ name, layout, find, worst }: TagProps) {
  const { t } = useTranslation();
  const at = layout.groups[name];
  const rows = ROWS[name].flatMap((row) => {
    const point = find(row.kind, row.of);
    return point ? [{ ...row, point }] : [];
  });
  if (rows.length === 0) return null;
  const shift = { left: '0', middle: '-50%', right: '-100%' }[at.edge ?? 'left'];
  return (
    <dl
      className="dtag"
      style={{
        left: `${(at.x / layout.width) * 100}%`,
        top: `${(at.y / layout.height) * 100}%`,
        transform: `translateX(${shift})`,
      }}
    >
      {rows.map(({ point, label, main }) => {
        const alarm = worst.get(point.code);
        return (
          <div
            key={point.code}
            className={`drow${main ? ' main' : ''}${alarm ? ` alarmed p${alarm.priority}` : ''}`}
            title={alarm ? alarmText(alarm) : named(point)}
          >
            <dt>{t(`tag.${label}`)}</dt>
            <dd>
              {alarm && <PriorityMark priority={alarm.priority} flash={isUnacknowledged(alarm)} size={16} />}
              <LiveValue point={point} testid={`value-${point.code}`} />
            </dd>
          </div>
        );
      })}
    </dl>
  );
}

function Exchanger({ at }: { at: Layout['exchanger'] }) {
  const count = at.upright ? 7 : 12;
  const lines = Array.from({ length: count }, (_, n) => {
    const share = (n + 1) / (count + 1);
    return at.upright
      ? `M${at.x + 6} ${at.y + at.height * share + 7}L${at.x + at.width / 2} ${at.y + at.height * share - 7}L${at.x + at.width - 6} ${at.y + at.height * share + 7}`
      : `M${at.x + at.width * share - 6} ${at.y + 6}L${at.x + at.width * share + 6} ${at.y + at.height / 2}L${at.x + at.width * share - 6} ${at.y + at.height - 6}`;
  }).join('');
  return (
    <g>
      <rect x={at.x} y={at.y} width={at.width} height={at.height} rx="4" className="sym" />
      <path d={lines} className="plates" />
    </g>
  );
}

function Users({ at }: { at: Layout['users'] }) {
  const windows = [];
  for (let row = 0; row < 4; row++) {
    for (let column = 0; column < 3; column++) {
      const w = at.width / 3;
      const h = at.height / 4;
      windows.push(
        <rect
          key={`${row} ${column}`}
          x={at.x + column * w + w * 0.28}
          y={at.y + row * h + h * 0.28}
          width={w * 0.44}
          height={h * 0.44}
          className="window"
        />,
      );
    }
  }
  return (
    <g>
      <rect x={at.x} y={at.y} width={at.width} height={at.height} rx="3" className="sym" />
      {windows}
    </g>
  );
}

/** The unit's process, live: what comes from the network, what goes to the houses. */
export function Diagram({ station, unit }: { station: StationView; unit: StationUnit }) {
  const { t } = useTranslation();
  const layout = useMedia('(max-width: 860px)') ? TALL : WIDE;
  const worst = worstBySubject(useStore(openAlarms));
  const find: Find = (kind, of) =>
    station.points.find(
      (point) => point.kind === kind && point.asset === (of === 'unit' ? unit.code : station.asset.code),
    );
  return (
    <div
      className={`diagram${layout === TALL ? ' tall' : ''}`}
      style={{ aspectRatio: `${layout.width} / ${layout.height}` }}
      data-testid={`diagram-${unit.code}`}
    >
      <svg viewBox={`0 0 ${layout.width} ${layout.height}`} role="img" aria-label={t('station.diagram')}>
        {layout.pipes.map((pipe) => (
          <path key={pipe.path} d={pipe.path} className={`pipe ${pipe.kind} ${pipe.side}`} />
        ))}
        {layout.arrows.map((arrow) => (
          <path
            key={`${arrow.x} ${arrow.y}`}
            transform={`translate(${arrow.x} ${arrow.y}) rotate(${arrow.turn})`}
            d="M-6 -8L8 0L-6 8Z"
            className="flow-arrow"
          />
        ))}
        <Exchanger at={layout.exchanger} />
        <Users at={layout.users} />
        <ValveSymbol {...layout.valve} point={find('valve_opening', 'unit')} />
        <PumpSymbol {...layout.pump} r={20} point={find('circulation_pump_state', 'unit')} />
        <PumpSymbol {...layout.makeupPump} r={14} point={find('makeup_pump_state', 'unit')} />
        <TankSymbol {...layout.tank} point={find('tank_level', 'station')} />
        {layout.names.map((name) => (
          <text key={name.name} x={name.x} y={name.y} textAnchor={name.anchor} className="dname">
            {t(`tag.${name.name}`)}
          </text>
        ))}
      </svg>
      {(Object.keys(ROWS) as GroupName[]).map((name) => (
        <Tag key={name} name={name} layout={layout} find={find} worst={worst} />
      ))}
    </div>
  );
}
