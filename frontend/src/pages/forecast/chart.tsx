import type { EChartsCoreOption } from 'echarts/core';
import type { TFunction } from 'i18next';
import { useTranslation } from 'react-i18next';
import { showNumber } from '../../base/format';
import { colour } from '../../base/theme';
import { showTime } from '../../base/time';
import { useChart } from '../trends/use-chart';

export interface BandStep {
  at: string;
  actual: number | null;
  low: number | null;
  middle: number | null;
  high: number | null;
  planLow?: number | null;
  planHigh?: number | null;
  outdoor?: number | null;
}

interface BandChartProps {
  steps: BandStep[];
  unit: string;
  decimals: number;
  middleName: string;
  height: number;
  testid: string;
  label: string;
}

const escape = (text: string) => text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);

function tooltip(step: BandStep, props: BandChartProps, t: TFunction): string {
  const row = (name: string, value: string) =>
    `<div style="display:flex;gap:12px;justify-content:space-between"><span>${escape(name)}</span><b>${value}</b></div>`;
  const value = (of: number | null | undefined) => `${showNumber(of, props.decimals)} ${props.unit}`;
  const range = (low: number | null | undefined, high: number | null | undefined) =>
    `${showNumber(low, props.decimals)} … ${value(high)}`;
  const rows = [`<b>${showTime(step.at, 'minute')}</b>`, row(t('forecast.actual'), value(step.actual))];
  if (step.middle != null) {
    rows.push(row(props.middleName, value(step.middle)), row(t('forecast.band'), range(step.low, step.high)));
  }
  if (step.planLow != null) rows.push(row(t('forecast.planBand'), range(step.planLow, step.planHigh)));
  if (step.outdoor != null) rows.push(row(t('forecast.outdoor'), `${showNumber(step.outdoor, 1)} °C`));
  return rows.join('');
}

function optionOf(props: BandChartProps, t: TFunction): EChartsCoreOption {
  const { steps } = props;
  const last = steps.findLast((step) => step.actual != null);
  const number = { formatter: (value: number) => showNumber(value, 0) };
  const axis = {
    axisLine: { lineStyle: { color: colour('line-2') } },
    axisLabel: { color: colour('ink-2'), fontSize: 11 },
    splitLine: { lineStyle: { color: colour('line') } },
    nameTextStyle: { color: colour('ink-2'), fontSize: 11 },
  };
  const data = (of: (step: BandStep) => number | null | undefined) =>
    steps.map((step) => [Date.parse(step.at), of(step) ?? null]);
  const line = (name: string, of: (step: BandStep) => number | null | undefined, ink: string, more: object) => ({
    name,
    type: 'line',
    data: data(of),
    color: colour(ink),
    lineStyle: { width: 2 },
    showSymbol: false,
    emphasis: { disabled: true },
    ...more,
  });
  // The band is what lies on top of its low end.
  const bare = { lineStyle: { opacity: 0 }, stack: 'band', stackStrategy: 'all', tooltip: { show: false } };
  const width = (step: BandStep) => (step.low == null || step.high == null ? null : step.high - step.low);
  const outdoor = steps.some((step) => step.outdoor != null);
  return {
    animation: false,
    grid: { left: 56, right: outdoor ? 46 : 16, top: 28, bottom: 28 },
    tooltip: {
      trigger: 'axis',
      backgroundColor: colour('panel'),
      borderColor: colour('line-2'),
      textStyle: { color: colour('ink'), fontSize: 12 },
      confine: true,
      formatter: (rows: { dataIndex: number }[]) => {
        const step = steps[rows[0]?.dataIndex ?? 0];
        return step ? tooltip(step, props, t) : '';
      },
    },
    xAxis: {
      type: 'time',
      ...axis,
      axisLabel: { ...axis.axisLabel, hideOverlap: true, formatter: (at: number) => showTime(at, 'minute') },
      splitLine: { show: false },
    },
    yAxis: [
      { type: 'value', name: props.unit, scale: true, ...axis, axisLabel: { ...axis.axisLabel, ...(props.decimals === 0 && number) } },
      { type: 'value', name: '°C', scale: true, show: outdoor, ...axis, axisLabel: { ...axis.axisLabel, ...number }, minInterval: 1, splitLine: { show: false } },
    ],
    series: [
      line('low', (step) => step.low, 'series-1', bare),
      line('band', width, 'series-1', { ...bare, areaStyle: { color: colour('series-1'), opacity: 0.18 } }),
      line('planLow', (step) => step.planLow, 'ink-2', { lineStyle: { width: 1, type: 'dashed' } }),
      line('planHigh', (step) => step.planHigh, 'ink-2', { lineStyle: { width: 1, type: 'dashed' } }),
      line('middle', (step) => step.middle, 'series-1', { lineStyle: { width: 2 } }),
      line('actual', (step) => step.actual, 'ink', {
        // Where what came ends, what is expected begins.
        markLine: last && {
          silent: true,
          symbol: 'none',
          label: { show: false },
          lineStyle: { color: colour('ink-3'), width: 1, type: 'solid', opacity: 0.5 },
          data: [{ xAxis: Date.parse(last.at) }],
        },
      }),
      line('outdoor', (step) => step.outdoor, 'series-3', { yAxisIndex: 1, lineStyle: { width: 1 } }),
    ],
  };
}

/** What came, what was expected with its band, the planned band, and the weather. */
export default function BandChart(props: BandChartProps) {
  const { t } = useTranslation();
  const { steps, middleName, height, testid, label } = props;
  const box = useChart(() => optionOf(props, t as TFunction), [steps, t]);
  const has = (of: keyof BandStep) => steps.some((step) => step[of] != null);
  return (
    <>
      <div ref={box} style={{ height }} data-testid={testid} role="img" aria-label={label} />
      <ul className="weather-key">
        {has('actual') && (
          <li>
            <i style={{ background: 'var(--ink)' }} />
            {t('forecast.actual')}
          </li>
        )}
        {has('middle') && (
          <li>
            <i style={{ background: 'var(--series-1)' }} />
            {middleName}
          </li>
        )}
        {has('low') && (
          <li>
            <i style={{ background: 'var(--series-1)', opacity: 0.3, height: 9 }} />
            {t('forecast.band')}
          </li>
        )}
        {has('planLow') && (
          <li>
            <i className="dashed-key" />
            {t('forecast.planBand')}
          </li>
        )}
        {has('outdoor') && (
          <li>
            <i style={{ background: 'var(--series-3)' }} />
            {t('forecast.outdoor')}
          </li>
        )}
      </ul>
    </>
  );
}
