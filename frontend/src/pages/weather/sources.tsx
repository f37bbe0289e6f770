import { useTranslation } from 'react-i18next';
import type { WeatherSource } from '../../api/weather-views';
import { showTime } from '../../base/time';
import { named } from '../../i18n';
import { type Column, Grid } from '../../parts/grid';
import { StateMark } from '../../parts/mark';

/** Sources in the order they are asked; the first that answers is in force. */
export function Sources({ sources }: { sources: WeatherSource[] }) {
  const { t } = useTranslation();
  const columns: Column<WeatherSource>[] = [
    { name: 'rank', label: t('weather.rank'), num: true, cell: (row) => row.rank },
    {
      name: 'source',
      label: t('weather.source'),
      cell: (row) => (
        <>
          {named(row)} <span className="code">{row.name}</span>
          {' '}
          {row.in_force && <span className="tag">{t('weather.inForce')}</span>}
        </>
      ),
    },
    {
      name: 'state',
      label: t('weather.state'),
      cell: (row) => (
        <>
          <span className="nowrap">
            <StateMark state={row.state === 'failed' ? 'offline' : 'normal'} />{' '}
            {t(`weather.states.${row.state as 'ok'}`)}
          </span>
          {row.error && <div className="small muted weather-error">{row.error}</div>}
        </>
      ),
    },
    {
      name: 'gives',
      label: t('weather.gives'),
      cell: (row) =>
        [row.observes ? t('weather.present') : '', row.forecasts ? t('weather.forecast') : ''].filter(Boolean).join(' · '),
    },
    { name: 'horizon', label: t('weather.horizon'), num: true, cell: (row) => (row.horizon_h ? t('weather.hours', { n: row.horizon_h }) : '–') },
    { name: 'ok', label: t('weather.lastOk'), cell: (row) => showTime(row.last_ok, 'minute') },
    { name: 'issued', label: t('weather.issued'), cell: (row) => showTime(row.issued, 'minute') },
  ];
  return (
    <section className="panel">
      <header>
        <h2>{t('weather.sources')}</h2>
      </header>
      <Grid
        columns={columns}
        rows={sources}
        rowKey={(row) => row.name}
        rowTestid={(row) => `weather-source-${row.name}`}
        empty={t('weather.noSources')}
        caption={t('weather.sources')}
        testid="weather-sources"
      />
    </section>
  );
}
