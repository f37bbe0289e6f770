import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { canHoldKey, registerBrowser } from '../../api/browser-key';
import { renewSession, session, signOut } from '../../api/session';
import { problemFix, problemText } from '../../base/problem';
import { useStore } from '../../base/store';
import { Gate } from './gate';
import { RecoveryCodes, TotpSetup } from './totp-setup';

/** Setting up a second factor before anything else is possible. */
export function Enrol() {
  const { t } = useTranslation();
  const who = useStore(session);
  const [codes, setCodes] = useState<string[] | null>(null);
  const [error, setError] = useState<unknown>(undefined);

  async function browser() {
    setError(undefined);
    try {
      setCodes(await registerBrowser(who?.user ?? '', t('enrol.thisBrowser')));
    } catch (problem) {
      setError(problem);
    }
  }

  if (codes) {
    return (
      <Gate title={t('enrol.codesTitle')}>
        <RecoveryCodes codes={codes} onDone={() => void renewSession()} />
      </Gate>
    );
  }
  return (
    <Gate title={t('enrol.title')}>
      <p className="muted small" data-testid="enrol">
        {t('enrol.why')}
      </p>
      <TotpSetup label={t('enrol.phone')} onDone={setCodes} />
      {canHoldKey && (
        <button type="button" className="btn" data-testid="enrol-browser" onClick={() => void browser()}>
          {t('enrol.useBrowser')}
        </button>
      )}
      {error !== undefined && (
        <p className="gate-error" role="alert">
          {problemText(error)} {problemFix(error)}
        </p>
      )}
      <button type="button" className="btn plain" onClick={() => void signOut()}>
        {t('signout')}
      </button>
    </Gate>
  );
}
