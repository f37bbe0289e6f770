import createClient from 'openapi-fetch';
import { guard } from './client';
import type { Page } from './views';

// Data quality: abnormal data with cause and correction, completeness place by place.

export type CaseState = 'open' | 'handled';
export type Correction = 'none' | 'estimate' | 'mark_bad';

export interface QualityCase {
  id: string;
  asset: string;
  asset_zh: string;
  asset_en: string;
  point: string | null;
  kind_zh: string;
  kind_en: string;
  unit: string;
  rule: string;
  rule_zh: string;
  rule_en: string;
  severity: number;
  start: string;
  end: string;
  samples: number;
  value: number | null;
  expected: number | null;
  text_zh: string;
  text_en: string;
  found: string;
  state: CaseState;
  cause: string | null;
  correction: Correction | null;
  method: string | null;
  corrected: number;
  note: string;
  reviewer: string | null;
  handled: string | null;
}

export interface CountOf {
  name: string;
  zh: string;
  en: string;
  count: number;
}

export interface QualitySummary {
  open: number;
  open_by_rule: CountOf[];
  open_high: number;
  handled: number;
  median_handling_h: number | null;
  causes: CountOf[];
}

export interface PlaceCompleteness {
  asset: string;
  zh: string;
  en: string;
  points: number;
  expected: number;
  stored: number;
  good: number;
  share_pct: number | null;
  worst_point: string | null;
  worst_pct: number | null;
}

export interface QualityCompleteness {
  date: string;
  expected: number;
  stored: number;
  good: number;
  share_pct: number | null;
  required_pct: number;
  places: PlaceCompleteness[];
}

type Answer<T> = { responses: { 200: { content: { 'application/json': T } } } };
type Ask<T, Q> = { get: Answer<T> & { parameters: { query: Q } } };

interface QualityPaths {
  '/api/v1/quality/cases': Ask<
    Page<QualityCase>,
    { state: CaseState | 'all'; rule: string; severity: number; page: number; size: number }
  >;
  '/api/v1/quality/summary': { get: Answer<QualitySummary> };
  '/api/v1/quality/completeness': Ask<QualityCompleteness, { date: string }>;
  '/api/v1/quality/cases/{id}/handle': {
    post: Answer<QualityCase> & {
      parameters: { path: { id: string } };
      requestBody: {
        content: { 'application/json': { cause: string; correction: Correction; note: string } };
      };
    };
  };
}

export const qualityApi = createClient<QualityPaths>({
  baseUrl: window.location.origin,
  fetch: (request) => window.fetch(request),
});
qualityApi.use(guard);
