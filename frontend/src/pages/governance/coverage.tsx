import { useTranslation } from 'react-i18next';
import { api, got } from '../../api/client';
import type { StageCoverage } from '../../api/governance-views';
import { showNumber } from '../../base/format';
import { useResource } from '../../base/resource';
import { named } from '../../i18n';
import { Figure } from '../../parts/figure';
import { type Column, Grid } from '../../parts/grid';
import { PriorityMark } from '../../parts/mark';
import { Loaded } from '../../parts/states';

function Share({ pct }: { pct: number | null }) {
  if (pct === null) return <>–</>;
  return (
    <span className="nowrap">
      <i className={`bar${pct < 90 ? ' low' : ''}`} aria-hidden="true">
        <b style={{ width: `${Math.min(Math.max(pct, 0), 100)}%` }} />
      </i>{' '}
      {showNumber(pct, 1)} %
    </span>
  );
}

function Periods() {
  const { t } = useTranslation();
  const answer = useResource(() => got(api.GET('/api/v1/coverage/periods', { params: { query: { page: 1, size: 20 } } })), []);
  return (
    <section className="panel" data-testid="periods">
      <header>
        <h2>{t('governance.periods')}</h2>
      </header>
      <Loaded of={answer} height={160}>
        {(data) => (
          <>
            <dl className="figures">
              <Figure label={t('governance.points')}>{data.points}</Figure>
              <Figure label={t('governance.within', { pct: data.tolerance_pct })} raised={data.within < data.points}>
                {data.within}
              </Figure>
              <Figure label={t('governance.silent')} raised={data.silent > 0}>
                {data.silent}
              </Figure>
              <Figure label={t('governance.p99')} raised={(data.p99_s ?? 0) > data.limit_s}>
                {showNumber(data.p99_s, 1)} <small>{t('governance.limit', { n: data.limit_s })}</small>
              </Figure>
              <Figure label={t('governance.slow')} raised={data.slow > 0}>
                {data.slow} <small>/ {data.asked_fast}</small>
              </Figure>
            </dl>
            <Grid
              columns={[
                { name: 'point', label: t('governance.point'), cell: (row) => <span className="code">{row.point}</span> },
                { name: 'device', label: t('governance.device'), cell: (row) => <span className="code">{row.device}</span> },
                { name: 'period', label: t('governance.period'), num: true, cell: (row) => `${row.period_s} s` },
                { name: 'real', label: t('governance.real'), num: true, cell: (row) => (row.effective_s === null ? '–' : `${showNumber(row.effective_s, 1)} s`) },
                { name: 'p99', label: 'p99', num: true, cell: (row) => (row.p99_s === null ? '–' : `${showNumber(row.p99_s, 1)} s`) },
                { name: 'longest', label: t('governance.longest'), num: true, cell: (row) => (row.longest_s === null ? '–' : `${showNumber(row.longest_s, 0)} s`) },
              ]}
              rows={data.items.filter((row) => !row.within || row.fast_enough === false)}
              rowKey={(row) => row.point}
              empty={t('governance.noViolators')}
              caption={t('governance.periods')}
            />
          </>
        )}
      </Loaded>
    </section>
  );
}

/** Live data stage by stage, from the source to the user. */
export function CoveragePanel() {
  const { t } = useTranslation();
  const answer = useResource(() => got(api.GET('/api/v1/coverage')), []);
  const columns: Column<StageCoverage>[] = [
    { name: 'stage', label: t('governance.stage'), cell: (row) => named(row) },
    { name: 'assets', label: t('governance.assetsHere'), num: true, cell: (row) => row.assets },
    { name: 'measured', label: t('governance.measured'), num: true, cell: (row) => row.measured },
    { name: 'live', label: t('governance.live'), num: true, cell: (row) => row.live },
    { name: 'share', label: t('governance.share'), cell: (row) => <Share pct={row.share_pct} /> },
    {
      name: 'missing',
      label: t('governance.missing'),
      cell: (row) => (
        <span className="small breakable code">
          {row.missing.slice(0, 8).join(' ')}
          {row.missing.length > 8 && ' …'}
        </span>
      ),
    },
  ];
  return (
    <>
      <section className="panel" data-testid="coverage">
        <header>
          <h2>{t('governance.coverage')}</h2>
        </header>
        <Loaded of={answer} height={160}>
          {(data) => (
            <>
              {data.findings.length > 0 && (
                <ul className="plain-list">
                  {data.findings.map((finding) => (
                    <li key={`${finding.stage} ${finding.en}`} className="row">
                      <PriorityMark priority={3} size={16} /> {named(finding)}
                    </li>
                  ))}
                </ul>
              )}
              <Grid
                columns={columns}
                rows={data.stages}
                rowKey={(row) => row.stage}
                rowTestid={(row) => `stage-${row.stage}`}
                empty="–"
                caption={t('governance.coverage')}
              />
            </>
          )}
        </Loaded>
      </section>
      <Periods />
    </>
  );
}
