import { type FormEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, got } from '../../api/client';
import type { Consent } from '../../api/personal-views';
import { may } from '../../api/session';
import { problemText } from '../../base/problem';
import { useResource } from '../../base/resource';
import { showTime } from '../../base/time';
import { named } from '../../i18n';
import { type Column, Grid } from '../../parts/grid';
import { Loaded } from '../../parts/states';
import { say } from '../../parts/toast';
import { usePurposeChoices, usePurposes } from './purposes';

function Add({ onDone }: { onDone: () => void }) {
  const { t } = useTranslation();
  const choices = usePurposeChoices();
  const [subject, setSubject] = useState('');
  const [purpose, setPurpose] = useState('customer_service');
  const [note, setNote] = useState('');
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    try {
      await got(api.POST('/api/v1/personal/consents', { body: { subject, purpose, basis: 'consent', note } }));
      setSubject('');
      setNote('');
      onDone();
    } catch (error) {
      say(problemText(error));
    }
  };
  return (
    <form className="row" onSubmit={(event) => void submit(event)}>
      <input className="input" required maxLength={40} placeholder={t('personal.subject')} aria-label={t('personal.subject')} value={subject} data-testid="consent-subject" onChange={(event) => setSubject(event.target.value)} />
      <select className="select" aria-label={t('personal.purposes')} value={purpose} onChange={(event) => setPurpose(event.target.value)}>
        {choices.map((each) => (
          <option key={each.name} value={each.name}>
            {named(each)}
          </option>
        ))}
      </select>
      <input className="input" maxLength={500} placeholder={t('personal.note')} aria-label={t('personal.note')} value={note} onChange={(event) => setNote(event.target.value)} />
      <button type="submit" className="btn" data-testid="consent-add">
        {t('personal.addConsent')}
      </button>
    </form>
  );
}

/** What people agreed to, and what they took back. */
export function Consents() {
  const { t } = useTranslation();
  const purpose = usePurposes();
  const list = useResource(() => got(api.GET('/api/v1/personal/consents', { params: { query: { page: 1, size: 100 } } })), []);
  const withdraw = async (id: string) => {
    try {
      await got(api.POST('/api/v1/personal/consents/{id}/withdraw', { params: { path: { id } } }));
      list.reload();
    } catch (error) {
      say(problemText(error));
    }
  };
  const columns: Column<Consent>[] = [
    { name: 'subject', label: t('personal.subject'), cell: (row) => <span className="code">{row.subject}</span> },
    { name: 'purpose', label: t('personal.purposes'), cell: (row) => purpose(row.purpose) },
    { name: 'basis', label: t('personal.basis'), cell: (row) => t(`personal.bases.${row.basis as 'contract'}`) },
    { name: 'note', label: t('personal.note'), cell: (row) => row.note || '–' },
    { name: 'given', label: t('personal.since'), cell: (row) => `${showTime(row.given, 'minute')} · ${row.by}` },
    {
      name: 'withdrawn',
      label: t('personal.withdrawn'),
      cell: (row) => {
        if (row.withdrawn) return `${showTime(row.withdrawn, 'minute')} · ${row.withdrawn_by ?? ''}`;
        if (!may('keep_privacy')) return '–';
        return (
          <button type="button" className="btn tiny" data-testid={`withdraw-${row.subject}`} onClick={() => void withdraw(row.id)}>
            {t('personal.withdraw')}
          </button>
        );
      },
    },
  ];
  return (
    <section className="panel">
      <header>
        <h2>{t('personal.tab.consents')}</h2>
        <span className="grow" />
        {may('keep_privacy') && <Add onDone={list.reload} />}
      </header>
      <Loaded of={list}>
        {(data) => <Grid columns={columns} rows={data.items} rowKey={(row) => row.id} empty={t('personal.none')} caption={t('personal.tab.consents')} testid="consents" />}
      </Loaded>
    </section>
  );
}
