import { type FormEvent, useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { heldKey, signWithBrowser } from '../../api/browser-key';
import { giveSecond, session, signOut } from '../../api/session';
import { problemFix, problemText } from '../../base/problem';
import { useStore } from '../../base/store';
import { Gate } from './gate';

/** Whether this browser holds a key of this user. */
export function useHeldKey(): boolean {
  const who = useStore(session);
  const user = who?.methods.includes('key') ? who.user : '';
  const [held, setHeld] = useState(false);
  useEffect(() => {
    let here = true;
    if (user) void heldKey(user).then((pair) => here && setHeld(pair !== null));
    return () => {
      here = false;
    };
  }, [user]);
  return held;
}

/** The second step: a code from the phone, a recovery code, or the key of this browser. */
export function SecondStep() {
  const { t } = useTranslation();
  const who = useStore(session);
  const held = useHeldKey();
  const [code, setCode] = useState('');
  const [error, setError] = useState<unknown>(undefined);
  const [busy, setBusy] = useState(false);

  async function give(step: () => Promise<void>) {
    setBusy(true);
    setError(undefined);
    try {
      await step();
    } catch (problem) {
      setError(problem);
      setCode('');
    }
    setBusy(false);
  }

  function submit(event: FormEvent) {
    event.preventDefault();
    void give(() => giveSecond({ code: code.trim() }));
  }

  return (
    <Gate title={t('second.title')}>
      <form className="gate-form" onSubmit={submit}>
        <p className="muted small">{t('second.hint', { user: who?.user ?? '' })}</p>
        <label className="field">
          <span>{t('second.code')}</span>
          <input
            className="input code-input"
            name="one-time-code"
            autoComplete="one-time-code"
            autoFocus
            required
            maxLength={40}
            value={code}
            data-testid="second-code"
            onChange={(event) => setCode(event.target.value)}
          />
        </label>
        {error !== undefined && (
          <p className="gate-error" role="alert" data-testid="second-error">
            {problemText(error)} · {problemFix(error)}
          </p>
        )}
        <button className="btn main" type="submit" disabled={busy} data-testid="second-submit">
          {t('second.submit')}
        </button>
        {held && (
          <button
            className="btn"
            type="button"
            disabled={busy}
            data-testid="second-key"
            onClick={() =>
              void give(async () => giveSecond({ signature: await signWithBrowser(who?.user ?? '') }))
            }
          >
            {t('second.browser')}
          </button>
        )}
        <button className="btn plain" type="button" onClick={() => void signOut()}>
          {t('signout')}
        </button>
      </form>
    </Gate>
  );
}
