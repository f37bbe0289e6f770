import type { components } from './schema';

// Links and what they delivered: shapes straight from the API document.
type Schemas = components['schemas'];

export type LinkRow = Schemas['LinkRowView'];
export type LinkReport = Schemas['LinkReportView'];
export type LinkHistory = Schemas['LinkHistory'];
export type LinkStep = Schemas['LinkStep'];
export type SpareSpan = Schemas['SpareSpan'];
export type ChannelCost = Schemas['ChannelCost'];
export type LinkGateway = Schemas['GatewayView'];
export type CompletePeriod = Schemas['CompletePeriod'];
export type SignedDocument = Schemas['SignedDocument'];
export type VerifiedDocument = Schemas['VerifiedDocument'];

export interface AuditPoint {
  point: string;
  date: string;
  expected: number;
  stored: number;
  share_pct: number | null;
  unexplained: number;
}

export interface UnexplainedPoint {
  point: string;
  device: string;
  date: string;
  unexplained: number;
  /** First and last missing sample of each span. */
  spans: [string, string][];
}

export interface AuditDay {
  date: string;
  expected: number;
  stored: number;
  share_pct: number | null;
  explained: Record<string, number>;
  unexplained: number;
}

/** What stands in the body of a signed gap audit. */
export interface GapAudit {
  kind: string;
  version: number;
  from: string;
  to: string;
  made_at: string;
  scope: string[];
  devices: number;
  bindings: number;
  expected: number;
  stored: number;
  share_pct: number | null;
  rule_pct: number;
  passed: boolean;
  explained: Record<string, number>;
  unexplained: number;
  days: AuditDay[];
  points: AuditPoint[];
  unexplained_points: UnexplainedPoint[];
  gaps_total: number;
}

export function auditOf(signed: SignedDocument): GapAudit {
  return JSON.parse(signed.body) as GapAudit;
}
