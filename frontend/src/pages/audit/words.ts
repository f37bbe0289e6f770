import { useTranslation } from 'react-i18next';

/** Names of actions in the language of the reader; one without a name stays as it is. */
export function useAction(): (name: string) => string {
  const { t, i18n } = useTranslation();
  return (name) => {
    const key = `action.${name.replaceAll('.', '_')}`;
    return i18n.exists(key) ? t(key as 'action.session_open') : name;
  };
}
