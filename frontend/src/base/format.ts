/** How quantities are written: fixed decimals, a real minus sign, units as people know them. */

const UNITS: Record<string, string> = {
  degC: '°C',
  m3: 'm³',
  'm3/h': 'm³/h',
  'W/m2': 'W/m²',
  permille: '‰',
  deg: '°',
  '-': '',
};

export function showUnit(unit: string | null | undefined): string {
  return unit ? (UNITS[unit] ?? unit) : '';
}

export function showNumber(value: number | null | undefined, decimals = 1): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return '–';
  const text = value.toFixed(decimals);
  const clean = Number(text) === 0 ? text.replace('-', '') : text;
  const [whole = '', part] = clean.split('.');
  const grouped = whole.length > 4 ? whole.replace(/\B(?=(\d{3})+$)/g, '\u2009') : whole;
  return (part === undefined ? grouped : `${grouped}.${part}`).replace('-', '\u2212');
}

/** Kilowatts, or megawatts when there are many. */
export function showPower(kw: number | null | undefined): { value: string; unit: string } {
  if (kw === null || kw === undefined) return { value: '–', unit: 'kW' };
  return Math.abs(kw) >= 1000
    ? { value: showNumber(kw / 1000, kw >= 100_000 ? 0 : 2), unit: 'MW' }
    : { value: showNumber(kw, 0), unit: 'kW' };
}

/** Square metres in units of ten thousand, as the trade counts them. */
export function showArea(m2: number | null | undefined): { value: string; unit: string } {
  if (m2 === null || m2 === undefined) return { value: '–', unit: 'm²' };
  return { value: showNumber(m2 / 10_000, 1), unit: '10⁴ m²' };
}
