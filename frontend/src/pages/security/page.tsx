import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Segmented } from '../../parts/segmented';
import { AssessmentPanel } from './assessment';
import { Events } from './events';
import { Registers } from './registers';

const PARTS = ['assessment', 'events', 'registers'] as const;

/** What threatens the platform, what is due, and how it stands against the standard. */
export default function SecurityPage() {
  const { t } = useTranslation();
  const [part, setPart] = useState<(typeof PARTS)[number]>('assessment');
  return (
    <div className="page" data-testid="security-page">
      <header className="page-head">
        <h1>{t('nav.security')}</h1>
        <span className="grow" />
        <Segmented
          label={t('nav.security')}
          choices={PARTS.map((each) => ({ value: each, label: t(`security.parts.${each}`) }))}
          value={part}
          onChoose={setPart}
        />
      </header>
      {part === 'assessment' && <AssessmentPanel />}
      {part === 'events' && <Events />}
      {part === 'registers' && <Registers />}
    </div>
  );
}
