import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { info } from '../../api/session';
import { useStore } from '../../base/store';
import { language } from '../../i18n';
import { LanguageSwitch } from '../../parts/language-switch';
import { Logo } from '../../parts/logo';

/** The plain frame of the pages before the platform proper. */
export function Gate({ title, children }: { title: string; children: ReactNode }) {
  const { t } = useTranslation();
  const told = useStore(info);
  const company = told && (language.get() === 'zh' ? told.company_zh : told.company_en);
  return (
    <main className="gate">
      <section className="gate-card panel">
        <header className="gate-head">
          <Logo size={36} />
          <div className="grow">
            <strong>{t('product')}</strong>
            <p className="muted small">{company || t('slogan')}</p>
          </div>
          {told?.demo && (
            <span className="demo-badge" data-testid="demo-badge">
              {t('demo.badge')}
            </span>
          )}
        </header>
        <h1 className="gate-title">{title}</h1>
        {children}
      </section>
      <footer className="gate-foot">
        <LanguageSwitch />
        {told && <span className="faint small">heatloop {told.version}</span>}
      </footer>
    </main>
  );
}
