import { useEffect, useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useSearchParams } from 'react-router';
import { api, seen } from '../../api/client';
import { may } from '../../api/session';
import type { AlarmView, Page } from '../../api/views';
import { useResource } from '../../base/resource';
import { useStore } from '../../base/store';
import { acknowledge, byUrgency, isUnacknowledged, openAlarms } from '../../live/alarms';
import { Pager, type Sort } from '../../parts/grid';
import { Icon } from '../../parts/icon';
import { PriorityMark } from '../../parts/mark';
import { Segmented } from '../../parts/segmented';
import { Loaded } from '../../parts/states';
import { sayProblem } from '../../parts/toast';
import { soundChoice } from '../../shell/sound';
import '../../styles/alarms.css';
import { KindChips, groupOf } from './kind-chips';
import { AlarmTable } from './table';

const SIZE = 100;
type Which = 'open' | 'all';

const COMPARE: Record<string, (a: AlarmView, b: AlarmView) => number> = {
  priority: byUrgency,
  onset: (a, b) => Date.parse(b.onset) - Date.parse(a.onset),
  subject: (a, b) => a.subject.localeCompare(b.subject),
};

function sorted(items: AlarmView[], sort: Sort): AlarmView[] {
  const compare = COMPARE[sort.by] ?? byUrgency;
  const list = [...items].sort(compare);
  return sort.down ? list : list.reverse();
}

/** Acknowledge several, one after the other; the first refusal is told, the rest go on. */
async function acknowledgeAll(ids: string[]): Promise<void> {
  let refused: unknown;
  for (const id of ids) {
    await acknowledge(id).catch((error: unknown) => {
      refused ??= error;
    });
  }
  if (refused !== undefined) sayProblem(refused);
}

function useAlarmPage(which: Which, priority: string, subject: string, page: number) {
  const alarms = useResource(() => {
    const query = {
      state: which,
      subject,
      page,
      size: SIZE,
      ...(priority ? { priority: Number(priority) } : {}),
    };
    return seen<Page<AlarmView>>(api.GET('/api/v1/alarms', { params: { query } }));
  }, [which, priority, subject, page]);
  const { reload } = alarms;
  // What the stream tells shows at once; the list itself is read again a moment later.
  useEffect(() => {
    let timer = 0;
    const stop = openAlarms.subscribe(() => {
      window.clearTimeout(timer);
      timer = window.setTimeout(reload, 700);
    });
    return () => {
      stop();
      window.clearTimeout(timer);
    };
  }, [reload]);
  return alarms;
}

export default function AlarmsPage() {
  const { t } = useTranslation();
  const [query, setQuery] = useSearchParams();
  const subject = query.get('subject') ?? '';
  const [which, setWhich] = useState<Which>('open');
  const [priority, setPriority] = useState('');
  const [kind, setKind] = useState('');
  const [page, setPage] = useState(1);
  const [sort, setSort] = useState<Sort>({ by: 'priority', down: true });
  const [picked, setPicked] = useState<ReadonlySet<string>>(new Set());
  const live = useStore(openAlarms);
  const sound = useStore(soundChoice);
  const alarms = useAlarmPage(which, priority, subject, page);
  useEffect(() => setPage(1), [which, priority, subject]);
  const items = useMemo(() => {
    const fresh = (alarms.data?.items ?? []).map((alarm) => live.get(alarm.id) ?? alarm);
    return sorted(fresh, sort);
  }, [alarms.data, live, sort]);
  const shown = kind ? items.filter((alarm) => groupOf(alarm) === kind) : items;
  const unseen = shown.filter(isUnacknowledged);
  const wanted = unseen.filter((alarm) => picked.has(alarm.id));
  const clear = () => setPicked(new Set());
  return (
    <div className="page" data-testid="alarms-page">
      <header className="page-head">
        <h1>{t('nav.alarms')}</h1>
        <Segmented
          label={t('alarm.which')}
          value={which}
          choices={[
            { value: 'open', label: t('alarm.open') },
            { value: 'all', label: t('alarm.all') },
          ]}
          onChoose={setWhich}
          testid="alarm-which"
        />
        <Segmented
          label={t('alarm.priority')}
          value={priority || 'every'}
          choices={[
            { value: 'every', label: t('alarm.every') },
            ...['1', '2', '3', '4'].map((value) => ({
              value,
              label: (
                <>
                  <PriorityMark priority={Number(value)} size={16} /> {t(`priority.${value as '1'}`)}
                </>
              ),
            })),
          ]}
          onChoose={(value) => setPriority(value === 'every' ? '' : value)}
          testid="alarm-priority"
        />
        <input
          className="input"
          type="search"
          placeholder={t('alarm.subject')}
          aria-label={t('alarm.subject')}
          defaultValue={subject}
          key={subject}
          data-testid="alarm-subject"
          onKeyDown={(event) => {
            if (event.key === 'Enter') setQuery({ subject: event.currentTarget.value.trim() });
          }}
          onBlur={(event) => {
            const value = event.currentTarget.value.trim();
            if (value !== subject) setQuery(value ? { subject: value } : {});
          }}
        />
        <span className="grow" />
        <button
          type="button"
          className="btn hide-phone"
          aria-pressed={sound === 'on'}
          onClick={() => soundChoice.set(sound === 'on' ? 'off' : 'on')}
        >
          <Icon name={sound === 'on' ? 'sound' : 'mute'} size={18} />
          {t(sound === 'on' ? 'sound.on' : 'sound.off')}
        </button>
        {may('acknowledge') && (
          <button
            type="button"
            className="btn main"
            disabled={wanted.length === 0}
            data-testid="alarm-ack-selected"
            onClick={() => void acknowledgeAll(wanted.map((alarm) => alarm.id)).then(clear)}
          >
            <Icon name="check" size={18} /> {t('alarm.acknowledgeSelected', { count: wanted.length })}
          </button>
        )}
      </header>
      <KindChips alarms={items} chosen={kind} onChoose={setKind} />
      <section className="panel">
        <Loaded of={alarms}>
          {(data) => (
            <>
              <AlarmTable alarms={shown} picked={picked} onPick={setPicked} sort={sort} onSort={setSort} />
              <Pager page={page} size={SIZE} total={data.total} onPage={setPage} />
            </>
          )}
        </Loaded>
      </section>
    </div>
  );
}
