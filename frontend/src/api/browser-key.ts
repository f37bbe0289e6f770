// A key that lives in this browser and cannot leave it: the browser signs, nobody reads it.
import { api, got } from './client';

const STORE = 'keys';
const KIND = { name: 'ECDSA', namedCurve: 'P-256' };
const SIGN = { name: 'ECDSA', hash: 'SHA-256' };

/** Browsers give keys only to pages of a secure origin. */
export const canHoldKey = window.isSecureContext && 'indexedDB' in window && Boolean(window.crypto?.subtle);

function asked<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((done, failed) => {
    request.onsuccess = () => done(request.result);
    request.onerror = () => failed(request.error ?? new Error('storage'));
  });
}

async function store(mode: IDBTransactionMode): Promise<IDBObjectStore> {
  const opening = indexedDB.open('heatloop', 1);
  opening.onupgradeneeded = () => opening.result.createObjectStore(STORE);
  const database = await asked(opening);
  return database.transaction(STORE, mode).objectStore(STORE);
}

export async function heldKey(user: string): Promise<CryptoKeyPair | null> {
  if (!canHoldKey) return null;
  try {
    return ((await asked((await store('readonly')).get(user))) as CryptoKeyPair | undefined) ?? null;
  } catch {
    return null;
  }
}

const hex = (bytes: ArrayBuffer) => [...new Uint8Array(bytes)].map((byte) => byte.toString(16).padStart(2, '0')).join('');

async function signature(key: CryptoKey): Promise<string> {
  const { challenge } = await got(api.POST('/api/v1/session/challenge'));
  const data = new TextEncoder().encode(`heatloop-sign-in\0${challenge}`);
  return hex(await crypto.subtle.sign(SIGN, key, data));
}

/** A signature over a fresh challenge by the key of this browser. */
export async function signWithBrowser(user: string): Promise<string> {
  const pair = await heldKey(user);
  if (!pair) throw new Error('key');
  return signature(pair.privateKey);
}

/** Make a key in this browser and register it; recovery codes come back if it is the first factor. */
export async function registerBrowser(user: string, label: string): Promise<string[]> {
  const pair = await crypto.subtle.generateKey(KIND, false, ['sign', 'verify']);
  const raw = new Uint8Array(await crypto.subtle.exportKey('spki', pair.publicKey));
  const lines = btoa(String.fromCharCode(...raw)).match(/.{1,64}/g) ?? [];
  const pem = `-----BEGIN PUBLIC KEY-----\n${lines.join('\n')}\n-----END PUBLIC KEY-----\n`;
  const body = { label, pem, signature: await signature(pair.privateKey) };
  const made = await got(api.POST('/api/v1/account/keys', { body }));
  await asked((await store('readwrite')).put(pair, user));
  return made.codes;
}
