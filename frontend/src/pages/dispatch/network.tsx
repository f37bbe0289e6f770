import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { DoorAnswer } from '../../api/command-views';
import { api, got, seen } from '../../api/client';
import type { NetworkHead, NetworkPlan, NetworkPump, NetworkUnit } from '../../api/dispatch-views';
import { may } from '../../api/session';
import { showNumber } from '../../base/format';
import { named } from '../../i18n';
import { type Column, Grid } from '../../parts/grid';
import { PriorityMark, StateMark } from '../../parts/mark';
import { sayProblem } from '../../parts/toast';
import { Send } from './send';

const SHOWN = 30;
const kpa = (value: number) => `${showNumber(value, 0)} kPa`;

function Verdict({ good }: { good: boolean }) {
  const { t } = useTranslation();
  return (
    <span className="nowrap">
      {good ? <StateMark state="normal" size={16} /> : <PriorityMark priority={3} size={16} />}{' '}
      {t(good ? 'dispatch.enough' : 'dispatch.notEnough')}
    </span>
  );
}

function Pumps({ plan }: { plan: NetworkPlan }) {
  const { t } = useTranslation();
  const heads: Column<NetworkHead>[] = [
    { name: 'source', label: t('dispatch.source'), cell: (row) => <span className="code">{row.source}</span> },
    { name: 'head', label: t('dispatch.head'), num: true, cell: (row) => kpa(row.head_kpa) },
    { name: 'flow', label: t('dispatch.flow'), num: true, cell: (row) => `${showNumber(row.flow_kgs * 3.75, 0)} m³/h` },
  ];
  const ways: Column<NetworkPump>[] = [
    {
      name: 'station',
      label: t('dispatch.station'),
      cell: (row) => (
        <>
          {named(row)} <span className="code">{row.station}</span>
        </>
      ),
    },
    { name: 'kind', label: t('dispatch.kind'), cell: (row) => t(`dispatch.pumpKinds.${row.kind as 'booster'}`) },
    { name: 'head', label: t('dispatch.head'), num: true, cell: (row) => (row.separable ? kpa(row.head_kpa) : '–') },
    { name: 'inlet', label: t('dispatch.inlet'), num: true, cell: (row) => kpa(row.inlet_kpa) },
    {
      name: 'supply',
      label: t('dispatch.supply'),
      num: true,
      cell: (row) => (row.supply_c === null ? '–' : `${showNumber(row.supply_c, 1)} °C`),
    },
    { name: 'worst', label: t('dispatch.worst'), cell: (row) => <span className="code">{row.worst}</span> },
    { name: 'enough', label: t('dispatch.verdict'), cell: (row) => <Verdict good={row.enough} /> },
  ];
  return (
    <>
      <Grid columns={heads} rows={plan.heads} rowKey={(row) => row.source} empty="" caption={t('dispatch.head')} testid="network-heads" />
      {plan.pumps.length > 0 && (
        <Grid columns={ways} rows={plan.pumps} rowKey={(row) => row.station} empty="" caption={t('dispatch.onTheWay')} testid="network-pumps" />
      )}
    </>
  );
}

function Flows({ plan }: { plan: NetworkPlan }) {
  const { t } = useTranslation();
  const [all, setAll] = useState(false);
  const far = (row: NetworkUnit) => (row.present_pct === null ? 0 : Math.abs(row.present_pct - row.opening_pct));
  // What is short first, then what stands farthest from where it should.
  const sorted = [...plan.units].sort((a, b) => Number(b.short) - Number(a.short) || far(b) - far(a));
  const pct = (value: number | null) => (value === null ? '–' : `${showNumber(value, 0)} %`);
  const columns: Column<NetworkUnit>[] = [
    {
      name: 'unit',
      label: t('dispatch.unit'),
      cell: (row) => (
        <>
          {named(row)} <span className="code">{row.unit}</span>
        </>
      ),
    },
    { name: 'flow', label: t('dispatch.flow'), num: true, cell: (row) => `${showNumber(row.flow_m3h, 1)} m³/h` },
    { name: 'arrives', label: t('dispatch.arrives'), num: true, cell: (row) => `${showNumber(row.arrives_c, 1)} °C` },
    { name: 'opening', label: t('dispatch.opening'), num: true, cell: (row) => pct(row.opening_pct) },
    { name: 'present', label: t('dispatch.present'), num: true, cell: (row) => pct(row.present_pct) },
    { name: 'spare', label: t('dispatch.spare'), num: true, cell: (row) => kpa(row.spare_kpa) },
    { name: 'short', label: t('dispatch.verdict'), cell: (row) => <Verdict good={!row.short} /> },
  ];
  return (
    <>
      <h3 className="panel-text">{t('dispatch.flows')}</h3>
      <p className="small muted panel-text">{t('dispatch.flowsWhy', { share: showNumber(plan.given_pct, 0) })}</p>
      <Grid
        columns={columns}
        rows={all ? sorted : sorted.slice(0, SHOWN)}
        rowKey={(row) => row.unit}
        empty={t('dispatch.noUnits')}
        caption={t('dispatch.flows')}
        testid="network-units"
      />
      {sorted.length > SHOWN && (
        <p className="panel-text">
          <button type="button" className="btn tiny" onClick={() => setAll(!all)} data-testid="network-all">
            {all ? t('dispatch.fewer') : t('dispatch.allUnits', { n: sorted.length })}
          </button>
        </p>
      )}
    </>
  );
}

/** Set-points of the primary network for the day ahead: temperature, heads, flow of every station. */
export function NetworkSetpoints({ network }: { network: string }) {
  const { t } = useTranslation();
  const [plan, setPlan] = useState<NetworkPlan | null>(null);
  const [busy, setBusy] = useState(false);
  const work = async () => {
    setBusy(true);
    try {
      setPlan(await got(api.GET('/api/v1/dispatch/network', { params: { query: { network } } })));
    } catch (error) {
      sayProblem(error);
    } finally {
      setBusy(false);
    }
  };
  if (!may('command')) return null;
  const shown = plan?.network === network ? plan : null;
  const best = shown?.candidates[0];
  return (
    <section className="panel" data-testid="dispatch-network-plan">
      <header>
        <h2>{t('dispatch.networkPlan')}</h2>
        <span className="grow" />
        <button type="button" className="btn" disabled={busy} data-testid="network-work" onClick={() => void work()}>
          {busy ? t('dispatch.working') : t('dispatch.workOut')}
        </button>
        {shown && shown.setpoints.length > 0 && (
          <Send
            label={t('dispatch.sendNetwork')}
            testid="network-send"
            ask={() => seen<DoorAnswer>(api.POST('/api/v1/dispatch/network/commands', { params: { query: { network } } }))}
          />
        )}
      </header>
      {!shown && <p className="small muted panel-text">{t('dispatch.networkWhy')}</p>}
      {shown && best && (
        <>
          <p className="small panel-text" data-testid="network-best">
            {t('dispatch.best', {
              first: showNumber(best.supply_c[0] ?? 0, 1),
              most: showNumber(Math.max(...best.supply_c), 1),
              back: showNumber(best.return_c, 1),
              margin: showNumber(best.margin_k, 1),
              coldest: best.coldest,
            })}
          </p>
          <Pumps plan={shown} />
          <Flows plan={shown} />
        </>
      )}
    </section>
  );
}
