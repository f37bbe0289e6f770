import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, got } from '../../api/client';
import { info } from '../../api/session';
import type { GapView, GatewayView, HealthPart, QuarantineView } from '../../api/system-views';
import { useResource } from '../../base/resource';
import { useStore } from '../../base/store';
import { showTime } from '../../base/time';
import { named } from '../../i18n';
import { type Column, Grid, Pager } from '../../parts/grid';
import { PriorityMark, StateMark } from '../../parts/mark';
import { Loaded } from '../../parts/states';
import { useReason } from '../../parts/command-life';
import '../../styles/alarms.css';
import { Boundary } from './boundary';
import { Instances } from './instances';

const LAYERS = ['device', 'data', 'application'] as const;
const SIZE = 20;

/** Names of parts: the first word (or all of them) is translated, codes stay. */
function usePartName(): (name: string) => string {
  const { t, i18n } = useTranslation();
  return (name) => {
    const whole = `part.${name.replaceAll(' ', '_')}`;
    if (i18n.exists(whole)) return t(whole as 'part.web');
    const [first = '', ...rest] = name.split(' ');
    const key = `part.${first}`;
    return i18n.exists(key) ? [t(key as 'part.web'), ...rest].join(' ') : name;
  };
}

function Parts({ parts }: { parts: HealthPart[] }) {
  const { t } = useTranslation();
  const name = usePartName();
  return (
    <div className="layers">
      {LAYERS.map((layer) => (
        <section key={layer} className="panel" data-testid={`layer-${layer}`}>
          <header>
            <h2>{t(`layer.${layer}`)}</h2>
          </header>
          <ul className="body">
            {parts
              .filter((part) => part.layer === layer)
              .map((part) => (
                <li key={part.name} className="part" data-testid={`part-${part.name}`} data-ok={part.ok}>
                  {part.ok ? (
                    <StateMark state="normal" />
                  ) : (
                    <PriorityMark priority={2} size={18} label={t('system.failed')} />
                  )}
                  <span>{name(part.name)}</span>
                  <small>{part.detail}</small>
                </li>
              ))}
          </ul>
        </section>
      ))}
    </div>
  );
}

function Gateways() {
  const { t, i18n } = useTranslation();
  const list = useResource(() => got(api.GET('/api/v1/gateways')), []);
  const { reload } = list;
  useEffect(() => {
    const timer = window.setInterval(() => !document.hidden && reload(), 10_000);
    return () => window.clearInterval(timer);
  }, [reload]);
  const columns: Column<GatewayView>[] = [
    {
      name: 'code',
      label: t('system.gateway'),
      cell: (row) => (
        <>
          {named(row)} <span className="code">{row.code}</span>
        </>
      ),
    },
    {
      name: 'link',
      label: t('system.link'),
      cell: (row) => (
        <span className="nowrap">
          <StateMark state={row.connected ? 'normal' : 'offline'} />{' '}
          {t(row.connected ? 'system.connected' : row.enrolled ? 'system.apart' : 'system.notEnrolled')}
        </span>
      ),
    },
    { name: 'channel', label: t('system.channel'), cell: (row) => (i18n.exists(`channel.${row.channel}`) ? t(`channel.${row.channel as '4g'}`) : row.channel) },
    { name: 'devices', label: t('system.devices'), num: true, cell: (row) => row.devices },
    { name: 'points', label: t('system.points'), num: true, cell: (row) => row.points },
    { name: 'through', label: t('system.through'), num: true, cell: (row) => row.through ?? '–' },
    { name: 'seen', label: t('system.seen'), cell: (row) => showTime(row.last_seen) },
  ];
  return (
    <section className="panel">
      <header>
        <h2>{t('system.gateways')}</h2>
      </header>
      <Loaded of={list}>
        {(data) => (
          <Grid
            columns={columns}
            rows={data.items}
            rowKey={(row) => row.code}
            rowTestid={(row) => `gateway-${row.code}`}
            empty={t('system.noGateways')}
            caption={t('system.gateways')}
          />
        )}
      </Loaded>
    </section>
  );
}

function Gaps() {
  const { t } = useTranslation();
  const reason = useReason();
  const [page, setPage] = useState(1);
  const list = useResource(() => got(api.GET('/api/v1/gaps', { params: { query: { page, size: SIZE } } })), [page]);
  const columns: Column<GapView>[] = [
    { name: 'gateway', label: t('system.gateway'), cell: (row) => <span className="code">{row.gateway}</span> },
    { name: 'device', label: t('system.device'), cell: (row) => <span className="code">{row.device}</span> },
    { name: 'start', label: t('system.from'), cell: (row) => showTime(row.start) },
    { name: 'end', label: t('system.to'), cell: (row) => (row.end ? showTime(row.end) : t('system.lasting')) },
    { name: 'cause', label: t('system.cause'), cell: (row) => reason(row.cause) },
  ];
  return (
    <section className="panel">
      <header>
        <h2>{t('system.gaps')}</h2>
        <span className="faint small">{t('system.gapsHelp')}</span>
      </header>
      <Loaded of={list}>
        {(data) => (
          <>
            <Grid
              columns={columns}
              rows={data.items}
              rowKey={(row) => `${row.device} ${row.start} ${row.cause}`}
              empty={t('system.noGaps')}
              caption={t('system.gaps')}
              testid="gaps"
            />
            {data.total > SIZE && <Pager page={page} size={SIZE} total={data.total} onPage={setPage} />}
          </>
        )}
      </Loaded>
    </section>
  );
}

function Quarantine() {
  const { t } = useTranslation();
  const reason = useReason();
  const [page, setPage] = useState(1);
  const list = useResource(
    () => got(api.GET('/api/v1/quarantine', { params: { query: { page, size: SIZE } } })),
    [page],
  );
  const columns: Column<QuarantineView>[] = [
    { name: 'at', label: t('system.at'), cell: (row) => showTime(row.at) },
    { name: 'gateway', label: t('system.gateway'), cell: (row) => <span className="code">{row.gateway}</span> },
    { name: 'reason', label: t('system.reason'), cell: (row) => reason(row.reason) },
    { name: 'rows', label: t('system.rows'), num: true, cell: (row) => row.rows },
    { name: 'detail', label: t('system.detail'), cell: (row) => <span className="small muted">{row.detail}</span> },
  ];
  return (
    <section className="panel">
      <header>
        <h2>{t('system.quarantine')}</h2>
        <span className="faint small">{t('system.quarantineHelp')}</span>
      </header>
      <Loaded of={list}>
        {(data) => (
          <>
            <Grid
              columns={columns}
              rows={data.items}
              rowKey={(row) => String(row.id)}
              empty={t('system.noQuarantine')}
              caption={t('system.quarantine')}
              testid="quarantine"
            />
            {data.total > SIZE && <Pager page={page} size={SIZE} total={data.total} onPage={setPage} />}
          </>
        )}
      </Loaded>
    </section>
  );
}

export default function SystemPage() {
  const { t } = useTranslation();
  const told = useStore(info);
  const health = useResource(() => got(api.GET('/api/v1/health')), []);
  const { reload } = health;
  useEffect(() => {
    const timer = window.setInterval(() => !document.hidden && reload(), 5000);
    return () => window.clearInterval(timer);
  }, [reload]);
  return (
    <div className="page" data-testid="system-page">
      <header className="page-head">
        <h1>{t('nav.system')}</h1>
        {told && <span className="tag">heatloop {told.version}</span>}
        {health.data && (
          <span className="tag strong" data-testid="health-status" data-status={health.data.status}>
            {t(health.data.status === 'ok' ? 'system.ok' : 'system.degraded')}
          </span>
        )}
      </header>
      <Loaded of={health}>{(data) => <Parts parts={data.parts} />}</Loaded>
      <Instances />
      <Boundary />
      <Gateways />
      <Gaps />
      <Quarantine />
    </div>
  );
}
