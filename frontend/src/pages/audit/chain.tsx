import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { type AuditCheck, type AuditState, auditApi } from '../../api/audit-views';
import { got } from '../../api/client';
import { may } from '../../api/session';
import { showTime } from '../../base/time';
import { Icon } from '../../parts/icon';
import { say, sayProblem } from '../../parts/toast';

const LOOK_MS = 400;

/** Begins a check of the chain, shows how far it is and what it found. */
export function Check() {
  const { t } = useTranslation();
  const [check, setCheck] = useState<AuditCheck | null>(null);
  const running = check?.running ?? false;
  useEffect(() => {
    if (!running) return undefined;
    const timer = window.setInterval(() => {
      got(auditApi.GET('/api/v1/audit/check')).then(setCheck, sayProblem);
    }, LOOK_MS);
    return () => window.clearInterval(timer);
  }, [running]);
  const start = () => {
    got(auditApi.POST('/api/v1/audit/check')).then(setCheck, sayProblem);
  };
  return (
    <>
      {running && check && (
        <progress className="audit-progress" max={Math.max(check.total, 1)} value={check.checked} aria-label={t('audit.verify')} />
      )}
      {!running && check?.ok != null && (
        <span className={`tag${check.ok ? ' strong' : ' cstate bad'}`} role="status" data-testid="audit-verdict" data-ok={check.ok}>
          {check.ok
            ? `✓ ${t('audit.whole', { count: check.checked })}`
            : `✕ ${t('audit.broken', { seq: check.first_broken ?? 0 })} · ${check.reason ? t(`audit.reasons.${check.reason}`) : ''}`}
        </span>
      )}
      <button type="button" className="btn" disabled={running} data-testid="audit-verify" onClick={start}>
        <Icon name="lock" size={16} /> {t('audit.verify')}
      </button>
    </>
  );
}

function Copies({ state }: { state: AuditState }) {
  const { t } = useTranslation();
  if (state.copies.length === 0)
    return (
      <p className="audit-warning" data-testid="audit-no-copy">
        {t('audit.noCopy')}
      </p>
    );
  return (
    <ul className="audit-copies" data-testid="audit-copies">
      {state.copies.map((copy) => (
        <li key={copy.target} className={copy.late || copy.differs || copy.failing ? 'bad' : undefined}>
          <span className="code">{copy.target}</span>{' '}
          {copy.differs
            ? t('audit.copyDiffers')
            : t('audit.copyLag', { through: copy.through, lag: copy.lag_s.toFixed(0) })}
          {copy.failing && <span className="small muted"> {copy.failing}</span>}
        </li>
      ))}
    </ul>
  );
}

/** How the chain stands: its end, signatures, journal, copies and sealed periods. */
export function Chain({ state, onChanged }: { state: AuditState; onChanged: () => void }) {
  const { t } = useTranslation();
  const [busy, setBusy] = useState(false);
  const seal = () => {
    setBusy(true);
    const before = new Date().toISOString();
    got(auditApi.POST('/api/v1/audit/periods', { body: { before } }))
      .then((done) => {
        say(done.period ? t('audit.sealed', { first: done.period.first_seq, last: done.period.last_seq }) : t('audit.nothingToSeal'));
        onChanged();
      }, sayProblem)
      .finally(() => setBusy(false));
  };
  const figures: [string, string, boolean][] = [
    [t('audit.writable'), state.writable ? t('audit.yes') : t('audit.no'), !state.writable],
    [t('audit.entries'), String(state.entries), false],
    [t('audit.algorithm'), state.algorithm.toUpperCase(), false],
    [t('audit.signed'), t('audit.signedThrough', { count: state.checkpoints, seq: state.signed_through }), false],
    [t('audit.journalled'), String(state.journalled), state.journalled > 0],
  ];
  return (
    <>
      <dl className="audit-figures" data-testid="audit-state">
        {figures.map(([name, value, bad]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd className={bad ? 'raised' : undefined}>{value}</dd>
          </div>
        ))}
      </dl>
      <Copies state={state} />
      <details className="audit-periods">
        <summary>{t('audit.periods', { count: state.periods.length })}</summary>
        {state.periods.map((period) => (
          <p key={period.first_seq} className="small">
            {period.first_seq}–{period.last_seq} · {showTime(period.first_at, 'full')} – {showTime(period.last_at, 'full')} ·{' '}
            {period.dropped_at ? t('audit.dropped') : t('audit.held')}
            <br />
            <span className="code muted">{period.file}</span>
          </p>
        ))}
        {may('keep_audit') && (
          <button type="button" className="btn" disabled={busy} data-testid="audit-seal" onClick={seal}>
            {t('audit.seal')}
          </button>
        )}
      </details>
    </>
  );
}
