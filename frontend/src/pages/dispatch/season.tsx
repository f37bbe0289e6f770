import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, got } from '../../api/client';
import type { DispatchEvent, SeasonCase, SeasonReport } from '../../api/dispatch-views';
import { may } from '../../api/session';
import { showNumber } from '../../base/format';
import { useResource } from '../../base/resource';
import { showTime } from '../../base/time';
import { language, named } from '../../i18n';
import { ExportLink } from '../../parts/export-link';
import { type Column, Grid } from '../../parts/grid';
import { Icon } from '../../parts/icon';
import { PriorityMark, StateMark } from '../../parts/mark';
import { Loaded } from '../../parts/states';
import { sayProblem } from '../../parts/toast';

const pct = (value: number) => `${showNumber(value, 0)} %`;

function Cases({ report }: { report: SeasonReport }) {
  const { t } = useTranslation();
  const short = (row: SeasonCase) => row.branches.filter((branch) => branch.short > 0);
  const columns: Column<SeasonCase>[] = [
    {
      name: 'subject',
      label: t('dispatch.failed'),
      cell: (row) => (
        <>
          {named(row)} <span className="code">{row.subject}</span>
        </>
      ),
    },
    { name: 'kind', label: t('dispatch.kind'), cell: (row) => t(`dispatch.caseKinds.${row.kind as 'unit'}`) },
    { name: 'covered', label: t('dispatch.heatGiven'), num: true, cell: (row) => pct(row.covered_pct) },
    {
      name: 'worst',
      label: t('dispatch.worst'),
      cell: (row) => (
        <>
          <span className="code">{row.worst}</span> {pct(row.worst_pct)}
        </>
      ),
    },
    { name: 'missing', label: t('dispatch.headMissing'), num: true, cell: (row) => `${showNumber(row.missing_kpa, 0)} kPa` },
    {
      name: 'holds',
      label: t('dispatch.verdict'),
      cell: (row) => (
        <span className="nowrap">
          {row.holds ? <StateMark state="normal" size={16} /> : <PriorityMark priority={3} size={16} />}{' '}
          {t(row.holds ? 'dispatch.holds' : 'dispatch.holdsNot')}
        </span>
      ),
    },
    {
      name: 'branches',
      label: t('dispatch.branchesShort'),
      cell: (row) =>
        row.why ||
        short(row)
          .map((branch) => `${named(branch)} ${branch.short}/${branch.stations}`)
          .join(', ') ||
        '–',
    },
  ];
  return (
    <>
      <p className="small panel-text" data-testid="season-verdict">
        {t('dispatch.seasonAt', {
          at: showTime(report.at, 'minute'),
          outdoor: showNumber(report.outdoor_c, 0),
          least: showNumber(report.least_pct, 0),
          verdict: t(report.holds ? 'dispatch.holds' : 'dispatch.holdsNot'),
        })}{' '}
        {!report.pumps_known && t('dispatch.noPumps')}
      </p>
      <Grid
        columns={columns}
        rows={report.cases}
        rowKey={(row) => row.subject}
        empty={t('dispatch.noUnits')}
        caption={t('dispatch.season')}
        testid="season-cases"
      />
    </>
  );
}

/** The N-1 report before the season: everything fails in turn, and which branch falls short. */
export function Season({ network }: { network: string }) {
  const { t } = useTranslation();
  const [report, setReport] = useState<SeasonReport | null>(null);
  const [busy, setBusy] = useState(false);
  if (!may('command')) return null;
  const make = async () => {
    setBusy(true);
    try {
      setReport(await got(api.GET('/api/v1/dispatch/n-1/report', { params: { query: { network } } })));
    } catch (error) {
      sayProblem(error);
    } finally {
      setBusy(false);
    }
  };
  const href = (kind: string) =>
    `/api/v1/dispatch/n-1/report/export?network=${encodeURIComponent(network)}&kind=${kind}&language=${language.get()}`;
  const shown = report?.network === network ? report : null;
  return (
    <section className="panel" data-testid="dispatch-season">
      <header>
        <h2>{t('dispatch.season')}</h2>
        <span className="grow" />
        <button type="button" className="btn" disabled={busy} data-testid="season-make" onClick={() => void make()}>
          {busy ? t('dispatch.working') : t('dispatch.makeReport')}
        </button>
        {shown && (
          <>
            <ExportLink href={href('xlsx')} testid="season-xlsx">
              <Icon name="download" size={16} /> Excel
            </ExportLink>
            <ExportLink href={href('pdf')} testid="season-pdf">
              <Icon name="download" size={16} /> PDF
            </ExportLink>
          </>
        )}
      </header>
      {shown ? <Cases report={shown} /> : <p className="small muted panel-text">{t('dispatch.seasonWhy')}</p>}
    </section>
  );
}

/** Failures of heat sources: when, how soon there was a plan, and when they were over. */
export function Events() {
  const { t } = useTranslation();
  const answer = useResource(() => got(api.GET('/api/v1/dispatch/events')), []);
  const columns: Column<DispatchEvent>[] = [
    {
      name: 'source',
      label: t('dispatch.source'),
      cell: (row) => (
        <>
          {named(row)} <span className="code">{row.units.join(', ') || row.source}</span>
        </>
      ),
    },
    { name: 'onset', label: t('dispatch.from'), cell: (row) => showTime(row.onset, 'minute') },
    {
      name: 'plan',
      label: t('dispatch.planAfter'),
      cell: (row) =>
        row.plan === null || row.plan_after_s === null
          ? '–'
          : t('dispatch.planIn', { n: row.plan, min: showNumber(row.plan_after_s / 60, 1) }),
    },
    {
      name: 'covered',
      label: t('dispatch.covered'),
      num: true,
      cell: (row) => (row.covered_pct === null ? '–' : `${pct(row.covered_pct)} / ${pct(row.least_pct)}`),
    },
    {
      name: 'closed',
      label: t('dispatch.until'),
      cell: (row) => (row.open ? t('dispatch.stillOpen') : showTime(row.closed, 'minute')),
    },
  ];
  return (
    <section className="panel">
      <header>
        <h2>{t('dispatch.events')}</h2>
      </header>
      <Loaded of={answer} height={80}>
        {(rows) => (
          <Grid
            columns={columns}
            rows={rows}
            rowKey={(row) => `${row.source} ${row.onset}`}
            empty={t('dispatch.noEvents')}
            caption={t('dispatch.events')}
            testid="dispatch-events"
          />
        )}
      </Loaded>
    </section>
  );
}
