import { useEffect } from 'react';
import { useTranslation } from 'react-i18next';
import { api, got } from '../../api/client';
import type { InterfaceState } from '../../api/open-views';
import { useResource } from '../../base/resource';
import { showTime } from '../../base/time';
import { named } from '../../i18n';
import { type Column, Grid } from '../../parts/grid';
import { StateMark } from '../../parts/mark';
import { Loaded } from '../../parts/states';

export function States() {
  const { t } = useTranslation();
  const list = useResource(() => got(api.GET('/api/v1/interfaces')), []);
  const { reload } = list;
  useEffect(() => {
    const timer = window.setInterval(() => !document.hidden && reload(), 10_000);
    return () => window.clearInterval(timer);
  }, [reload]);
  const columns: Column<InterfaceState>[] = [
    {
      name: 'name',
      label: t('interfaces.way'),
      cell: (row) => (
        <>
          {named(row)}
          {row.address && <div className="code small breakable">{row.address}</div>}
        </>
      ),
    },
    {
      name: 'state',
      label: t('interfaces.state'),
      cell: (row) => (
        <>
          <span className="nowrap">
            <StateMark state={row.enabled && !row.connected ? 'offline' : 'normal'} />{' '}
            {t(!row.enabled ? 'interfaces.off' : row.connected ? 'interfaces.works' : 'interfaces.broken')}
          </span>
          {row.last_error && (
            <div className="small muted breakable">
              {row.last_error} {row.last_error_at && `(${showTime(row.last_error_at, 'minute')})`}
            </div>
          )}
        </>
      ),
    },
    { name: 'clients', label: t('interfaces.clients'), num: true, cell: (row) => row.clients },
    { name: 'sent', label: t('interfaces.sent'), num: true, cell: (row) => row.sent },
    { name: 'waiting', label: t('interfaces.waiting'), num: true, cell: (row) => row.waiting },
    { name: 'dropped', label: t('interfaces.dropped'), num: true, cell: (row) => row.dropped },
    { name: 'detail', label: t('interfaces.detail'), cell: (row) => <span className="small breakable">{row.detail}</span> },
  ];
  return (
    <section className="panel">
      <header>
        <h2>{t('interfaces.ways')}</h2>
      </header>
      <Loaded of={list} height={160}>
        {(data) => (
          <Grid
            columns={columns}
            rows={data.items}
            rowKey={(row) => row.name}
            rowTestid={(row) => `interface-${row.name}`}
            empty={t('interfaces.none')}
            caption={t('interfaces.ways')}
            testid="interfaces"
          />
        )}
      </Loaded>
    </section>
  );
}
