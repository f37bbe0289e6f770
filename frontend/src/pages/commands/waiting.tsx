import { useCallback, useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, got, seen } from '../../api/client';
import type { EmergencyView, ProposalView, StopOrderView } from '../../api/command-views';
import { may } from '../../api/session';
import { takeCommand } from '../../live/commands';
import { sayProblem } from '../../parts/toast';
import { Consequences } from './consequences';
import { Countdown, useSecondsLeft } from './countdown';
import { StopPlan } from './stop-plan';

const EVERY_MS = 4000;

interface AnswerProps {
  until: string | null;
  by: string;
  busy: boolean;
  onAnswer: (agree: boolean) => void;
}

function Answer({ until, by, busy, onAnswer }: AnswerProps) {
  const { t } = useTranslation();
  const left = useSecondsLeft(until);
  return (
    <div className="actions">
      <span className="small muted grow">{t('door.askedBy', { user: by })}</span>
      <Countdown left={left} />
      <button type="button" className="btn" disabled={busy} data-testid="second-refuse" onClick={() => onAnswer(false)}>
        {t('door.disagree')}
      </button>
      <button
        type="button"
        className="btn main"
        disabled={busy || left === 0}
        data-testid="second-agree"
        onClick={() => onAnswer(true)}
      >
        {t('door.agree')}
      </button>
    </div>
  );
}

/** What waits for this person as second person: whole-network commands and stops. */
export function Waiting() {
  const { t } = useTranslation();
  const [proposals, setProposals] = useState<ProposalView[]>([]);
  const [stops, setStops] = useState<StopOrderView[]>([]);
  const [busy, setBusy] = useState(false);
  const allowed = may('command');
  const look = useCallback(async () => {
    if (!allowed || document.hidden) return;
    const [waiting, emergency] = await Promise.all([
      seen<ProposalView[]>(api.GET('/api/v1/commands/waiting')),
      got<EmergencyView>(api.GET('/api/v1/emergency')),
    ]);
    setProposals(waiting);
    setStops(emergency.waiting);
  }, [allowed]);
  useEffect(() => {
    void look().catch(() => undefined);
    const timer = window.setInterval(() => void look().catch(() => undefined), EVERY_MS);
    return () => window.clearInterval(timer);
  }, [look]);

  async function answer(work: () => Promise<void>) {
    setBusy(true);
    try {
      await work();
      await look();
    } catch (error) {
      sayProblem(error);
    }
    setBusy(false);
  }
  const second = (id: string, agree: boolean) =>
    answer(async () => {
      const done = await seen<ProposalView>(
        api.POST('/api/v1/commands/{id}/second', { params: { path: { id } }, body: { agree, note: '' } }),
      );
      done.commands.forEach(takeCommand);
    });
  const stop = (id: string, agree: boolean) =>
    answer(async () => {
      await got(api.POST('/api/v1/emergency/{id}/second', { params: { path: { id } }, body: { agree } }));
    });

  if (proposals.length + stops.length === 0) return null;
  return (
    <section className="panel door-inbox" data-testid="waiting" aria-live="polite">
      <header>
        <h2>{t('door.inbox', { count: proposals.length + stops.length })}</h2>
      </header>
      {stops.map((order) => (
        <article key={order.id} className="body" data-testid={`waiting-${order.id}`}>
          <StopPlan order={order} />
          <Answer
            until={order.second_until}
            by={order.ordered_by}
            busy={busy}
            onAnswer={(agree) => void stop(order.id, agree)}
          />
        </article>
      ))}
      {proposals.map((proposal) => (
        <article key={proposal.id} className="body" data-testid={`waiting-${proposal.id}`}>
          <Consequences proposal={proposal} />
          <Answer
            until={proposal.second_until}
            by={proposal.requested_by}
            busy={busy}
            onAnswer={(agree) => void second(proposal.id, agree)}
          />
        </article>
      ))}
    </section>
  );
}
