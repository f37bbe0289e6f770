import type { PointView } from '../../api/views';
import { usePoint } from '../../parts/value';

/** Pump states of the controllers; also 0 stopped and 2 standby. */
const PUMP = { running: 1, fault: 3 } as const;

interface SymbolProps {
  x: number;
  y: number;
  turn: number;
}

/** A pump: filled while it runs, hollow while it stands; a fault is marked by shape too. */
export function PumpSymbol({ x, y, turn, r, point }: SymbolProps & { r: number; point: PointView | undefined }) {
  return point ? (
    <LivePump x={x} y={y} turn={turn} r={r} point={point} />
  ) : (
    <PumpShape x={x} y={y} turn={turn} r={r} state={null} />
  );
}

function LivePump({ point, ...at }: SymbolProps & { r: number; point: PointView }) {
  const { value } = usePoint(point);
  return <PumpShape {...at} state={value} />;
}

function PumpShape({ x, y, turn, r, state }: SymbolProps & { r: number; state: number | null }) {
  const running = state === PUMP.running;
  const fault = state === PUMP.fault;
  return (
    <g transform={`translate(${x} ${y})`}>
      <circle r={r} className={`sym${running ? ' on' : ''}`} />
      <path
        transform={`rotate(${turn})`}
        d={`M${-r * 0.5} ${-r * 0.62}L${r * 0.78} 0L${-r * 0.5} ${r * 0.62}Z`}
        className={`sym-inner${running ? ' on' : ''}`}
      />
      {fault && (
        <g transform={`translate(${r * 0.5} ${-r * 1.3})`}>
          <path d="M0 0h14v14H0z" fill="var(--p1)" />
          <path d="m3.5 3.5 7 7m0-7-7 7" stroke="var(--p1-ink)" strokeWidth="2" />
        </g>
      )}
    </g>
  );
}

/** The control valve; the bar beside it is how far it is open. */
export function ValveSymbol({ x, y, turn, point }: SymbolProps & { point: PointView | undefined }) {
  return (
    <g transform={`translate(${x} ${y})`}>
      <path transform={`rotate(${turn})`} d="M-15 -10V10L15 -10V10Z" className="sym" />
      <path transform={`rotate(${turn})`} d="M0 0V-16M-8 -16H8" className="sym-line" />
      {point && turn === 0 && <Opening point={point} />}
    </g>
  );
}

function Opening({ point }: { point: PointView }) {
  const { value } = usePoint(point);
  const share = Math.min(1, Math.max(0, (value ?? 0) / 100));
  return (
    <g transform="translate(-24 18)">
      <rect width="48" height="6" rx="1" className="gauge" />
      <rect width={48 * share} height="6" rx="1" className="gauge-fill" />
    </g>
  );
}

interface TankProps {
  x: number;
  y: number;
  width: number;
  height: number;
  point: PointView | undefined;
}

/** The make-up tank, filled to its level. */
export function TankSymbol({ x, y, width, height, point }: TankProps) {
  return (
    <g transform={`translate(${x} ${y})`}>
      <path d={`M0 0V${height}H${width}V0`} className="sym" />
      {point && <Level point={point} width={width} height={height} />}
    </g>
  );
}

/** Depth of a usual tank where the ledger does not say, m. */
const DEPTH_M = 2.5;

function Level({ point, width, height }: { point: PointView; width: number; height: number }) {
  const { value } = usePoint(point);
  const share = Math.min(1, Math.max(0, (value ?? 0) / DEPTH_M));
  const h = (height - 3) * share;
  return <rect x="2" y={height - 1.5 - h} width={width - 4} height={h} className="level" />;
}
