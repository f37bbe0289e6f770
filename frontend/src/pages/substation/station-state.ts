import type { StationState, StationView } from '../../api/views';
import { useStore } from '../../base/store';
import { openAlarms } from '../../live/alarms';

/** State and open alarms of a station by the alarms this window has heard of. */
export function useStationState(station: StationView): [StationState, number] {
  const alarms = useStore(openAlarms);
  const own = new Set([station.asset.code, ...station.units.map((unit) => unit.code)]);
  const open = [...alarms.values()].filter((alarm) => own.has(alarm.subject.split('.')[0] ?? ''));
  if (station.state === 'offline') return ['offline', open.length];
  if (open.length === 0) return ['normal', 0];
  return [open.some((alarm) => alarm.priority <= 2) ? 'alarm' : 'warning', open.length];
}
