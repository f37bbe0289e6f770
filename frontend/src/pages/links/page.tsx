import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useSearchParams } from 'react-router';
import type { SignedDocument } from '../../api/link-views';
import { showTime } from '../../base/time';
import { Icon } from '../../parts/icon';
import { Segmented } from '../../parts/segmented';
import { Bones } from '../../parts/states';
import '../../styles/links.css';
import { Audit } from './audit';
import { LinksNow } from './now';
import { PERIOD_NAMES, usePeriod } from './period';

const TABS = ['links', 'audit'] as const;
type Tab = (typeof TABS)[number];

export default function LinksPage() {
  const { t } = useTranslation();
  const [words, setWords] = useSearchParams();
  const asked = words.get('tab') as Tab | null;
  const tab: Tab = asked && TABS.includes(asked) ? asked : 'links';
  const period = usePeriod();
  // Kept while the tabs change: an audit of a month takes its time.
  const [signed, setSigned] = useState<SignedDocument | null>(null);
  return (
    <div className="page" data-testid="links-page">
      <header className="page-head">
        <h1>{t('nav.links')}</h1>
        <Segmented
          label={t('links.view')}
          value={tab}
          choices={TABS.map((value) => ({ value, label: t(`links.tab.${value}`) }))}
          onChoose={(next) =>
            setWords(
              (old) => {
                old.set('tab', next);
                return old;
              },
              { replace: true },
            )
          }
          testid="links-tab"
        />
        <span className="grow" />
        {tab === 'links' && (
          <>
            {period.span && (
              <span className="small muted" data-testid="links-until">
                {t('links.until', { time: showTime(period.span.to, 'minute') })}
              </span>
            )}
            <Segmented
              label={t('links.period')}
              value={period.name}
              choices={PERIOD_NAMES.map((value) => ({ value, label: t(`links.periods.${value}`) }))}
              onChoose={period.choose}
              testid="links-period"
            />
            <button type="button" className="btn icon" aria-label={t('links.refresh')} title={t('links.refresh')} onClick={period.refresh}>
              <Icon name="refresh" />
            </button>
          </>
        )}
      </header>
      {tab === 'audit' ? (
        <Audit signed={signed} onSigned={setSigned} />
      ) : period.span ? (
        <LinksNow period={period.name} span={period.span} />
      ) : (
        <Bones height={420} />
      )}
    </div>
  );
}
