import { showNumber } from '../../base/format';

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB'] as const;

/** Bytes in the unit people would say them in. */
export function showBytes(bytes: number | null | undefined): string {
  if (bytes === null || bytes === undefined) return '–';
  const step = Math.min(bytes > 0 ? Math.floor(Math.log10(bytes) / 3) : 0, UNITS.length - 1);
  return `${showNumber(bytes / 1000 ** step, step === 0 ? 0 : 1)} ${UNITS[step]}`;
}
