import { type FormEvent, useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, got } from '../../api/client';
import { problemFix, problemText } from '../../base/problem';

interface Offer {
  id: string;
  secret: string;
  picture: string;
}

/** A secret for the phone as a picture, and the first code back. */
export function TotpSetup({ label, onDone }: { label: string; onDone: (codes: string[]) => void }) {
  const { t } = useTranslation();
  const [offer, setOffer] = useState<Offer | null>(null);
  const [code, setCode] = useState('');
  const [error, setError] = useState<unknown>(undefined);

  useEffect(() => {
    let here = true;
    got(api.POST('/api/v1/account/totp', { body: { label } })).then(
      (made) => here && setOffer(made),
      (problem: unknown) => here && setError(problem),
    );
    return () => {
      here = false;
    };
  }, [label]);

  async function submit(event: FormEvent) {
    event.preventDefault();
    if (!offer) return;
    setError(undefined);
    try {
      const made = await got(
        api.POST('/api/v1/account/totp/confirm', { body: { id: offer.id, code: code.trim() } }),
      );
      onDone(made.codes);
    } catch (problem) {
      setError(problem);
      setCode('');
    }
  }

  return (
    <form className="gate-form" onSubmit={(event) => void submit(event)}>
      {offer && (
        <>
          <p className="muted small">{t('enrol.scan')}</p>
          <img className="qr" src={offer.picture} alt={t('enrol.picture')} width={208} height={208} />
          <details className="small">
            <summary>{t('enrol.typed')}</summary>
            <code className="secret-text" data-testid="totp-secret">
              {offer.secret}
            </code>
          </details>
          <label className="field">
            <span>{t('enrol.first')}</span>
            <input
              className="input code-input"
              inputMode="numeric"
              autoComplete="one-time-code"
              required
              autoFocus
              maxLength={10}
              value={code}
              data-testid="totp-code"
              onChange={(event) => setCode(event.target.value)}
            />
          </label>
        </>
      )}
      {error !== undefined && (
        <p className="gate-error" role="alert">
          {problemText(error)} · {problemFix(error)}
        </p>
      )}
      <button className="btn main" type="submit" disabled={!offer} data-testid="totp-confirm">
        {t('enrol.confirm')}
      </button>
    </form>
  );
}

/** Recovery codes, shown once. */
export function RecoveryCodes({ codes, onDone }: { codes: string[]; onDone: () => void }) {
  const { t } = useTranslation();
  const save = () => {
    const link = document.createElement('a');
    link.href = URL.createObjectURL(new Blob([`${codes.join('\n')}\n`], { type: 'text/plain' }));
    link.download = 'heatloop-recovery-codes.txt';
    link.click();
    URL.revokeObjectURL(link.href);
  };
  return (
    <div className="gate-form">
      <p className="muted small">{t('enrol.codes')}</p>
      <ol className="recovery-codes" data-testid="recovery-codes">
        {codes.map((code) => (
          <li key={code}>
            <code>{code}</code>
          </li>
        ))}
      </ol>
      <button type="button" className="btn" onClick={save}>
        {t('enrol.save')}
      </button>
      <button type="button" className="btn main" data-testid="recovery-kept" onClick={onDone}>
        {t('enrol.kept')}
      </button>
    </div>
  );
}
