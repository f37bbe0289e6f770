import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, got } from '../../api/client';
import type { KeepingRun } from '../../api/keeping-views';
import { showNumber } from '../../base/format';
import { problemText } from '../../base/problem';
import { useResource } from '../../base/resource';
import { showTime } from '../../base/time';
import { type Column, Grid, Pager } from '../../parts/grid';
import { PriorityMark, StateMark } from '../../parts/mark';
import { Loaded } from '../../parts/states';
import { say } from '../../parts/toast';
import { showBytes } from './size';

const SIZE = 20;

function State({ run }: { run: KeepingRun }) {
  const { t } = useTranslation();
  return (
    <>
      <span className="nowrap">
        {run.state === 'failed' ? <PriorityMark priority={2} size={16} /> : <StateMark state="normal" />}{' '}
        {t(`keeping.states.${run.state as 'done'}`)}
        {run.progress !== null && run.state === 'running' && ` ${showNumber(run.progress * 100, 0)} %`}
      </span>
      {[run.error, ...run.findings].filter(Boolean).map((text) => (
        <div key={text} className="small muted keeping-text">
          {text}
        </div>
      ))}
    </>
  );
}

/** Backups, trial restores and drills; the newest first. */
export function Backups({ onDone }: { onDone: () => void }) {
  const { t } = useTranslation();
  const [page, setPage] = useState(1);
  const list = useResource(
    () => got(api.GET('/api/v1/keeping/backups', { params: { query: { page, size: SIZE } } })),
    [page],
  );
  const { reload } = list;
  const busy = list.data?.items.some((run) => run.state === 'running') ?? false;
  useEffect(() => {
    const timer = window.setInterval(() => !document.hidden && reload(), busy ? 2000 : 30_000);
    return () => window.clearInterval(timer);
  }, [busy, reload]);
  const start = async (work: () => Promise<unknown>) => {
    try {
      await work();
      say(t('keeping.started'));
      list.reload();
      onDone();
    } catch (error) {
      say(problemText(error));
    }
  };
  const back = (full: boolean) =>
    void start(() => got(api.POST('/api/v1/keeping/backups', { body: { full, verify: false } })));
  const verify = (run: string) =>
    void start(() => got(api.POST('/api/v1/keeping/verify', { body: { run, drill: false } })));
  const columns: Column<KeepingRun>[] = [
    {
      name: 'kind',
      label: t('keeping.kind'),
      cell: (row) => (
        <>
          {t(`keeping.kinds.${row.kind as 'full'}`)}
          <div className="code small">{row.id}</div>
        </>
      ),
    },
    { name: 'started', label: t('keeping.started_at'), cell: (row) => showTime(row.started_at, 'minute') },
    { name: 'seconds', label: t('keeping.took'), num: true, cell: (row) => (row.seconds === null ? '–' : `${showNumber(row.seconds, 1)} s`) },
    {
      name: 'size',
      label: t('keeping.carried'),
      num: true,
      cell: (row) => (
        <>
          {showBytes(row.new_bytes)}
          <div className="small muted">{t('keeping.of', { size: showBytes(row.bytes) })}</div>
        </>
      ),
    },
    {
      name: 'sealed',
      label: t('keeping.sealed'),
      cell: (row) => t(row.encrypted ? 'keeping.yes' : 'keeping.no'),
    },
    {
      name: 'verified',
      label: t('keeping.verified'),
      cell: (row) =>
        row.kind !== 'full' && row.kind !== 'incremental' ? (
          '–'
        ) : row.verified === null ? (
          <button type="button" className="btn tiny" disabled={busy} onClick={() => verify(row.id)}>
            {t('keeping.verify')}
          </button>
        ) : (
          t(row.verified ? 'keeping.proven' : 'keeping.broken')
        ),
    },
    { name: 'state', label: t('keeping.state'), cell: (row) => <State run={row} /> },
    { name: 'user', label: t('keeping.user'), cell: (row) => row.user },
  ];
  return (
    <section className="panel" data-testid="keeping-backups">
      <header>
        <h2>{t('keeping.backups')}</h2>
        <span className="grow" />
        <button type="button" className="btn" disabled={busy} data-testid="backup-now" onClick={() => back(false)}>
          {t('keeping.backupNow')}
        </button>
        <button type="button" className="btn" disabled={busy} onClick={() => back(true)}>
          {t('keeping.fullNow')}
        </button>
      </header>
      <Loaded of={list}>
        {(data) => (
          <>
            <Grid
              columns={columns}
              rows={data.items}
              rowKey={(row) => row.id}
              rowTestid={(row) => `backup-${row.id}`}
              empty={t('keeping.noBackups')}
              caption={t('keeping.backups')}
            />
            {data.total > SIZE && <Pager page={page} size={SIZE} total={data.total} onPage={setPage} />}
          </>
        )}
      </Loaded>
    </section>
  );
}
