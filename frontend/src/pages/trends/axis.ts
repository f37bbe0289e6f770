import { timeZone } from '../../base/time';

/** Milliseconds the company's clock is ahead of UTC at a time. */
export function zoneShift(at: number): number {
  const parts = new Intl.DateTimeFormat('en-US', {
    timeZone: timeZone.get(),
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  }).formatToParts(at);
  const n = (type: string) => Number(parts.find((part) => part.type === type)?.value ?? 0);
  const local = Date.UTC(n('year'), n('month') - 1, n('day'), n('hour'), n('minute'), n('second'));
  return local - Math.floor(at / 1000) * 1000;
}

/** Axis labels, written the same in every language. */
export const TIME_LABELS = {
  year: '{yyyy}',
  month: '{yyyy}-{MM}',
  day: '{MM}-{dd}',
  hour: '{HH}:{mm}',
  minute: '{HH}:{mm}',
  second: '{HH}:{mm}:{ss}',
  millisecond: '{HH}:{mm}:{ss}',
};

export interface Found {
  min: number;
  max: number;
}

/** Least span of a value axis as a share of the values: noise must not look like a swing. */
const LEAST_SPAN = 0.05;

/** A wider axis for a line that hardly moves, or nothing where the axis may choose. */
export function widened({ min, max }: Found): Found | undefined {
  const least = Math.max(LEAST_SPAN * Math.max(Math.abs(min), Math.abs(max)), 0.1);
  if (!Number.isFinite(max - min) || max - min >= least) return undefined;
  const step = 10 ** Math.floor(Math.log10(least));
  const middle = (min + max) / 2;
  return {
    min: Math.floor((middle - least / 2) / step) * step,
    max: Math.ceil((middle + least / 2) / step) * step,
  };
}
