import type { components } from './schema';

// The savings ledger: what was saved, day by day, and the chain behind it.
type Schemas = components['schemas'];

export type SavingsOverview = Schemas['SavingsOverview'];
export type SavingsFigure = Schemas['SavingsFigure'];
export type SavingsUnit = Schemas['SavingsUnit'];
export type SavingsCurve = Schemas['SavingsCurve'];
export type SavingsDay = Schemas['SavingsDay'];
export type SavingsCheck = Schemas['SavingsCheck'];
