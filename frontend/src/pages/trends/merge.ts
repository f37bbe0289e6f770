import type { TrendSeries, Trends } from '../../api/views';

function cut(series: TrendSeries, keep: (at: number) => boolean): TrendSeries {
  const rows = series.at.map((_, n) => n).filter((n) => keep(series.at[n] as number));
  const pick = <T>(column: T[]): T[] => (column.length ? rows.map((n) => column[n] as T) : []);
  return {
    ...series,
    at: pick(series.at),
    value: pick(series.value),
    low: pick(series.low),
    high: pick(series.high),
    quality: pick(series.quality),
  };
}

function join(before: TrendSeries, fine: TrendSeries, after: TrendSeries): TrendSeries {
  const banded = [before, fine, after].some((part) => part.low.length > 0);
  // Raw values have no band: each is its own lowest and highest.
  const band = (part: TrendSeries, name: 'low' | 'high') => (part[name].length ? part[name] : part.value);
  const all = [before, fine, after];
  return {
    ...fine,
    simulated_until: before.simulated_until ?? fine.simulated_until,
    at: all.flatMap((part) => part.at),
    value: all.flatMap((part) => part.value),
    low: banded ? all.flatMap((part) => band(part, 'low')) : [],
    high: banded ? all.flatMap((part) => band(part, 'high')) : [],
    quality: all.flatMap((part) => part.quality),
  };
}

/** Coarse lines outside the window, fine ones inside it. */
export function merge(coarse: Trends, fine: Trends | undefined, start: number, end: number): Trends {
  if (!fine) return coarse;
  const detail = new Map(fine.series.map((series) => [series.point, series]));
  return {
    ...coarse,
    step: fine.step,
    series: coarse.series.map((series) => {
      const inside = detail.get(series.point);
      if (!inside) return series;
      return join(
        cut(series, (at) => at < start),
        inside,
        cut(series, (at) => at > end),
      );
    }),
  };
}

/** Row nearest in time, or -1. */
export function nearest(at: number[], want: number): number {
  if (at.length === 0) return -1;
  let low = 0;
  let high = at.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((at[middle] as number) < want) low = middle + 1;
    else high = middle;
  }
  return low > 0 && want - (at[low - 1] as number) < (at[low] as number) - want ? low - 1 : low;
}
