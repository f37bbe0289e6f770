// The words the screens speak. Shapes follow the HTTP API; times are ISO-8601 UTC strings.

export type StationState = 'normal' | 'warning' | 'alarm' | 'offline';
export type Mode = 'local' | 'remote_manual' | 'automatic';
export type Stage = 'observe' | 'advise' | 'automatic';
export type Priority = 1 | 2 | 3 | 4;
export type CommandStateName =
  | 'queued'
  | 'sent'
  | 'acknowledged'
  | 'verified'
  | 'failed'
  | 'expired';

export interface Session {
  user: string;
  roles: string[];
  permissions: string[];
  scope: string[];
  must_change: boolean;
  must_prove: boolean;
  must_enrol: boolean;
  factors: string[];
  methods: string[];
  kind: string;
}

export interface Info {
  version: string;
  demo: boolean;
  company_zh: string;
  company_en: string;
  time_zone: string;
  plant_time: string;
  speed: number;
}

export interface Named {
  code: string;
  zh: string;
  en: string;
}

export interface OverviewUnit extends Named {
  emitter: string;
  zone: string;
  supply_c: number | null;
  return_c: number | null;
  setpoint_c: number | null;
  mode: Mode | null;
  stage: Stage;
}

export interface OverviewStation extends Named {
  branch: string;
  lat: number | null;
  lon: number | null;
  heated_area_m2: number | null;
  state: StationState;
  alarms: number;
  primary_supply_c: number | null;
  primary_return_c: number | null;
  heat_power_kw: number | null;
  units: OverviewUnit[];
}

export interface OverviewSource extends Named {
  state: StationState;
  alarms: number;
  rated_load_kw: number | null;
  supply_c: number | null;
  return_c: number | null;
  supply_kpa: number | null;
  return_kpa: number | null;
  flow_m3h: number | null;
  heat_power_kw: number | null;
}

export interface OverviewTotals {
  substations: number;
  online: number;
  alarms_active: number;
  alarms_unacknowledged: number;
  heat_power_kw: number | null;
  heated_area_m2: number | null;
  room_mean_c: number | null;
  room_share_18_pct: number | null;
}

export interface Overview {
  plant_time: string;
  speed: number;
  outdoor_temperature_c: number | null;
  totals: OverviewTotals;
  sources: OverviewSource[];
  substations: OverviewStation[];
}

export interface PointView {
  code: string;
  key: number;
  kind: string;
  zh: string;
  en: string;
  unit: string;
  decimals: number;
  n: number;
  access: string;
  low: number | null;
  high: number | null;
  value: number | null;
  quality: string | null;
  at: string | null;
  asset: string;
}

export interface StationUnit extends Named {
  emitter: string;
  zone: string;
  mode: Mode | null;
  stage: Stage;
  heated_area_m2: number | null;
  points: string[];
}

export interface BuildingView extends Named {
  unit: string;
  area_m2: number | null;
  rooms: number;
  room_mean_c: number | null;
  room_min_c: number | null;
}

export interface DeviceView {
  code: string;
  gateway: string;
  profile: string;
  protocol: string;
  regulates: string;
  online: boolean;
}

export interface AssetView extends Named {
  kind: string;
  parent: string;
  organisation: string;
  org_path: string;
  heat_path: string;
  attributes: Record<string, string | number | boolean>;
}

export interface StationView {
  asset: AssetView;
  state: StationState;
  units: StationUnit[];
  points: PointView[];
  device: DeviceView | null;
  buildings: BuildingView[];
}

export interface AlarmView {
  id: string;
  subject: string;
  subject_zh: string;
  subject_en: string;
  point: string | null;
  kind: string | null;
  rule: string;
  text_zh: string;
  text_en: string;
  priority: number;
  onset: string;
  cleared: string | null;
  state: 'active' | 'acknowledged' | 'returned' | 'cleared';
  acknowledged_by: string | null;
  acknowledged_at: string | null;
  value: number | null;
  limit: number | null;
  unit: string | null;
}

export interface CommandEvent {
  state: CommandStateName;
  at: string;
  reason: string;
}

export interface CommandView {
  id: string;
  point: string;
  value: number;
  mode: string;
  state: CommandStateName;
  issued: string;
  expires: string;
  requested_by: string;
  reason: string;
  events: CommandEvent[];
  command_class: string;
  proposal: string;
  passed: DoorStep[];
}

export interface DoorStep {
  step: string;
  ok: boolean;
  at: string;
  by: string;
  detail: string;
}

export interface TrendSeries {
  point: string;
  zh: string;
  en: string;
  unit: string;
  at: number[];
  value: (number | null)[];
  low: (number | null)[];
  high: (number | null)[];
  quality: number[];
  /** Milliseconds; values up to here came with the demonstration's history. */
  simulated_until: number | null;
}

export interface Trends {
  step: string;
  thinned: boolean;
  series: TrendSeries[];
}

export interface Page<T> {
  total: number;
  items: T[];
}

export type Permission =
  | 'view'
  | 'acknowledge'
  | 'command'
  | 'manage_ledger'
  | 'manage_users'
  | 'demo'
  | 'audit'
  | 'keep_audit'
  | 'keep_devices'
  | 'test_devices'
  | 'waive_devices'
  | 'reveal_personal'
  | 'keep_privacy'
  | 'watch'
  | 'keep_security';

export interface ApiErrorBody {
  code: string;
  message_zh: string;
  message_en: string;
  thing?: string | null;
  place?: string | null;
  fix?: string | null;
  fix_zh?: string | null;
}
