import { Fragment, useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { LinkGateway, LinkReport, LinkRow, SpareSpan } from '../../api/link-views';
import { showNumber } from '../../base/format';
import { showTime } from '../../base/time';
import { named } from '../../i18n';
import { Pager } from '../../parts/grid';
import { ExportLink } from '../../parts/export-link';
import { Icon } from '../../parts/icon';
import { PriorityMark, StateMark } from '../../parts/mark';
import { Devices } from './devices';
import { Counted, Share, showTrips, useMedium } from './marks';
import type { Span } from './period';

const SIZE = 25;

export interface GatewayLine {
  row: LinkRow;
  gateway: LinkGateway | undefined;
  channels: LinkRow[];
  change: SpareSpan | undefined;
}

/** What is known of each gateway, in the order of the report: worst first. */
export function useLines(
  report: LinkReport | undefined,
  channels: LinkReport | undefined,
  gateways: LinkGateway[] | undefined,
  spans: SpareSpan[] | undefined,
): GatewayLine[] {
  return useMemo(() => {
    const known = new Map(gateways?.map((each) => [each.code, each]));
    const change = new Map<string, SpareSpan>();
    for (const each of spans ?? []) if (!change.has(each.gateway)) change.set(each.gateway, each);
    return (report?.items ?? []).map((row) => ({
      row,
      gateway: known.get(row.code),
      channels: (channels?.items ?? [])
        .filter((each) => each.gateway === row.code)
        .sort((a, b) => (a.channel ?? '').localeCompare(b.channel ?? '')),
      change: change.get(row.code),
    }));
  }, [report, channels, gateways, spans]);
}

function Active({ gateway }: { gateway: LinkGateway | undefined }) {
  const { t } = useTranslation();
  if (!gateway) return <>–</>;
  const state = !gateway.connected ? 'apart' : gateway.carries === 'spare' ? 'spare' : 'main';
  return (
    <span className="nowrap" data-active={state}>
      {state === 'apart' && <StateMark state="offline" />}
      {state === 'spare' && <PriorityMark priority={3} size={16} label={t('links.spareInUse')} />}
      {state === 'main' && <StateMark state="normal" />} {t(`links.active.${state}`)}
    </span>
  );
}

function Media({ gateway }: { gateway: LinkGateway | undefined }) {
  const { t } = useTranslation();
  const medium = useMedium();
  if (!gateway) return <>–</>;
  const ways = [
    ['main', gateway.channel],
    ['spare', gateway.spare_channel],
  ] as const;
  return (
    <span className="link-media">
      {ways.map(([way, of]) => (
        <span key={way} className={gateway.carries === way ? 'tag strong' : 'tag'}>
          {t(`links.way.${way}`)} {of ? medium(of) : t('links.none')}
        </span>
      ))}
    </span>
  );
}

function leastMargin(channels: LinkRow[]): LinkRow | undefined {
  const known = channels.filter((row) => row.margin_pct !== null);
  return known.sort((a, b) => (a.margin_pct ?? 0) - (b.margin_pct ?? 0))[0];
}

function Change({ span }: { span: SpareSpan | undefined }) {
  const { t } = useTranslation();
  if (!span) return <span className="faint">{t('links.noChange')}</span>;
  return (
    <span className="nowrap">
      {span.until ? t('links.backOnMain') : t('links.toSpare')} {showTime(span.until ?? span.since, 'minute')}
    </span>
  );
}

function Line({ line, open, onToggle, span }: { line: GatewayLine; open: boolean; onToggle: () => void; span: Span }) {
  const { t } = useTranslation();
  const { row, gateway, channels } = line;
  const margin = leastMargin(channels);
  const cost = gateway && gateway.monthly_cost_yuan + gateway.spare_monthly_cost_yuan;
  const cells: [string, boolean, React.ReactNode][] = [
    [
      'active',
      false,
      <div key="a" className="link-way">
        <Active gateway={gateway} />
        <Media gateway={gateway} />
      </div>,
    ],
    ['success', true, <Counted key="s" row={row} />],
    ['rtt', true, <span key="r" className="nowrap">{showTrips(row)}</span>],
    ['margin', true, <Share key="g" value={margin?.margin_pct ?? null} passed={margin?.margin_passed ?? null} decimals={1} />],
    [
      'cost',
      true,
      <span key="c" className="nowrap">
        {cost === undefined ? '–' : `${showNumber(cost, 0)} / ${gateway?.points ? showNumber(cost / gateway.points, 3) : '–'}`}
      </span>,
    ],
    ['change', false, <Change key="h" span={line.change} />],
  ];
  return (
    <Fragment>
      <tr data-testid={`link-${row.code}`} className={open ? 'link-open' : undefined}>
        <td data-label={t('links.gateway')}>
          <div className="cell">
            <button
              type="button"
              className="link-toggle"
              aria-expanded={open}
              aria-controls={`link-more-${row.code}`}
              data-testid={`link-toggle-${row.code}`}
              onClick={onToggle}
            >
              <i aria-hidden="true" />
              <span>
                {named(row)} <span className="code">{row.code}</span>
              </span>
            </button>
          </div>
        </td>
        {cells.map(([name, num, cell]) => (
          <td key={name} className={num ? 'num' : undefined} data-label={t(`links.column.${name as 'active'}`)}>
            <div className="cell">{cell}</div>
          </td>
        ))}
      </tr>
      {open && (
        <tr className="link-more" id={`link-more-${row.code}`}>
          <td colSpan={cells.length + 1}>
            <Devices gateway={row.code} span={span} channels={channels} />
          </td>
        </tr>
      )}
    </Fragment>
  );
}

interface GatewaysProps {
  lines: GatewayLine[];
  span: Span;
  busy: boolean;
}

/** Every gateway with its two channels, worst first; a row opens to its devices. */
export function Gateways({ lines, span, busy }: GatewaysProps) {
  const { t } = useTranslation();
  const [text, setText] = useState('');
  const [bad, setBad] = useState(false);
  const [page, setPage] = useState(1);
  const [open, setOpen] = useState<string | null>(null);
  const wanted = text.trim().toLowerCase();
  const shown = lines.filter(
    ({ row, channels, gateway }) =>
      (!wanted || [row.code, row.zh, row.en].some((word) => word.toLowerCase().includes(wanted))) &&
      (!bad ||
        row.passed === false ||
        channels.some((each) => each.margin_passed === false) ||
        gateway?.connected === false ||
        gateway?.carries === 'spare'),
  );
  const at = Math.min(page, Math.max(1, Math.ceil(shown.length / SIZE)));
  const columns = ['active', 'success', 'rtt', 'margin', 'cost', 'change'] as const;
  return (
    <section className="panel" aria-busy={busy} data-testid="links-gateways">
      <header>
        <h2>{t('links.gateways')}</h2>
        <span className="small muted">{t('links.worstFirst')}</span>
        <span className="grow" />
        <label className="tick-line">
          <input type="checkbox" checked={bad} onChange={(event) => setBad(event.target.checked)} /> {t('links.onlyBad')}
        </label>
        <label className="search">
          <Icon name="search" size={18} />
          <span className="hidden-label">{t('links.search')}</span>
          <input
            className="input"
            type="search"
            placeholder={t('links.search')}
            value={text}
            onChange={(event) => {
              setText(event.target.value);
              setPage(1);
            }}
          />
        </label>
        <span className="row" role="group" aria-label="Excel">
          <span className="small muted">Excel</span>
          {(['gateway', 'device', 'channel'] as const).map((by) => (
            <ExportLink
              key={by}
              className="btn tiny"
              href={`/api/v1/links/report?${new URLSearchParams({ ...span, by, format: 'xlsx' })}`}
              testid={`links-excel-${by}`}
            >
              <Icon name="download" size={14} /> {t(`links.excel.${by}`)}
            </ExportLink>
          ))}
        </span>
      </header>
      {shown.length === 0 ? (
        <p className="empty">{t(lines.length === 0 ? 'links.noGateways' : 'links.nothingFits')}</p>
      ) : (
        <div className="table-wrap">
          <table className="grid-table cards link-table">
            <caption className="hidden-label">{t('links.gateways')}</caption>
            <thead>
              <tr>
                <th scope="col">{t('links.gateway')}</th>
                {columns.map((name) => (
                  <th key={name} scope="col" className={['success', 'rtt', 'margin', 'cost'].includes(name) ? 'num' : undefined}>
                    {t(`links.column.${name}`)}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {shown.slice((at - 1) * SIZE, at * SIZE).map((line) => (
                <Line
                  key={line.row.code}
                  line={line}
                  span={span}
                  open={open === line.row.code}
                  onToggle={() => setOpen(open === line.row.code ? null : line.row.code)}
                />
              ))}
            </tbody>
          </table>
        </div>
      )}
      {shown.length > SIZE && <Pager page={at} size={SIZE} total={shown.length} onPage={setPage} />}
    </section>
  );
}
