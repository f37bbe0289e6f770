import type { NetworkNode, NetworkSegment, NetworkView } from '../../api/network-views';
import { showNumber, showUnit } from '../../base/format';

export const PAINTS = ['flow', 'temperature', 'pressure'] as const;
export type Paint = (typeof PAINTS)[number];

export const UNIT_OF: Record<Paint, string> = { flow: 'm³/h', temperature: '°C', pressure: 'kPa' };

/** Lowest and highest value of what pipes are coloured by. */
export interface Range {
  low: number;
  high: number;
}

/** What a pipe is coloured by; null when nothing is known. */
export function valueOf(segment: NetworkSegment, paint: Paint, nodes: Map<string, NetworkNode>): number | null {
  if (paint === 'flow') return segment.flow_m3h === null ? null : Math.abs(segment.flow_m3h);
  if (paint === 'temperature') return segment.supply_c;
  const ends = [segment.from_node, segment.to_node].map((code) => nodes.get(code)?.supply_kpa ?? null);
  const known = ends.filter((value): value is number => value !== null);
  return known.length ? known.reduce((sum, value) => sum + value, 0) / known.length : null;
}

export function rangeOf(network: NetworkView, paint: Paint, nodes: Map<string, NetworkNode>): Range | null {
  const known = network.segments
    .map((segment) => valueOf(segment, paint, nodes))
    .filter((value): value is number => value !== null);
  if (known.length === 0) return null;
  const low = paint === 'flow' ? 0 : Math.min(...known);
  const high = Math.max(...known);
  return { low, high: high - low < 0.5 ? low + 0.5 : high };
}

/** The colour of a value: a mix of the two ends, which differ between light and dark. */
export function colourOf(value: number | null, paint: Paint, range: Range | null): string {
  if (value === null || range === null) return 'var(--line-2)';
  const share = Math.min(Math.max((value - range.low) / (range.high - range.low), 0), 1);
  // Flows fall off fast from the mains to the branches: the root shows the branches as well.
  const shown = paint === 'flow' ? Math.sqrt(share) : share;
  return `color-mix(in oklab, var(--net-${paint}-high) ${(shown * 100).toFixed(0)}%, var(--net-${paint}-low))`;
}

export function gradientOf(paint: Paint): string {
  return `linear-gradient(90deg, var(--net-${paint}-low), var(--net-${paint}-high))`;
}

/** Width of a pipe on the sheet, pixels. */
export function widthOf(dn: number | null): number {
  return dn === null ? 2 : Math.min(Math.max(Math.sqrt(dn) * 0.34, 2), 9);
}

export function showValue(value: number | null | undefined, unit: string, decimals = 1): string {
  return value === null || value === undefined ? '–' : `${showNumber(value, decimals)}\u00a0${showUnit(unit)}`;
}
