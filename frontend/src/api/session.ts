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

export async function changePassword(old: string, fresh: string): Promise<void> {
  await got(api.POST('/api/v1/session/password', { body: { old, new: fresh } }));
  session.set(await got(api.GET('/api/v1/session')));
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
