import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, got } from '../../api/client';
import { useResource } from '../../base/resource';
import { Segmented } from '../../parts/segmented';
import { Loaded } from '../../parts/states';
import '../../styles/figures.css';
import { Assets } from './assets';
import { CoveragePanel } from './coverage';
import { Permits } from './permits';
import { Verification } from './verification';

const TABS = ['coverage', 'verification', 'assets', 'permits'] as const;

/** Whether the data are whole, checked, owned, and given away by rule only. */
export default function GovernancePage() {
  const { t } = useTranslation();
  const [tab, setTab] = useState<(typeof TABS)[number]>('coverage');
  const grading = useResource(() => got(api.GET('/api/v1/governance/grading')), []);
  return (
    <div className="page" data-testid="governance-page">
      <header className="page-head">
        <h1>{t('nav.governance')}</h1>
        <Segmented
          label={t('governance.part')}
          value={tab}
          choices={TABS.map((value) => ({ value, label: t(`governance.tab.${value}`) }))}
          onChoose={setTab}
          testid="governance-tab"
        />
      </header>
      {tab === 'coverage' && <CoveragePanel />}
      {tab === 'verification' && <Verification />}
      {(tab === 'assets' || tab === 'permits') && (
        <Loaded of={grading}>{(data) => (tab === 'assets' ? <Assets grading={data} /> : <Permits grading={data} />)}</Loaded>
      )}
    </div>
  );
}
