import { useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { NetworkNode, NetworkSegment, NetworkView } from '../../api/network-views';
import { showNumber } from '../../base/format';
import { named } from '../../i18n';
import { type Column, Grid, Pager } from '../../parts/grid';
import type { StationState } from '../../api/views';
import { StateMark } from '../../parts/mark';
import type { Chosen } from './map';

const SIZE = 50;

interface TableProps {
  network: NetworkView;
  onChoose: (chosen: Chosen) => void;
}

function usePage<T>(rows: T[]) {
  const [page, setPage] = useState(1);
  const at = Math.min(page, Math.max(1, Math.ceil(rows.length / SIZE)));
  return { shown: rows.slice((at - 1) * SIZE, at * SIZE), page: at, setPage };
}

function Places({ network, onChoose }: TableProps) {
  const { t } = useTranslation();
  const rows = useMemo(() => network.nodes.filter((node) => node.kind !== 'pipe_node'), [network]);
  const { shown, page, setPage } = usePage(rows);
  const columns: Column<NetworkNode>[] = [
    {
      name: 'name',
      label: t('network.place'),
      cell: (row) => (
        <button type="button" className="net-link" onClick={() => onChoose({ what: 'node', code: row.code })}>
          {row.state && <StateMark state={row.state as StationState} />} {named(row)}{' '}
          <span className="code">{row.code}</span>
        </button>
      ),
    },
    { name: 's', label: `${t('network.supplyPressure')} kPa`, num: true, cell: (row) => showNumber(row.supply_kpa, 0) },
    { name: 'r', label: `${t('network.returnPressure')} kPa`, num: true, cell: (row) => showNumber(row.return_kpa, 0) },
    { name: 'e', label: '± kPa', num: true, cell: (row) => showNumber(row.pressure_sigma_kpa, 0) },
    { name: 'sc', label: `${t('network.supplyTemperature')} °C`, num: true, cell: (row) => showNumber(row.supply_c, 1) },
    { name: 'rc', label: `${t('network.returnTemperature')} °C`, num: true, cell: (row) => showNumber(row.return_c, 1) },
  ];
  return (
    <section className="panel">
      <header>
        <h2>{t('network.places')}</h2>
      </header>
      <Grid
        columns={columns}
        rows={shown}
        rowKey={(row) => row.code}
        rowTestid={(row) => `place-${row.code}`}
        empty={t('network.nothing')}
        caption={t('network.places')}
        testid="places"
      />
      {rows.length > SIZE && <Pager page={page} size={SIZE} total={rows.length} onPage={setPage} />}
    </section>
  );
}

function Pipes({ network, onChoose }: TableProps) {
  const { t } = useTranslation();
  const rows = network.segments;
  const { shown, page, setPage } = usePage(rows);
  const columns: Column<NetworkSegment>[] = [
    {
      name: 'name',
      label: t('network.pipe'),
      cell: (row) => (
        <button type="button" className="net-link" onClick={() => onChoose({ what: 'segment', code: row.code })}>
          {named(row)} <span className="code">{row.code}</span>
        </button>
      ),
    },
    {
      name: 'ends',
      label: t('network.ends'),
      cell: (row) => (
        <span className="code nowrap">
          {(row.flow_m3h ?? 0) < 0 ? `${row.to_node} → ${row.from_node}` : `${row.from_node} → ${row.to_node}`}
        </span>
      ),
    },
    { name: 'dn', label: 'DN', num: true, cell: (row) => showNumber(row.dn_mm, 0) },
    { name: 'm', label: `${t('network.length')} m`, num: true, cell: (row) => showNumber(row.length_m, 0) },
    {
      name: 'q',
      label: `${t('network.flow')} m³/h`,
      num: true,
      cell: (row) => showNumber(row.flow_m3h === null ? null : Math.abs(row.flow_m3h), 1),
    },
    {
      name: 'v',
      label: `${t('network.velocity')} m/s`,
      num: true,
      cell: (row) => showNumber(row.velocity_m_s === null ? null : Math.abs(row.velocity_m_s), 2),
    },
    { name: 'i', label: `${t('network.gradient')} Pa/m`, num: true, cell: (row) => showNumber(row.gradient_pa_m, 0) },
    { name: 'c', label: '°C', num: true, cell: (row) => showNumber(row.supply_c, 1) },
  ];
  return (
    <section className="panel">
      <header>
        <h2>{t('network.pipes')}</h2>
      </header>
      <Grid
        columns={columns}
        rows={shown}
        rowKey={(row) => row.code}
        rowTestid={(row) => `segment-${row.code}`}
        empty={t('network.nothing')}
        caption={t('network.pipes')}
        testid="pipes"
      />
      {rows.length > SIZE && <Pager page={page} size={SIZE} total={rows.length} onPage={setPage} />}
    </section>
  );
}

/** The same as the map, for those who read rather than look. */
export function NetworkTable(props: TableProps) {
  return (
    <>
      <Places {...props} />
      <Pipes {...props} />
    </>
  );
}
