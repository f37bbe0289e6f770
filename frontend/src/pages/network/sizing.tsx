import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, got } from '../../api/client';
import type { SizingItem, SizingReport } from '../../api/network-views';
import { showNumber } from '../../base/format';
import { useResource } from '../../base/resource';
import { language, named } from '../../i18n';
import { ExportLink } from '../../parts/export-link';
import { type Column, Grid, Pager } from '../../parts/grid';
import { Icon } from '../../parts/icon';
import { Segmented } from '../../parts/segmented';
import { Loaded } from '../../parts/states';
import { showValue } from './paint';

const SIZE = 60;

interface Row {
  key: string;
  station: { code: string; zh: string; en: string };
  item: SizingItem;
}

/** Where installed over needed lies against the band. */
function Band({ item, low, high }: { item: SizingItem; low: number; high: number }) {
  if (item.ratio === null || item.ratio === undefined) return <>–</>;
  const most = 2 * high - low > 2 ? 2 * high - low : 2;
  const at = (value: number) => `${(Math.min(Math.max(value / most, 0), 1) * 100).toFixed(1)}%`;
  return (
    <span className="net-band">
      <span className="net-band-bar" aria-hidden="true">
        <i style={{ left: at(low), width: `calc(${at(high)} - ${at(low)})` }} />
        <b style={{ left: at(item.ratio) }} />
      </span>
      {showNumber(item.ratio, 2)}
    </span>
  );
}

function Report({ report, listed, onListed }: { report: SizingReport; listed: boolean; onListed: (on: boolean) => void }) {
  const { t, i18n } = useTranslation();
  const [page, setPage] = useState(1);
  const rows: Row[] = report.cards.flatMap((card) =>
    card.items.map((item) => ({ key: `${card.code} ${item.asset} ${item.what}`, station: card, item })),
  );
  const last = Math.max(1, Math.ceil(rows.length / SIZE));
  const at = Math.min(page, last);
  // An attribute may stand behind the code of the unit that lacks it.
  const word = (full: string) => {
    const attribute = full.split('.').pop() ?? full;
    const key = `network.missing.${attribute}`;
    return i18n.exists(key) ? t(key as 'network.missing.hx_area_m2') : attribute;
  };
  const missing = (item: SizingItem) => [...new Set(item.missing.map(word))].join(t('network.comma'));
  const columns: Column<Row>[] = [
    {
      name: 'station',
      label: t('network.station'),
      cell: ({ station }) => (
        <>
          {named(station)} <span className="code">{station.code}</span>
        </>
      ),
    },
    {
      name: 'what',
      label: t('network.item'),
      cell: ({ item }) => (
        <>
          {t(`network.sizing.${item.what as 'exchanger'}`)} <span className="code">{item.asset}</span>
        </>
      ),
    },
    {
      name: 'needed',
      label: t('network.needed'),
      num: true,
      cell: ({ item }) => <span className="nowrap">{showValue(item.needed, item.unit)}</span>,
    },
    {
      name: 'installed',
      label: t('network.installed'),
      num: true,
      cell: ({ item }) => <span className="nowrap">{showValue(item.installed, item.unit)}</span>,
    },
    {
      name: 'ratio',
      label: t('network.ratio'),
      num: true,
      cell: ({ item }) => <Band item={item} low={report.low} high={report.high} />,
    },
    {
      name: 'verdict',
      label: t('network.verdict'),
      cell: ({ item }) => (
        <span className="nowrap">
          <span className={`net-verdict ${item.verdict}`}>{t(`network.verdicts.${item.verdict as 'ok'}`)}</span>
          {item.missing.length > 0 && <small className="muted"> {missing(item)}</small>}
        </span>
      ),
    },
  ];
  return (
    <section className="panel" data-testid="sizing">
      <header>
        <h2>{t('network.sizingTitle')}</h2>
        <span className="small muted">
          {t('network.band', { low: showNumber(report.low, 2), high: showNumber(report.high, 2) })}
        </span>
        <span className="grow" />
        <Segmented
          label={t('network.show')}
          value={listed ? 'listed' : 'all'}
          choices={[
            { value: 'all', label: t('network.showAll') },
            { value: 'listed', label: t('network.showListed') },
          ]}
          onChoose={(value) => onListed(value === 'listed')}
        />
        <ExportLink
          className="btn tiny"
          href={`/api/v1/network/sizing.xlsx?language=${language.get()}`}
          testid="sizing-excel"
        >
          <Icon name="download" size={16} /> Excel
        </ExportLink>
      </header>
      <dl className="net-facts net-counts body">
        {(['ok', 'undersized', 'oversized', 'missing'] as const).map((verdict) => (
          <div key={verdict} className="net-fact">
            <dt>{t(`network.verdicts.${verdict}`)}</dt>
            <dd>{showNumber(report.counts[verdict] ?? 0, 0)}</dd>
          </div>
        ))}
      </dl>
      <Grid
        columns={columns}
        rows={rows.slice((at - 1) * SIZE, at * SIZE)}
        rowKey={(row) => row.key}
        empty={t('network.nothing')}
        caption={t('network.sizingTitle')}
      />
      {rows.length > SIZE && <Pager page={at} size={SIZE} total={rows.length} onPage={setPage} />}
    </section>
  );
}

/** What is installed in the stations against what their load asks for. */
export function Sizing() {
  const [listed, setListed] = useState(false);
  const report = useResource(() => got(api.GET('/api/v1/network/sizing', { params: { query: { listed } } })), [listed]);
  return (
    <Loaded of={report} height={320}>
      {(data) => <Report report={data} listed={listed} onListed={setListed} />}
    </Loaded>
  );
}
