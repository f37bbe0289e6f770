import type { components } from './schema';

// Open interfaces: ways out, webhooks, modules, the exchange with other systems.
type Schemas = components['schemas'];

export type InterfaceState = Schemas['InterfaceState'];
export type ModuleView = Schemas['ModuleView'];
export type WebhookView = Schemas['WebhookView'];
export type DeliveryView = Schemas['DeliveryView'];
export type SyncConflict = Schemas['SyncConflict'];
export type SyncRun = Schemas['SyncRun'];
export type SyncSystem = Schemas['SyncSystem'];
