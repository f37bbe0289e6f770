import { useEffect } from 'react';
import { info } from '../api/session';
import type { AlarmView, CommandView } from '../api/views';
import { Store } from '../base/store';
import { readOpenAlarms, takeAlarm } from './alarms';
import { setClock } from './clock';
import { takeCommand } from './commands';
import { takeAll } from './values';

/** What the window wants values of; clock, alarms and commands come with any of them. */
export type Wish = { overview: true } | { substation: string } | { points: string[] } | null;

export const connected = new Store(false);

function query(wish: Wish): string {
  if (wish === null) return '';
  if ('overview' in wish) return '?overview=1';
  if ('substation' in wish) return `?substation=${encodeURIComponent(wish.substation)}`;
  return wish.points.length ? `?points=${encodeURIComponent(wish.points.join(','))}` : '';
}

let source: EventSource | null = null;
let open = '';
let wishes: string[] = [];
let later = 0;
let wait = 1000;

function hear<T>(from: EventSource, name: string, use: (data: T) => void): void {
  from.addEventListener(name, (event) => use(JSON.parse((event as MessageEvent<string>).data) as T));
}

function connect(words: string): void {
  source?.close();
  window.clearTimeout(later);
  open = words;
  const mine = new EventSource(`/api/v1/stream${words}`);
  source = mine;
  mine.onopen = () => {
    wait = 1000;
    connected.set(true);
    void readOpenAlarms().catch(() => undefined);
  };
  mine.onerror = () => {
    connected.set(false);
    // The browser tries again by itself unless the answer was final.
    if (mine.readyState !== EventSource.CLOSED || source !== mine) return;
    later = window.setTimeout(() => connect(open), wait);
    wait = Math.min(wait * 2, 20_000);
  };
  hear<{ plant_time: string; speed: number; demo?: boolean }>(mine, 'clock', (told) =>
    setClock(told.plant_time, told.speed, told.demo ?? info.get()?.demo ?? false),
  );
  hear<{ values: [number, number | null, number, number][] }>(mine, 'values', (told) => takeAll(told.values));
  hear<AlarmView>(mine, 'alarm', takeAlarm);
  hear<CommandView>(mine, 'command', takeCommand);
}

function settle(): void {
  const words = wishes[wishes.length - 1];
  if (words === undefined) return;
  if (source === null || words !== open) connect(words);
}

export function closeStream(): void {
  source?.close();
  source = null;
  window.clearTimeout(later);
  connected.set(false);
}

/** One stream a window: the page shown last says what it carries. */
export function useStream(wish: Wish): void {
  const words = query(wish);
  useEffect(() => {
    wishes.push(words);
    // After the effects of the whole page, so that leaving and coming opens one stream.
    const timer = window.setTimeout(settle);
    return () => {
      window.clearTimeout(timer);
      wishes = wishes.filter((_, at) => at !== wishes.lastIndexOf(words));
      window.setTimeout(settle);
    };
  }, [words]);
}
