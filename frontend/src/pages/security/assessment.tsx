import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, got } from '../../api/client';
import type { AssessedItem } from '../../api/security-views';
import { useResource } from '../../base/resource';
import { showTime } from '../../base/time';
import { Figure } from '../../parts/figure';
import { type Column, Grid } from '../../parts/grid';
import { Icon } from '../../parts/icon';
import { PriorityMark, StateMark } from '../../parts/mark';
import { Loaded } from '../../parts/states';
import '../../styles/figures.css';
import './security.css';

const RESULTS = ['fail', 'compensated', 'pass', 'not_software'] as const;
type Result = (typeof RESULTS)[number];

function Mark({ result }: { result: Result }) {
  const { t } = useTranslation();
  return (
    <span className="nowrap">
      {result === 'fail' && <PriorityMark priority={1} size={16} />}
      {result === 'compensated' && <PriorityMark priority={3} size={16} />}
      {result === 'pass' && <StateMark state="normal" />} {t(`security.results.${result}`)}
    </span>
  );
}

/** The self-assessment against GB/T 22239 level 3, item by item, by live probes. */
export function AssessmentPanel() {
  const { t, i18n } = useTranslation();
  const zh = i18n.language.startsWith('zh');
  const [shown, setShown] = useState<Result | 'all'>('all');
  const found = useResource(() => got(api.GET('/api/v1/security/assessment')), []);
  const columns: Column<AssessedItem>[] = [
    {
      name: 'code',
      label: t('security.item'),
      cell: (row) => (
        <>
          <span className="code nowrap">{row.code}</span>
          <div className="small muted">{row.chapter}</div>
        </>
      ),
    },
    { name: 'asked', label: t('security.asked'), cell: (row) => (zh ? row.zh : row.en) },
    { name: 'result', label: t('security.result'), cell: (row) => <Mark result={row.result as Result} /> },
    {
      name: 'found',
      label: t('security.found'),
      cell: (row) => (
        <span className="small">
          {zh ? row.found_zh : row.found_en}
          {row.compensating && <div>{t('security.measureIs', { text: row.compensating })}</div>}
        </span>
      ),
    },
  ];
  return (
    <section className="panel" data-testid="security-assessment">
      <header>
        <h2>{t('security.assessmentTitle')}</h2>
        <span className="grow" />
        <select
          className="select"
          aria-label={t('security.result')}
          value={shown}
          onChange={(event) => setShown(event.target.value as typeof shown)}
        >
          <option value="all">{t('security.all')}</option>
          {RESULTS.map((each) => (
            <option key={each} value={each}>
              {t(`security.results.${each}`)}
            </option>
          ))}
        </select>
        <button type="button" className="btn" disabled={found.loading} onClick={found.reload}>
          <Icon name="refresh" size={16} /> {t('security.again')}
        </button>
        <a className="btn" href="/api/v1/security/assessment/report?format=pdf" download data-testid="assessment-pdf">
          <Icon name="download" size={16} /> PDF
        </a>
        <a className="btn" href="/api/v1/security/assessment/report?format=html" download>
          <Icon name="download" size={16} /> HTML
        </a>
        <a className="btn" href="/api/v1/security/sbom" download data-testid="security-sbom">
          <Icon name="download" size={16} /> SBOM
        </a>
      </header>
      <Loaded of={found} height={320}>
        {(data) => (
          <>
            <dl className="figures">
              {RESULTS.map((each) => (
                <Figure
                  key={each}
                  label={t(`security.results.${each}`)}
                  raised={each === 'fail' && (data.counts.fail ?? 0) > 0}
                  testid={`assessed-${each}`}
                >
                  {data.counts[each] ?? 0}
                </Figure>
              ))}
              <Figure label={t('security.assessedAt')}>{showTime(data.at, 'minute')}</Figure>
            </dl>
            <p className="small muted security-note">{t('security.honest')}</p>
            <Grid
              columns={columns}
              rows={data.items.filter((item) => shown === 'all' || item.result === shown)}
              rowKey={(row) => row.code}
              rowTestid={(row) => `item-${row.code}`}
              empty={t('security.noItems')}
              caption={t('security.assessmentTitle')}
            />
          </>
        )}
      </Loaded>
    </section>
  );
}
