import { type FormEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, got } from '../../api/client';
import { problemFix, problemText } from '../../base/problem';

const COMMAND = 'openssl dgst -sha256 -sign key.pem sign-in.bin | xxd -p -c 0';

/** A key or certificate made elsewhere: its public part, and a signature that it is at hand. */
export function KeyForm({ onDone }: { onDone: (codes: string[]) => void }) {
  const { t } = useTranslation();
  const [label, setLabel] = useState('');
  const [pem, setPem] = useState('');
  const [signature, setSignature] = useState('');
  const [error, setError] = useState<unknown>(undefined);

  async function fetchChallenge() {
    try {
      const { challenge } = await got(api.POST('/api/v1/session/challenge'));
      const link = document.createElement('a');
      link.href = URL.createObjectURL(new Blob([`heatloop-sign-in\0${challenge}`]));
      link.download = 'sign-in.bin';
      link.click();
      URL.revokeObjectURL(link.href);
    } catch (problem) {
      setError(problem);
    }
  }

  async function submit(event: FormEvent) {
    event.preventDefault();
    setError(undefined);
    try {
      const body = { label, pem, signature: signature.replaceAll(/\s/g, '').toLowerCase() };
      onDone((await got(api.POST('/api/v1/account/keys', { body }))).codes);
    } catch (problem) {
      setError(problem);
    }
  }

  return (
    <form className="gate-form" onSubmit={(event) => void submit(event)}>
      <label className="field">
        <span>{t('account.label')}</span>
        <input className="input" required maxLength={60} value={label} onChange={(event) => setLabel(event.target.value)} />
      </label>
      <label className="field">
        <span>{t('account.pem')}</span>
        <textarea className="input" rows={5} required value={pem} onChange={(event) => setPem(event.target.value)} />
      </label>
      <p className="muted small">{t('account.sign')}</p>
      <code className="secret-text small">{COMMAND}</code>
      <button type="button" className="btn" onClick={() => void fetchChallenge()}>
        {t('account.fetch')}
      </button>
      <label className="field">
        <span>{t('account.signature')}</span>
        <textarea className="input" rows={3} required value={signature} onChange={(event) => setSignature(event.target.value)} />
      </label>
      {error !== undefined && (
        <p className="gate-error" role="alert">
          {problemText(error)} · {problemFix(error)}
        </p>
      )}
      <button type="submit" className="btn main">
        {t('account.register')}
      </button>
    </form>
  );
}
