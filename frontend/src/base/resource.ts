import { useCallback, useEffect, useRef, useState } from 'react';

export interface Resource<T> {
  data: T | undefined;
  error: unknown;
  loading: boolean;
  reload: () => void;
  patch: (change: (data: T) => T) => void;
}

/** Ask the platform, again whenever `words` change; the last answer asked for wins. */
export function useResource<T>(ask: () => Promise<T>, words: readonly unknown[]): Resource<T> {
  const [state, setState] = useState<{ data?: T; error?: unknown; loading: boolean }>({ loading: true });
  const turn = useRef(0);
  const asking = useRef(ask);
  asking.current = ask;
  const reload = useCallback(() => {
    const mine = ++turn.current;
    setState((old) => ({ ...old, loading: true }));
    asking.current().then(
      (data) => mine === turn.current && setState({ data, loading: false }),
      (error: unknown) => mine === turn.current && setState((old) => ({ ...old, error, loading: false })),
    );
  }, []);
  useEffect(() => {
    reload();
    return () => {
      turn.current++;
    };
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [reload, ...words]);
  const patch = useCallback((change: (data: T) => T) => {
    setState((old) => (old.data === undefined ? old : { ...old, data: change(old.data) }));
  }, []);
  return { data: state.data, error: state.error, loading: state.loading, reload, patch };
}
