import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, got } from '../../api/client';
import type { MaintenanceAction } from '../../api/keeping-views';
import { problemText } from '../../base/problem';
import { useResource } from '../../base/resource';
import { showTime } from '../../base/time';
import { type Column, Grid } from '../../parts/grid';
import { PriorityMark, StateMark } from '../../parts/mark';
import { Loaded } from '../../parts/states';
import { say } from '../../parts/toast';

const ACTIONS = ['integrity', 'vacuum', 'reindex', 'analyze', 'compact'] as const;

/** What a result says, in one line. */
function told(result: Record<string, unknown>): string {
  return Object.entries(result)
    .filter(([, value]) => typeof value !== 'object')
    .map(([name, value]) => `${name}: ${String(value)}`)
    .join(' · ');
}

/** Care of the databases: one action at a time, each kept with who asked and why. */
export function Maintenance() {
  const { t } = useTranslation();
  const [action, setAction] = useState<(typeof ACTIONS)[number]>('integrity');
  const [reason, setReason] = useState('');
  const list = useResource(() => got(api.GET('/api/v1/keeping/actions', { params: { query: { page: 1, size: 20 } } })), []);
  const { reload } = list;
  const busy = list.data?.items.some((each) => each.state === 'running') ?? false;
  useEffect(() => {
    if (!busy) return undefined;
    const timer = window.setInterval(reload, 2000);
    return () => window.clearInterval(timer);
  }, [busy, reload]);
  const start = async () => {
    try {
      await got(api.POST('/api/v1/keeping/actions', { body: { action, reason } }));
      setReason('');
      list.reload();
    } catch (error) {
      say(problemText(error));
    }
  };
  const columns: Column<MaintenanceAction>[] = [
    { name: 'action', label: t('keeping.action'), cell: (row) => t(`keeping.actions.${row.action as 'vacuum'}`) },
    { name: 'started', label: t('keeping.started_at'), cell: (row) => showTime(row.started_at, 'minute') },
    {
      name: 'state',
      label: t('keeping.state'),
      cell: (row) => (
        <span className="nowrap">
          {row.state === 'failed' ? <PriorityMark priority={2} size={16} /> : <StateMark state="normal" />}{' '}
          {t(`keeping.states.${row.state as 'done'}`)}
        </span>
      ),
    },
    { name: 'result', label: t('keeping.result'), cell: (row) => <span className="small keeping-text">{told(row.result)}</span> },
    { name: 'user', label: t('keeping.user'), cell: (row) => row.user },
    { name: 'reason', label: t('keeping.reason'), cell: (row) => row.reason || '–' },
  ];
  return (
    <section className="panel" data-testid="keeping-maintenance">
      <header>
        <h2>{t('keeping.maintenance')}</h2>
        <span className="grow" />
        <select
          className="select"
          aria-label={t('keeping.action')}
          value={action}
          onChange={(event) => setAction(event.target.value as typeof action)}
        >
          {ACTIONS.map((each) => (
            <option key={each} value={each}>
              {t(`keeping.actions.${each}`)}
            </option>
          ))}
        </select>
        <input
          className="input"
          placeholder={t('keeping.reason')}
          aria-label={t('keeping.reason')}
          maxLength={400}
          value={reason}
          onChange={(event) => setReason(event.target.value)}
        />
        <button type="button" className="btn" disabled={busy} data-testid="maintain" onClick={() => void start()}>
          {t('keeping.run')}
        </button>
      </header>
      <Loaded of={list} height={120}>
        {(data) => (
          <Grid
            columns={columns}
            rows={data.items}
            rowKey={(row) => String(row.number)}
            empty={t('keeping.noActions')}
            caption={t('keeping.maintenance')}
          />
        )}
      </Loaded>
    </section>
  );
}
