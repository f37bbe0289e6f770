import { useEffect, useState } from 'react';
import { Store } from '../base/store';

/** Plant time as last told, and how fast it runs. */
export interface PlantClock {
  /** Milliseconds of plant time at `heard`. */
  plant: number;
  /** `performance.now()` when it was told. */
  heard: number;
  speed: number;
  demo: boolean;
}

export const plantClock = new Store<PlantClock | null>(null);

export function setClock(plantTime: string, speed: number, demo: boolean): void {
  const plant = Date.parse(plantTime);
  if (Number.isFinite(plant)) plantClock.set({ plant, heard: performance.now(), speed, demo });
}

/** Plant time now: between two tellings it runs on at the told speed, for at most ten seconds. */
export function plantNow(): number | null {
  const told = plantClock.get();
  if (!told) return null;
  const since = Math.min(performance.now() - told.heard, 10_000);
  return told.plant + since * (told.speed > 60 ? 0 : told.speed);
}

/** Plant time, re-read each machine second. */
export function usePlantTime(): number | null {
  const [now, setNow] = useState(plantNow);
  useEffect(() => {
    const tick = () => setNow(plantNow());
    const timer = window.setInterval(tick, 500);
    const stop = plantClock.subscribe(tick);
    return () => {
      window.clearInterval(timer);
      stop();
    };
  }, []);
  return now;
}
