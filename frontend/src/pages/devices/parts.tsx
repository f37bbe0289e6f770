import { type ReactNode, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { type Check, LIFE, type LifeState, sendFile } from '../../api/device-views';
import { named } from '../../i18n';
import { Icon } from '../../parts/icon';
import { sayProblem } from '../../parts/toast';

/** Passed, noted or failed: shape and word, colour only where something is wrong. */
export function Verdict({ state, children }: { state: string; children?: ReactNode }) {
  const { t } = useTranslation();
  return (
    <span className={`verdict ${state}`} data-state={state}>
      {children ?? t(`devices.verdict.${state as 'pass'}`)}
    </span>
  );
}

/** Where a device is in its life. */
export function LifeBar({ state }: { state: LifeState }) {
  const { t } = useTranslation();
  if (state === 'retired') return <span className="tag">{t('devices.state.retired')}</span>;
  const at = LIFE.indexOf(state);
  return (
    <ol className="life-bar" aria-label={t('devices.life')} data-testid="life-bar">
      {LIFE.map((step, n) => (
        <li key={step} className={n < at ? 'done' : n === at ? 'here' : ''} aria-current={n === at ? 'step' : undefined}>
          {t(`devices.state.${step}`)}
        </li>
      ))}
    </ol>
  );
}

/** Failed checks first, those that passed folded away. */
export function Checks({ checks, empty }: { checks: Check[]; empty: string }) {
  const { t } = useTranslation();
  const bad = checks.filter((check) => check.state !== 'pass');
  const good = checks.filter((check) => check.state === 'pass');
  if (checks.length === 0) return <p className="muted">{empty}</p>;
  const row = (check: Check) => (
    <li key={`${check.rule} ${check.subject}`}>
      <Verdict state={check.state} />
      <span>{named(check)}</span>
    </li>
  );
  return (
    <>
      {bad.length > 0 && <ul className="check-list">{bad.map(row)}</ul>}
      {good.length > 0 && (
        <details open={bad.length === 0 && good.length < 8}>
          <summary className="muted small">{t('devices.passedChecks', { count: good.length })}</summary>
          <ul className="check-list">{good.map(row)}</ul>
        </details>
      )}
    </>
  );
}

/** A button that sends a photo or paper and tells its digest. */
export function FileButton({ label, accept, onSent }: { label: string; accept: string; onSent: (sha256: string) => void }) {
  const input = useRef<HTMLInputElement>(null);
  const [busy, setBusy] = useState(false);
  async function send(file: File | undefined) {
    if (!file) return;
    setBusy(true);
    try {
      onSent((await sendFile<{ sha256: string }>('/devices/files', file)).sha256);
    } catch (problem) {
      sayProblem(problem);
    }
    setBusy(false);
  }
  return (
    <>
      <button type="button" className="btn" disabled={busy} onClick={() => input.current?.click()}>
        <Icon name="upload" size={16} /> {label}
      </button>
      <input ref={input} type="file" hidden accept={accept} onChange={(event) => void send(event.target.files?.[0])} />
    </>
  );
}

/** A labelled input. */
export function Field({ label, children }: { label: string; children: ReactNode }) {
  return (
    <label className="field">
      <span>{label}</span>
      {children}
    </label>
  );
}
