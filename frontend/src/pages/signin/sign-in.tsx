import { type FormEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, got } from '../../api/client';
import { signIn } from '../../api/session';
import { problemText } from '../../base/problem';
import { useResource } from '../../base/resource';
import { language } from '../../i18n';
import { Gate } from './gate';

/** The way in by the company's own identity provider, where there is one. */
function Provider() {
  const { t } = useTranslation();
  const { data } = useResource(() => got(api.GET('/api/v1/session/options')), []);
  if (!data?.provider) return null;
  const name = language.get() === 'zh' ? data.provider_zh : data.provider_en;
  return (
    <>
      <hr className="gate-or" />
      <a className="btn" href="/api/v1/session/oidc/start" data-testid="sign-in-provider">
        {t('signin.provider', { name })}
      </a>
    </>
  );
}

const turnedAway = new URLSearchParams(window.location.search).has('signin');

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
        {turnedAway && error === undefined && (
          <p className="gate-error" role="alert">
            {t('signin.failed')}
          </p>
        )}
        {error !== undefined && (
          <p className="gate-error" role="alert" data-testid="sign-in-error">
            {problemText(error)}
          </p>
        )}
        <button className="btn main" type="submit" disabled={busy} data-testid="sign-in-submit">
          {busy ? t('signin.busy') : t('signin.submit')}
        </button>
        <Provider />
      </form>
    </Gate>
  );
}
