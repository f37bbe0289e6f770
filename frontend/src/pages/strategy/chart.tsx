import type { EChartsCoreOption } from 'echarts/core';
import type { TFunction } from 'i18next';
import { useTranslation } from 'react-i18next';
import type { StrategyView } from '../../api/strategy-views';
import { showNumber } from '../../base/format';
import { colour } from '../../base/theme';
import { showTime } from '../../base/time';
import { useChart } from '../trends/use-chart';

type Step = StrategyView['steps'][number];

function optionOf(view: StrategyView, t: TFunction): EChartsCoreOption {
  const axis = {
    axisLine: { lineStyle: { color: colour('line-2') } },
    axisLabel: { color: colour('ink-2'), fontSize: 11 },
    splitLine: { lineStyle: { color: colour('line') } },
    nameTextStyle: { color: colour('ink-2'), fontSize: 11 },
  };
  const line = (name: string, of: keyof Step, ink: string, more: object) => ({
    name,
    type: 'line',
    data: view.steps.map((step) => [Date.parse(step.at), step[of] ?? null]),
    color: colour(ink),
    lineStyle: { width: 2 },
    showSymbol: false,
    emphasis: { disabled: true },
    ...more,
  });
  const rooms = [view.low_c, view.high_c, ...view.steps.map((step) => step.room_c)].filter((c) => c !== null);
  const times = { type: 'time', ...axis, splitLine: { show: false } };
  const clock = { ...axis.axisLabel, hideOverlap: true, formatter: (at: number) => showTime(at, 'minute') };
  const degrees = { ...axis.axisLabel, formatter: (value: number) => showNumber(value, 0) };
  const band =
    view.low_c === null || view.high_c === null
      ? undefined
      : {
          silent: true,
          itemStyle: { color: colour('series-2'), opacity: 0.1 },
          data: [[{ yAxis: view.low_c }, { yAxis: view.high_c }]],
        };
  return {
    animation: false,
    grid: [
      { left: 52, right: 52, top: 28, height: '52%' },
      { left: 52, right: 52, bottom: 28, height: '20%' },
    ],
    axisPointer: { link: [{ xAxisIndex: 'all' }] },
    tooltip: {
      trigger: 'axis',
      backgroundColor: colour('panel'),
      borderColor: colour('line-2'),
      textStyle: { color: colour('ink'), fontSize: 12 },
      confine: true,
      valueFormatter: (value: unknown) => (typeof value === 'number' ? `${showNumber(value, 1)} °C` : '–'),
    },
    xAxis: [
      { ...times, gridIndex: 0, axisLabel: { show: false } },
      { ...times, gridIndex: 1, axisLabel: clock },
    ],
    yAxis: [
      { type: 'value', name: t('strategy.supplyAxis'), scale: true, ...axis, axisLabel: degrees },
      {
        type: 'value',
        name: t('strategy.roomAxis'),
        min: rooms.length > 0 ? Math.floor(Math.min(...rooms) - 0.5) : 15,
        max: rooms.length > 0 ? Math.ceil(Math.max(...rooms) + 0.5) : 25,
        minInterval: 1,
        ...axis,
        axisLabel: degrees,
        splitLine: { show: false },
      },
      { type: 'value', gridIndex: 1, name: t('strategy.outdoorAxis'), scale: true, minInterval: 1, splitNumber: 2, ...axis, axisLabel: degrees },
    ],
    series: [
      line(t('strategy.supply'), 'supply_c', 'series-1', { step: 'end' }),
      line(t('strategy.room'), 'room_c', 'series-2', { yAxisIndex: 1, markArea: band }),
      line(t('strategy.outdoor'), 'outdoor_c', 'series-3', { xAxisIndex: 1, yAxisIndex: 2, lineStyle: { width: 1.5 } }),
    ],
  };
}

/** Supply temperature meant and room expected over the day ahead. */
export default function StrategyChart({ view, height }: { view: StrategyView; height: number }) {
  const { t } = useTranslation();
  const box = useChart(() => optionOf(view, t as TFunction), [view, t]);
  return (
    <>
      <div ref={box} style={{ height }} data-testid="strategy-chart" role="img" aria-label={t('strategy.plan')} />
      <ul className="weather-key">
        {(
          [
            ['series-1', 'supply'],
            ['series-2', 'room'],
            ['series-3', 'outdoor'],
          ] as const
        ).map(([ink, word]) => (
          <li key={word}>
            <i style={{ background: `var(--${ink})` }} />
            {t(`strategy.${word}`)}
          </li>
        ))}
        {view.low_c !== null && (
          <li>
            <i style={{ background: 'var(--series-2)', opacity: 0.3, height: 9 }} />
            {t('strategy.comfort', { low: showNumber(view.low_c, 1), high: showNumber(view.high_c, 1) })}
          </li>
        )}
      </ul>
    </>
  );
}
