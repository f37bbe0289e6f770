import type { EChartsCoreOption } from 'echarts/core';
import i18n from 'i18next';
import type { TrendSeries, Trends } from '../../api/views';
import { showNumber, showUnit } from '../../base/format';
import { colour } from '../../base/theme';
import { showTime } from '../../base/time';
import { named } from '../../i18n';
import { qualityCode } from '../../parts/value';
import { type Found, TIME_LABELS, widened } from './axis';
import { nearest } from './merge';
import { STRIP_ROW, strips } from './strip';

const SERIES_COLOURS = 8;

export function seriesColour(at: number): string {
  return colour(`series-${(at % SERIES_COLOURS) + 1}`);
}

function escape(text: string): string {
  return text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
}

function tooltip(series: TrendSeries[], at: number): string {
  const rows = series.map((line, n) => {
    const row = nearest(line.at, at);
    const value = row < 0 ? null : (line.value[row] ?? null);
    const quality = row < 0 ? 0 : qualityCode(line.quality[row]);
    const note = quality > 0 ? ` · ${i18n.t(`quality.${quality}`)}` : '';
    return (
      `<div style="display:flex;gap:12px;justify-content:space-between">` +
      `<span><i style="display:inline-block;width:9px;height:3px;margin-right:6px;vertical-align:middle;background:${seriesColour(n)}"></i>` +
      `${escape(named(line))} <small>${escape(line.point.split('.')[0] ?? '')}</small></span>` +
      `<b>${showNumber(value, 2)} ${escape(showUnit(line.unit))}${escape(note)}</b></div>`
    );
  });
  return `<div>${showTime(at, 'full')}</div>${rows.join('')}`;
}

function lines(trends: Trends, units: string[], shift: number): object[] {
  const until = trends.series.reduce<number | null>(
    (most, line) => (line.simulated_until === null ? most : Math.max(most ?? 0, line.simulated_until)),
    null,
  );
  return trends.series.flatMap((line, n) => {
    const axis = { xAxisIndex: 0, yAxisIndex: units.indexOf(line.unit) };
    const x = line.at.map((at) => at + shift);
    const paint = seriesColour(n);
    const still = { type: 'line', animation: false, showSymbol: false, silent: true };
    const band = line.low.length
      ? [
          {
            ...still,
            ...axis,
            stack: `band ${n}`,
            stackStrategy: 'all',
            lineStyle: { opacity: 0 },
            data: x.map((at, row) => [at, line.low[row] ?? null]),
          },
          {
            ...still,
            ...axis,
            stack: `band ${n}`,
            stackStrategy: 'all',
            lineStyle: { opacity: 0 },
            areaStyle: { color: paint, opacity: 0.16 },
            data: x.map((at, row) => {
              const [low, high] = [line.low[row] ?? null, line.high[row] ?? null];
              return [at, low === null || high === null ? null : high - low];
            }),
          },
        ]
      : [];
    const settings = line.point.includes('setpoint');
    return [
      ...band,
      {
        ...still,
        ...axis,
        name: line.point,
        color: paint,
        step: settings ? 'end' : false,
        lineStyle: { width: 1.6, type: settings ? [5, 3] : 'solid' },
        data: x.map((at, row) => [at, line.value[row] ?? null]),
        ...(n === 0 && until !== null && x[0] !== undefined && until + shift > x[0]
          ? {
              markArea: {
                silent: true,
                itemStyle: { color: colour('ink'), opacity: 0.045 },
                label: {
                  color: colour('ink-3'),
                  fontSize: 11,
                  position: 'insideTopLeft',
                  formatter: i18n.t('trends.simulated'),
                },
                data: [[{ xAxis: x[0] }, { xAxis: until + shift }]],
              },
            }
          : {}),
      },
    ];
  });
}

interface Api {
  value: (dimension: number) => number;
  coord: (point: [number, number]) => [number, number];
}

/** Everything the chart draws, in the company's time. */
export function optionOf(trends: Trends, shift: number, small: boolean): EChartsCoreOption {
  const units = [...new Set(trends.series.map((line) => line.unit))];
  const ink = colour('ink-3');
  const grid = colour('line');
  const strip = strips(trends.series, shift);
  const stripHeight = strip.length ? trends.series.length * STRIP_ROW + 4 : 0;
  const below = (small ? 26 : 74) + stripHeight;
  const rightAxes = Math.max(0, units.length - 1);
  const ends = trends.series.flatMap((line) => [line.at[0], line.at[line.at.length - 1]]).filter((at) => at !== undefined);
  // Both axes span the same time, or the strip would not lie under its lines.
  const span = ends.length ? { min: Math.min(...ends) + shift, max: Math.max(...ends) + shift } : {};
  const sides = { left: 52, right: rightAxes ? rightAxes * 54 : 14 };
  return {
    useUTC: true,
    animation: false,
    textStyle: { fontFamily: 'inherit' },
    grid: [
      { ...sides, top: 28, bottom: below },
      { ...sides, height: stripHeight, bottom: small ? 4 : 52 },
    ],
    xAxis: [
      {
        type: 'time',
        ...span,
        gridIndex: 0,
        axisLine: { lineStyle: { color: colour('line-2') } },
        axisLabel: { color: ink, hideOverlap: true, fontSize: 11, formatter: TIME_LABELS },
        splitLine: { show: !small, lineStyle: { color: grid } },
      },
      { type: 'time', ...span, gridIndex: 1, show: false },
    ],
    yAxis: [
      ...units.map((unit, n) => ({
        type: 'value',
        gridIndex: 0,
        name: showUnit(unit),
        nameTextStyle: { color: ink, fontSize: 11 },
        position: n === 0 ? 'left' : 'right',
        offset: n > 1 ? (n - 1) * 54 : 0,
        scale: true,
        min: (found: Found) => widened(found)?.min,
        max: (found: Found) => widened(found)?.max,
        axisLabel: { color: ink, fontSize: 11 },
        splitLine: { show: n === 0, lineStyle: { color: grid } },
      })),
      { type: 'value', gridIndex: 1, min: 0, max: trends.series.length, inverse: true, show: false },
    ],
    tooltip: {
      trigger: 'axis',
      confine: true,
      backgroundColor: colour('panel'),
      borderColor: colour('line-2'),
      textStyle: { color: colour('ink'), fontSize: 12 },
      axisPointer: { type: 'line', lineStyle: { color: colour('ink-3') } },
      formatter: (rows: { axisValue?: number }[]) => {
        const at = rows[0]?.axisValue;
        return at === undefined ? '' : tooltip(trends.series, at - shift);
      },
    },
    dataZoom: small
      ? []
      : [
          { type: 'inside', xAxisIndex: [0, 1], throttle: 50 },
          {
            type: 'slider',
            xAxisIndex: [0, 1],
            height: 22,
            bottom: 8,
            borderColor: colour('line-2'),
            fillerColor: `color-mix(in srgb, ${colour('accent')} 14%, transparent)`,
            handleStyle: { color: colour('panel'), borderColor: colour('accent') },
            moveHandleStyle: { color: colour('line-2') },
            dataBackground: { lineStyle: { color: colour('line-2') }, areaStyle: { opacity: 0 } },
            selectedDataBackground: { lineStyle: { color: colour('pipe') }, areaStyle: { opacity: 0 } },
            labelFormatter: (at: number) => showTime(at - shift, 'minute'),
            textStyle: { color: ink, fontSize: 11 },
          },
        ],
    series: [
      ...lines(trends, units, shift),
      {
        type: 'custom',
        xAxisIndex: 1,
        yAxisIndex: units.length,
        silent: true,
        animation: false,
        data: strip,
        encode: { x: [0, 1], y: 2 },
        renderItem: (_: unknown, made: Api) => {
          const row = made.value(2);
          const quality = made.value(3);
          const [x1, y1] = made.coord([made.value(0), row]);
          const [x2] = made.coord([made.value(1), row]);
          return {
            type: 'rect',
            shape: { x: x1, y: y1 + 1, width: Math.max(2, x2 - x1), height: STRIP_ROW - 2 },
            style: {
              fill: quality === 2 ? colour('ink-2') : quality === 4 ? 'none' : colour('pipe-2'),
              stroke: seriesColour(row),
              lineWidth: 1,
            },
          };
        },
      },
    ],
  };
}
