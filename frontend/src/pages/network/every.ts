import { useEffect } from 'react';

const AGAIN_MS = 10_000;

/** Ask again every ten seconds while somebody looks. */
export function useEvery(reload: () => void): void {
  useEffect(() => {
    const timer = window.setInterval(() => !document.hidden && reload(), AGAIN_MS);
    return () => window.clearInterval(timer);
  }, [reload]);
}
