import { type FormEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { AuditAsked } from '../../api/audit-views';
import { Icon } from '../../parts/icon';

export const EVERYTHING: AuditAsked = { user: '', action: '', subject: '', address: '', result: '' };

/** An hour of the browser's own zone as the platform takes it; empty stays away. */
function moment(text: string): string | undefined {
  return text ? new Date(text).toISOString() : undefined;
}

/** Which entries are wanted. */
export function Filters({ onAsk }: { onAsk: (asked: AuditAsked) => void }) {
  const { t } = useTranslation();
  const [words, setWords] = useState({ ...EVERYTHING, start: '', end: '' });
  const set = (name: keyof typeof words) => (event: { target: { value: string } }) =>
    setWords({ ...words, [name]: event.target.value });
  const ask = (event: FormEvent) => {
    event.preventDefault();
    const { start, end, ...rest } = words;
    const from = moment(start);
    const to = moment(end);
    onAsk({ ...rest, ...(from && { start: from }), ...(to && { end: to }) });
  };
  const clear = () => {
    setWords({ ...EVERYTHING, start: '', end: '' });
    onAsk(EVERYTHING);
  };
  const text = (name: 'user' | 'action' | 'subject' | 'address') => (
    <label className="field" key={name}>
      <span>{t(`audit.${name}`)}</span>
      <input className="input" value={words[name]} maxLength={64} data-testid={`audit-by-${name}`} onChange={set(name)} />
    </label>
  );
  return (
    <form className="audit-filters" onSubmit={ask} data-testid="audit-filters">
      {text('user')}
      {text('action')}
      {text('subject')}
      {text('address')}
      <label className="field">
        <span>{t('audit.result')}</span>
        <select className="select" value={words.result} data-testid="audit-by-result" onChange={set('result')}>
          <option value="">{t('audit.every')}</option>
          <option value="done">{t('audit.results.done')}</option>
          <option value="refused">{t('audit.results.refused')}</option>
          <option value="failed">{t('audit.results.failed')}</option>
        </select>
      </label>
      <label className="field">
        <span>{t('audit.from')}</span>
        <input className="input" type="datetime-local" value={words.start} data-testid="audit-from" onChange={set('start')} />
      </label>
      <label className="field">
        <span>{t('audit.to')}</span>
        <input className="input" type="datetime-local" value={words.end} data-testid="audit-to" onChange={set('end')} />
      </label>
      <div className="audit-filter-buttons">
        <button type="submit" className="btn main" data-testid="audit-ask">
          <Icon name="search" size={16} /> {t('audit.ask')}
        </button>
        <button type="button" className="btn" onClick={clear}>
          {t('audit.clear')}
        </button>
      </div>
    </form>
  );
}
