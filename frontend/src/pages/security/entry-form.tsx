import { type FormEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, got } from '../../api/client';
import { problemText } from '../../base/problem';
import { say } from '../../parts/toast';
import './security.css';
import type { RegisterName } from './registers';

const FIELDS = {
  antivirus: ['tool', 'note'],
  vulnerability: ['tool', 'note'],
  filing: ['system', 'number', 'filed', 'assessed'],
  exception: ['item', 'reason', 'measure', 'approved_by', 'until'],
} as const;
const DAYS = new Set(['filed', 'assessed', 'until']);
const OPTIONAL = new Set(['note', 'assessed']);
const STATES = ['ok', 'findings', 'failed'] as const;
type Scan = 'antivirus' | 'vulnerability';
type State = (typeof STATES)[number];
type Values = Record<string, string>;

async function send(register: RegisterName, values: Values, state: State): Promise<unknown> {
  const word = (name: string) => (values[name] ?? '').trim();
  if (register === 'filing') {
    const body = { system: word('system'), number: word('number'), level: 3, filed: word('filed') };
    return got(api.POST('/api/v1/security/filings', { body: { ...body, assessed: word('assessed') || null } }));
  }
  if (register === 'exception') {
    const body = {
      item: word('item'),
      reason: word('reason'),
      measure: word('measure'),
      approved_by: word('approved_by'),
      until: word('until'),
    };
    return got(api.POST('/api/v1/security/exceptions', { body }));
  }
  const body = { scan: register as Scan, tool: word('tool'), state, note: word('note'), findings: [] };
  return got(api.POST('/api/v1/security/scans', { body }));
}

/** A row of fields that enters something in a register. */
export function EntryForm({ register, onDone }: { register: Exclude<RegisterName, 'ports'>; onDone: () => void }) {
  const { t } = useTranslation();
  const [values, setValues] = useState<Values>({});
  const [state, setState] = useState<State>('ok');
  const [busy, setBusy] = useState(false);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    try {
      await send(register, values, state);
      setValues({});
      say(t('security.entered'));
      onDone();
    } catch (error) {
      say(problemText(error));
    } finally {
      setBusy(false);
    }
  };
  return (
    <form className="entry-form" data-testid="entry-form" onSubmit={(event) => void submit(event)}>
      {FIELDS[register].map((name) => (
        <label key={name}>
          <span className="small muted">{t(`security.fields.${name}`)}</span>
          <input
            className="input"
            name={name}
            type={DAYS.has(name) ? 'date' : 'text'}
            required={!OPTIONAL.has(name)}
            maxLength={400}
            value={values[name] ?? ''}
            onChange={(event) => setValues({ ...values, [name]: event.target.value })}
          />
        </label>
      ))}
      {(register === 'antivirus' || register === 'vulnerability') && (
        <label>
          <span className="small muted">{t('security.state')}</span>
          <select className="select" value={state} onChange={(event) => setState(event.target.value as State)}>
            {STATES.map((each) => (
              <option key={each} value={each}>
                {t(`security.states.${each}`)}
              </option>
            ))}
          </select>
        </label>
      )}
      <button type="submit" className="btn" disabled={busy}>
        {t('security.enter')}
      </button>
    </form>
  );
}
