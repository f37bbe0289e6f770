import { useEffect, useRef } from 'react';
import type { Overview } from '../../api/views';
import type { Resource } from '../../base/resource';
import { openAlarms } from '../../live/alarms';
import { onValues } from '../../live/values';

/** Shortest pause between two readings; a large city is read less often. */
function pauseMs(stations: number): number {
  return Math.max(1500, stations * 5);
}

/** Read the overview again when the stream says that something in it changed. */
export function useFreshOverview(overview: Resource<Overview>): void {
  const { reload } = overview;
  const count = useRef(0);
  count.current = overview.data?.substations.length ?? 0;
  useEffect(() => {
    let last = performance.now();
    let timer = 0;
    const read = () => {
      timer = 0;
      last = performance.now();
      reload();
    };
    const changed = () => {
      if (timer || document.hidden) return;
      timer = window.setTimeout(read, Math.max(0, last + pauseMs(count.current) - performance.now()));
    };
    const seen = () => !document.hidden && changed();
    document.addEventListener('visibilitychange', seen);
    const stops = [onValues(changed), openAlarms.subscribe(changed)];
    return () => {
      document.removeEventListener('visibilitychange', seen);
      for (const stop of stops) stop();
      window.clearTimeout(timer);
    };
  }, [reload]);
}
