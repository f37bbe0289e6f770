import { type FormEvent, useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { signWithBrowser } from '../../api/browser-key';
import { onProofNeeded } from '../../api/client';
import { type Step, giveProof, session } from '../../api/session';
import { problemFix, problemText } from '../../base/problem';
import { useStore } from '../../base/store';
import { Sheet } from '../../parts/sheet';
import { useHeldKey } from './second-step';

/** Asks who one is again when something dangerous is about to be done. */
export function ProofDialog() {
  const [done, setDone] = useState<((given: boolean) => void) | null>(null);
  useEffect(() => {
    onProofNeeded(() => new Promise((answer) => setDone(() => answer)));
    return () => onProofNeeded(null);
  }, []);
  const end = (given: boolean) => {
    done?.(given);
    setDone(null);
  };
  return done ? <ProofForm onEnd={end} /> : null;
}

function ProofForm({ onEnd }: { onEnd: (given: boolean) => void }) {
  const { t } = useTranslation();
  const who = useStore(session);
  const held = useHeldKey();
  const [password, setPassword] = useState('');
  const [code, setCode] = useState('');
  const [error, setError] = useState<unknown>(undefined);
  const second = (who?.methods.length ?? 0) > 0;
  const withPassword = !who?.factors.includes('oidc') || who.factors.includes('password');

  async function give(event: FormEvent) {
    event.preventDefault();
    setError(undefined);
    try {
      let step: Step = { code: code.trim() };
      if (second && !step.code && held) step = { signature: await signWithBrowser(who?.user ?? '') };
      await giveProof(password, step);
      onEnd(true);
    } catch (problem) {
      setError(problem);
      setCode('');
    }
  }

  return (
    <Sheet title={t('proof.title')} onClose={() => onEnd(false)} testid="proof">
      <form className="gate-form" onSubmit={(event) => void give(event)}>
        <p className="muted small">{t('proof.why')}</p>
        {withPassword && (
          <label className="field">
            <span>{t('signin.password')}</span>
            <input
              className="input"
              type="password"
              autoComplete="current-password"
              autoFocus
              required
              value={password}
              data-testid="proof-password"
              onChange={(event) => setPassword(event.target.value)}
            />
          </label>
        )}
        {second && (
          <label className="field">
            <span>{held ? t('proof.codeOrKey') : t('second.code')}</span>
            <input
              className="input code-input"
              autoComplete="one-time-code"
              required={!held}
              maxLength={40}
              value={code}
              data-testid="proof-code"
              onChange={(event) => setCode(event.target.value)}
            />
          </label>
        )}
        {error !== undefined && (
          <p className="gate-error" role="alert">
            {problemText(error)} · {problemFix(error)}
          </p>
        )}
        <div className="actions">
          <button type="button" className="btn" onClick={() => onEnd(false)}>
            {t('cancel')}
          </button>
          <button type="submit" className="btn main" data-testid="proof-submit">
            {t('confirm')}
          </button>
        </div>
      </form>
    </Sheet>
  );
}
