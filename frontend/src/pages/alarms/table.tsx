import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { may } from '../../api/session';
import type { AlarmView } from '../../api/views';
import { showTime } from '../../base/time';
import { named } from '../../i18n';
import { acknowledge, isUnacknowledged } from '../../live/alarms';
import { type Column, Grid, type Sort } from '../../parts/grid';
import { Icon } from '../../parts/icon';
import { PriorityMark } from '../../parts/mark';
import { sayProblem } from '../../parts/toast';
import { alarmPlace, alarmWhat } from '../../shell/alarm-place';

function Acknowledge({ alarm }: { alarm: AlarmView }) {
  const { t } = useTranslation();
  const [busy, setBusy] = useState(false);
  if (!isUnacknowledged(alarm)) {
    return (
      <span className="small faint">
        {alarm.acknowledged_by ? `${alarm.acknowledged_by} ${showTime(alarm.acknowledged_at)}` : '–'}
      </span>
    );
  }
  if (!may('acknowledge')) return null;
  return (
    <button
      type="button"
      className="btn tiny"
      disabled={busy}
      data-testid={`alarm-ack-${alarm.id}`}
      onClick={() => {
        setBusy(true);
        acknowledge(alarm.id)
          .catch(sayProblem)
          .finally(() => setBusy(false));
      }}
    >
      <Icon name="check" size={15} /> {t('alarm.acknowledge')}
    </button>
  );
}

interface AlarmTableProps {
  alarms: AlarmView[];
  picked: ReadonlySet<string>;
  onPick: (picked: ReadonlySet<string>) => void;
  sort: Sort;
  onSort: (sort: Sort) => void;
}

export function AlarmTable({ alarms, picked, onPick, sort, onSort }: AlarmTableProps) {
  const { t } = useTranslation();
  const open = alarms.filter(isUnacknowledged).map((alarm) => alarm.id);
  const every = open.length > 0 && open.every((id) => picked.has(id));
  const toggle = (id: string) => {
    const next = new Set(picked);
    if (!next.delete(id)) next.add(id);
    onPick(next);
  };
  const pick: Column<AlarmView> = {
    name: 'pick',
    plain: t('alarm.pick'),
    label: (
      <input
        type="checkbox"
        aria-label={t('alarm.pickAll')}
        checked={every}
        disabled={open.length === 0}
        data-testid="alarm-pick-all"
        onChange={() => onPick(every ? new Set() : new Set(open))}
      />
    ),
    cell: (alarm) => (
      <input
        type="checkbox"
        aria-label={`${t('alarm.pick')} ${alarm.subject}`}
        checked={picked.has(alarm.id)}
        disabled={!isUnacknowledged(alarm)}
        data-testid={`alarm-pick-${alarm.id}`}
        onChange={() => toggle(alarm.id)}
      />
    ),
  };
  const columns: Column<AlarmView>[] = [
    {
      name: 'priority',
      label: t('alarm.priority'),
      sort: true,
      cell: (alarm) => (
        <span className="nowrap">
          <PriorityMark priority={alarm.priority} flash={isUnacknowledged(alarm)} />{' '}
          <span className="small muted">{t(`priority.${Math.min(4, Math.max(1, alarm.priority)) as 1}`)}</span>
        </span>
      ),
    },
    {
      name: 'onset',
      label: t('alarm.onset'),
      sort: true,
      cell: (alarm) => <span className="nowrap">{showTime(alarm.onset)}</span>,
    },
    {
      name: 'subject',
      label: t('alarm.where'),
      sort: true,
      cell: (alarm) => (
        <>
          <Link to={alarmPlace(alarm)} data-testid={`alarm-link-${alarm.id}`}>
            {named({ zh: alarm.subject_zh, en: alarm.subject_en }) || alarm.subject}
          </Link>
          <div className="code">{alarm.point ?? alarm.subject}</div>
        </>
      ),
    },
    {
      name: 'text',
      label: t('alarm.what'),
      cell: alarmWhat,
    },
    {
      name: 'state',
      label: t('alarm.state'),
      cell: (alarm) => (
        <>
          <span className={`tag${alarm.state === 'active' ? ' strong' : ''}`} data-testid={`alarm-state-${alarm.id}`} data-state={alarm.state}>
            {t(`alarmState.${alarm.state}`)}
          </span>
          {alarm.cleared && <div className="small faint">{showTime(alarm.cleared)}</div>}
        </>
      ),
    },
    { name: 'ack', label: t('alarm.acknowledged'), cell: (alarm) => <Acknowledge alarm={alarm} /> },
  ];
  return (
    <Grid
      columns={may('acknowledge') ? [pick, ...columns] : columns}
      rows={alarms}
      rowKey={(alarm) => alarm.id}
      rowTestid={(alarm) => `alarm-${alarm.id}`}
      empty={t('alarm.none')}
      caption={t('nav.alarms')}
      sort={sort}
      onSort={onSort}
      testid="alarm-list"
    />
  );
}
