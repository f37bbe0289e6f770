import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, got } from '../../api/client';
import type { components } from '../../api/schema';
import { showNumber } from '../../base/format';
import { useResource } from '../../base/resource';
import { showTime } from '../../base/time';
import { named } from '../../i18n';
import { type Column, Grid, Pager } from '../../parts/grid';
import { StateMark } from '../../parts/mark';
import { Loaded } from '../../parts/states';

type Stream = components['schemas']['StreamView'];
type BoundaryEvent = components['schemas']['ZoneEventView'];
const SIZE = 10;

const seconds = (value: number | null) => (value === null ? '–' : `${showNumber(value, 1)} s`);

function Events() {
  const { t } = useTranslation();
  const [page, setPage] = useState(1);
  const list = useResource(() => got(api.GET('/api/v1/zone/events', { params: { query: { page, size: SIZE } } })), [page]);
  const columns: Column<BoundaryEvent>[] = [
    { name: 'at', label: t('system.at'), cell: (row) => showTime(row.last_at) },
    { name: 'stream', label: t('boundary.stream'), cell: (row) => t(`boundary.streams.${row.stream as 'feed'}`) },
    {
      name: 'what',
      label: t('system.reason'),
      cell: (row) => (
        <>
          {named({ zh: row.text_zh, en: row.text_en })}
          {row.count > 1 && <span className="tag">×{row.count}</span>}
          <div className="small muted">{row.detail}</div>
        </>
      ),
    },
    { name: 'end', label: t('boundary.ended'), cell: (row) => (row.ended_at ? showTime(row.ended_at) : '–') },
  ];
  return (
    <Loaded of={list}>
      {(data) => (
        <>
          <Grid
            columns={columns}
            rows={data.items}
            rowKey={(row) => String(row.number)}
            empty={t('boundary.quiet')}
            caption={t('boundary.events')}
            testid="boundary-events"
          />
          {data.total > SIZE && <Pager page={page} size={SIZE} total={data.total} onPage={setPage} />}
        </>
      )}
    </Loaded>
  );
}

/** The boundary between control and customer zone; nothing is shown where one process serves both. */
export function Boundary() {
  const { t } = useTranslation();
  const zone = useResource(() => got(api.GET('/api/v1/zone')), []);
  const { reload } = zone;
  useEffect(() => {
    const timer = window.setInterval(() => !document.hidden && reload(), 10_000);
    return () => window.clearInterval(timer);
  }, [reload]);
  if (!zone.data || zone.data.zone === 'all') return null;
  const columns: Column<Stream>[] = [
    {
      name: 'stream',
      label: t('boundary.stream'),
      cell: (row) => (
        <span className="nowrap">
          <StateMark state={!row.set_up ? 'offline' : row.silent ? 'alarm' : 'normal'} /> {t(`boundary.streams.${row.name as 'feed'}`)}{' '}
          <span className="tag">{t(`boundary.roles.${row.role as 'sends'}`)}</span>
        </span>
      ),
    },
    {
      name: 'carriers',
      label: t('boundary.carriers'),
      cell: (row) =>
        row.carriers.length === 0
          ? t('boundary.notSetUp')
          : row.carriers.map((each) => (
              <div key={each.name}>
                <StateMark state={each.ok ? 'normal' : 'alarm'} /> {t(`boundary.by.${each.name as 'file'}`)}{' '}
                <span className="small muted">{each.detail}</span>
              </div>
            )),
    },
    { name: 'age', label: t('boundary.age'), num: true, cell: (row) => seconds(row.age_s) },
    { name: 'delay', label: t('boundary.delay'), num: true, cell: (row) => seconds(row.delay_s) },
    { name: 'records', label: t('boundary.records'), num: true, cell: (row) => showNumber(row.records, 0) },
    { name: 'refused', label: t('boundary.refused'), num: true, cell: (row) => row.refused },
    { name: 'gaps', label: t('boundary.gaps'), num: true, cell: (row) => row.gaps },
  ];
  return (
    <section className="panel" data-testid="boundary" data-fresh={zone.data.fresh}>
      <header>
        <h2>{t('boundary.title')}</h2>
        <span className="tag strong">{t(`boundary.zones.${zone.data.zone as 'control'}`)}</span>
        <span className="small muted">{t(zone.data.fresh ? 'boundary.fresh' : 'boundary.stale')}</span>
      </header>
      <Grid columns={columns} rows={zone.data.streams} rowKey={(row) => row.name} empty={t('boundary.notSetUp')} caption={t('boundary.title')} />
      <Events />
    </section>
  );
}
