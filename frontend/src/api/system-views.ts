import type { Named } from './views';

// The system itself: people, audit, gateways, wholeness of data, ledger files, the demonstration.

export interface UserView {
  name: string;
  full_name: string;
  roles: string[];
  scope: string[];
  disabled: boolean;
  must_change: boolean;
  second_factor: boolean;
  wants_second: boolean;
  locked: boolean;
  seen_at?: string | null;
  password_at?: string | null;
  disabled_reason: string;
}

export interface GatewayView extends Named {
  kind: string;
  channel: string;
  enrolled: boolean;
  connected: boolean;
  last_seen: string | null;
  through: number | null;
  devices: number;
  points: number;
}

export interface GapView {
  gateway: string;
  device: string;
  start: string;
  end: string | null;
  cause: string;
}

export interface QuarantineView {
  id: number;
  gateway: string;
  at: string;
  reason: string;
  detail: string;
  rows: number;
}

export interface BadRow {
  sheet: string;
  row: number;
  column: string;
  value: string;
  message_zh: string;
  message_en: string;
  fix: string;
}

export interface HealthPart {
  name: string;
  layer: string;
  ok: boolean;
  detail: string;
}

export interface Health {
  status: string;
  layers: Record<string, boolean>;
  parts: HealthPart[];
}

export interface DemoFault {
  id: string;
  zh: string;
  en: string;
  subject: string;
  active: boolean;
}

export interface DemoStatus {
  speed: number;
  lockstep: boolean;
  plant_time: string;
  faults: DemoFault[];
  weather: { offset_k?: number; wind_factor?: number; cloud_factor?: number };
}
