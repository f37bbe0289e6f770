import createClient, { type Middleware } from 'openapi-fetch';
import type { paths } from './schema';
import type { ApiErrorBody } from './views';

/** What the platform refused, in both languages, and what to do about it. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly body: ApiErrorBody & { rows?: unknown },
  ) {
    super(body.message_en);
  }
}

const signedOut = new Set<() => void>();

/** Called when the platform says the session is over. */
export function onSignedOut(listener: () => void): () => void {
  signedOut.add(listener);
  return () => signedOut.delete(listener);
}

export async function readError(answer: Response): Promise<ApiError> {
  const body = (await answer.json().catch(() => null)) as {
    error?: ApiErrorBody;
    rows?: unknown;
  } | null;
  const told = body?.error ?? {
    code: `http_${answer.status}`,
    message_zh: `平台答复 ${answer.status}`,
    message_en: `the platform answered ${answer.status}`,
  };
  return new ApiError(answer.status, { ...told, rows: body?.rows });
}

/** The header that other sites cannot send. */
export const OWN = { 'X-Heatloop': '1' };

const repeats = new WeakMap<Request, Request>();
let askProof: (() => Promise<boolean>) | null = null;

/** Who asks the person to prove again who he is; the answer is false when he gives up. */
export function onProofNeeded(ask: (() => Promise<boolean>) | null): void {
  askProof = ask;
}

/** Marks writes as our own, and turns refusals into errors. */
export const guard: Middleware = {
  onRequest({ request }) {
    if (request.method !== 'GET') {
      request.headers.set('X-Heatloop', '1');
      // What needs a fresh proof of identity is sent again once that was given.
      repeats.set(request, request.clone());
    }
    return request;
  },
  async onResponse({ request, response }) {
    if (response.ok) return undefined;
    const error = await readError(response);
    if (error.status === 401 && error.body.code === 'unauthenticated' && !request.url.endsWith('/session')) {
      for (const tell of signedOut) tell();
    }
    const again = repeats.get(request);
    if (error.body.code === 'proof_needed' && again && askProof && (await askProof())) {
      const answer = await window.fetch(again);
      if (answer.ok) return answer;
      throw await readError(answer);
    }
    throw error;
  },
};

export const api = createClient<paths>({
  baseUrl: window.location.origin,
  fetch: (request) => window.fetch(request),
});
api.use(guard);

type Given<T> = { data?: T; error?: unknown };

/** A view with its closed sets of words opened: what the API document promises. */
type Loose<T> = T extends string
  ? string
  : T extends readonly (infer U)[]
    ? Loose<U>[]
    : T extends object
      ? { [K in keyof T]: Loose<T[K]> }
      : T;

/** The answer as a view; its shape is checked against the API document, its words are trusted. */
export async function seen<View>(answer: Promise<Given<Loose<View>>>): Promise<View> {
  return (await answer).data as View;
}

/** The answer itself: failures were thrown before this. */
export async function got<T>(answer: Promise<Given<T>>): Promise<T> {
  return (await answer).data as T;
}
