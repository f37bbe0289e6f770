import { Store } from '../base/store';
import { timeZone } from '../base/time';
import { ApiError, api, got, onSignedOut } from './client';
import type { Info, Permission, Session } from './views';

/** undefined: not asked yet; null: nobody is signed in. */
export const session = new Store<Session | null | undefined>(undefined);
export const info = new Store<Info | null>(null);

onSignedOut(() => session.set(null));

async function readInfo(): Promise<void> {
  const told = await got(api.GET('/api/v1/info'));
  if (told.time_zone) timeZone.set(told.time_zone);
  info.set(told);
}

/** Ask who is signed in; throws only when the platform does not answer at all. */
export async function startSession(): Promise<void> {
  const asked = readInfo();
  try {
    session.set(await got(api.GET('/api/v1/session')));
  } catch (error) {
    if (!(error instanceof ApiError) || error.status >= 500) throw error;
    session.set(null);
  }
  await asked;
}

export async function signIn(user: string, password: string): Promise<void> {
  session.set(await got(api.POST('/api/v1/session', { body: { user, password } })));
}

export interface Step {
  code?: string;
  signature?: string;
}

/** The second step of signing in. */
export async function giveSecond(step: Step): Promise<void> {
  const body = { code: step.code ?? null, key: '', signature: step.signature ?? '' };
  session.set(await got(api.POST('/api/v1/session/second', { body })));
}

/** Prove again who one is. */
export async function giveProof(password: string, step: Step): Promise<void> {
  const body = { password, code: step.code || null, key: '', signature: step.signature ?? '' };
  await got(api.POST('/api/v1/session/proof', { body }));
}

/** Ask again who is signed in, after something about oneself has changed. */
export async function renewSession(): Promise<void> {
  session.set(await got(api.GET('/api/v1/session')));
}

export async function changePassword(old: string, fresh: string): Promise<void> {
  await got(api.POST('/api/v1/session/password', { body: { old, new: fresh } }));
  await renewSession();
}

export async function signOut(): Promise<void> {
  try {
    await got(api.DELETE('/api/v1/session'));
  } finally {
    session.set(null);
  }
}

export function may(permission: Permission): boolean {
  return session.get()?.permissions.includes(permission) ?? false;
}
