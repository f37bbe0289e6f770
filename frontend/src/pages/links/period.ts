import { useMemo, useState } from 'react';
import { useSearchParams } from 'react-router';
import { useMedia } from '../../base/media';
import { useStore } from '../../base/store';
import { timeZone } from '../../base/time';
import { plantClock, plantNow } from '../../live/clock';
import { zoneShift } from '../trends/axis';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

export const PERIODS = { day: DAY_MS, week: 7 * DAY_MS, month: 30 * DAY_MS } as const;
export type PeriodName = keyof typeof PERIODS;
export const PERIOD_NAMES: readonly PeriodName[] = ['day', 'week', 'month'];

/** Two ends as the API wants them. */
export interface Span {
  from: string;
  to: string;
}

export function spanOf(start: number, end: number): Span {
  return { from: new Date(start).toISOString(), to: new Date(end).toISOString() };
}

/**
 * The period looked at, kept in the address. It ends with the last whole hour of plant time: of the
 * hour under way some answers are still on their way.
 */
export function usePeriod() {
  const [words, setWords] = useSearchParams();
  const asked = words.get('period') as PeriodName | null;
  const name: PeriodName = asked && asked in PERIODS ? asked : 'day';
  const ready = useStore(plantClock) !== null;
  const [turn, setTurn] = useState(0);
  const span = useMemo<Span | null>(
    () => {
      if (!ready) return null;
      const end = Math.floor((plantNow() ?? Date.now()) / HOUR_MS) * HOUR_MS;
      return spanOf(end - PERIODS[name], end);
    },
    // Plant time moves all the while; the period only when asked to.
    // eslint-disable-next-line react-hooks/exhaustive-deps
    [name, turn, ready],
  );
  const choose = (next: PeriodName) =>
    setWords(
      (old) => {
        old.set('period', next);
        return old;
      },
      { replace: true },
    );
  return { name, span, choose, refresh: () => setTurn((old) => old + 1) };
}

/** Rows a page of a table: on a phone a row is a card. */
export function useSize(wide: number): number {
  const narrow = useMedia('(max-width: 720px)');
  return narrow ? Math.ceil(wide / 3) : wide;
}

/** Midnight at the begin of a day (`2026-11-23`) in the company's zone, milliseconds. */
export function midnight(date: string): number {
  const utc = Date.parse(`${date}T00:00:00Z`);
  return utc - zoneShift(utc - zoneShift(utc));
}

/** The day a time lies in, in the company's zone. */
export function dayOf(at: number): string {
  return new Date(at + zoneShift(at)).toISOString().slice(0, 10);
}

export function zoneName(): string {
  return timeZone.get();
}
