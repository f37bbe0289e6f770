import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { type DoorAnswer, type ProposalView, isProposal } from '../../api/command-views';
import { may } from '../../api/session';
import { takeCommand } from '../../live/commands';
import { Sheet } from '../../parts/sheet';
import { say, sayProblem } from '../../parts/toast';
import { ProposalPanel } from '../commands/proposal';

interface SendProps {
  label: string;
  ask: () => Promise<DoorAnswer>;
  testid: string;
}

/** One press: set-points go to the door for commands, which asks what it must. */
export function Send({ label, ask, testid }: SendProps) {
  const { t } = useTranslation();
  const [busy, setBusy] = useState(false);
  const [proposal, setProposal] = useState<ProposalView | null>(null);
  if (!may('command')) return null;
  const send = async () => {
    setBusy(true);
    try {
      const answer = await ask();
      if (isProposal(answer)) setProposal(answer);
      else {
        takeCommand(answer);
        say(t('dispatch.sent'));
      }
    } catch (error) {
      sayProblem(error);
    } finally {
      setBusy(false);
    }
  };
  return (
    <>
      <button type="button" className="btn" disabled={busy} data-testid={testid} onClick={() => void send()}>
        {label}
      </button>
      {proposal && (
        <Sheet title={label} onClose={() => setProposal(null)} testid={`${testid}-sheet`}>
          <ProposalPanel proposal={proposal} onClose={() => setProposal(null)} />
        </Sheet>
      )}
    </>
  );
}
