import { type FormEvent, useCallback, useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, got } from '../../api/client';
import type { EmergencyView, StopOrderView } from '../../api/command-views';
import { may } from '../../api/session';
import { problemFix, problemText } from '../../base/problem';
import { Segmented } from '../../parts/segmented';
import { Sheet } from '../../parts/sheet';
import { Countdown, useSecondsLeft } from './countdown';
import { StopPlan } from './stop-plan';

const CAUSES = ['general', 'burst', 'leak'] as const;
type Cause = (typeof CAUSES)[number];
const LEAST_WHY = 10;

/** Emergency orders, asked again and again while they are looked at. */
export function useEmergency(): [EmergencyView | null, () => void] {
  const [found, setFound] = useState<EmergencyView | null>(null);
  const look = useCallback(() => {
    got<EmergencyView>(api.GET('/api/v1/emergency')).then(setFound, () => undefined);
  }, []);
  useEffect(() => {
    look();
    const timer = window.setInterval(() => !document.hidden && look(), 4000);
    return () => window.clearInterval(timer);
  }, [look]);
  return [found, look];
}

interface FormProps {
  action: 'stop' | 'release';
  subject: string;
  onMade: (order: StopOrderView) => void;
  onClose: () => void;
}

/** First step: why, and where the water is. */
function FirstStep({ action, subject, onMade, onClose }: FormProps) {
  const { t } = useTranslation();
  const [cause, setCause] = useState<Cause>('general');
  const [reason, setReason] = useState('');
  const [error, setError] = useState<unknown>(undefined);
  async function propose(event: FormEvent) {
    event.preventDefault();
    setError(undefined);
    try {
      const about = { subject, reason: reason.trim() };
      onMade(
        action === 'stop'
          ? await got(api.POST('/api/v1/emergency/stop', { body: { ...about, cause } }))
          : await got(api.POST('/api/v1/emergency/release', { body: about })),
      );
    } catch (problem) {
      setError(problem);
    }
  }
  return (
    <form className="setpoint-form" onSubmit={(event) => void propose(event)}>
      <p>{t(action === 'stop' ? 'stop.help' : 'stop.releaseHelp')}</p>
      {action === 'stop' && (
        <div className="field">
          <span>{t('stop.cause')}</span>
          <Segmented
            label={t('stop.cause')}
            value={cause}
            choices={CAUSES.map((each) => ({ value: each, label: t(`stop.causes.${each}`) }))}
            onChoose={setCause}
            testid="stop-cause"
          />
          <span className="small muted">{t(`stop.causeHelp.${cause}`)}</span>
        </div>
      )}
      <label className="field">
        <span>{t('stop.reason')}</span>
        <input
          className="input"
          autoFocus
          required
          maxLength={400}
          value={reason}
          data-testid="stop-reason"
          onChange={(event) => setReason(event.target.value)}
        />
      </label>
      {error !== undefined && (
        <p className="gate-error" role="alert">
          {problemText(error)} {problemFix(error)}
        </p>
      )}
      <div className="actions">
        <button type="button" className="btn" onClick={onClose}>
          {t('cancel')}
        </button>
        <button type="submit" className="btn main" disabled={reason.trim() === ''} data-testid="stop-next">
          {t('stop.next')}
        </button>
      </div>
    </form>
  );
}

/** Second step: the plan, a countdown, and the order itself. */
function SecondStep({ made, onClose }: { made: StopOrderView; onClose: () => void }) {
  const { t } = useTranslation();
  const [order, setOrder] = useState(made);
  const [why, setWhy] = useState('');
  const [glass, setGlass] = useState(false);
  const [error, setError] = useState<unknown>(undefined);
  const [busy, setBusy] = useState(false);
  const [emergency, look] = useEmergency();
  const live = emergency?.orders.find((each) => each.id === made.id) ?? order;
  const waits = live.state === 'waiting_second';
  const open = live.state === 'proposed' || waits;
  const left = useSecondsLeft(waits ? live.second_until : made.token_until);
  async function send() {
    setBusy(true);
    setError(undefined);
    try {
      const params = { path: { id: made.id } };
      const body = { token: made.token, break_glass: glass ? why.trim() : '' };
      setOrder(await got(api.POST('/api/v1/emergency/{id}/confirm', { params, body })));
      look();
    } catch (problem) {
      setError(problem);
    }
    setBusy(false);
  }
  async function close() {
    if (open) {
      await api.POST('/api/v1/emergency/{id}/withdraw', { params: { path: { id: made.id } } }).catch(() => undefined);
    }
    onClose();
  }
  const stop = made.action === 'stop';
  return (
    <>
      <StopPlan order={live} />
      {open && (
        <p className="row">
          <Countdown left={left} />{' '}
          <span className="small muted">{t(waits ? 'door.waits' : made.network ? 'stop.two' : 'stop.one')}</span>
        </p>
      )}
      {glass && open && (
        <label className="field">
          <span>{t('door.glassWhy')}</span>
          <input
            className="input"
            autoFocus
            maxLength={400}
            value={why}
            data-testid="stop-glass-why"
            onChange={(event) => setWhy(event.target.value)}
          />
          <span className="small muted">{t('door.glassHelp')}</span>
        </label>
      )}
      {error !== undefined && (
        <p className="gate-error" role="alert">
          {problemText(error)} {problemFix(error)}
        </p>
      )}
      <div className="actions">
        <button type="button" className="btn" onClick={() => void close()} data-testid="stop-close">
          {t(open ? 'door.withdraw' : 'close')}
        </button>
        {open && made.network && !glass && (
          <button type="button" className="btn" onClick={() => setGlass(true)} data-testid="stop-glass">
            {t('door.glass')}
          </button>
        )}
        {open && (!waits || glass) && (
          <button
            type="button"
            className={`btn ${stop ? 'danger' : 'main'}`}
            autoFocus={!glass}
            disabled={busy || left === 0 || (glass && why.trim().length < LEAST_WHY)}
            data-testid="stop-send"
            onClick={() => void send()}
          >
            {t(stop ? 'stop.send' : 'stop.release')}
          </button>
        )}
      </div>
    </>
  );
}

interface SheetProps {
  action: 'stop' | 'release';
  subject: string;
  name: string;
  onClose: () => void;
}

export function StopSheet({ action, subject, name, onClose }: SheetProps) {
  const { t } = useTranslation();
  const [made, setMade] = useState<StopOrderView | null>(null);
  const title = `${t(`stop.action.${action}`)} · ${name}`;
  return (
    <Sheet title={title} onClose={onClose} testid="stop-sheet">
      {made ? (
        <SecondStep made={made} onClose={onClose} />
      ) : (
        <FirstStep action={action} subject={subject} onMade={setMade} onClose={onClose} />
      )}
    </Sheet>
  );
}

/** The emergency stop of a station, a source or everything; opens with a click or Enter. */
export function StopButton({ subject, name }: { subject: string; name: string }) {
  const { t } = useTranslation();
  const [open, setOpen] = useState<'stop' | 'release' | null>(null);
  const [emergency] = useEmergency();
  const held = emergency?.orders.some(
    (order) => order.action === 'stop' && order.subject === subject && order.state !== 'released',
  );
  if (!may('command')) return null;
  return (
    <>
      {held && (
        <button type="button" className="btn tiny" data-testid="stop-release" onClick={() => setOpen('release')}>
          {t('stop.action.release')}
        </button>
      )}
      <button type="button" className="btn tiny danger" data-testid="stop-open" onClick={() => setOpen('stop')}>
        {t('stop.action.stop')}
      </button>
      {open && <StopSheet action={open} subject={subject} name={name} onClose={() => setOpen(null)} />}
    </>
  );
}
