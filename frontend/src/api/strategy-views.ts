import type { components } from './schema';

// Control strategies: what is meant to be done with each unit, and why.
type Schemas = components['schemas'];

export type StrategyCard = Schemas['StrategyCard'];
export type StrategyPage = Schemas['StrategyPage'];
export type StrategyView = Schemas['StrategyView'];
export type StrategyVersion = Schemas['StrategyVersion'];
export type RoomLevel = Schemas['RoomLevelView'];
export type RoomLevelPoint = Schemas['RoomLevelPoint'];
export type BalanceCard = Schemas['BalanceCard'];
export type BalanceView = Schemas['BalanceView'];
export type BalanceBuilding = Schemas['BalanceBuilding'];
