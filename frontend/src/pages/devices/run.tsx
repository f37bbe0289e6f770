import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { type Run, type Step, ask, mayDo } from '../../api/device-views';
import { showTime } from '../../base/time';
import { language, named } from '../../i18n';
import { Icon } from '../../parts/icon';
import { sayProblem } from '../../parts/toast';
import { Checks, Verdict } from './parts';

const EVERY_MS = 1000;

/** A run, asked again every second until it has ended and is signed. */
export function useLiveRun(first: Run): Run {
  const [run, setRun] = useState(first);
  const ended = run.ended !== null && run.signed;
  useEffect(() => setRun(first), [first]);
  useEffect(() => {
    if (ended) return undefined;
    const timer = window.setInterval(() => {
      ask<Run>('GET', `/device-tests/${first.id}`).then(setRun, () => undefined);
    }, EVERY_MS);
    return () => window.clearInterval(timer);
  }, [first.id, ended]);
  return run;
}

function said(step: Step): string {
  return language.get() === 'zh' ? step.said_zh : step.said_en;
}

function Steps({ steps }: { steps: Step[] }) {
  const { t } = useTranslation();
  return (
    <ol className="step-list" data-testid="step-list">
      {steps.map((step) => (
        <li key={step.name} className={step.state} data-testid={`step-${step.name}`} data-state={step.state}>
          <span className="step-dot" aria-hidden="true" />
          <div className="grow">
            <div className="row">
              <strong className="grow">{named(step)}</strong>
              <Verdict state={step.state}>{t(`devices.step.${step.state}`)}</Verdict>
            </div>
            {said(step) && <div className="muted small">{said(step)}</div>}
            {step.started_s !== null && (
              <div className="faint small">
                {showTime(step.started_s * 1000, 'clock')}
                {step.ended_s !== null && ` – ${showTime(step.ended_s * 1000, 'clock')}`}
              </div>
            )}
          </div>
        </li>
      ))}
    </ol>
  );
}

interface Signature {
  ok: boolean;
  key_id: string;
}

function Report({ run }: { run: Run }) {
  const { t } = useTranslation();
  const [proof, setProof] = useState<Signature | null>(null);
  return (
    <div className="row" data-testid="run-report">
      <a className="btn main" href={`/api/v1/device-tests/${run.id}/report.pdf`} download>
        <Icon name="download" size={16} /> {t('devices.report')}
      </a>
      <button
        type="button"
        className="btn"
        data-testid="run-verify"
        onClick={() => {
          ask<Signature>('GET', `/device-tests/${run.id}/signature`).then(setProof, sayProblem);
        }}
      >
        <Icon name="lock" size={16} /> {t('devices.verify')}
      </button>
      {proof ? (
        <Verdict state={proof.ok ? 'pass' : 'fail'}>{t(proof.ok ? 'devices.genuine' : 'devices.forged')}</Verdict>
      ) : (
        <span className="faint small">{t('devices.key', { key: run.key_id })}</span>
      )}
    </div>
  );
}

/** One test as it goes: what to do now, the steps, and the signed report. */
export function RunPanel({ first, onEnded }: { first: Run; onEnded?: () => void }) {
  const { t } = useTranslation();
  const run = useLiveRun(first);
  const live = run.ended === null;
  const told = run.instruction;
  const [sent, setSent] = useState('');
  const now = told ? `${told.fault} ${String(told.repair)}` : '';
  useEffect(() => {
    if (!live && first.ended === null) onEnded?.();
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [live]);
  const tell = (what: 'confirm' | 'abort') => {
    ask(`POST`, `/device-tests/${run.id}/${what}`).then(() => setSent(what === 'confirm' ? now : ''), sayProblem);
  };
  return (
    <div className="run" data-testid={`run-${run.id}`} data-state={run.state}>
      <div className="row">
        <Verdict state={run.state}>{t(`devices.run.${run.state}`)}</Verdict>
        <span className="muted small grow">
          {run.station} · {run.by} · {showTime(run.started, 'full')}
        </span>
        {live && mayDo('test_devices') && (
          <button type="button" className="btn danger tiny" data-testid="run-abort" onClick={() => tell('abort')}>
            {t('devices.abort')}
          </button>
        )}
      </div>
      {told && live && (
        <div className="instruction" role="status" data-testid="run-instruction">
          <div className="grow">
            <div className="small muted">{t(told.repair ? 'devices.repairNow' : 'devices.simulateNow')}</div>
            <strong>{named(told)}</strong>
          </div>
          {!told.repair && mayDo('test_devices') && (
            <button type="button" className="btn main" disabled={sent === now} data-testid="run-confirm" onClick={() => tell('confirm')}>
              {t('devices.done')}
            </button>
          )}
        </div>
      )}
      {run.problems.map((problem) => (
        <p key={problem.en} className="note-line">
          {named(problem)}
        </p>
      ))}
      <Steps steps={run.steps} />
      {run.findings.length > 0 && (
        <div data-testid="run-findings">
          <h3>{t('devices.findings')}</h3>
          <ul className="check-list">
            {run.findings.map((finding) => (
              <li key={finding.id}>
                <Verdict state="fail">{finding.clause}</Verdict>
                <span>
                  {named(finding)} <span className="code">{finding.subject}</span>
                </span>
              </li>
            ))}
          </ul>
        </div>
      )}
      {run.checks.length > 0 && (
        <div>
          <h3>{t('devices.sensors')}</h3>
          <Checks checks={run.checks} empty="" />
        </div>
      )}
      {run.signed && <Report run={run} />}
    </div>
  );
}
