import type { components } from './schema';

// Watching: events, registers, the self-assessment.
type Schemas = components['schemas'];

export type SecurityEvent = Schemas['SecurityEventView'];
export type RegisterEntry = Schemas['RegisterEntry'];
export type Duty = Schemas['DutyView'];
export type Assessment = Schemas['Assessment'];
export type AssessedItem = Schemas['AssessedItem'];
