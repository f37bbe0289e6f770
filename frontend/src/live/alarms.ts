import { api, seen } from '../api/client';
import type { AlarmView, Page } from '../api/views';
import { Store } from '../base/store';

/** Open alarms by id: not yet both cleared and acknowledged. */
export const openAlarms = new Store<ReadonlyMap<string, AlarmView>>(new Map());

export function isUnacknowledged(alarm: AlarmView): boolean {
  return alarm.state === 'active' || alarm.state === 'returned';
}

export function takeAlarm(alarm: AlarmView): void {
  openAlarms.update((old) => {
    const next = new Map(old);
    if (alarm.state === 'cleared') next.delete(alarm.id);
    else next.set(alarm.id, alarm);
    return next;
  });
}

/** Read all open alarms; at a start and after the stream was lost. */
export async function readOpenAlarms(): Promise<void> {
  const page = await seen<Page<AlarmView>>(api.GET('/api/v1/alarms', { params: { query: { state: 'open', size: 200 } } }));
  openAlarms.set(new Map(page.items.map((alarm) => [alarm.id, alarm])));
}

export async function acknowledge(id: string): Promise<void> {
  takeAlarm(await seen<AlarmView>(api.POST('/api/v1/alarms/{id}/acknowledge', { params: { path: { id } } })));
}

/** Most urgent first, then unacknowledged, then newest. */
export function byUrgency(a: AlarmView, b: AlarmView): number {
  return (
    a.priority - b.priority ||
    Number(isUnacknowledged(b)) - Number(isUnacknowledged(a)) ||
    Date.parse(b.onset) - Date.parse(a.onset)
  );
}

/** The most urgent open alarm of each point or asset. */
export function worstBySubject(alarms: ReadonlyMap<string, AlarmView>): Map<string, AlarmView> {
  const worst = new Map<string, AlarmView>();
  for (const alarm of alarms.values()) {
    if (alarm.state === 'returned') continue;
    for (const subject of new Set([alarm.subject, alarm.point ?? alarm.subject])) {
      const old = worst.get(subject);
      if (!old || byUrgency(alarm, old) < 0) worst.set(subject, alarm);
    }
  }
  return worst;
}
