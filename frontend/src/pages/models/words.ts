import type { TFunction } from 'i18next';
import { showNumber } from '../../base/format';

const REASONS = [
  'steady', 'few_data', 'sensors', 'shadow', 'first', 'drift', 'renewal', 'won', 'not_better',
  'implausible', 'unstable', 'former_better', 'design', 'by_hand', 'none',
] as const; // prettier-ignore
const ACTIONS = ['start', 'challenge', 'promote', 'reject', 'roll_back', 'none'] as const;
const KINDS = ['building', 'curve', 'valve', 'exchanger'] as const;
const STAGES = ['champion', 'challenger', 'former', 'rejected', 'rolled_back'] as const;

/** Why a night ended as it did. */
export function reasonText(t: TFunction, reason: string): string {
  const known = REASONS.find((each) => each === reason);
  return known ? t(`models.reasons.${known}`) : reason;
}

/** What happened to a version. */
export function actionText(t: TFunction, action: string): string {
  const known = ACTIONS.find((each) => each === action);
  return known ? t(`models.actions.${known}`) : action;
}

/** What a version is. */
export function stageText(t: TFunction, stage: string): string {
  const known = STAGES.find((each) => each === stage);
  return known ? t(`models.stages.${known}`) : stage;
}

/** What is learned. */
export function kindText(t: TFunction, kind: string): string {
  const known = KINDS.find((each) => each === kind);
  return known ? t(`models.kinds.${known}`) : kind;
}

const DOUBTS = [
  [/^too few values$/, 'few'],
  [/^frozen: the same value for days$/, 'frozen'],
  [/^repeats the day before$/, 'repeats'],
  [/^the same values as (?<by>.+)$/, 'copy'],
  [/^moved (?<by>[-+.\d]+) K against what the emitters tell$/, 'movedEmitters'],
  [/^(?<by>[-+.\d]+) K from where it was against the emitters$/, 'levelEmitters'],
  [/^in the sun: (?<by>[-+.\d]+) K a kW\/m2$/, 'sun'],
  [/^(?<by>[-+.\d]+) K off the others$/, 'level'],
  [/^moved (?<by>[-+.\d]+) K against the others$/, 'moved'],
  [/^no room sensor is left$/, 'none'],
  [/^(?<by>\w+) stands still$/, 'still'],
  [/^primary and secondary heat moved apart$/, 'meters'],
] as const;

/** Why a sensor is not believed; what nobody knows is shown as it was said. */
export function doubtText(t: TFunction, why: string): string {
  for (const [shape, word] of DOUBTS) {
    const found = shape.exec(why);
    if (found) return t(`models.doubts.${word}`, { by: found.groups?.['by']?.replace('-', '\u2212') ?? '' });
  }
  return why;
}

/** A value with its uncertainty. */
export function signed(value: number | null, pct: number | null): string {
  if (value === null) return '–';
  const digits = value < 10 ? 2 : 1;
  return pct === null ? showNumber(value, digits) : `${showNumber(value, digits)} ± ${showNumber(pct, 1)} %`;
}

export type Plain = Record<string, unknown>;

/** A number of a card, null where it has none. */
export function numberOf(card: Plain, ...path: string[]): number | null {
  let at: unknown = card;
  for (const name of path) at = at !== null && typeof at === 'object' ? (at as Plain)[name] : undefined;
  return typeof at === 'number' ? at : null;
}

/** Texts by name of a card. */
export function textsOf(card: Plain, name: string): [string, string][] {
  const at = card[name];
  return at !== null && typeof at === 'object' && !Array.isArray(at)
    ? Object.entries(at as Plain).map(([key, value]) => [key, String(value)])
    : [];
}

/** A list of texts of a card. */
export function listOf(card: Plain, name: string): string[] {
  const at = card[name];
  return Array.isArray(at) ? at.map(String) : [];
}

/** A text of a card, empty where it has none. */
export function textOf(card: Plain, name: string): string {
  const at = card[name];
  return typeof at === 'string' ? at : '';
}
