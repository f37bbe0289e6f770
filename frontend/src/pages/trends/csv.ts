import type { Trends } from '../../api/views';
import { info } from '../../api/session';
import { showTime } from '../../base/time';
import { plantClock } from '../../live/clock';

/** A cell that no spreadsheet takes for a formula. */
function cell(value: string | number | null | undefined): string {
  if (value === null || value === undefined) return '';
  if (typeof value === 'number') return String(value);
  const safe = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** The lines between two times as CSV, one row a time. */
export function toCsv(trends: Trends, start: number, end: number): string {
  const rows = new Map<number, (string | number | null)[]>();
  const width = 4;
  trends.series.forEach((line, n) => {
    line.at.forEach((at, row) => {
      if (at < start || at > end) return;
      const cells = rows.get(at) ?? new Array<null>(trends.series.length * width).fill(null);
      cells[n * width] = line.value[row] ?? null;
      cells[n * width + 1] = line.low[row] ?? null;
      cells[n * width + 2] = line.high[row] ?? null;
      cells[n * width + 3] = line.quality[row] ?? null;
      rows.set(at, cells);
    });
  });
  const head = ['time_utc', 'time_local'];
  for (const line of trends.series) {
    const name = `${line.point} [${line.unit}]`;
    head.push(name, `${name} low`, `${name} high`, `${name} quality`);
  }
  const out = [head.map(cell).join(',')];
  for (const at of [...rows.keys()].sort((a, b) => a - b)) {
    const cells = rows.get(at) ?? [];
    out.push([new Date(at).toISOString(), showTime(at, 'full'), ...cells].map(cell).join(','));
  }
  if (info.get()?.demo) {
    const clock = plantClock.get();
    out.unshift(`# DEMO plant time ${clock ? new Date(clock.plant).toISOString() : ''} speed ${clock?.speed ?? ''}`);
  }
  return `\ufeff${out.join('\r\n')}\r\n`;
}

export function download(name: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: 'text/csv;charset=utf-8' }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  window.setTimeout(() => URL.revokeObjectURL(url), 1000);
}
