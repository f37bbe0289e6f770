import { language } from '../i18n';
import { Store } from './store';

/** The company's zone: every time on the screens is plant time in it. */
export const timeZone = new Store('Asia/Shanghai');

type Style = 'full' | 'clock' | 'minute' | 'day' | 'stamp';

const STYLES: Record<Style, Intl.DateTimeFormatOptions> = {
  full: { year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit', second: '2-digit' },
  stamp: { month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit', second: '2-digit' },
  minute: { month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit' },
  clock: { hour: '2-digit', minute: '2-digit', second: '2-digit' },
  day: { year: 'numeric', month: '2-digit', day: '2-digit' },
};
const made = new Map<string, Intl.DateTimeFormat>();

function formatter(style: Style): Intl.DateTimeFormat {
  const key = `${language.get()} ${timeZone.get()} ${style}`;
  let found = made.get(key);
  if (!found) {
    found = new Intl.DateTimeFormat(language.get() === 'zh' ? 'zh-CN' : 'en-GB', {
      ...STYLES[style],
      hourCycle: 'h23',
      timeZone: timeZone.get(),
    });
    made.set(key, found);
  }
  return found;
}

/** A time in the company's zone; a dash when there is none. */
export function showTime(at: string | number | null | undefined, style: Style = 'stamp'): string {
  if (at === null || at === undefined || at === '') return '–';
  const ms = typeof at === 'number' ? at : Date.parse(at);
  return Number.isFinite(ms) ? formatter(style).format(ms) : '–';
}
