import type { TFunction } from 'i18next';

const BASELINES = ['tuned', 'standing', 'refused'] as const;
const REFUSALS = [
  'not_tuned', 'no_model', 'regulation', 'few_days', 'model_off', 'emitters_off', 'supply_at_limit',
  'rooms_warm', 'rooms_cold', 'gain_implausible', 'broken',
] as const; // prettier-ignore

/** What a unit is measured against. */
export function baselineText(t: TFunction, baseline: string): string {
  const known = BASELINES.find((each) => each === baseline);
  return known ? t(`savings.baseline.${known}`) : baseline;
}

/** Why a unit has no curve to be measured against. */
export function refusalText(t: TFunction, reason: string): string {
  const known = REFUSALS.find((each) => each === reason);
  return known ? t(`savings.refusal.${known}`) : reason;
}
