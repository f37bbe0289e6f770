import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, got } from '../../api/client';
import type { SavingsCurve, SavingsUnit } from '../../api/savings-views';
import { may } from '../../api/session';
import { showNumber } from '../../base/format';
import { showTime } from '../../base/time';
import { Figure } from '../../parts/figure';
import { say, sayProblem } from '../../parts/toast';
import { baselineText, refusalText } from './words';

const KNOBS = [
  ['slope', 2, ''],
  ['shift_k', 1, 'K'],
  ['damping_h', 1, 'h'],
  ['set_back_k', 1, 'K'],
  ['set_back_from_h', 1, 'h'],
  ['set_back_for_h', 1, 'h'],
  ['flow_ratio', 2, ''],
] as const;

function Knobs({ curve }: { curve: SavingsCurve }) {
  const { t } = useTranslation();
  const { figures, settings } = curve;
  return (
    <>
      <dl className="figures" data-testid="savings-knobs">
        {KNOBS.map(([name, digits, unit]) => (
          <Figure key={name} label={t(`savings.knobs.${name}`)}>
            {showNumber(settings[name], digits)} <small>{unit}</small>
          </Figure>
        ))}
      </dl>
      <p className="small muted panel-text">
        {t('savings.trial', {
          evaluations: figures['evaluations'],
          days: figures['days'],
          held: figures['held_days'],
          standing: showNumber(figures['standing_yuan_d'], 0),
          tuned: showNumber(figures['tuned_yuan_d'], 0),
          standingRoom: showNumber(figures['standing_room_c'], 1),
          tunedRoom: showNumber(figures['tuned_room_c'], 1),
        })}
      </p>
    </>
  );
}

function Lineage({ curve }: { curve: SavingsCurve }) {
  const { t } = useTranslation();
  return (
    <p className="small muted panel-text">
      {t('savings.lineage', {
        version: curve.version,
        at: showTime(curve.at, 'minute'),
        from: curve.from_day,
        seenFrom: curve.seen_from,
        seenUntil: curve.seen_until,
        entry: curve.entry,
      })}{' '}
      {curve.model_version > 0 && t('savings.ofModel', { version: curve.model_version })}{' '}
      <span className="code">{curve.digest.slice(0, 16)}</span>
    </p>
  );
}

/** The curve a unit's savings are measured against: its knobs, where it comes from, who approved it. */
export function Curve({ data, onFresh }: { data: SavingsUnit; onFresh: (fresh: SavingsUnit) => void }) {
  const { t } = useTranslation();
  const [busy, setBusy] = useState(false);
  const code = data.figure.subject;
  const curve = data.curves[0];
  const approved = data.switch_back_curve === 'tuned';
  const ask = async (work: () => Promise<SavingsUnit>, done: string) => {
    setBusy(true);
    try {
      onFresh(await work());
      say(done);
    } catch (error) {
      sayProblem(error);
    } finally {
      setBusy(false);
    }
  };
  const path = { code };
  const tune = () => got(api.POST('/api/v1/savings/units/{code}/tune', { params: { path } }));
  const decide = () => {
    const body = { version: curve?.version ?? 1, approve: !approved, note: '' };
    return got(api.POST('/api/v1/savings/units/{code}/curve', { params: { path }, body }));
  };
  return (
    <section className="panel" data-testid="savings-curve">
      <header>
        <h2>{t('savings.against')}</h2>
        <span className="grow" />
        {may('command') && (
          <>
            {curve?.baseline === 'tuned' && (
              <button
                type="button"
                className="btn"
                disabled={busy}
                data-testid="savings-approve"
                onClick={() => void ask(decide, t(approved ? 'savings.withdrawn' : 'savings.approved'))}
              >
                {t(approved ? 'savings.withdraw' : 'savings.approve')}
              </button>
            )}
            <button
              type="button"
              className="btn"
              disabled={busy}
              data-testid="savings-tune"
              onClick={() => void ask(tune, t('savings.tuned'))}
            >
              {t('savings.tune')}
            </button>
          </>
        )}
      </header>
      <p className="verdict" data-testid="savings-baseline">
        <strong>{baselineText(t, data.figure.baseline)}</strong>
        {data.figure.reason && <span>{refusalText(t, data.figure.reason)}</span>}
      </p>
      {curve && Object.keys(curve.settings).length > 0 && <Knobs curve={curve} />}
      {curve && <Lineage curve={curve} />}
      {data.failure && <p className="small panel-text">{t('savings.tuneFailed', { why: data.failure })}</p>}
      <p className="small muted panel-text">
        {t(approved ? 'savings.runsTuned' : 'savings.runsStanding')}
        {curve?.decided_at && ` ${t('savings.decided', { by: curve.decided_by, at: showTime(curve.decided_at, 'minute') })}`}
      </p>
    </section>
  );
}
