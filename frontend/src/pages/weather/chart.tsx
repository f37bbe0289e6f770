import type { EChartsCoreOption } from 'echarts/core';
import type { TFunction } from 'i18next';
import { useTranslation } from 'react-i18next';
import type { WeatherForecast } from '../../api/weather-views';
import { showNumber } from '../../base/format';
import { colour } from '../../base/theme';
import { showTime } from '../../base/time';
import { named } from '../../i18n';
import { useChart } from '../trends/use-chart';

type Hour = WeatherForecast['hours'][number];

const escape = (text: string) => text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);

function tooltip(hour: Hour, t: TFunction): string {
  const weather = hour.weather;
  const row = (name: string, value: string) =>
    `<div style="display:flex;gap:12px;justify-content:space-between"><span>${escape(name)}</span><b>${value}</b></div>`;
  return [
    `<b>${showTime(weather.at, 'minute')}</b> ${escape(named({ zh: weather.condition_zh, en: weather.condition_en }))}`,
    row(t('weather.temperature'), `${showNumber(weather.temperature_c, 1)} °C`),
    row(t('weather.solar'), `${showNumber(weather.solar_w_m2, 0)} W/m²`),
    row(t('weather.windSpeed'), `${showNumber(weather.wind_ms, 1)} m/s`),
    row(t('weather.lead'), `${showNumber(hour.lead_h, 0)} h`),
  ].join('');
}

function optionOf(forecast: WeatherForecast, t: TFunction): EChartsCoreOption {
  const axis = {
    axisLine: { lineStyle: { color: colour('line-2') } },
    axisLabel: { color: colour('ink-2'), fontSize: 11 },
    splitLine: { lineStyle: { color: colour('line') } },
    nameTextStyle: { color: colour('ink-2'), fontSize: 11 },
  };
  const line = (name: string, of: keyof Hour['weather'], ink: string, more: object) => ({
    name,
    type: 'line',
    data: forecast.hours.map((hour) => [Date.parse(hour.weather.at), hour.weather[of] ?? null]),
    color: colour(ink),
    lineStyle: { width: 2 },
    showSymbol: false,
    emphasis: { disabled: true },
    ...more,
  });
  return {
    animation: false,
    grid: { left: 44, right: 54, top: 28, bottom: 28 },
    tooltip: {
      trigger: 'axis',
      backgroundColor: colour('panel'),
      borderColor: colour('line-2'),
      textStyle: { color: colour('ink'), fontSize: 12 },
      confine: true,
      formatter: (rows: { dataIndex: number }[]) => {
        const hour = forecast.hours[rows[0]?.dataIndex ?? 0];
        return hour ? tooltip(hour, t) : '';
      },
    },
    xAxis: {
      type: 'time',
      ...axis,
      axisLabel: { ...axis.axisLabel, hideOverlap: true, formatter: (at: number) => showTime(at, 'minute') },
      splitLine: { show: false },
    },
    yAxis: [
      { type: 'value', name: '°C', scale: true, ...axis },
      { type: 'value', name: 'W/m²', min: 0, ...axis, splitLine: { show: false } },
    ],
    series: [
      line(t('weather.solar'), 'solar_w_m2', 'p3', { yAxisIndex: 1, lineStyle: { width: 1 }, areaStyle: { opacity: 0.18 } }),
      line(t('weather.temperature'), 'temperature_c', 'series-1', {}),
    ],
  };
}

/** Temperature and sun of the hours ahead. */
export default function ForecastChart({ forecast, height }: { forecast: WeatherForecast; height: number }) {
  const { t } = useTranslation();
  const box = useChart(() => optionOf(forecast, t as TFunction), [forecast, t]);
  return (
    <>
      <div ref={box} style={{ height }} data-testid="weather-chart" role="img" aria-label={t('weather.forecast')} />
      <ul className="weather-key">
        <li>
          <i style={{ background: 'var(--series-1)' }} />
          {t('weather.temperature')}
        </li>
        <li>
          <i style={{ background: 'var(--p3)' }} />
          {t('weather.solar')}
        </li>
      </ul>
    </>
  );
}
