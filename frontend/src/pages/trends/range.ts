const HOUR_MS = 3_600_000;

/** Range presets; a season is half a year. */
export const PRESETS = { '1h': HOUR_MS, '24h': 24 * HOUR_MS, '7d': 168 * HOUR_MS, season: 183 * 24 * HOUR_MS } as const;

export type Preset = keyof typeof PRESETS;

export interface Range {
  preset: Preset | null;
  start: number;
  end: number;
}

export function isPreset(text: string | null): text is Preset {
  return text !== null && text in PRESETS;
}

export function presetRange(preset: Preset, now: number): Range {
  return { preset, start: now - PRESETS[preset], end: now };
}
