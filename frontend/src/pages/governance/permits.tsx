import { type FormEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, got } from '../../api/client';
import type { Grading, Permit } from '../../api/governance-views';
import { may, session } from '../../api/session';
import { problemText } from '../../base/problem';
import { useResource } from '../../base/resource';
import { showTime } from '../../base/time';
import { named } from '../../i18n';
import { type Column, Grid } from '../../parts/grid';
import { Loaded } from '../../parts/states';
import { say } from '../../parts/toast';

function Ask({ grading, onDone }: { grading: Grading; onDone: () => void }) {
  const { t } = useTranslation();
  const [purpose, setPurpose] = useState(grading.purposes[0]?.name ?? '');
  const [about, setAbout] = useState(grading.classes[0]?.name ?? '');
  const [reason, setReason] = useState('');
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    try {
      await got(
        api.POST('/api/v1/governance/permits', {
          body: { purpose, classes: [about], level: 'L3', subject: '', reason },
        }),
      );
      setReason('');
      say(t('governance.asked'));
      onDone();
    } catch (error) {
      say(problemText(error));
    }
  };
  const choose = (label: string, value: string, set: (value: string) => void, of: { name: string; zh: string; en: string }[]) => (
    <select className="select" aria-label={label} value={value} onChange={(event) => set(event.target.value)}>
      {of.map((each) => (
        <option key={each.name} value={each.name}>
          {named(each)}
        </option>
      ))}
    </select>
  );
  return (
    <form className="row" onSubmit={(event) => void submit(event)}>
      {choose(t('governance.asset'), about, setAbout, grading.classes)}
      {choose(t('governance.purpose'), purpose, setPurpose, grading.purposes)}
      <input
        className="input"
        required
        maxLength={1000}
        placeholder={t('governance.why')}
        aria-label={t('governance.why')}
        value={reason}
        data-testid="permit-reason"
        onChange={(event) => setReason(event.target.value)}
      />
      <button type="submit" className="btn" data-testid="permit-ask">
        {t('governance.ask')}
      </button>
    </form>
  );
}

/** Approval tickets: exports of graded data pass with one only. */
export function Permits({ grading }: { grading: Grading }) {
  const { t } = useTranslation();
  const list = useResource(
    () => got(api.GET('/api/v1/governance/permits', { params: { query: { page: 1, size: 50 } } })),
    [],
  );
  const decide = async (id: string, approve: boolean) => {
    try {
      await got(
        api.POST('/api/v1/governance/permits/{id}/decision', { params: { path: { id } }, body: { approve, hours: 24, note: '' } }),
      );
      list.reload();
    } catch (error) {
      say(problemText(error));
    }
  };
  const name = (of: { name: string; zh: string; en: string }[], word: string) =>
    named(of.find((each) => each.name === word) ?? { zh: word, en: word });
  const columns: Column<Permit>[] = [
    { name: 'asked', label: t('governance.askedAt'), cell: (row) => showTime(row.asked, 'minute') },
    { name: 'user', label: t('governance.user'), cell: (row) => row.user },
    {
      name: 'what',
      label: t('governance.asset'),
      cell: (row) => `${row.classes.map((each) => name(grading.classes, each)).join(' · ')} (${row.level})`,
    },
    { name: 'purpose', label: t('governance.purpose'), cell: (row) => name(grading.purposes, row.purpose) },
    { name: 'reason', label: t('governance.why'), cell: (row) => <span className="breakable">{row.reason}</span> },
    {
      name: 'state',
      label: t('governance.state'),
      cell: (row) => (
        <>
          {t(`governance.permit.${row.state as 'requested'}`)}
          {row.decided_by && (
            <div className="small muted">
              {row.decided_by} · {showTime(row.expires, 'minute')}
            </div>
          )}
        </>
      ),
    },
    { name: 'uses', label: t('governance.exports'), num: true, cell: (row) => row.uses },
    {
      name: 'act',
      label: '',
      cell: (row) =>
        row.state === 'requested' &&
        may('manage_users') &&
        row.user !== session.get()?.user && (
          <span className="row">
            <button type="button" className="btn tiny" onClick={() => void decide(row.id, true)}>
              {t('governance.approve')}
            </button>
            <button type="button" className="btn tiny" onClick={() => void decide(row.id, false)}>
              {t('governance.refuse')}
            </button>
          </span>
        ),
    },
  ];
  return (
    <section className="panel" data-testid="permits">
      <header>
        <h2>{t('governance.tab.permits')}</h2>
        <span className="grow" />
        <Ask grading={grading} onDone={list.reload} />
      </header>
      <Loaded of={list}>
        {(data) => (
          <Grid columns={columns} rows={data.items} rowKey={(row) => row.id} rowTestid={(row) => `permit-${row.id}`} empty={t('governance.noPermits')} caption={t('governance.tab.permits')} />
        )}
      </Loaded>
    </section>
  );
}
