import type { components } from './schema';

// The network and the twin: shapes straight from the API document.
type Schemas = components['schemas'];

export type NetworkView = Schemas['NetworkView'];
export type NetworkNode = Schemas['NetworkNode'];
export type NetworkSegment = Schemas['NetworkSegment'];
export type SuspectReading = Schemas['SuspectReading'];
export type PressureProfile = Schemas['PressureProfile'];
export type CutView = Schemas['CutView'];
export type OutageView = Schemas['OutageView'];
export type WhatIfRequest = Schemas['WhatIfRequest'];
export type WhatIfView = Schemas['WhatIfView'];
export type WhatIfUnit = Schemas['WhatIfUnit'];
export type SizingReport = Schemas['SizingReport'];
export type SizingCard = Schemas['SizingCard'];
export type SizingItem = Schemas['SizingItem'];
