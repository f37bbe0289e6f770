import { useEffect } from 'react';
import { useTranslation } from 'react-i18next';
import { api, got } from '../../api/client';
import type { components } from '../../api/schema';
import { showNumber } from '../../base/format';
import { useResource } from '../../base/resource';
import { showTime } from '../../base/time';
import { type Column, Grid } from '../../parts/grid';
import { StateMark } from '../../parts/mark';

type Instance = components['schemas']['InstanceView'];

/** Platform instances that share the stores; nothing is shown where one stands alone. */
export function Instances() {
  const { t } = useTranslation();
  const list = useResource(() => got(api.GET('/api/v1/instances')), []);
  const { reload } = list;
  useEffect(() => {
    const timer = window.setInterval(() => !document.hidden && reload(), 10_000);
    return () => window.clearInterval(timer);
  }, [reload]);
  if (!list.data?.redundant) return null;
  const columns: Column<Instance>[] = [
    {
      name: 'name',
      label: t('system.instance'),
      cell: (row) => (
        <>
          {row.name} {row.this && <span className="tag">{t('system.thisOne')}</span>}
          <div className="code small">{row.url}</div>
        </>
      ),
    },
    {
      name: 'role',
      label: t('system.instanceRole'),
      cell: (row) => (
        <span className="nowrap">
          <StateMark state={row.role === 'away' ? 'offline' : 'normal'} /> {t(`system.roles.${row.role as 'active'}`)}
        </span>
      ),
    },
    { name: 'version', label: t('system.version'), cell: (row) => row.version },
    { name: 'seen', label: t('system.seen'), cell: (row) => showTime(row.seen) },
    { name: 'lag', label: t('system.lag'), num: true, cell: (row) => (row.lag_s === null ? '–' : `${showNumber(row.lag_s, 1)} s`) },
  ];
  return (
    <section className="panel" data-testid="instances">
      <header>
        <h2>{t('system.instances')}</h2>
        <span className="small muted">{t('system.activeSince', { at: showTime(list.data.since, 'minute') })}</span>
      </header>
      <Grid columns={columns} rows={list.data.items} rowKey={(row) => row.name} empty="–" caption={t('system.instances')} />
    </section>
  );
}
