import { Suspense, lazy, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, got } from '../../api/client';
import { may } from '../../api/session';
import type { StrategyVersion, StrategyView } from '../../api/strategy-views';
import { showNumber } from '../../base/format';
import { sayProblem } from '../../parts/toast';
import { useResource } from '../../base/resource';
import { showTime } from '../../base/time';
import { named } from '../../i18n';
import { type Column, Grid } from '../../parts/grid';
import { Bones, Loaded } from '../../parts/states';
import { say } from '../../parts/toast';
import { SecondaryBalance } from './balance';
import { UnitLevel } from './level';
import { useStrategyWords } from './words';

const StrategyChart = lazy(() => import('./chart'));

function Figures({ view }: { view: StrategyView }) {
  const { t } = useTranslation();
  const card = view.card;
  const value = (of: number | null, digits: number, unit: string) =>
    of === null ? '–' : `${showNumber(of, digits)} ${unit}`;
  const rows: [string, string][] = [
    ['supplyNow', value(card.supply_c, 1, '°C')],
    ['setpoint', value(card.setpoint_c, 1, '°C')],
    ['roomNow', value(card.room_c, 1, '°C')],
    ['target', value(card.target_c, 1, '°C')],
    ['wall', value(view.wall_c, 1, '°C')],
    ['unknownHeat', value(view.unknown_heat_kw, 0, 'kW')],
    ['sensors', String(view.sensors)],
  ];
  return (
    <dl className="weather-figures">
      {rows.map(([name, value]) => (
        <div key={name} data-testid={`strategy-figure-${name}`}>
          <dt>{t(`strategy.${name as 'wall'}`)}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

interface UnitProps {
  unit: string;
  /** When its newest plan was made: another one is shown as soon as there is one. */
  mark: string;
  onDone: () => void;
}

function Versions({ unit, mark, onDone }: UnitProps) {
  const { t } = useTranslation();
  const words = useStrategyWords();
  const [busy, setBusy] = useState(false);
  const answer = useResource(
    () => got(api.GET('/api/v1/strategies/{code}/versions', { params: { path: { code: unit }, query: { size: 5 } } })),
    [unit, mark],
  );
  const decide = async (row: StrategyVersion, decision: 'approve' | 'reject') => {
    setBusy(true);
    try {
      const page = await got(
        api.POST('/api/v1/strategies/{code}/versions/{version}/decision', {
          params: { path: { code: unit, version: row.version } },
          body: { decision, note: '' },
        }),
      );
      answer.patch(() => page);
      say(t(decision === 'approve' ? 'strategy.approved' : 'strategy.rejected'));
      onDone();
    } catch (error) {
      sayProblem(error);
    } finally {
      setBusy(false);
    }
  };
  const columns: Column<StrategyVersion>[] = [
    { name: 'version', label: t('strategy.version'), num: true, cell: (row) => row.version },
    { name: 'made', label: t('strategy.made'), cell: (row) => <span className="nowrap">{showTime(row.made, 'minute')}</span> },
    { name: 'until', label: t('strategy.validUntil'), cell: (row) => <span className="nowrap">{showTime(row.valid_until, 'minute')}</span> },
    {
      name: 'supply',
      label: t('strategy.supply'),
      num: true,
      cell: (row) => (row.steps[0]?.supply_c == null ? '–' : `${showNumber(row.steps[0].supply_c, 1)} °C`),
    },
    {
      name: 'flow',
      label: t('strategy.flow'),
      num: true,
      cell: (row) => `${showNumber(row.steps[0]?.flow_m3h, 1)} m³/h · ${showNumber(row.steps[0]?.pump_hz, 0)} Hz`,
    },
    { name: 'reason', label: t('strategy.reason'), cell: (row) => words.why(row.reason, row.relaxed) },
    {
      name: 'state',
      label: t('strategy.state'),
      cell: (row) => (
        <>
          {words.state(row.state)}
          {row.decided_by && <div className="small muted">{words.by(row.decided_by)}</div>}
        </>
      ),
    },
    {
      name: 'decide',
      label: t('strategy.decision'),
      cell: (row) =>
        row.version === answer.data?.items[0]?.version && may('command') ? (
          <span className="nowrap">
            {row.state !== 'approved' && (
              <button type="button" className="btn tiny" disabled={busy} data-testid={`strategy-approve-${row.version}`} onClick={() => void decide(row, 'approve')}>
                {t('strategy.approve')}
              </button>
            )}{' '}
            {row.state !== 'rejected' && (
              <button
                type="button"
                className="btn tiny"
                disabled={busy}
                data-testid={`strategy-reject-${row.version}`}
                onClick={() => void decide(row, 'reject')}
              >
                {t('strategy.reject')}
              </button>
            )}
          </span>
        ) : (
          <span className="muted">{row.version === answer.data?.items[0]?.version ? '–' : t('strategy.superseded')}</span>
        ),
    },
  ];
  return (
    <section className="panel" data-testid="strategy-versions">
      <header>
        <h2>{t('strategy.versions')}</h2>
      </header>
      <Loaded of={answer} height={160}>
        {(data) => (
          <Grid
            columns={columns}
            rows={data.items}
            rowKey={(row) => String(row.version)}
            empty={t('strategy.noVersions')}
            caption={t('strategy.versions')}
          />
        )}
      </Loaded>
    </section>
  );
}

/** One unit: the plan, what is believed of its rooms, and its versions. */
export function UnitStrategy({ unit, mark, onDone }: UnitProps) {
  const { t } = useTranslation();
  const words = useStrategyWords();
  const answer = useResource(() => got(api.GET('/api/v1/strategies/{code}', { params: { path: { code: unit } } })), [unit, mark]);
  const savings = useResource(() => got(api.GET('/api/v1/savings/units/{code}', { params: { path: { code: unit } } })), [unit]);
  return (
    <>
      <Loaded of={answer} height={320}>
        {(view) => (
          <section className="panel" data-testid="strategy-unit">
            <header>
              <h2>
                {named(view.card)} <span className="code">{unit}</span>
              </h2>
              <span className="tag">{words.stage(view.card.stage)}</span>
              {savings.data?.switch_back && (
                <span className="tag strong" title={t('strategy.switchBackWhy')} data-testid="strategy-switch-back">
                  {t('strategy.switchBack')}
                </span>
              )}
              {!savings.data?.switch_back && (
                <span className="tag">{t(view.card.followed ? 'strategy.followed' : 'strategy.silent')}</span>
              )}
              <span className="small muted">{view.card.reason && words.why(view.card.reason, view.card.relaxed)}</span>
            </header>
            <Figures view={view} />
            {view.steps.length === 0 ? (
              <p className="empty">{t('strategy.none')}</p>
            ) : (
              <Suspense fallback={<Bones height={360} />}>
                <StrategyChart view={view} height={360} />
              </Suspense>
            )}
            {view.doubted.length > 0 && (
              <p className="small muted panel-text">
                {t('strategy.doubted')}{' '}
                {view.doubted.map((each) => `${each.point} (${words.doubt(each.reason)})`).join(' · ')}
              </p>
            )}
          </section>
        )}
      </Loaded>
      <UnitLevel unit={unit} mark={mark} onDone={onDone} />
      <SecondaryBalance unit={unit} mark={mark} />
      <Versions
        unit={unit}
        mark={mark}
        onDone={() => {
          answer.reload();
          onDone();
        }}
      />
    </>
  );
}
