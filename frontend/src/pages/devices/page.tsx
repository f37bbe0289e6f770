import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link, useSearchParams } from 'react-router';
import { type DevicePage, type DeviceRow, LIFE, type LifeState, ask, mayDo } from '../../api/device-views';
import { useResource } from '../../base/resource';
import { showTime } from '../../base/time';
import { named } from '../../i18n';
import { type Column, Grid, Pager } from '../../parts/grid';
import { Segmented } from '../../parts/segmented';
import { Loaded } from '../../parts/states';
import '../../styles/devices.css';
import { Models } from './models';
import { NewDevice } from './new-device';
import { Season } from './season';

const TABS = ['devices', 'models', 'season'] as const;
type Tab = (typeof TABS)[number];
const SIZE = 50;

function useColumns(): Column<DeviceRow>[] {
  const { t } = useTranslation();
  return [
    {
      name: 'serial',
      label: t('devices.serial'),
      cell: (row) => (
        <Link to={`/devices/${encodeURIComponent(row.serial)}`} data-testid={`device-${row.serial}`}>
          <strong>{row.serial}</strong>
        </Link>
      ),
    },
    {
      name: 'model',
      label: t('devices.model'),
      cell: (row) => (
        <>
          {named({ zh: row.class_zh, en: row.class_en })} <div className="code">{row.model}</div>
        </>
      ),
    },
    {
      name: 'asset',
      label: t('devices.place'),
      cell: (row) => (
        <>
          {named({ zh: row.asset_zh, en: row.asset_en }) || '–'} <div className="code">{row.asset}</div>
        </>
      ),
    },
    { name: 'purchase', label: t('devices.purchase'), cell: (row) => row.purchase || '–' },
    {
      name: 'state',
      label: t('devices.lifeState'),
      cell: (row) => (
        <span className={`life-mark s${LIFE.indexOf(row.state) + 1}`}>
          <i aria-hidden="true" />
          {t(`devices.state.${row.state}`)}
        </span>
      ),
    },
    { name: 'changed', label: t('devices.changed'), cell: (row) => <span className="nowrap">{showTime(row.changed)}</span> },
  ];
}

function Devices() {
  const { t } = useTranslation();
  const [state, setState] = useState<LifeState | 'all'>('all');
  const [page, setPage] = useState(1);
  const [adding, setAdding] = useState(false);
  const list = useResource(
    () => ask<DevicePage>('GET', `/devices?state=${state === 'all' ? '' : state}&page=${page}&size=${SIZE}`),
    [state, page],
  );
  const columns = useColumns();
  const counts = list.data?.states ?? {};
  const whole = Object.values(counts).reduce((sum, n) => sum + (n ?? 0), 0);
  return (
    <>
      <div className="row">
        <Segmented
          label={t('devices.lifeState')}
          value={state}
          choices={(['all', ...LIFE, 'retired'] as const).map((value) => ({
            value,
            label: (
              <>
                {t(`devices.state.${value}`)} <small>{value === 'all' ? whole : (counts[value] ?? 0)}</small>
              </>
            ),
          }))}
          onChoose={(value) => {
            setState(value);
            setPage(1);
          }}
          testid="device-state"
        />
        <span className="grow" />
        {mayDo('keep_devices') && (
          <button type="button" className="btn main" data-testid="device-new" onClick={() => setAdding(true)}>
            {t('devices.new')}
          </button>
        )}
      </div>
      <section className="panel">
        <Loaded of={list}>
          {(data) => (
            <>
              <Grid columns={columns} rows={data.items} rowKey={(row) => row.serial} empty={t('devices.none')} caption={t('nav.devices')} testid="device-list" />
              <Pager page={page} size={SIZE} total={data.total} onPage={setPage} />
            </>
          )}
        </Loaded>
      </section>
      {adding && (
        <NewDevice
          onClose={() => setAdding(false)}
          onDone={() => {
            setAdding(false);
            list.reload();
          }}
        />
      )}
    </>
  );
}

export default function DevicesPage() {
  const { t } = useTranslation();
  const [query, setQuery] = useSearchParams();
  const asked = query.get('tab') as Tab | null;
  const tab: Tab = asked && TABS.includes(asked) ? asked : 'devices';
  return (
    <div className="page" data-testid="devices-page">
      <header className="page-head">
        <h1>{t('nav.devices')}</h1>
        <span className="grow" />
        <Segmented
          label={t('nav.devices')}
          value={tab}
          choices={TABS.map((value) => ({ value, label: t(`devices.tab.${value}`) }))}
          onChoose={(value) => setQuery(value === 'devices' ? {} : { tab: value })}
          testid="device-tab"
        />
      </header>
      {tab === 'devices' && <Devices />}
      {tab === 'models' && <Models />}
      {tab === 'season' && <Season />}
    </div>
  );
}
