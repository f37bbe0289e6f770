import { type FormEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, got } from '../../api/client';
import type { Erasure } from '../../api/personal-views';
import { may } from '../../api/session';
import { problemText } from '../../base/problem';
import { useResource } from '../../base/resource';
import { showTime } from '../../base/time';
import { named } from '../../i18n';
import { type Column, Grid } from '../../parts/grid';
import { Sheet } from '../../parts/sheet';
import { Loaded } from '../../parts/states';
import { say } from '../../parts/toast';

function Report({ run, onClose }: { run: Erasure; onClose: () => void }) {
  const { t } = useTranslation();
  return (
    <Sheet title={t(run.dry_run ? 'personal.dryRun' : 'personal.wasErased')} onClose={onClose} testid="erasure-report">
      <p>{t('personal.report', { erased: run.erased, kept: run.kept, subjects: run.subjects, files: run.files })}</p>
      <Grid
        columns={[
          { name: 'subject', label: t('personal.subject'), cell: (row) => <span className="code">{row.subject}</span> },
          { name: 'field', label: t('personal.field'), cell: (row) => `${row.sheet}.${row.field}` },
          { name: 'action', label: t('personal.state'), cell: (row) => t(`personal.actions.${row.action as 'erased'}`) },
          {
            name: 'until',
            label: t('personal.until'),
            cell: (row) => (row.until ? `${showTime(row.until, 'full')} · ${named({ zh: row.law_zh, en: row.law_en })}` : '–'),
          },
        ]}
        rows={run.fields}
        rowKey={(row) => `${row.subject}.${row.sheet}.${row.field}`}
        empty={t('personal.none')}
        caption={t('personal.tab.erasures')}
      />
    </Sheet>
  );
}

/** Erasing on a person's wish, and when the time is over; first what would go and what stays. */
export function Erasures() {
  const { t } = useTranslation();
  const [subject, setSubject] = useState('');
  const [reason, setReason] = useState('');
  const [shown, setShown] = useState<Erasure | null>(null);
  const list = useResource(() => got(api.GET('/api/v1/personal/erasures', { params: { query: { page: 1, size: 50 } } })), []);
  const run = async (ask: Promise<Erasure>) => {
    try {
      setShown(await ask);
      list.reload();
    } catch (error) {
      say(problemText(error));
    }
  };
  const erase = (dry_run: boolean) => run(got(api.POST('/api/v1/personal/erasures', { body: { subject, reason, dry_run } })));
  const retain = (dry_run: boolean) => run(got(api.POST('/api/v1/personal/retention', { body: { dry_run } })));
  const columns: Column<Erasure>[] = [
    { name: 'at', label: t('personal.at'), cell: (row) => `${showTime(row.at, 'minute')} · ${row.by}` },
    { name: 'kind', label: t('personal.kind'), cell: (row) => t(`personal.runs.${row.kind as 'erase'}`) },
    { name: 'subject', label: t('personal.subject'), cell: (row) => row.subject || '–' },
    { name: 'reason', label: t('personal.reason'), cell: (row) => row.reason || '–' },
    { name: 'dry', label: t('personal.state'), cell: (row) => t(row.dry_run ? 'personal.dryRun' : 'personal.wasErased') },
    { name: 'erased', label: t('personal.actions.erased'), num: true, cell: (row) => row.erased },
    { name: 'kept', label: t('personal.actions.kept'), num: true, cell: (row) => row.kept },
    {
      name: 'open',
      label: '',
      cell: (row) => (
        <button type="button" className="btn tiny" onClick={() => setShown(row)}>
          {t('personal.show')}
        </button>
      ),
    },
  ];
  return (
    <section className="panel">
      <header>
        <h2>{t('personal.tab.erasures')}</h2>
        <span className="grow" />
        {may('keep_privacy') && (
          <>
            <form
              className="row"
              onSubmit={(event: FormEvent) => {
                event.preventDefault();
                void erase(true);
              }}
            >
              <input className="input" required maxLength={40} placeholder={t('personal.subject')} aria-label={t('personal.subject')} value={subject} data-testid="erase-subject" onChange={(event) => setSubject(event.target.value)} />
              <input className="input" required minLength={2} maxLength={500} placeholder={t('personal.reason')} aria-label={t('personal.reason')} value={reason} data-testid="erase-reason" onChange={(event) => setReason(event.target.value)} />
              <button type="submit" className="btn" data-testid="erase-dry">
                {t('personal.dryRun')}
              </button>
              <button type="button" className="btn danger" disabled={!subject || reason.length < 2} data-testid="erase-now" onClick={() => void erase(false)}>
                {t('personal.erase')}
              </button>
            </form>
            <button type="button" className="btn" data-testid="retain-dry" onClick={() => void retain(true)}>
              {t('personal.retentionCheck')}
            </button>
          </>
        )}
      </header>
      <Loaded of={list}>
        {(data) => <Grid columns={columns} rows={data.items} rowKey={(row) => row.id} empty={t('personal.none')} caption={t('personal.tab.erasures')} testid="erasures" />}
      </Loaded>
      {shown && <Report run={shown} onClose={() => setShown(null)} />}
    </section>
  );
}
