import { type FormEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, got } from '../../api/client';
import { problemFix, problemText } from '../../base/problem';
import { named } from '../../i18n';
import { Sheet } from '../../parts/sheet';

interface WebhookFormProps {
  kinds: { name: string; zh: string; en: string }[];
  onClose: () => void;
  onDone: (secret: string) => void;
}

/** A new address to be told of events. */
export function WebhookForm({ kinds, onClose, onDone }: WebhookFormProps) {
  const { t } = useTranslation();
  const [name, setName] = useState('');
  const [url, setUrl] = useState('');
  const [events, setEvents] = useState<string[]>([]);
  const [error, setError] = useState<unknown>(undefined);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setError(undefined);
    try {
      const made = await got(api.POST('/api/v1/webhooks', { body: { name, url, events, scope: [''] } }));
      onDone(made.secret);
    } catch (problem) {
      setError(problem);
    }
  };
  return (
    <Sheet title={t('interfaces.new')} onClose={onClose}>
      <form className="setpoint-form gate-form" onSubmit={(event) => void submit(event)}>
        <label className="field">
          <span>{t('interfaces.name')}</span>
          <input className="input" required autoFocus maxLength={80} value={name} data-testid="webhook-name" onChange={(event) => setName(event.target.value)} />
        </label>
        <label className="field">
          <span>{t('interfaces.url')}</span>
          <input className="input" required type="url" value={url} data-testid="webhook-url" onChange={(event) => setUrl(event.target.value)} />
        </label>
        <fieldset className="choices">
          <legend>{t('interfaces.events')}</legend>
          {kinds.map((kind) => (
            <label key={kind.name}>
              <input
                type="checkbox"
                checked={events.includes(kind.name)}
                data-testid={`webhook-event-${kind.name}`}
                onChange={(event) =>
                  setEvents(event.target.checked ? [...events, kind.name] : events.filter((each) => each !== kind.name))
                }
              />
              {named(kind)}
            </label>
          ))}
        </fieldset>
        {error !== undefined && (
          <p className="gate-error" role="alert">
            {problemText(error)} {problemFix(error)}
          </p>
        )}
        <div className="actions">
          <button type="button" className="btn" onClick={onClose}>
            {t('cancel')}
          </button>
          <button type="submit" className="btn main" disabled={events.length === 0} data-testid="webhook-submit">
            {t('save')}
          </button>
        </div>
      </form>
    </Sheet>
  );
}
