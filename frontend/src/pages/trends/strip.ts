import type { TrendSeries } from '../../api/views';

/** Height of a row of the quality strip, px. */
export const STRIP_ROW = 7;

/** Spans in which a line is not good: [start, end, row, quality]. */
export function strips(series: TrendSeries[], shift: number): number[][] {
  const out: number[][] = [];
  series.forEach((line, row) => {
    let from = -1;
    for (let n = 0; n <= line.at.length; n++) {
      const quality = n < line.at.length ? (line.quality[n] ?? 0) : 0;
      if (from >= 0 && quality !== line.quality[from]) {
        const end = line.at[Math.min(n, line.at.length - 1)] as number;
        out.push([(line.at[from] as number) + shift, end + shift, row, line.quality[from] as number]);
        from = -1;
      }
      if (from < 0 && quality !== 0) from = n;
    }
  });
  return out;
}
