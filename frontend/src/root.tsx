import { Suspense, lazy, useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { session, startSession } from './api/session';
import { useStore } from './base/store';
import { withWords } from './i18n';
import { Enrol } from './pages/signin/enrol';
import { NewPassword } from './pages/signin/new-password';
import { ProofDialog } from './pages/signin/proof';
import { SecondStep } from './pages/signin/second-step';
import { SignIn } from './pages/signin/sign-in';
import { Problem } from './parts/states';
import { Toasts } from './parts/toast';

const App = lazy(() => withWords(['app', 'kinds'], import('./app')));

/** Who may see what: nobody but the sign-in page without a session. */
export function Root() {
  // Following the language here re-draws names and times everywhere.
  useTranslation();
  const who = useStore(session);
  const [error, setError] = useState<unknown>(undefined);
  useEffect(() => {
    startSession().catch(setError);
  }, []);
  if (error !== undefined && !who) {
    const again = () => {
      setError(undefined);
      startSession().catch(setError);
    };
    return (
      <main className="gate">
        <Problem error={error} onRetry={again} />
      </main>
    );
  }
  if (who === undefined) return <main className="gate" aria-busy="true" />;
  if (who === null) return <SignIn />;
  if (who.must_prove) return <SecondStep />;
  if (who.must_change) return <NewPassword first />;
  if (who.must_enrol) return <Enrol />;
  return (
    <Suspense fallback={<main className="gate" aria-busy="true" />}>
      <App />
      <ProofDialog />
      <Toasts />
    </Suspense>
  );
}
