import { type FormEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, seen } from '../../api/client';
import { type DoorAnswer, type ProposalView, isProposal } from '../../api/command-views';
import type { PointView } from '../../api/views';
import { showNumber, showUnit } from '../../base/format';
import { problemFix, problemText } from '../../base/problem';
import { named } from '../../i18n';
import { takeCommand } from '../../live/commands';
import { CommandLife, CommandStateTag, useCommand, useFollowed } from '../../parts/command-life';
import { Sheet } from '../../parts/sheet';
import { LiveValue, usePoint, useWord } from '../../parts/value';
import { ProposalPanel } from '../commands/proposal';
import '../../styles/door.css';

/** What is wrong with a typed value, as a translation key, or null. */
function fault(text: string, point: PointView): 'setpoint.notNumber' | 'setpoint.outside' | null {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value)) return 'setpoint.notNumber';
  const low = point.low ?? Number.NEGATIVE_INFINITY;
  const high = point.high ?? Number.POSITIVE_INFINITY;
  return value < low || value > high ? 'setpoint.outside' : null;
}

function Sent({ id, onClose }: { id: string; onClose: () => void }) {
  const { t } = useTranslation();
  const command = useCommand(id);
  useFollowed(id);
  if (!command) return null;
  return (
    <>
      <div className="row">
        <CommandStateTag command={command} testid="command-state" />
        <span className="code">{command.id}</span>
      </div>
      <CommandLife command={command} />
      <div className="actions">
        <button type="button" className="btn main" data-testid="setpoint-close" onClick={onClose}>
          {t('close')}
        </button>
      </div>
    </>
  );
}

interface SetpointProps {
  point: PointView;
  onClose: () => void;
}

/** Change of one set-point: value within bounds, a second look, then the command's life. */
export function SetpointSheet({ point, onClose }: SetpointProps) {
  const { t } = useTranslation();
  const now = usePoint(point);
  const words = useWord(point.kind);
  const [text, setText] = useState(now.value === null ? '' : now.value.toFixed(point.decimals));
  const [reason, setReason] = useState('');
  const [review, setReview] = useState(false);
  const [error, setError] = useState<unknown>(undefined);
  const [sent, setSent] = useState<string | null>(null);
  const [proposal, setProposal] = useState<ProposalView | null>(null);
  const [busy, setBusy] = useState(false);
  const wrong = fault(text, point);
  const step = 10 ** -point.decimals;
  const unit = showUnit(point.unit);
  const show = (value: number | null) => words(value) ?? `${showNumber(value, point.decimals)} ${unit}`;

  const nudge = (by: number) => {
    const value = (Number(text) || 0) + by;
    setText(Math.min(point.high ?? value, Math.max(point.low ?? value, value)).toFixed(point.decimals));
  };

  async function submit(event: FormEvent) {
    event.preventDefault();
    if (wrong) return;
    if (!review) {
      setReview(true);
      return;
    }
    setBusy(true);
    setError(undefined);
    try {
      const body = { point: point.code, value: Number(text), reason: reason.trim() };
      const answer = await seen<DoorAnswer>(api.POST('/api/v1/commands', { body }));
      if (isProposal(answer)) setProposal(answer);
      else {
        takeCommand(answer);
        setSent(answer.id);
      }
    } catch (problem) {
      setError(problem);
      setReview(false);
    }
    setBusy(false);
  }

  if (proposal) {
    return (
      <Sheet title={named(point)} onClose={onClose} testid="setpoint-sheet">
        <ProposalPanel proposal={proposal} onClose={onClose} />
      </Sheet>
    );
  }

  const head = (
    <dl className="setpoint-head">
      <div>
        <dt>{t('setpoint.now')}</dt>
        <dd>
          <LiveValue point={point} testid="setpoint-now" />
        </dd>
      </div>
      {(review || sent !== null) && (
        <div>
          <dt>{t('setpoint.next')}</dt>
          <dd>
            <b>{show(Number(text))}</b>
          </dd>
        </div>
      )}
      <div>
        <dt>{t('setpoint.bounds')}</dt>
        <dd data-testid="setpoint-bounds">
          {showNumber(point.low, point.decimals)} … {showNumber(point.high, point.decimals)} {unit}
        </dd>
      </div>
    </dl>
  );

  return (
    <Sheet title={named(point)} onClose={onClose} testid="setpoint-sheet">
      <p className="code">{point.code}</p>
      {head}
      {sent !== null ? (
        <Sent id={sent} onClose={onClose} />
      ) : (
        <form className="setpoint-form" onSubmit={(event) => void submit(event)}>
          {!review && (
            <>
              <div className="field">
                <span>{t('setpoint.value')}</span>
                <div className="stepper">
                  <button type="button" className="btn" onClick={() => nudge(-step * 10)} aria-label={t('setpoint.less')}>
                    −
                  </button>
                  <input
                    className="input"
                    inputMode="decimal"
                    autoFocus
                    aria-label={t('setpoint.value')}
                    aria-invalid={wrong !== null}
                    value={text}
                    data-testid="setpoint-input"
                    onChange={(event) => setText(event.target.value.replace(',', '.'))}
                  />
                  <span className="muted">{unit}</span>
                  <button type="button" className="btn" onClick={() => nudge(step * 10)} aria-label={t('setpoint.more')}>
                    +
                  </button>
                </div>
                {wrong && (
                  <span className="wrong" role="alert" data-testid="setpoint-wrong">
                    {t(wrong)}
                  </span>
                )}
              </div>
              <label className="field">
                <span>{t('setpoint.reason')}</span>
                <input
                  className="input"
                  maxLength={400}
                  value={reason}
                  data-testid="setpoint-reason"
                  onChange={(event) => setReason(event.target.value)}
                />
              </label>
            </>
          )}
          {review && <p>{t('setpoint.confirmText', { from: show(now.value), to: show(Number(text)) })}</p>}
          {error !== undefined && (
            <p className="gate-error" role="alert" data-testid="setpoint-error">
              {problemText(error)} {problemFix(error)}
            </p>
          )}
          <div className="actions">
            <button
              type="button"
              className="btn"
              onClick={() => (review ? setReview(false) : onClose())}
            >
              {review ? t('back') : t('cancel')}
            </button>
            <button
              type="submit"
              className="btn main"
              disabled={wrong !== null || busy}
              data-testid={review ? 'setpoint-confirm' : 'setpoint-submit'}
            >
              {review ? t('setpoint.send') : t('setpoint.review')}
            </button>
          </div>
        </form>
      )}
    </Sheet>
  );
}
