import { useTranslation } from 'react-i18next';
import { useSearchParams } from 'react-router';
import { Segmented } from '../../parts/segmented';
import '../../styles/weather.css';
import '../../styles/forecast.css';
import { Now } from './now';
import { Periods } from './periods';
import { Automatic, Smart } from './ratios';

const TABS = ['now', 'periods', 'automatic', 'smart'] as const;
type Tab = (typeof TABS)[number];

/** Operation beside its plan, past dispatch periods, how much runs by itself. */
export default function SupervisionPage() {
  const { t } = useTranslation();
  const [words, setWords] = useSearchParams();
  const asked = words.get('tab') as Tab | null;
  const tab: Tab = asked && TABS.includes(asked) ? asked : 'now';
  return (
    <div className="page" data-testid="supervision-page">
      <header className="page-head">
        <h1>{t('nav.supervision')}</h1>
        <Segmented
          label={t('supervision.view')}
          value={tab}
          choices={TABS.map((value) => ({ value, label: t(`supervision.tabs.${value}`) }))}
          onChoose={(next) =>
            setWords(
              (old) => {
                old.set('tab', next);
                return old;
              },
              { replace: true },
            )
          }
          testid="supervision-tab"
        />
      </header>
      {tab === 'now' && <Now />}
      {tab === 'periods' && <Periods />}
      {tab === 'automatic' && <Automatic />}
      {tab === 'smart' && <Smart />}
    </div>
  );
}
