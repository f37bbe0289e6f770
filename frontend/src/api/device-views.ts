import { OWN, readError } from './client';
import { may } from './session';
import type { Permission } from './views';

/** Rights of device life. */
export type DeviceRight = 'keep_devices' | 'test_devices' | 'waive_devices' | 'manage_ledger';

export function mayDo(right: DeviceRight): boolean {
  return may(right as Permission);
}

export type LifeState = 'planned' | 'arrived' | 'accepted' | 'installed' | 'tested' | 'in_service' | 'retired';
export const LIFE: readonly LifeState[] = ['planned', 'arrived', 'accepted', 'installed', 'tested', 'in_service'];

export interface Check {
  rule: string;
  clause: string;
  subject: string;
  state: 'pass' | 'warn' | 'fail';
  zh: string;
  en: string;
}

export interface Named {
  zh: string;
  en: string;
}

export interface OpenItem extends Named {
  item: string;
  stage: string;
  waived: boolean;
}

export interface DeviceRow {
  serial: string;
  model: string;
  device_class: string;
  class_zh: string;
  class_en: string;
  asset: string;
  asset_zh: string;
  asset_en: string;
  device: string;
  point_kind: string;
  purchase: string;
  state: LifeState;
  auto_ready: boolean;
  outdoor: boolean;
  changed: string;
}

export interface DevicePage {
  total: number;
  states: Partial<Record<LifeState, number>>;
  items: DeviceRow[];
}

export interface Step extends Named {
  name: string;
  state: 'waiting' | 'running' | 'passed' | 'failed' | 'skipped';
  started_s: number | null;
  ended_s: number | null;
  said_zh: string;
  said_en: string;
  measured: Record<string, unknown>[];
}

export interface Instruction extends Named {
  fault: string;
  subject: string;
  repair: boolean;
}

export interface Finding extends Named {
  id: string;
  subject: string;
  cause: string;
  point: string;
  clause: string;
}

export type RunState = 'running' | 'restoring' | 'passed' | 'failed' | 'aborted';

export interface Run {
  id: string;
  kind: 'acceptance' | 'season';
  subject: string;
  station: string;
  state: RunState;
  by: string;
  started: string;
  ended: string | null;
  steps: Step[];
  instruction: Instruction | null;
  problems: Named[];
  findings: Finding[];
  checks: Check[];
  signed: boolean;
  key_id: string;
  pdf_sha256: string;
}

export interface RunPage {
  total: number;
  items: Run[];
}

export interface DeviceRecord {
  kind: string;
  body: Record<string, unknown>;
  by: string;
  at: string;
}

export interface DeviceDetail {
  device: DeviceRow;
  next: LifeState | '';
  open: OpenItem[];
  selection: Check[];
  installation: Check[];
  ticks: (Named & { item: string; clause: string })[];
  accessories: string[];
  mismatches: (Named & { kind: string; subject: string })[];
  records: DeviceRecord[];
  steps: string[];
  runs: Run[];
}

export interface ModelRow {
  model: Record<string, string | number | null> & { code: string; maker: string; zh: string; en: string };
  class_zh: string;
  class_en: string;
  checks: Check[];
  missing_zh: string[];
  missing_en: string[];
  devices: number;
}

export interface FleetReport {
  label: { devices: number; best: number; unknown: number; share_pct: number };
  failing: Check[];
  radio: Check[];
  rooms: Check[];
}

/** Ask or tell the platform something about devices. */
export async function ask<T>(method: 'GET' | 'POST' | 'PUT' | 'PATCH', path: string, body?: unknown): Promise<T> {
  const answer = await fetch(`/api/v1${path}`, {
    method,
    headers: body === undefined ? OWN : { ...OWN, 'content-type': 'application/json' },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  if (!answer.ok) throw await readError(answer);
  return (await answer.json()) as T;
}

/** Send a file; `files` answers with its digest. */
export async function sendFile<T>(path: string, file: File, method: 'POST' | 'PUT' = 'POST'): Promise<T> {
  const form = new FormData();
  form.set('file', file);
  const answer = await fetch(`/api/v1${path}`, { method, body: form, headers: OWN });
  if (!answer.ok) throw await readError(answer);
  return (await answer.json()) as T;
}
