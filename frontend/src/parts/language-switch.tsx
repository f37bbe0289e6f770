import { useTranslation } from 'react-i18next';
import { useStore } from '../base/store';
import { language } from '../i18n';

/** Offers the other language in its own words. */
export function LanguageSwitch() {
  const { t } = useTranslation();
  const now = useStore(language);
  const other = now === 'zh' ? 'en' : 'zh';
  return (
    <button
      type="button"
      className="btn plain"
      lang={other}
      data-testid="language-switch"
      data-language={now}
      aria-label={t('language.other')}
      onClick={() => language.set(other)}
    >
      {t('language.other')}
    </button>
  );
}
