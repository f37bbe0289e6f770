import type { components } from './schema';

// Keeping: backups, integrity, maintenance, and what storage costs.
type Schemas = components['schemas'];

export type KeepingState = Schemas['KeepingState'];
export type KeepingRun = Schemas['KeepingRun'];
export type DayDigest = Schemas['DayDigest'];
export type IntegrityPage = Schemas['IntegrityPage'];
export type MaintenanceAction = Schemas['MaintenanceAction'];
