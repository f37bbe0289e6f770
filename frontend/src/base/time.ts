import { Store } from './store';

/** The company's zone: every time on the screens is plant time in it. */
export const timeZone = new Store('Asia/Shanghai');

type Style = 'full' | 'clock' | 'minute' | 'day' | 'stamp';

const made = new Map<string, Intl.DateTimeFormat>();

function formatter(zone: string): Intl.DateTimeFormat {
  let found = made.get(zone);
  if (!found) {
    found = new Intl.DateTimeFormat('en-US', {
      timeZone: zone,
      hourCycle: 'h23',
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
      hour: '2-digit',
      minute: '2-digit',
      second: '2-digit',
    });
    made.set(zone, found);
  }
  return found;
}

/** A time in the company's zone, written the same in every language; a dash when there is none. */
export function showTime(at: string | number | null | undefined, style: Style = 'stamp'): string {
  if (at === null || at === undefined || at === '') return '–';
  const ms = typeof at === 'number' ? at : Date.parse(at);
  if (!Number.isFinite(ms)) return '–';
  const part = Object.fromEntries(formatter(timeZone.get()).formatToParts(ms).map((p) => [p.type, p.value]));
  const date = `${part.month}-${part.day}`;
  const minute = `${part.hour}:${part.minute}`;
  switch (style) {
    case 'day':
      return `${part.year}-${date}`;
    case 'clock':
      return `${minute}:${part.second}`;
    case 'minute':
      return `${date} ${minute}`;
    case 'stamp':
      return `${date} ${minute}:${part.second}`;
    case 'full':
      return `${part.year}-${date} ${minute}:${part.second}`;
  }
}
