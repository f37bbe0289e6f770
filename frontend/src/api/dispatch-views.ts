import type { components } from './schema';

// Dispatch of heat sources: plans, what was relaxed, the N-1 check.
type Schemas = components['schemas'];

export type DispatchNow = Schemas['DispatchNow'];
export type DispatchPlan = Schemas['DispatchPlanView'];
export type DispatchPlanRow = Schemas['DispatchPlanRow'];
export type DispatchRelaxation = Schemas['DispatchRelaxation'];
export type NMinusOne = Schemas['NMinusOneView'];
export type NMinusOneRow = Schemas['NMinusOneRow'];
export type DispatchSetpoint = Schemas['DispatchSetpoint'];
export type DispatchFollowing = Schemas['DispatchFollowing'];
export type DispatchEvent = Schemas['DispatchEvent'];
export type NetworkPlan = Schemas['NetworkPlanView'];
export type NetworkPump = Schemas['NetworkPump'];
export type NetworkUnit = Schemas['NetworkUnit'];
export type NetworkHead = Schemas['NetworkHead'];
export type SeasonReport = Schemas['SeasonReport'];
export type SeasonCase = Schemas['SeasonCase'];
export type CostView = Schemas['CostView'];
export type CostRow = Schemas['CostRow'];
export type CostStation = Schemas['CostStation'];
