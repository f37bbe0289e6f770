import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { may } from '../../api/session';
import { Segmented } from '../../parts/segmented';
import '../../styles/figures.css';
import { Consents } from './consents';
import { Erasures } from './erasures';
import { GivenData } from './given';
import { Labels } from './labels';
import { People } from './people';
import { Receivers } from './receivers';
import { Register } from './register';
import { Rights } from './rights';

const TABS = ['register', 'people', 'consents', 'receivers', 'given', 'erasures', 'labels', 'rights'] as const;
type Tab = (typeof TABS)[number];

function open(tab: Tab): boolean {
  switch (tab) {
    case 'register':
      return true;
    case 'people':
      return may('view');
    case 'labels':
    case 'rights':
      return may('manage_users') || may('audit');
    default:
      return may('keep_privacy') || may('manage_users') || may('audit');
  }
}

/** Personal data: why they are held, who saw them, who gets them, and when they go. */
export default function PersonalPage() {
  const { t } = useTranslation();
  const [tab, setTab] = useState<Tab>('register');
  return (
    <div className="page" data-testid="personal-page">
      <header className="page-head">
        <h1>{t('nav.personal')}</h1>
        <Segmented
          label={t('personal.part')}
          value={tab}
          choices={TABS.filter(open).map((value) => ({ value, label: t(`personal.tab.${value}`) }))}
          onChoose={setTab}
          testid="personal-tab"
        />
      </header>
      {tab === 'register' && <Register />}
      {tab === 'people' && <People />}
      {tab === 'consents' && <Consents />}
      {tab === 'receivers' && <Receivers />}
      {tab === 'given' && <GivenData />}
      {tab === 'erasures' && <Erasures />}
      {tab === 'labels' && <Labels />}
      {tab === 'rights' && <Rights />}
    </div>
  );
}
