import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { got } from '../../api/client';
import { type CaseState, type QualityCase, type QualitySummary, qualityApi } from '../../api/quality';
import { may } from '../../api/session';
import { useResource } from '../../base/resource';
import { named } from '../../i18n';
import { Pager } from '../../parts/grid';
import { Segmented } from '../../parts/segmented';
import { Loaded } from '../../parts/states';
import { say } from '../../parts/toast';
import '../../styles/quality.css';
import { Completeness } from './completeness';
import { Below } from './below';
import { Handle } from './handle';
import { CaseTable } from './table';

const SIZE = 50;

function Figures({ summary }: { summary: QualitySummary }) {
  const { t } = useTranslation();
  const hours = summary.median_handling_h;
  return (
    <dl className="quality-figures" data-testid="quality-figures">
      <div>
        <dt>{t('abnormal.open')}</dt>
        <dd data-testid="quality-open">{summary.open}</dd>
      </div>
      <div>
        <dt>{t('abnormal.high')}</dt>
        <dd className={summary.open_high > 0 ? 'raised' : undefined}>{summary.open_high}</dd>
      </div>
      <div>
        <dt>{t('abnormal.handled30')}</dt>
        <dd>{summary.handled}</dd>
      </div>
      <div>
        <dt>{t('abnormal.median')}</dt>
        <dd data-testid="quality-median">
          {hours === null ? '–' : hours < 1 ? t('abnormal.minutes', { n: Math.round(hours * 60) }) : t('abnormal.hours', { n: hours.toFixed(1) })}
        </dd>
      </div>
    </dl>
  );
}

export default function QualityPage() {
  const { t } = useTranslation();
  const [state, setState] = useState<CaseState>('open');
  const [rule, setRule] = useState('');
  const [page, setPage] = useState(1);
  const [chosen, setChosen] = useState<QualityCase | null>(null);
  const [below, setBelow] = useState<QualityCase | null>(null);
  const summary = useResource(() => got(qualityApi.GET('/api/v1/quality/summary')), []);
  const list = useResource(
    () => got(qualityApi.GET('/api/v1/quality/cases', { params: { query: { state, rule, severity: 1, page, size: SIZE } } })),
    [state, rule, page],
  );
  const choose = (next: { state?: CaseState; rule?: string }) => {
    setState(next.state ?? state);
    setRule(next.rule ?? (next.state ? '' : rule));
    setPage(1);
  };
  const done = (closed: QualityCase) => {
    setChosen(null);
    say(closed.corrected > 0 ? t('abnormal.doneCorrected', { count: closed.corrected }) : t('abnormal.done'));
    list.reload();
    summary.reload();
  };
  const rules = state === 'open' ? (summary.data?.open_by_rule ?? []) : [];
  return (
    <div className="page" data-testid="quality-page">
      <header className="page-head">
        <h1>{t('nav.quality')}</h1>
        <Segmented
          label={t('abnormal.which')}
          value={state}
          choices={[
            { value: 'open', label: t('abnormal.state.open') },
            { value: 'handled', label: t('abnormal.state.handled') },
          ]}
          onChoose={(value) => choose({ state: value })}
          testid="quality-state"
        />
      </header>
      <section className="panel">
        <Loaded of={summary} height={72}>
          {(data) => <Figures summary={data} />}
        </Loaded>
      </section>
      {rules.length > 0 && (
        <div className="quality-rules" role="group" aria-label={t('abnormal.byRule')} data-testid="quality-rules">
          <button type="button" className="tag" aria-pressed={rule === ''} onClick={() => choose({ rule: '' })}>
            {t('abnormal.every')}
          </button>
          {rules.map((each) => (
            <button
              key={each.name}
              type="button"
              className="tag"
              aria-pressed={rule === each.name}
              data-testid={`quality-rule-${each.name}`}
              onClick={() => choose({ rule: rule === each.name ? '' : each.name })}
            >
              {named(each)} <b>{each.count}</b>
            </button>
          ))}
        </div>
      )}
      <section className="panel">
        <Loaded of={list}>
          {(data) => (
            <>
              <CaseTable cases={data.items} causes={summary.data?.causes ?? []} onHandle={may('acknowledge') ? setChosen : null} onBelow={setBelow} />
              {data.total > SIZE && <Pager page={page} size={SIZE} total={data.total} onPage={setPage} />}
            </>
          )}
        </Loaded>
      </section>
      <Completeness />
      {below && <Below of={below} onClose={() => setBelow(null)} />}
      {chosen && summary.data && (
        <Handle of={chosen} causes={summary.data.causes} onClose={() => setChosen(null)} onDone={done} />
      )}
    </div>
  );
}
