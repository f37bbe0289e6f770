import { Suspense, lazy } from 'react';
import { useTranslation } from 'react-i18next';
import { api, got, seen } from '../../api/client';
import type { DoorAnswer } from '../../api/command-views';
import type { DispatchPlan, DispatchRelaxation, DispatchSetpoint } from '../../api/dispatch-views';
import { may } from '../../api/session';
import { showNumber } from '../../base/format';
import { showTime } from '../../base/time';
import { type Column, Grid } from '../../parts/grid';
import { usePointValue } from '../../parts/point-words';
import { Bones } from '../../parts/states';
import { sayProblem } from '../../parts/toast';
import { Send } from './send';

const DispatchChart = lazy(() => import('./chart'));
const yuan = (value: number) => showNumber(value, 0);

function Figure({ label, value, unit, testid }: { label: string; value: string; unit: string; testid?: string }) {
  return (
    <div data-testid={testid}>
      <dt>{label}</dt>
      <dd className="nowrap">
        {value} <small>{unit}</small>
      </dd>
    </div>
  );
}

function Told({ point, value }: { point: string; value: number | null }) {
  const said = usePointValue(point);
  return value === null ? '–' : said(value);
}

/** A plan: chart, money, what could not be kept, and the set-points it asks for now. */
export function Plan({ plan, onChanged }: { plan: DispatchPlan; onChanged: (plan: DispatchPlan) => void }) {
  const { t } = useTranslation();
  const head = plan.plan;
  const decide = (approve: boolean) =>
    got(
      api.POST('/api/v1/dispatch/plans/{number}/decision', {
        params: { path: { number: head.number } },
        body: { approve },
      }),
    ).then(onChanged, sayProblem);
  const relaxed: Column<DispatchRelaxation>[] = [
    { name: 'name', label: t('dispatch.what'), cell: (row) => `${t(`dispatch.relaxed.${row.name as 'reserve'}`)} ${row.subject}` },
    { name: 'cause', label: t('dispatch.cause'), cell: (row) => t(`dispatch.causes.${row.cause as 'ramp'}`) },
    { name: 'start', label: t('dispatch.from'), cell: (row) => showTime(row.start, 'minute') },
    { name: 'end', label: t('dispatch.until'), cell: (row) => showTime(row.end, 'minute') },
    {
      name: 'most',
      label: t('dispatch.most'),
      num: true,
      cell: (row) => `${showNumber(row.most_kw / 1000, 2)} ${row.name === 'storage_end' ? 'MWh' : 'MW'}`,
    },
    { name: 'total', label: t('dispatch.total'), num: true, cell: (row) => `${showNumber(row.total_kwh / 1000, 2)} MWh` },
  ];
  const asked: Column<DispatchSetpoint>[] = [
    { name: 'point', label: t('dispatch.point'), cell: (row) => <span className="code">{row.point}</span> },
    { name: 'value', label: t('dispatch.asked'), num: true, cell: (row) => <Told point={row.point} value={row.value} /> },
    { name: 'present', label: t('dispatch.present'), num: true, cell: (row) => <Told point={row.point} value={row.present} /> },
  ];
  return (
    <>
      <section className="panel" data-testid="dispatch-plan">
        <header>
          <h2>{t('dispatch.plan', { n: head.number })}</h2>
          <span className="tag" data-testid="dispatch-state">
            {t(`dispatch.states.${head.state as 'proposed'}`)}
          </span>
          <span className={head.result === 'fallback' ? 'tag raised' : 'tag'}>{t(`dispatch.results.${head.result as 'optimal'}`)}</span>
          {plan.kept && <span className="tag">{t('dispatch.kept')}</span>}
          <span className="small muted">
            {t('dispatch.made', { at: showTime(head.made, 'minute'), from: t(`dispatch.demandFrom.${plan.demand_from as 'weather'}`) })}
          </span>
          <span className="grow" />
          {head.state === 'proposed' && may('command') && (
            <>
              <button type="button" className="btn main" data-testid="dispatch-approve" onClick={() => void decide(true)}>
                {t('dispatch.approve')}
              </button>
              <button type="button" className="btn" data-testid="dispatch-reject" onClick={() => void decide(false)}>
                {t('dispatch.reject')}
              </button>
            </>
          )}
        </header>
        {plan.explained && <p className="small panel-text">{plan.explained}</p>}
        <dl className="weather-figures">
          <Figure label={t('dispatch.bill')} value={yuan(plan.costs.bill_yuan)} unit={t('dispatch.yuan')} testid="dispatch-bill" />
          <Figure label={t('dispatch.split')} value={yuan(head.split_yuan)} unit={t('dispatch.yuan')} />
          <Figure label={t('dispatch.fuel')} value={yuan(plan.costs.fuel_yuan)} unit={t('dispatch.yuan')} />
          <Figure label={t('dispatch.electricity')} value={yuan(plan.costs.power_yuan)} unit={t('dispatch.yuan')} />
          <Figure label={t('dispatch.carbon')} value={yuan(plan.costs.co2_yuan)} unit={t('dispatch.yuan')} />
          <Figure label={t('dispatch.covered')} value={showNumber(plan.least_covered_pct, 1)} unit="%" />
          <Figure label={t('dispatch.minimum')} value={showNumber(plan.minimum_pct, 0)} unit="%" />
        </dl>
        <Suspense fallback={<Bones height={360} />}>
          <DispatchChart plan={plan} />
        </Suspense>
      </section>
      <section className="panel">
        <header>
          <h2>{t('dispatch.relaxations')}</h2>
        </header>
        <Grid
          columns={relaxed}
          rows={plan.relaxations}
          rowKey={(row) => `${row.name} ${row.subject} ${row.start}`}
          empty={t('dispatch.noRelaxations')}
          caption={t('dispatch.relaxations')}
          testid="dispatch-relaxations"
        />
      </section>
      {plan.setpoints.length > 0 && (
        <section className="panel">
          <header>
            <h2>{t('dispatch.setpoints')}</h2>
            <span className="small muted">{t('dispatch.advice')}</span>
            <span className="grow" />
            {head.state === 'approved' && (
              <Send
                label={t('dispatch.send')}
                testid="dispatch-send"
                ask={() =>
                  seen<DoorAnswer>(
                    api.POST('/api/v1/dispatch/plans/{number}/commands', { params: { path: { number: head.number } } }),
                  )
                }
              />
            )}
          </header>
          <Grid
            columns={asked}
            rows={plan.setpoints}
            rowKey={(row) => row.point}
            empty=""
            caption={t('dispatch.setpoints')}
            testid="dispatch-setpoints"
          />
        </section>
      )}
    </>
  );
}
