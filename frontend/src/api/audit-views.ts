import createClient from 'openapi-fetch';
import { guard } from './client';

// The audit trail: entries, the state of the chain, checks, copies and periods.

export type AuditResult = 'done' | 'refused' | 'failed';

export interface AuditEntry {
  seq: number;
  at: string;
  user: string;
  role: string;
  address: string;
  request: string;
  action: string;
  subject: string;
  result: AuditResult;
  detail: Record<string, unknown>;
  hash: string;
}

export interface RecordChange {
  table: string;
  record: string;
  operation: string;
  at: string;
  before: Record<string, unknown> | null;
  after: Record<string, unknown> | null;
}

export interface AuditDetail {
  entry: AuditEntry;
  algorithm: string;
  previous: string;
  same_request: AuditEntry[];
  changes: RecordChange[];
}

export interface AuditCheck {
  running: boolean;
  checked: number;
  total: number;
  ok: boolean | null;
  first_broken: number | null;
  reason: '' | 'altered' | 'missing' | 'inserted' | 'algorithm' | 'head' | 'period' | 'checkpoint';
  checkpoints: number;
  signed_through: number;
  started_at: string | null;
  seconds: number;
}

export interface AuditCopy {
  target: string;
  through: number;
  lag_s: number;
  late: boolean;
  differs: boolean;
  failing: string;
}

export interface AuditPeriod {
  first_seq: number;
  last_seq: number;
  first_at: string;
  last_at: string;
  file: string;
  sealed_at: string;
  sealed_by: string;
  dropped_at: string | null;
  droppable: boolean;
}

export interface AuditState {
  writable: boolean;
  failing_since: string | null;
  entries: number;
  hash: string;
  algorithm: string;
  checkpoints: number;
  signed_through: number;
  journalled: number;
  copies: AuditCopy[];
  periods: AuditPeriod[];
}

export interface AuditAsked {
  user: string;
  action: string;
  subject: string;
  address: string;
  result: '' | AuditResult;
  start?: string;
  end?: string;
}

type Answer<T> = { responses: { 200: { content: { 'application/json': T } } } };

interface AuditPaths {
  '/api/v1/audit': {
    get: Answer<{ total: number; items: AuditEntry[] }> & {
      parameters: { query: AuditAsked & { page: number; size: number } };
    };
  };
  '/api/v1/audit/state': { get: Answer<AuditState> };
  '/api/v1/audit/check': {
    get: Answer<AuditCheck>;
    post: { responses: { 202: { content: { 'application/json': AuditCheck } } } };
  };
  '/api/v1/audit/entries/{seq}': { get: Answer<AuditDetail> & { parameters: { path: { seq: number } } } };
  '/api/v1/audit/periods': {
    post: Answer<{ period: AuditPeriod | null }> & {
      requestBody: { content: { 'application/json': { before: string } } };
    };
  };
}

export const auditApi = createClient<AuditPaths>({
  baseUrl: window.location.origin,
  fetch: (request) => window.fetch(request),
});
auditApi.use(guard);
