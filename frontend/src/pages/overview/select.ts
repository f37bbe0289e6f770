import i18n from 'i18next';
import type { OverviewStation, StationState } from '../../api/views';
import { named } from '../../i18n';

export interface Filter {
  text: string;
  branch: string;
  state: StationState | '';
  order: 'state' | 'code' | 'power';
}

export const NO_FILTER: Filter = { text: '', branch: '', state: '', order: 'state' };

export const STATES: readonly StationState[] = ['alarm', 'warning', 'offline', 'normal'];

const ORDER: Record<Filter['order'], (a: OverviewStation, b: OverviewStation) => number> = {
  state: (a, b) => STATES.indexOf(a.state) - STATES.indexOf(b.state) || a.code.localeCompare(b.code),
  code: (a, b) => a.code.localeCompare(b.code),
  power: (a, b) => (b.heat_power_kw ?? -1) - (a.heat_power_kw ?? -1),
};

/** The substations a filter leaves, in its order. */
export function chosen(stations: OverviewStation[], filter: Filter): OverviewStation[] {
  const words = filter.text.trim().toLowerCase();
  return stations
    .filter(
      (station) =>
        (!filter.branch || station.branch === filter.branch) &&
        (!filter.state || station.state === filter.state) &&
        (!words ||
          [station.code, station.zh, station.en, ...station.units.map((unit) => unit.code)].some(
            (text) => text.toLowerCase().includes(words),
          )),
    )
    .sort(ORDER[filter.order]);
}

/** A substation's name without the word every one of them ends in. */
export function shortName(station: OverviewStation): string {
  const name = named(station);
  const suffix = i18n.t('overview.suffix');
  return name.endsWith(suffix) && name.length > suffix.length ? name.slice(0, -suffix.length) : name;
}
