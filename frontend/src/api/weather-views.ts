import type { components } from './schema';

// The weather: now, forecasts as they were known, how right they were.
type Schemas = components['schemas'];

export type WeatherNow = Schemas['WeatherNow'];
export type WeatherValues = Schemas['WeatherValues'];
export type WeatherSource = Schemas['WeatherSourceView'];
export type WeatherQuantity = Schemas['WeatherQuantity'];
export type WeatherForecast = Schemas['WeatherForecastView'];
export type WeatherSkill = Schemas['WeatherSkill'];
export type WeatherSkillRow = Schemas['WeatherSkillRow'];
