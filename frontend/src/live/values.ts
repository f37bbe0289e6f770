import { useSyncExternalStore } from 'react';

/** The newest value of a point. */
export interface Value {
  value: number | null;
  quality: number;
  /** Milliseconds since 1970 UTC, plant time. */
  at: number;
}

const values = new Map<number, Value>();
const listeners = new Map<number, Set<() => void>>();
const everyone = new Set<() => void>();

/** Take a value unless a newer one is known: event time wins, never arrival order. */
export function take(key: number, fresh: Value): void {
  const old = values.get(key);
  if (old && old.at > fresh.at) return;
  if (old && old.value === fresh.value && old.quality === fresh.quality && old.at === fresh.at) return;
  values.set(key, fresh);
  for (const listener of listeners.get(key) ?? []) listener();
}

export function takeAll(rows: [number, number | null, number, number][]): void {
  for (const [key, value, quality, slot] of rows) take(key, { value, quality, at: slot * 1000 });
  for (const listener of everyone) listener();
}

export function onValues(listener: () => void): () => void {
  everyone.add(listener);
  return () => everyone.delete(listener);
}

export function valueOf(key: number): Value | undefined {
  return values.get(key);
}

export function useValue(key: number | undefined): Value | undefined {
  return useSyncExternalStore(
    (listener) => {
      if (key === undefined) return () => undefined;
      const own = listeners.get(key) ?? new Set();
      own.add(listener);
      listeners.set(key, own);
      return () => own.delete(listener);
    },
    () => (key === undefined ? undefined : values.get(key)),
  );
}
