import { Suspense, lazy, useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, got } from '../../api/client';
import { may } from '../../api/session';
import type { WeatherNow, WeatherQuantity, WeatherValues } from '../../api/weather-views';
import { showNumber, showUnit } from '../../base/format';
import { problemText } from '../../base/problem';
import { useResource } from '../../base/resource';
import { showTime } from '../../base/time';
import { named } from '../../i18n';
import { Icon } from '../../parts/icon';
import { Bones, Loaded } from '../../parts/states';
import { say } from '../../parts/toast';
import '../../styles/weather.css';
import { Skill } from './skill';
import { Sources } from './sources';

const ForecastChart = lazy(() => import('./chart'));
const AHEAD = [24, 72, 168] as const;

/** Compass points in sixteenths are read faster than degrees. */
const WINDS = ['n', 'ne', 'e', 'se', 's', 'sw', 'w', 'nw'] as const;

function Figure({ of, values }: { of: WeatherQuantity; values: WeatherValues }) {
  const { t } = useTranslation();
  const value = values[of.name as keyof WeatherValues];
  if (typeof value !== 'number' || of.name === 'condition') return null;
  return (
    <div data-testid={`weather-${of.name}`}>
      <dt>{named(of)}</dt>
      <dd>
        {of.name === 'wind_deg' ? t(`weather.wind.${WINDS[Math.round(value / 45) % 8] ?? 'n'}`) : showNumber(value, of.decimals)}{' '}
        <small>{of.name === 'wind_deg' ? `${showNumber(value, 0)}°` : showUnit(of.unit)}</small>
      </dd>
    </div>
  );
}

function Present({ now }: { now: WeatherNow }) {
  const { t } = useTranslation();
  if (!now.weather) return <p className="empty">{t('weather.nobodyKnows')}</p>;
  const weather = now.weather;
  const from = now.sources.find((source) => source.name === now.source);
  return (
    <>
      <div className="weather-head">
        <strong data-testid="weather-sky">{named({ zh: weather.condition_zh, en: weather.condition_en }) || t('weather.unknownSky')}</strong>
        <span className="muted small">
          {t('weather.from', { source: from ? named(from) : (now.source ?? '–'), at: showTime(weather.at, 'minute') })}
        </span>
        {now.fallback && (
          <span className="tag raised" data-testid="weather-fallback">
            {t('weather.fallback')}
          </span>
        )}
        {weather.quality !== 'good' && <span className="tag raised">{t(`weather.quality.${weather.quality as 'bad'}`)}</span>}
      </div>
      <dl className="weather-figures">
        {now.quantities.map((each) => (
          <Figure key={each.name} of={each} values={weather} />
        ))}
      </dl>
    </>
  );
}

function Forecast({ hours, onHours }: { hours: number; onHours: (hours: number) => void }) {
  const { t } = useTranslation();
  const answer = useResource(
    () => got(api.GET('/api/v1/weather/forecast', { params: { query: { hours } } })),
    [hours],
  );
  return (
    <section className="panel" data-testid="weather-forecast">
      <header>
        <h2>{t('weather.forecast')}</h2>
        {answer.data?.known && (
          <span className="small muted">{t('weather.known', { at: showTime(answer.data.known, 'minute') })}</span>
        )}
        <span className="grow" />
        <select
          className="select"
          aria-label={t('weather.ahead')}
          value={hours}
          data-testid="weather-hours"
          onChange={(event) => onHours(Number(event.target.value))}
        >
          {AHEAD.map((each) => (
            <option key={each} value={each}>
              {t('weather.hours', { n: each })}
            </option>
          ))}
        </select>
      </header>
      <Loaded of={answer} height={280}>
        {(data) =>
          data.hours.length === 0 ? (
            <p className="empty">{t('weather.noForecast')}</p>
          ) : (
            <Suspense fallback={<Bones height={280} />}>
              <ForecastChart forecast={data} height={280} />
            </Suspense>
          )
        }
      </Loaded>
    </section>
  );
}

/** The weather that drives the heat: now, ahead, where it comes from, and how right it was. */
export default function WeatherPage() {
  const { t } = useTranslation();
  const [hours, setHours] = useState<number>(72);
  const [asking, setAsking] = useState(false);
  const now = useResource(() => got(api.GET('/api/v1/weather')), []);
  const { reload, patch } = now;
  useEffect(() => {
    const timer = window.setInterval(() => !document.hidden && reload(), 60_000);
    return () => window.clearInterval(timer);
  }, [reload]);
  const ask = async () => {
    setAsking(true);
    try {
      const fresh = await got(api.POST('/api/v1/weather/refresh'));
      patch(() => fresh);
      say(t('weather.asked'));
    } catch (error) {
      say(problemText(error));
    } finally {
      setAsking(false);
    }
  };
  return (
    <div className="page" data-testid="weather-page">
      <header className="page-head">
        <h1>{t('nav.weather')}</h1>
        {may('manage_ledger') && (
          <button type="button" className="btn" disabled={asking} data-testid="weather-refresh" onClick={() => void ask()}>
            <Icon name="refresh" size={16} /> {t('weather.ask')}
          </button>
        )}
      </header>
      <section className="panel">
        <Loaded of={now} height={120}>
          {(data) => <Present now={data} />}
        </Loaded>
      </section>
      <Forecast hours={hours} onHours={setHours} />
      <Loaded of={now} height={120}>
        {(data) => <Sources sources={data.sources} />}
      </Loaded>
      <Loaded of={now} height={120}>
        {(data) => <Skill quantities={data.quantities} sources={data.sources} />}
      </Loaded>
    </div>
  );
}
