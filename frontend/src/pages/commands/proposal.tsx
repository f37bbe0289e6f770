import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, seen } from '../../api/client';
import type { ProposalView } from '../../api/command-views';
import { problemFix, problemText } from '../../base/problem';
import { takeCommand } from '../../live/commands';
import { CommandLife, CommandStateTag, useCommand, useFollowed } from '../../parts/command-life';
import { Consequences, Passed } from './consequences';
import { Countdown, useSecondsLeft } from './countdown';

const LEAST_WHY = 10;

function Made({ id }: { id: string }) {
  const command = useCommand(id);
  useFollowed(id);
  if (!command) return null;
  return (
    <>
      <div className="row">
        <CommandStateTag command={command} testid="command-state" />
        <span className="code">{command.point}</span>
      </div>
      <CommandLife command={command} />
    </>
  );
}

/** Follow a proposal that waits for a second person. */
function useAnswered(proposal: ProposalView, onChange: (fresh: ProposalView) => void): void {
  const waits = proposal.state === 'waiting_second';
  useEffect(() => {
    if (!waits) return undefined;
    const timer = window.setInterval(() => {
      const path = { id: proposal.id };
      seen<ProposalView>(api.GET('/api/v1/commands/proposals/{id}', { params: { path } })).then(
        (fresh) => fresh.state !== 'waiting_second' && onChange(fresh),
        () => undefined,
      );
    }, 2000);
    return () => window.clearInterval(timer);
  }, [waits, proposal.id, onChange]);
}

interface Props {
  proposal: ProposalView;
  onClose: () => void;
}

/** A write of one's own that needs more than one step: consequences, countdown, confirmation. */
export function ProposalPanel({ proposal: first, onClose }: Props) {
  const { t } = useTranslation();
  const [proposal, setProposal] = useState(first);
  const [glass, setGlass] = useState(false);
  const [why, setWhy] = useState('');
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(undefined);
  useAnswered(proposal, setProposal);
  const waits = proposal.state === 'waiting_second';
  const left = useSecondsLeft(waits ? proposal.second_until : proposal.token_until);
  const open = proposal.state === 'proposed' || waits;
  const network = proposal.command_class === 'network';
  const blind = proposal.physics.state === 'unknown' && network;

  async function send(how: 'confirm' | 'break-glass') {
    setBusy(true);
    setError(undefined);
    try {
      const params = { path: { id: proposal.id } };
      const token = first.token;
      const done =
        how === 'confirm'
          ? await seen<ProposalView>(api.POST('/api/v1/commands/{id}/confirm', { params, body: { token } }))
          : await seen<ProposalView>(
              api.POST('/api/v1/commands/{id}/break-glass', { params, body: { token, why: why.trim() } }),
            );
      done.commands.forEach(takeCommand);
      setProposal(done);
    } catch (problem) {
      setError(problem);
    }
    setBusy(false);
  }

  async function close() {
    if (open) {
      const params = { path: { id: proposal.id } };
      await api.POST('/api/v1/commands/{id}/withdraw', { params }).catch(() => undefined);
    }
    onClose();
  }

  return (
    <div className="door" data-testid="proposal" data-state={proposal.state}>
      <Consequences proposal={proposal} />
      {open && (
        <p className="row">
          <Countdown left={left} /> <span className="small muted">{t(waits ? 'door.waits' : 'door.once')}</span>
        </p>
      )}
      {!open && (
        <>
          <p>{t(`door.state.${proposal.state as 'executed'}`)}</p>
          <Passed steps={proposal.steps} />
          {proposal.commands.slice(0, 20).map((command) => (
            <Made key={command.id} id={command.id} />
          ))}
        </>
      )}
      {glass && open && (
        <label className="field">
          <span>{t('door.glassWhy')}</span>
          <input
            className="input"
            autoFocus
            maxLength={400}
            value={why}
            data-testid="glass-why"
            onChange={(event) => setWhy(event.target.value)}
          />
          <span className="small muted">{t('door.glassHelp')}</span>
        </label>
      )}
      {error !== undefined && (
        <p className="gate-error" role="alert" data-testid="proposal-error">
          {problemText(error)} {problemFix(error)}
        </p>
      )}
      <div className="actions">
        <button type="button" className="btn" data-testid="proposal-close" onClick={() => void close()}>
          {t(open ? 'door.withdraw' : 'close')}
        </button>
        {open && network && !glass && (
          <button type="button" className="btn" data-testid="glass-open" onClick={() => setGlass(true)}>
            {t('door.glass')}
          </button>
        )}
        {open && glass && (
          <button
            type="button"
            className="btn danger"
            data-testid="glass-send"
            disabled={busy || left === 0 || why.trim().length < LEAST_WHY}
            onClick={() => void send('break-glass')}
          >
            {t('door.glassSend')}
          </button>
        )}
        {proposal.state === 'proposed' && !glass && !blind && (
          <button
            type="button"
            className="btn main"
            autoFocus
            data-testid="proposal-confirm"
            disabled={busy || left === 0}
            onClick={() => void send('confirm')}
          >
            {t(network ? 'door.askSecond' : 'door.confirm')}
          </button>
        )}
      </div>
    </div>
  );
}
