import type { components } from './schema';

// Learnt models: those in force, their versions with cards, daily errors, what happened to them.
type Schemas = components['schemas'];

export type ModelPage = Schemas['ModelPage'];
export type ModelSummary = Schemas['ModelSummary'];
export type ModelDetail = Schemas['ModelDetail'];
export type ModelVersion = Schemas['ModelVersionView'];
export type ModelDay = Schemas['ModelDay'];
export type ModelEvent = Schemas['ModelEvent'];
export type ModelCharacteristic = Schemas['ModelCharacteristic'];
