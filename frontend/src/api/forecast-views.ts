import type { components } from './schema';

// Forecasts of heat load and room temperature, and operation beside its plan.
type Schemas = components['schemas'];

export type ForecastStatus = Schemas['ForecastStatus'];
export type ForecastSubject = Schemas['ForecastSubject'];
export type ForecastView = Schemas['ForecastView'];
export type ForecastStep = Schemas['ForecastStep'];
export type ForecastSkillRow = Schemas['ForecastSkillRow'];
export type PlanStanding = Schemas['PlanStanding'];
export type DispatchPeriodSubject = Schemas['DispatchPeriodSubject'];
export type DispatchPeriodHours = Schemas['DispatchPeriodHours'];
export type DeviationEvent = Schemas['DeviationEvent'];
export type AutomaticRow = Schemas['AutomaticRow'];
export type SmartClass = Schemas['SmartClass'];
