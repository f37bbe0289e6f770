import kinds from '../base/kinds.json';
import { showNumber, showUnit } from '../base/format';
import { useWord } from './value';

const TABLE = kinds as unknown as Record<string, [unit: string, decimals: number] | undefined>;

/** A value of a point known by its code alone, with its unit, or its word. */
export function usePointValue(code: string): (value: number) => string {
  const kind = code.split('.')[1] ?? '';
  const word = useWord(kind);
  const [unit, decimals] = TABLE[kind] ?? ['', 2];
  return (value) => word(value) ?? `${showNumber(value, decimals)} ${showUnit(unit)}`.trim();
}
