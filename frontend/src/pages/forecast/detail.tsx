import { Suspense, lazy, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, got } from '../../api/client';
import type { ForecastView } from '../../api/forecast-views';
import { showNumber } from '../../base/format';
import { useResource } from '../../base/resource';
import { showTime } from '../../base/time';
import { named } from '../../i18n';
import { Segmented } from '../../parts/segmented';
import { Bones, Loaded } from '../../parts/states';

const BandChart = lazy(() => import('./chart'));
const STEPS = ['3600', '900'] as const;
type Step = (typeof STEPS)[number];

function Explained({ view }: { view: ForecastView }) {
  const { t } = useTranslation();
  const { baseline, weights, skill } = view;
  const parts: [string, string][] = [];
  const number = (name: string, value: number | undefined, digits: number, unit: string) => {
    if (value !== undefined) parts.push([name, `${showNumber(value, digits)} ${unit}`]);
  };
  const heat = view.quantity === 'heat_kw';
  const unit = heat ? 'kW' : '°C';
  if (heat) {
    number(t('forecast.balance'), baseline.balance_c, 1, '°C');
    number(t('forecast.wk'), baseline.w_k === undefined ? undefined : baseline.w_k / 1000, 1, 'kW/K');
    number(t('forecast.base'), baseline.base, 0, 'kW');
  }
  number(t('forecast.recentMae'), skill.mae, heat ? 0 : 2, unit);
  number(t('forecast.recentNaive'), skill.persistence_mae, heat ? 0 : 2, unit);
  const shares = Object.entries(weights).filter(([, share]) => share >= 0.005);
  return (
    <div className="forecast-explained" data-testid="forecast-explained">
      {heat && baseline.w_k !== undefined && baseline.balance_c !== undefined && (
        <p>
          {t('forecast.sentence', {
            balance: showNumber(baseline.balance_c, 1),
            wk: showNumber(baseline.w_k / 1000, 1),
          })}
        </p>
      )}
      <dl className="weather-figures">
        {parts.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
        {shares.map(([name, share]) => (
          <div key={name}>
            <dt>{t('forecast.share', { model: t(`forecast.models.${name as 'ridge'}`) })}</dt>
            <dd>{showNumber(100 * share, 0)} %</dd>
          </div>
        ))}
      </dl>
    </div>
  );
}

/** The forecast of one subject beside what came, and what explains it. */
export function Detail({ code, mark }: { code: string; mark: string }) {
  const { t } = useTranslation();
  const [step, setStep] = useState<Step>('3600');
  const answer = useResource(
    () => got(api.GET('/api/v1/forecasts/{code}', { params: { path: { code }, query: { step, back: 48 } } })),
    [code, step, mark],
  );
  return (
    <section className="panel" data-testid="forecast-detail">
      <Loaded of={answer} height={360}>
        {(view) => (
          <>
            <header>
              <h2>{named(view)}</h2>
              <span className="code">{view.code}</span>
              <span className="small muted">
                {view.issue &&
                  t('forecast.issued', {
                    at: showTime(view.issue.known, 'minute'),
                    reason: t(`forecast.reasons.${view.issue.reason as 'schedule'}`),
                    weather: t(`forecast.weathers.${view.issue.weather as 'forecast'}`),
                  })}
              </span>
              <span className="grow" />
              {view.quantity === 'heat_kw' && (
                <Segmented
                  label={t('forecast.step')}
                  value={step}
                  choices={STEPS.map((value) => ({ value, label: t(`forecast.steps.${value}`) }))}
                  onChoose={setStep}
                  testid="forecast-step"
                />
              )}
            </header>
            {view.issue ? (
              <Suspense fallback={<Bones height={320} />}>
                <BandChart
                  steps={view.steps.map((each) => ({
                    at: each.at,
                    actual: each.actual,
                    low: each.low,
                    middle: each.middle,
                    high: each.high,
                    planLow: each.plan_low,
                    planHigh: each.plan_high,
                    outdoor: each.outdoor_c,
                  }))}
                  unit={view.quantity === 'heat_kw' ? 'kW' : '°C'}
                  decimals={view.quantity === 'heat_kw' ? 0 : 1}
                  middleName={t('forecast.median')}
                  height={320}
                  testid="forecast-chart"
                  label={t('forecast.title')}
                />
              </Suspense>
            ) : (
              <p className="empty">{t('forecast.none')}</p>
            )}
            {view.issue && <Explained view={view} />}
          </>
        )}
      </Loaded>
    </section>
  );
}
