import type { components } from './schema';

// Keeping: backups, integrity, maintenance, and what storage costs.
type Schemas = components['schemas'];

export type KeepingState = Schemas['KeepingState'];
export type KeepingRun = Schemas['KeepingRun'];
export type DayDigest = Schemas['DayDigest'];
export type IntegrityPage = Schemas['IntegrityPage'];
export type StoredTable = Schemas['StoredTable'];
export type MachineResource = Schemas['Resource'];
export type Expiry = Schemas['Expiry'];
export type MaintenanceAction = Schemas['MaintenanceAction'];
