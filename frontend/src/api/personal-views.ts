import type { components } from './schema';

// Personal data: what is collected, consents, data for others, erasure, labels and rights.
type Schemas = components['schemas'];

export type PersonalField = Schemas['PersonalFieldView'];
export type Consent = Schemas['ConsentView'];
export type Receiver = Schemas['ReceiverView'];
export type OfferedField = Schemas['OfferedField'];
export type Given = Schemas['GivenView'];
export type Erasure = Schemas['ErasureView'];
export type PersonLabel = Schemas['LabelView'];
export type RightRow = Schemas['RightRow'];
export type Subject = Schemas['AssetView'];
