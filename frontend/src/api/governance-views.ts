import type { components } from './schema';

// Governance: coverage from source to user, data assets, permits, verification.
type Schemas = components['schemas'];

export type StageCoverage = Schemas['StageCoverage'];
export type DataAsset = Schemas['DataAssetView'];
export type Permit = Schemas['PermitView'];
export type VerificationTask = Schemas['VerificationTaskView'];
export type VerificationItem = Schemas['VerificationItemView'];
export type ErrorStatistics = Schemas['ErrorStatistics'];
export type Grading = Schemas['GradingView'];
