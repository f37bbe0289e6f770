import { useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import type { AuditDay, AuditPoint, GapAudit, UnexplainedPoint } from '../../api/link-views';
import type { AssetView } from '../../api/views';
import { showNumber } from '../../base/format';
import { showTime } from '../../base/time';
import { named } from '../../i18n';
import { useReason } from '../../parts/command-life';
import { type Column, Grid, Pager } from '../../parts/grid';
import { PriorityMark, StateMark } from '../../parts/mark';
import { Share, showShare } from './marks';
import { useSize } from './period';

const SPANS = 3;

/** Stored, explained and unexplained as one bar; what is rare is still seen. */
function Whole({ audit }: { audit: GapAudit }) {
  const { t } = useTranslation();
  const explained = Object.values(audit.explained).reduce((sum, count) => sum + count, 0);
  const parts = [
    ['stored', audit.stored],
    ['explained', explained],
    ['unexplained', audit.unexplained],
  ] as const;
  const all = Math.max(parts.reduce((sum, [, count]) => sum + count, 0), 1);
  return (
    <div className="audit-whole">
      <div className="audit-bar" role="img" aria-label={t('links.auditTitle')}>
        {parts.map(([name, count]) =>
          count > 0 ? <i key={name} className={name} style={{ flexGrow: count / all, flexShrink: 1 }} /> : null,
        )}
      </div>
      <dl className="audit-totals">
        <div>
          <dt>{t('links.expected')}</dt>
          <dd data-testid="audit-expected">{showNumber(audit.expected, 0)}</dd>
        </div>
        {parts.map(([name, count]) => (
          <div key={name}>
            <dt>
              <i className={`audit-key-mark ${name}`} aria-hidden="true" /> {t(`links.part.${name}`)}
            </dt>
            <dd data-testid={`audit-${name}`}>
              {name === 'unexplained' && count > 0 && <PriorityMark priority={2} size={18} label={t('links.missed')} />}{' '}
              {showNumber(count, 0)}
              <small className="muted"> {showShare((100 * count) / all, 2)} %</small>
            </dd>
          </div>
        ))}
      </dl>
    </div>
  );
}

function Causes({ explained, reason }: { explained: Record<string, number>; reason: (cause: string) => string }) {
  const { t } = useTranslation();
  const causes = Object.entries(explained).sort((a, b) => b[1] - a[1]);
  const most = Math.max(...causes.map(([, count]) => count), 1);
  if (causes.length === 0) return <p className="muted">{t('links.noneMissing')}</p>;
  return (
    <ul className="audit-causes" data-testid="audit-causes">
      {causes.map(([cause, count]) => (
        <li key={cause}>
          <span>{reason(cause)}</span>
          <span className="audit-cause-bar" aria-hidden="true">
            <i style={{ width: `${(100 * count) / most}%` }} />
          </span>
          <b>{showNumber(count, 0)}</b>
        </li>
      ))}
    </ul>
  );
}

function useDayColumns(rule: number): Column<AuditDay>[] {
  const { t } = useTranslation();
  return [
    { name: 'date', label: t('links.date'), cell: (day) => <span className="nowrap">{day.date}</span> },
    { name: 'expected', label: t('links.expected'), num: true, cell: (day) => showNumber(day.expected, 0) },
    { name: 'stored', label: t('links.part.stored'), num: true, cell: (day) => showNumber(day.stored, 0) },
    {
      name: 'share',
      label: t('links.complete'),
      num: true,
      cell: (day) => <Share value={day.share_pct} passed={day.share_pct === null ? null : day.share_pct >= rule} />,
    },
    {
      name: 'explained',
      label: t('links.part.explained'),
      num: true,
      cell: (day) => showNumber(Object.values(day.explained).reduce((sum, count) => sum + count, 0), 0),
    },
    { name: 'unexplained', label: t('links.part.unexplained'), num: true, cell: (day) => showNumber(day.unexplained, 0) },
  ];
}

function Unexplained({ rows, total }: { rows: UnexplainedPoint[]; total: number }) {
  const { t } = useTranslation();
  const size = useSize(15);
  const [page, setPage] = useState(1);
  const columns: Column<UnexplainedPoint>[] = [
    {
      name: 'point',
      label: t('links.point'),
      cell: (row) => (
        <Link className="code" to={`/trends?points=${encodeURIComponent(row.point)}&range=7d`}>
          {row.point}
        </Link>
      ),
    },
    { name: 'device', label: t('links.device'), cell: (row) => <span className="code">{row.device}</span> },
    { name: 'date', label: t('links.date'), cell: (row) => <span className="nowrap">{row.date}</span> },
    { name: 'unexplained', label: t('links.part.unexplained'), num: true, cell: (row) => showNumber(row.unexplained, 0) },
    {
      name: 'spans',
      label: t('links.spans'),
      cell: (row) => (
        <span className="audit-spans small">
          {row.spans.slice(0, SPANS).map(([from, to]) => (
            <span key={from} className="nowrap">
              {from === to ? showTime(from, 'clock') : `${showTime(from, 'clock')} – ${showTime(to, 'clock')}`}
            </span>
          ))}
          {row.spans.length > SPANS && <span className="muted">{t('links.moreSpans', { count: row.spans.length - SPANS })}</span>}
        </span>
      ),
    },
  ];
  return (
    <section className="panel" data-testid="audit-unexplained-list">
      <header>
        <h2>{t('links.unexplainedList')}</h2>
        <span className="small muted">{t('links.unexplainedHelp')}</span>
      </header>
      <Grid
        columns={columns}
        rows={rows.slice((page - 1) * size, page * size)}
        rowKey={(row) => `${row.point} ${row.date}`}
        empty={t(total > 0 ? 'links.unexplainedTooMany' : 'links.unexplainedNone')}
        caption={t('links.unexplainedList')}
      />
      {rows.length > size && <Pager page={page} size={size} total={rows.length} onPage={setPage} />}
    </section>
  );
}

function Least({ rows }: { rows: AuditPoint[] }) {
  const { t } = useTranslation();
  const size = useSize(15);
  const [page, setPage] = useState(1);
  const columns: Column<AuditPoint>[] = [
    {
      name: 'point',
      label: t('links.point'),
      cell: (row) => (
        <Link className="code" to={`/trends?points=${encodeURIComponent(row.point)}&range=7d`}>
          {row.point}
        </Link>
      ),
    },
    { name: 'date', label: t('links.date'), cell: (row) => <span className="nowrap">{row.date}</span> },
    {
      name: 'stored',
      label: t('links.storedOf'),
      num: true,
      cell: (row) => <span className="nowrap">{`${showNumber(row.stored, 0)} / ${showNumber(row.expected, 0)}`}</span>,
    },
    {
      name: 'share',
      label: t('links.complete'),
      num: true,
      cell: (row) => <Share value={row.share_pct} passed={null} />,
    },
  ];
  return (
    <section className="panel">
      <header>
        <h2>{t('links.leastComplete')}</h2>
      </header>
      <Grid
        columns={columns}
        rows={rows.slice((page - 1) * size, page * size)}
        rowKey={(row) => `${row.point} ${row.date}`}
        empty={t('links.allWhole')}
        caption={t('links.leastComplete')}
      />
      {rows.length > size && <Pager page={page} size={size} total={rows.length} onPage={setPage} />}
    </section>
  );
}

/** What an audit found. */
export function AuditResult({ audit, branches }: { audit: GapAudit; branches: Pick<AssetView, 'code' | 'zh' | 'en'>[] }) {
  const { t } = useTranslation();
  const reason = useReason();
  const days = useDayColumns(audit.rule_pct);
  const scope = useMemo(() => {
    const name = (path: string) => {
      const code = path.split('/').pop() ?? '';
      const branch = branches.find((each) => each.code === code);
      return branch ? named(branch) : code || t('links.company');
    };
    return audit.scope.map(name).join(' · ');
  }, [audit.scope, branches, t]);
  return (
    <div className="audit-result" data-testid="audit-result">
      <section className="panel">
        <header>
          <h2>
            {showTime(audit.from, 'full').slice(0, 16)} – {showTime(audit.to, 'full').slice(0, 16)}
          </h2>
          <span className="tag">{scope}</span>
          <span className="small muted">
            {t('links.auditOf', { devices: showNumber(audit.devices, 0), points: showNumber(audit.bindings, 0) })}
          </span>
        </header>
        <div className="body audit-head">
          <div className="audit-share" data-testid="audit-share" data-passed={audit.passed}>
            <span className="small muted">{t('links.complete')}</span>
            <span className="link-tile-value">
              {audit.passed ? <StateMark state="normal" size={18} /> : <PriorityMark priority={3} size={20} label={t('links.missed')} />}
              <b>{audit.share_pct === null ? '–' : `${showShare(audit.share_pct)} %`}</b>
            </span>
            <span className="small muted">{t(audit.passed ? 'links.ruleKept' : 'links.ruleMissed', { rule: audit.rule_pct })}</span>
          </div>
          <Whole audit={audit} />
        </div>
      </section>
      <div className="links-pair">
        <section className="panel">
          <header>
            <h2>{t('links.causes')}</h2>
            <Link className="small" to="/system">
              {t('links.gapRecords', { count: audit.gaps_total })}
            </Link>
          </header>
          <div className="body">
            <Causes explained={audit.explained} reason={reason} />
          </div>
        </section>
        <section className="panel">
          <header>
            <h2>{t('links.days')}</h2>
          </header>
          <div className="audit-days">
            <Grid columns={days} rows={audit.days} rowKey={(day) => day.date} empty="" caption={t('links.days')} />
          </div>
        </section>
      </div>
      <Unexplained rows={audit.unexplained_points} total={audit.unexplained} />
      <Least rows={audit.points} />
    </div>
  );
}
