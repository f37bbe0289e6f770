import { type FormEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, got } from '../../api/client';
import type { Subject } from '../../api/personal-views';
import { problemFix, problemText } from '../../base/problem';
import { Sheet } from '../../parts/sheet';

/** Asks why, then shows one personal value; it stands in the audit trail before it is shown. */
export function Reveal({ subject, field, onClose }: { subject: Subject; field: string; onClose: () => void }) {
  const { t } = useTranslation();
  const [reason, setReason] = useState('');
  const [told, setTold] = useState<{ value: string; left: number } | null>(null);
  const [error, setError] = useState<unknown>(undefined);
  const ask = async (event: FormEvent) => {
    event.preventDefault();
    setError(undefined);
    try {
      setTold(await got(api.POST('/api/v1/personal/reveal', { body: { subject: subject.code, field, reason } })));
    } catch (problem) {
      setError(problem);
    }
  };
  return (
    <Sheet title={`${subject.code} · ${t(`personal.fields.${field as 'phone'}`)}`} onClose={onClose} testid="reveal">
      {told ? (
        <>
          <p className="figure" data-testid="revealed">
            {told.value}
          </p>
          <p className="small muted">{t('personal.left', { count: told.left })}</p>
        </>
      ) : (
        <form className="gate-form" onSubmit={(event) => void ask(event)}>
          <p className="muted small">{t('personal.revealNote')}</p>
          <label className="field">
            <span>{t('personal.reason')}</span>
            <input
              className="input"
              required
              autoFocus
              minLength={2}
              maxLength={500}
              value={reason}
              data-testid="reveal-reason"
              onChange={(event) => setReason(event.target.value)}
            />
          </label>
          {error !== undefined && (
            <p className="gate-error" role="alert">
              {problemText(error)} {problemFix(error)}
            </p>
          )}
          <button type="submit" className="btn main" data-testid="reveal-ask">
            {t('personal.reveal')}
          </button>
        </form>
      )}
    </Sheet>
  );
}
