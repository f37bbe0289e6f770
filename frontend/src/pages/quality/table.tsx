import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import type { CountOf, QualityCase } from '../../api/quality';
import { showUnit } from '../../base/format';
import { showTime } from '../../base/time';
import { named } from '../../i18n';
import { type Column, Grid } from '../../parts/grid';

/** Severity 4 is the highest; told by filled bars and a word, not by colour alone. */
function Weight({ severity }: { severity: number }) {
  const { t } = useTranslation();
  const at = Math.min(Math.max(severity, 1), 4) as 1 | 2 | 3 | 4;
  return (
    <span className={`weight w${at}`}>
      <i aria-hidden="true">
        {[1, 2, 3, 4].map((bar) => (
          <b key={bar} className={bar <= at ? 'on' : undefined} />
        ))}
      </i>
      {t(`abnormal.severity.${at}`)}
    </span>
  );
}

function figure(value: number): string {
  return Number(value.toPrecision(6)).toString();
}

function Span({ of }: { of: QualityCase }) {
  const { t } = useTranslation();
  const one = of.start === of.end;
  return (
    <>
      <span className="nowrap">{showTime(of.start, 'minute')}</span>
      {!one && <span className="nowrap"> – {showTime(of.end, 'minute')}</span>}
      <div className="small muted">{t('abnormal.samples', { count: of.samples })}</div>
    </>
  );
}

interface CaseTableProps {
  cases: QualityCase[];
  causes: CountOf[];
  /** Null when the user may not. */
  onHandle: ((chosen: QualityCase) => void) | null;
  /** Shows what lies below corrected values. */
  onBelow: (chosen: QualityCase) => void;
}

export function CaseTable({ cases, causes, onHandle, onBelow }: CaseTableProps) {
  const { t } = useTranslation();
  const columns: Column<QualityCase>[] = [
    { name: 'severity', label: t('abnormal.weight'), cell: (row) => <Weight severity={row.severity} /> },
    {
      name: 'place',
      label: t('abnormal.place'),
      cell: (row) => (
        <>
          {named({ zh: row.asset_zh, en: row.asset_en })}
          {row.point && (
            <div className="small">
              <Link to={`/trends?points=${encodeURIComponent(row.point)}`}>
                {named({ zh: row.kind_zh, en: row.kind_en }) || row.point}
              </Link>
            </div>
          )}
        </>
      ),
    },
    {
      name: 'rule',
      label: t('abnormal.finding'),
      cell: (row) => (
        <div className="quality-finding">
          <strong>{named({ zh: row.rule_zh, en: row.rule_en })}</strong>
          <div className="small muted">{named({ zh: row.text_zh, en: row.text_en })}</div>
        </div>
      ),
    },
    { name: 'span', label: t('abnormal.span'), cell: (row) => <Span of={row} /> },
    {
      name: 'value',
      label: t('abnormal.read'),
      num: true,
      cell: (row) => (
        <>
          {row.value === null ? '–' : `${figure(row.value)} ${showUnit(row.unit)}`}
          {row.expected !== null && (
            <div className="small muted">{t('abnormal.expected', { value: figure(row.expected) })}</div>
          )}
        </>
      ),
    },
    {
      name: 'handling',
      label: t('abnormal.handling'),
      cell: (row) =>
        row.state === 'handled' ? (
          <>
            {named(causes.find((each) => each.name === row.cause) ?? { zh: row.cause ?? '', en: row.cause ?? '' })}
            <div className="small muted">
              {row.reviewer} · {showTime(row.handled, 'minute')}
            </div>
            {row.note && <div className="small quality-finding">{row.note}</div>}
            {row.correction && row.correction !== 'none' && (
              <div className="small">
                {t(`abnormal.correction.${row.correction}`)} ({row.corrected}){' '}
                {row.point && (
                  <button type="button" className="btn tiny" data-testid={`quality-below-${row.id}`} onClick={() => onBelow(row)}>
                    {t('abnormal.below')}
                  </button>
                )}
              </div>
            )}
          </>
        ) : onHandle ? (
          <button type="button" className="btn tiny" data-testid={`quality-handle-${row.id}`} onClick={() => onHandle(row)}>
            {t('abnormal.handle')}
          </button>
        ) : (
          '–'
        ),
    },
  ];
  return (
    <Grid
      columns={columns}
      rows={cases}
      rowKey={(row) => row.id}
      empty={t('abnormal.none')}
      caption={t('nav.quality')}
      testid="quality-list"
      rowTestid={(row) => `quality-case-${row.id}`}
    />
  );
}
