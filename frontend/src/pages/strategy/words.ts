import { useTranslation } from 'react-i18next';

/** Words of strategies that come from the platform as codes; one nobody knows is shown as it is. */
export function useStrategyWords() {
  const { t, i18n } = useTranslation();
  const word = (part: string, code: string): string => {
    const key = `strategy.${part}.${code}`;
    return i18n.exists(key) ? (t as (key: string) => string)(key) : code;
  };
  return {
    reason: (code: string) => word('reasons', code),
    state: (code: string) => word('states', code),
    stage: (code: string) => word('stages', code),
    doubt: (code: string) => word('doubts', code),
    idle: (code: string) => word('idle', code),
    model: (code: string) => word('models', code),
    source: (code: string) => word('sources', code),
    levelWhy: (code: string) => word('levelWhys', code),
    balanceState: (code: string) => word('balanceStates', code),
    balanceWhy: (code: string) => word('balanceWhys', code),
    balanceMethod: (code: string) => word('balanceMethods', code),
    regulation: (code: string) => word('regulations', code),
    by: (who: string) => (who.startsWith('stage:') ? word('states', 'byStage') : who),
    why: (reason: string, relaxed: readonly string[]) =>
      [word('reasons', reason), ...relaxed.filter((each) => each !== reason).map((each) => word('relaxed', each))].join(' · '),
  };
}
