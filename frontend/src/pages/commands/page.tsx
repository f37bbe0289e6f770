import { useEffect, useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useSearchParams } from 'react-router';
import { api, seen } from '../../api/client';
import type { CommandView, Page } from '../../api/views';
import { useResource } from '../../base/resource';
import { useStore } from '../../base/store';
import { showTime } from '../../base/time';
import { commands } from '../../live/commands';
import { CommandLife, CommandStateTag, useReason } from '../../parts/command-life';
import { type Column, Grid, Pager } from '../../parts/grid';
import { useKindName } from '../../parts/kind-name';
import { usePointValue } from '../../parts/point-words';
import { Sheet } from '../../parts/sheet';
import { Loaded } from '../../parts/states';
import { Passed } from './consequences';
import { useEmergency } from './stop';
import { StopPlan } from './stop-plan';
import { Waiting } from './waiting';
import '../../styles/alarms.css';
import '../../styles/door.css';
import '../../styles/substation.css';

const SIZE = 50;

function Asked({ command }: { command: CommandView }) {
  return <b className="nowrap">{usePointValue(command.point)(command.value)}</b>;
}

function useColumns(onOpen: (command: CommandView) => void): Column<CommandView>[] {
  const { t } = useTranslation();
  const kind = useKindName();
  const reason = useReason();
  return [
    { name: 'issued', label: t('command.issued'), cell: (c) => <span className="nowrap">{showTime(c.issued)}</span> },
    {
      name: 'point',
      label: t('command.point'),
      cell: (c) => (
        <>
          {kind(c.point.split('.')[1] ?? c.point)} <div className="code">{c.point}</div>
        </>
      ),
    },
    { name: 'value', label: t('points.value'), num: true, cell: (c) => <Asked command={c} /> },
    {
      name: 'by',
      label: t('command.by'),
      cell: (c) => (
        <>
          {c.requested_by} <div className="small faint">{t(`commandMode.${c.mode as 'manual'}`)}</div>
        </>
      ),
    },
    {
      name: 'state',
      label: t('command.state'),
      cell: (c) => (
        <button type="button" className="btn plain tiny" onClick={() => onOpen(c)} aria-label={t('command.life')}>
          <CommandStateTag command={c} testid={`command-state-${c.id}`} />
        </button>
      ),
    },
    {
      name: 'reason',
      label: t('command.reason'),
      cell: (c) => <span className="small muted">{reason(c.events[c.events.length - 1]?.reason) || c.reason || '–'}</span>,
    },
  ];
}

/** Emergency stops, in force and before. */
function Stops() {
  const { t } = useTranslation();
  const [emergency] = useEmergency();
  if (!emergency || emergency.orders.length === 0) return null;
  return (
    <section className="panel" data-testid="stops">
      <header>
        <h2>{t('stop.title')}</h2>
      </header>
      {emergency.orders.slice(0, 10).map((order) => (
        <details key={order.id} className="body" open={order.state !== 'released'}>
          <summary>
            {t(`stop.action.${order.action as 'stop'}`)} {order.subject} · {showTime(order.ordered)} ·{' '}
            {t(`stop.state.${order.state as 'planned'}`)}
          </summary>
          <StopPlan order={order} />
        </details>
      ))}
    </section>
  );
}

export default function CommandsPage() {
  const { t } = useTranslation();
  const [query, setQuery] = useSearchParams();
  const point = query.get('point') ?? '';
  const [page, setPage] = useState(1);
  const [open, setOpen] = useState<string | null>(null);
  const live = useStore(commands);
  const list = useResource(
    () => seen<Page<CommandView>>(api.GET('/api/v1/commands', { params: { query: { point, page, size: SIZE } } })),
    [point, page],
  );
  const { reload } = list;
  const count = live.size;
  useEffect(() => {
    if (count > 0) reload();
  }, [count, reload]);
  const rows = useMemo(
    () => (list.data?.items ?? []).map((command) => live.get(command.id) ?? command),
    [list.data, live],
  );
  const opened = rows.find((command) => command.id === open);
  const columns = useColumns((command) => setOpen(command.id));
  return (
    <div className="page" data-testid="commands-page">
      <header className="page-head">
        <h1>{t('nav.commands')}</h1>
        <span className="grow" />
        <input
          className="input"
          type="search"
          key={point}
          defaultValue={point}
          placeholder={t('command.search')}
          aria-label={t('command.search')}
          data-testid="command-search"
          onKeyDown={(event) => {
            if (event.key !== 'Enter') return;
            setPage(1);
            setQuery({ point: event.currentTarget.value.trim() });
          }}
        />
      </header>
      <Waiting />
      <section className="panel">
        <Loaded of={list}>
          {(data) => (
            <>
              <Grid
                columns={columns}
                rows={rows}
                rowKey={(command) => command.id}
                rowTestid={(command) => `command-${command.id}`}
                empty={t('command.none')}
                caption={t('nav.commands')}
                testid="command-list"
              />
              <Pager page={page} size={SIZE} total={data.total} onPage={setPage} />
            </>
          )}
        </Loaded>
      </section>
      <Stops />
      {opened && (
        <Sheet title={t('command.life')} onClose={() => setOpen(null)}>
          <p className="code">
            {opened.point} → <Asked command={opened} />
          </p>
          {opened.passed.length > 0 && <h3>{t('door.passed')}</h3>}
          <Passed steps={opened.passed} />
          <CommandLife command={opened} />
        </Sheet>
      )}
    </div>
  );
}
