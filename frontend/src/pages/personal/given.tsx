import { type FormEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, got } from '../../api/client';
import type { Given, OfferedField, Receiver } from '../../api/personal-views';
import { may } from '../../api/session';
import { showNumber } from '../../base/format';
import { problemFix, problemText } from '../../base/problem';
import { useResource } from '../../base/resource';
import { showTime } from '../../base/time';
import { named } from '../../i18n';
import { type Column, Grid } from '../../parts/grid';
import { Sheet } from '../../parts/sheet';
import { Loaded } from '../../parts/states';
import { usePurposes } from './purposes';

const DAY_MS = 86_400_000;

function Make({ receivers, offered, onEnd }: { receivers: Receiver[]; offered: OfferedField[]; onEnd: () => void }) {
  const { t } = useTranslation();
  const purposeName = usePurposes();
  const [code, setCode] = useState(receivers[0]?.code ?? '');
  const receiver = receivers.find((each) => each.code === code);
  const [purpose, setPurpose] = useState(receiver?.purposes[0] ?? '');
  const [reason, setReason] = useState('');
  const [asset, setAsset] = useState('');
  const [days, setDays] = useState(30);
  const [error, setError] = useState<unknown>(undefined);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setError(undefined);
    const end = Date.now();
    try {
      await got(
        api.POST('/api/v1/personal/given', {
          body: {
            receiver: code,
            purpose: purpose || (receiver?.purposes[0] ?? ''),
            reason,
            fields: ['household', ...(receiver?.fields ?? [])],
            start: new Date(end - days * DAY_MS).toISOString(),
            end: new Date(end).toISOString(),
            asset,
            k: 0,
          },
        }),
      );
      onEnd();
    } catch (problem) {
      setError(problem);
    }
  };
  return (
    <Sheet title={t('personal.give')} onClose={onEnd} testid="give">
      <form className="gate-form" onSubmit={(event) => void submit(event)}>
        <label className="field">
          <span>{t('personal.receiver')}</span>
          <select className="select" value={code} onChange={(event) => setCode(event.target.value)}>
            {receivers.map((each) => (
              <option key={each.code} value={each.code}>
                {each.name}
              </option>
            ))}
          </select>
        </label>
        <label className="field">
          <span>{t('personal.purposes')}</span>
          <select className="select" value={purpose} onChange={(event) => setPurpose(event.target.value)}>
            {(receiver?.purposes ?? []).map((each) => (
              <option key={each} value={each}>
                {purposeName(each)}
              </option>
            ))}
          </select>
        </label>
        <label className="field">
          <span>{t('personal.reason')}</span>
          <input className="input" required minLength={2} maxLength={500} value={reason} data-testid="give-reason" onChange={(event) => setReason(event.target.value)} />
        </label>
        <label className="field">
          <span>{t('personal.part_of')}</span>
          <input className="input" maxLength={40} value={asset} onChange={(event) => setAsset(event.target.value)} />
        </label>
        <label className="field">
          <span>{t('personal.window')}</span>
          <input className="input" type="number" min={1} max={400} value={days} onChange={(event) => setDays(Number(event.target.value))} />
        </label>
        <p className="small muted">
          {offered
            .filter((each) => each.field === 'household' || receiver?.fields.includes(each.field))
            .map((each) => `${named(each)} (${t(`personal.how.${each.how as 'pseudonym'}`)})`)
            .join(' · ')}
        </p>
        {error !== undefined && (
          <p className="gate-error" role="alert">
            {problemText(error)} {problemFix(error)}
          </p>
        )}
        <button type="submit" className="btn main" disabled={!receiver} data-testid="give-make">
          {t('personal.give')}
        </button>
      </form>
    </Sheet>
  );
}

/** Data sets made for others, with the anonymity they reached and what it cost. */
export function GivenData() {
  const { t } = useTranslation();
  const purpose = usePurposes();
  const [asking, setAsking] = useState(false);
  const list = useResource(() => got(api.GET('/api/v1/personal/given', { params: { query: { page: 1, size: 50 } } })), []);
  const receivers = useResource(() => got(api.GET('/api/v1/personal/receivers')), []);
  const columns: Column<Given>[] = [
    { name: 'at', label: t('personal.at'), cell: (row) => `${showTime(row.at, 'minute')} · ${row.by}` },
    { name: 'receiver', label: t('personal.receiver'), cell: (row) => row.receiver },
    { name: 'purpose', label: t('personal.purposes'), cell: (row) => purpose(row.purpose) },
    {
      name: 'state',
      label: t('personal.state'),
      cell: (row) => (row.state === 'done' ? t('personal.done') : `${t('personal.refused')}: ${row.reason}`),
    },
    { name: 'rows', label: t('personal.rows'), num: true, cell: (row) => row.rows },
    { name: 'suppressed', label: t('personal.suppressed'), num: true, cell: (row) => `${row.suppressed} / ${row.left_out}` },
    { name: 'k', label: 'k', num: true, cell: (row) => (row.state === 'done' ? `${row.k_reached} (≥ ${row.k})` : '–') },
    { name: 'loss', label: t('personal.loss'), num: true, cell: (row) => (row.state === 'done' ? showNumber(row.loss_pct, 1) : '–') },
    {
      name: 'file',
      label: t('personal.file'),
      cell: (row) =>
        row.kept && may('keep_privacy') ? (
          <a className="btn tiny" href={`/api/v1/personal/given/${row.id}/file`} download>
            .hlr
          </a>
        ) : (
          '–'
        ),
    },
  ];
  return (
    <section className="panel">
      <header>
        <h2>{t('personal.tab.given')}</h2>
        <span className="grow" />
        {may('keep_privacy') && receivers.data && receivers.data.total > 0 && (
          <button type="button" className="btn" data-testid="give-add" onClick={() => setAsking(true)}>
            {t('personal.give')}
          </button>
        )}
      </header>
      <Loaded of={list}>
        {(data) => <Grid columns={columns} rows={data.items} rowKey={(row) => row.id} empty={t('personal.none')} caption={t('personal.tab.given')} testid="given" />}
      </Loaded>
      {asking && receivers.data && (
        <Make
          receivers={receivers.data.items}
          offered={receivers.data.offered}
          onEnd={() => {
            setAsking(false);
            list.reload();
          }}
        />
      )}
    </section>
  );
}
