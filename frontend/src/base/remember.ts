import { Store } from './store';

function read(name: string): string | null {
  try {
    return localStorage.getItem(`heatloop.${name}`);
  } catch {
    return null;
  }
}

/** A store kept in the browser; works without one too. */
export function remembered<T extends string>(name: string, choices: readonly T[], first: T): Store<T> {
  const saved = read(name) as T | null;
  const store = new Store<T>(saved !== null && choices.includes(saved) ? saved : first);
  store.subscribe(() => {
    try {
      localStorage.setItem(`heatloop.${name}`, store.get());
    } catch {
      // A browser that keeps nothing still shows everything.
    }
  });
  return store;
}
