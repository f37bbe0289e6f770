import { type FormEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, got } from '../../api/client';
import { changePassword, signOut } from '../../api/session';
import { problemFix, problemText } from '../../base/problem';
import { useResource } from '../../base/resource';
import { Gate } from './gate';

interface Fields {
  old: string;
  fresh: string;
  again: string;
}

/** Change of password; `first` when the platform will not go on without it. */
export function NewPassword({ first, onDone }: { first?: boolean; onDone?: () => void }) {
  const { t } = useTranslation();
  const [fields, setFields] = useState<Fields>({ old: '', fresh: '', again: '' });
  const [told, setTold] = useState('');
  const [busy, setBusy] = useState(false);
  const { data } = useResource(() => got(api.GET('/api/v1/session/options')), []);
  const rule = { length: data?.min_length ?? 8, classes: data?.classes ?? 3 };

  async function submit(event: FormEvent) {
    event.preventDefault();
    if (fields.fresh !== fields.again) {
      setTold(t('password.differ'));
      return;
    }
    setBusy(true);
    setTold('');
    try {
      await changePassword(fields.old, fields.fresh);
      onDone?.();
    } catch (error) {
      setTold([problemText(error), problemFix(error)].filter(Boolean).join(' · '));
    }
    setBusy(false);
  }

  const input = (name: keyof Fields, label: string, testid: string, complete: string) => (
    <label className="field">
      <span>{label}</span>
      <input
        className="input"
        type="password"
        autoComplete={complete}
        required
        value={fields[name]}
        data-testid={testid}
        onChange={(event) => setFields({ ...fields, [name]: event.target.value })}
      />
    </label>
  );

  return (
    <Gate title={t('password.title')}>
      <form className="gate-form" onSubmit={(event) => void submit(event)}>
        <p className="muted small">{first ? t('password.first', rule) : t('password.rules', rule)}</p>
        {input('old', t('password.old'), 'password-old', 'current-password')}
        {input('fresh', t('password.new'), 'password-new', 'new-password')}
        {input('again', t('password.again'), 'password-again', 'new-password')}
        {told && (
          <p className="gate-error" role="alert" data-testid="password-error">
            {told}
          </p>
        )}
        <button className="btn main" type="submit" disabled={busy} data-testid="password-submit">
          {t('password.submit')}
        </button>
        <button
          className="btn plain"
          type="button"
          onClick={() => (onDone ? onDone() : void signOut())}
        >
          {first ? t('signout') : t('cancel')}
        </button>
      </form>
    </Gate>
  );
}
