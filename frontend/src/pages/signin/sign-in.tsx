import { type FormEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { signIn } from '../../api/session';
import { problemText } from '../../base/problem';
import { Gate } from './gate';

export function SignIn() {
  const { t } = useTranslation();
  const [user, setUser] = useState('');
  const [password, setPassword] = useState('');
  const [error, setError] = useState<unknown>(undefined);
  const [busy, setBusy] = useState(false);

  async function submit(event: FormEvent) {
    event.preventDefault();
    setBusy(true);
    setError(undefined);
    try {
      await signIn(user.trim(), password);
    } catch (problem) {
      setError(problem);
      setPassword('');
    }
    setBusy(false);
  }

  return (
    <Gate title={t('signin.title')}>
      <form className="gate-form" onSubmit={(event) => void submit(event)}>
        <label className="field">
          <span>{t('signin.user')}</span>
          <input
            className="input"
            name="username"
            autoComplete="username"
            autoFocus
            required
            value={user}
            data-testid="sign-in-user"
            onChange={(event) => setUser(event.target.value)}
          />
        </label>
        <label className="field">
          <span>{t('signin.password')}</span>
          <input
            className="input"
            type="password"
            name="password"
            autoComplete="current-password"
            required
            value={password}
            data-testid="sign-in-password"
            onChange={(event) => setPassword(event.target.value)}
          />
        </label>
        {error !== undefined && (
          <p className="gate-error" role="alert" data-testid="sign-in-error">
            {problemText(error)}
          </p>
        )}
        <button className="btn main" type="submit" disabled={busy} data-testid="sign-in-submit">
          {busy ? t('signin.busy') : t('signin.submit')}
        </button>
      </form>
    </Gate>
  );
}
