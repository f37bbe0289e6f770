import { type FormEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, got } from '../../api/client';
import type { OfferedField, Receiver } from '../../api/personal-views';
import { may } from '../../api/session';
import { problemFix, problemText } from '../../base/problem';
import { useResource } from '../../base/resource';
import { showTime } from '../../base/time';
import { named } from '../../i18n';
import { type Column, Grid } from '../../parts/grid';
import { Sheet } from '../../parts/sheet';
import { Loaded } from '../../parts/states';
import { usePurposeChoices, usePurposes } from './purposes';

const DAY_MS = 86_400_000;

function toggled(list: string[], word: string): string[] {
  return list.includes(word) ? list.filter((each) => each !== word) : [...list, word];
}

function Authorise({ offered, onEnd }: { offered: OfferedField[]; onEnd: () => void }) {
  const { t } = useTranslation();
  const choices = usePurposeChoices();
  const [code, setCode] = useState('');
  const [name, setName] = useState('');
  const [contract, setContract] = useState('');
  const [key, setKey] = useState('');
  const [days, setDays] = useState(365);
  const [purposes, setPurposes] = useState<string[]>([]);
  const [fields, setFields] = useState<string[]>([]);
  const [error, setError] = useState<unknown>(undefined);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setError(undefined);
    const now = Date.now();
    try {
      await got(
        api.PUT('/api/v1/personal/receivers/{code}', {
          params: { path: { code } },
          body: {
            name,
            contract,
            purposes,
            fields,
            public_key: key.trim(),
            valid_from: new Date(now).toISOString(),
            valid_until: new Date(now + days * DAY_MS).toISOString(),
            active: true,
          },
        }),
      );
      onEnd();
    } catch (problem) {
      setError(problem);
    }
  };
  const text = (label: string, value: string, set: (value: string) => void, testid: string, most: number) => (
    <label className="field">
      <span>{label}</span>
      <input className="input" required maxLength={most} value={value} data-testid={testid} onChange={(event) => set(event.target.value)} />
    </label>
  );
  const ticks = (legend: string, of: { name: string; label: string }[], chosen: string[], set: (list: string[]) => void) => (
    <fieldset className="field">
      <legend className="small muted">{legend}</legend>
      <span className="row">
        {of.map((each) => (
          <label key={each.name} className="row small">
            <input type="checkbox" checked={chosen.includes(each.name)} onChange={() => set(toggled(chosen, each.name))} />
            {each.label}
          </label>
        ))}
      </span>
    </fieldset>
  );
  return (
    <Sheet title={t('personal.authorise')} onClose={onEnd} testid="authorise">
      <form className="gate-form" onSubmit={(event) => void submit(event)}>
        {text(t('personal.receiverCode'), code, setCode, 'receiver-code', 40)}
        {text(t('personal.receiverName'), name, setName, 'receiver-name', 200)}
        {text(t('personal.contract'), contract, setContract, 'receiver-contract', 200)}
        {text(t('personal.publicKey'), key, setKey, 'receiver-key', 64)}
        <label className="field">
          <span>{t('personal.days')}</span>
          <input className="input" type="number" min={1} max={3660} value={days} onChange={(event) => setDays(Number(event.target.value))} />
        </label>
        {ticks(t('personal.purposes'), choices.map((each) => ({ name: each.name, label: named(each) })), purposes, setPurposes)}
        {ticks(t('personal.offered'), offered.map((each) => ({ name: each.field, label: named(each) })), fields, setFields)}
        {error !== undefined && (
          <p className="gate-error" role="alert">
            {problemText(error)} {problemFix(error)}
          </p>
        )}
        <button type="submit" className="btn main" disabled={purposes.length === 0} data-testid="receiver-save">
          {t('personal.authorise')}
        </button>
      </form>
    </Sheet>
  );
}

/** Who outside the company may be given data, what, what for and until when. */
export function Receivers() {
  const { t } = useTranslation();
  const purpose = usePurposes();
  const [asking, setAsking] = useState(false);
  const list = useResource(() => got(api.GET('/api/v1/personal/receivers')), []);
  const columns: Column<Receiver>[] = [
    { name: 'code', label: t('personal.receiver'), cell: (row) => `${row.name} (${row.code})` },
    { name: 'contract', label: t('personal.contract'), cell: (row) => row.contract },
    { name: 'purposes', label: t('personal.purposes'), cell: (row) => row.purposes.map(purpose).join(' · ') },
    {
      name: 'fields',
      label: t('personal.offered'),
      cell: (row) =>
        row.fields.map((each) => named(list.data?.offered.find((one) => one.field === each) ?? { zh: each, en: each })).join(' · ') || '–',
    },
    { name: 'until', label: t('personal.until'), cell: (row) => showTime(row.valid_until, 'full') },
    { name: 'state', label: t('personal.state'), cell: (row) => t(row.in_force ? 'personal.inForce' : 'personal.notInForce') },
    { name: 'by', label: t('personal.by'), cell: (row) => row.by },
  ];
  return (
    <section className="panel">
      <header>
        <h2>{t('personal.tab.receivers')}</h2>
        <span className="grow" />
        {may('manage_users') && (
          <button type="button" className="btn" data-testid="receiver-add" onClick={() => setAsking(true)}>
            {t('personal.authorise')}
          </button>
        )}
      </header>
      <Loaded of={list}>
        {(data) => (
          <>
            <Grid columns={columns} rows={data.items} rowKey={(row) => row.code} empty={t('personal.none')} caption={t('personal.tab.receivers')} testid="receivers" />
            {asking && (
              <Authorise
                offered={data.offered}
                onEnd={() => {
                  setAsking(false);
                  list.reload();
                }}
              />
            )}
          </>
        )}
      </Loaded>
    </section>
  );
}
