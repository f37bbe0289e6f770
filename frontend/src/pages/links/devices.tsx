import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, got } from '../../api/client';
import type { LinkRow } from '../../api/link-views';
import { showNumber } from '../../base/format';
import { useResource } from '../../base/resource';
import { named } from '../../i18n';
import { type Column, Grid, Pager } from '../../parts/grid';
import { Loaded } from '../../parts/states';
import { Counted, Failures, Share, Signal, showTrips, useMedium } from './marks';
import { type Span, useSize } from './period';

/** A gateway's main and spare channel in figures. */
function Channels({ channels }: { channels: LinkRow[] }) {
  const { t } = useTranslation();
  const medium = useMedium();
  if (channels.length === 0) return null;
  return (
    <div className="link-channels">
      {channels.map((row) => (
        <dl key={row.channel} data-testid={`channel-${row.gateway}-${row.channel}`}>
          <div>
            <dt>{t(`links.way.${row.channel as 'main'}`)}</dt>
            <dd>{row.medium ? medium(row.medium) : '–'}</dd>
          </div>
          <div>
            <dt>{t('links.capacity')}</dt>
            <dd>{row.capacity_kbps === null ? t('links.unknown') : `${showNumber(row.capacity_kbps, 0)} kbit/s`}</dd>
          </div>
          <div>
            <dt>{t('links.used')}</dt>
            <dd>{row.asked > 0 && row.used_p95_kbps !== null ? `${showNumber(row.used_p95_kbps, 1)} kbit/s` : '–'}</dd>
          </div>
          <div>
            <dt>{t('links.column.margin')}</dt>
            <dd>
              <Share value={row.asked > 0 ? row.margin_pct : null} passed={row.margin_passed} decimals={1} />
            </dd>
          </div>
          <div>
            <dt>{t('links.acknowledged')}</dt>
            <dd>
              {row.asked > 0 ? `${showNumber(row.answered, 0)} / ${showNumber(row.asked, 0)}` : t('links.notUsed')}
            </dd>
          </div>
          <div>
            <dt>{t('links.ackTime')}</dt>
            <dd>{showTrips(row, ' ms')}</dd>
          </div>
        </dl>
      ))}
    </div>
  );
}

/** A gateway's devices, worst first, with what failed and how they are heard. */
export function Devices({ gateway, span, channels }: { gateway: string; span: Span; channels: LinkRow[] }) {
  const { t } = useTranslation();
  const medium = useMedium();
  const size = useSize(15);
  const [page, setPage] = useState(1);
  const list = useResource(
    () =>
      got(api.GET('/api/v1/links/gateways/{code}/devices', { params: { path: { code: gateway }, query: span } })),
    [gateway, span],
  );
  const columns: Column<LinkRow>[] = [
    {
      name: 'device',
      label: t('links.device'),
      cell: (row) => (
        <>
          {named(row)} <span className="code">{row.code}</span>
        </>
      ),
    },
    { name: 'protocol', label: t('links.protocol'), cell: (row) => <span className="nowrap">{medium(row.medium)}</span> },
    { name: 'success', label: t('links.success'), num: true, cell: (row) => <Counted row={row} /> },
    { name: 'failures', label: t('links.failures'), cell: (row) => <Failures row={row} /> },
    {
      name: 'rtt',
      label: t('links.column.rtt'),
      num: true,
      cell: (row) => <span className="nowrap">{showTrips(row)}</span>,
    },
    { name: 'signal', label: t('links.signal'), cell: (row) => <Signal row={row} /> },
  ];
  return (
    <div className="link-devices">
      <Channels channels={channels} />
      <Loaded of={list} height={180}>
        {(rows) => (
          <>
            <Grid
              columns={columns}
              rows={rows.slice((page - 1) * size, page * size)}
              rowKey={(row) => row.code}
              empty={t('links.noDevices')}
              caption={t('links.devices')}
              testid={`link-devices-${gateway}`}
            />
            {rows.length > size && <Pager page={page} size={size} total={rows.length} onPage={setPage} />}
          </>
        )}
      </Loaded>
    </div>
  );
}
