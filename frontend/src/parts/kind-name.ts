import { useTranslation } from 'react-i18next';

/** Names of point kinds and of alarm rules that concern no point. */
export function useKindName(): (kind: string) => string {
  const { t, i18n } = useTranslation();
  return (kind) => {
    if (i18n.exists(`kind.${kind}`)) return t(`kind.${kind}` as 'kind.tank_level');
    const rule = `rule.${kind}`;
    return i18n.exists(rule) ? t(rule as 'rule.stale') : kind;
  };
}
