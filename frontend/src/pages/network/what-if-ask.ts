import { useCallback, useRef, useState } from 'react';
import { api, got } from '../../api/client';
import type { WhatIfRequest, WhatIfView } from '../../api/network-views';

export const KINDS = ['close', 'opening', 'pump_speed', 'source_dp_kpa', 'source_supply_c'] as const;
export type Kind = (typeof KINDS)[number];

/** One thing set otherwise. */
export interface Change {
  kind: Kind;
  code: string;
  value: number | null;
}

/** What may be given for a change; a closing needs no number. */
export const RANGE: Record<Kind, { low: number; high: number; unit: string } | null> = {
  close: null,
  opening: { low: 0, high: 100, unit: '%' },
  pump_speed: { low: 0, high: 150, unit: '%' },
  source_dp_kpa: { low: 0, high: 3000, unit: 'kPa' },
  source_supply_c: { low: 20, high: 150, unit: '°C' },
};

export interface WhatIfAsk {
  changes: Change[];
  answer: WhatIfView | null;
  error: unknown;
  busy: boolean;
  add: (change: Change) => void;
  remove: (change: Change) => void;
  clear: () => void;
  again: () => void;
}

function bodyOf(changes: Change[]): WhatIfRequest {
  const of = (kind: Kind, factor = 1) =>
    Object.fromEntries(
      changes.filter((change) => change.kind === kind).map((change) => [change.code, (change.value ?? 0) * factor]),
    );
  return {
    close: changes.filter((change) => change.kind === 'close').map((change) => change.code),
    opening: of('opening'),
    // Shares of the present speed; people say per cent.
    pump_speed: of('pump_speed', 0.01),
    source_dp_kpa: of('source_dp_kpa'),
    source_supply_c: of('source_supply_c'),
  };
}

/** The changes being tried and what the platform says to them. */
export function useWhatIf(): WhatIfAsk {
  const [changes, setChanges] = useState<Change[]>([]);
  const [state, setState] = useState<{ answer: WhatIfView | null; error: unknown; busy: boolean }>({
    answer: null,
    error: undefined,
    busy: false,
  });
  const turn = useRef(0);
  const ask = useCallback((wanted: Change[]) => {
    const mine = ++turn.current;
    setChanges(wanted);
    if (wanted.length === 0) {
      setState({ answer: null, error: undefined, busy: false });
      return;
    }
    setState((old) => ({ ...old, error: undefined, busy: true }));
    got(api.POST('/api/v1/network/what-if', { params: { query: { most: 60 } }, body: bodyOf(wanted) })).then(
      (answer) => mine === turn.current && setState({ answer, error: undefined, busy: false }),
      (error: unknown) => mine === turn.current && setState({ answer: null, error, busy: false }),
    );
  }, []);
  const same = (a: Change, b: Change) => a.kind === b.kind && a.code === b.code;
  return {
    changes,
    ...state,
    add: (change) => ask([...changes.filter((old) => !same(old, change)), change]),
    remove: (change) => ask(changes.filter((old) => !same(old, change))),
    clear: () => ask([]),
    again: () => ask(changes),
  };
}
