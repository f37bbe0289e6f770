import createClient from 'openapi-fetch';
import { guard } from './client';
import type { DemoStatus } from './system-views';

type Answer = { responses: { 200: { content: { 'application/json': DemoStatus } } } };
type Put<B> = Answer & { requestBody: { content: { 'application/json': B } } };

/** The demonstration's own routes: the product's API document does not have them. */
interface DemoPaths {
  '/api/v1/demo/status': { get: Answer };
  '/api/v1/demo/speed': { put: Put<{ speed: number }> };
  '/api/v1/demo/weather': {
    put: Put<{ offset_k: number; wind_factor: number; cloud_factor: number }>;
  };
  '/api/v1/demo/faults/{fault}': {
    put: Put<{ active: boolean }> & { parameters: { path: { fault: string } } };
  };
}

export const demoApi = createClient<DemoPaths>({
  baseUrl: window.location.origin,
  fetch: (request) => window.fetch(request),
});
demoApi.use(guard);
