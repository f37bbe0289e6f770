import { BarChart } from 'echarts/charts';
import { MarkLineComponent } from 'echarts/components';
import { type EChartsCoreOption, use } from 'echarts/core';
import i18n from 'i18next';
import { useTranslation } from 'react-i18next';
import type { LinkHistory } from '../../api/link-views';
import { showNumber } from '../../base/format';
import { colour } from '../../base/theme';
import { showTime } from '../../base/time';
import { TIME_LABELS, zoneShift } from '../trends/axis';
import { useChart } from '../trends/use-chart';
import { showShare } from './marks';

use([BarChart, MarkLineComponent]);

const HOUR_MS = 3_600_000;

function tooltip(at: number, history: LinkHistory): string {
  const step = history.steps.find((each) => Date.parse(each.at) === at);
  const row = (name: string, value: string) =>
    `<div style="display:flex;gap:16px;justify-content:space-between"><span>${name}</span><b>${value}</b></div>`;
  const when = showTime(at, history.by === 'day' ? 'day' : 'minute');
  if (!step) return `<div>${when}</div>`;
  return [
    `<div>${when}</div>`,
    row(i18n.t('links.success'), step.success_pct === null ? '–' : `${showShare(step.success_pct)} %`),
    row(i18n.t('links.asked'), showNumber(step.asked, 0)),
    row(i18n.t('links.answered'), showNumber(step.answered, 0)),
  ].join('');
}

function optionOf(history: LinkHistory, narrow: boolean): EChartsCoreOption {
  const ink = colour('ink-3');
  const shift = zoneShift(Date.parse(history.end));
  const step = history.by === 'day' ? 24 * HOUR_MS : HOUR_MS;
  const rates = history.steps.map((each) => each.success_pct).filter((rate): rate is number => rate !== null);
  const rule = history.success_rule_pct;
  // The rule stands clear of the floor, and a whole hour lost does not flatten all the others.
  const low = Math.max(0, Math.min(rule - 1.5, Math.floor(Math.min(...rates, 100) - 0.5)));
  const lost = history.steps.map((each) => Math.max(each.asked - each.answered, 0));
  const axis = {
    axisLine: { lineStyle: { color: colour('line-2') } },
    axisLabel: { color: ink, fontSize: 11, hideOverlap: true },
    nameTextStyle: { color: ink, fontSize: 11 },
  };
  return {
    useUTC: true,
    animation: false,
    textStyle: { fontFamily: 'inherit' },
    grid: { left: 46, right: narrow ? 12 : 52, top: 28, bottom: 26 },
    tooltip: {
      trigger: 'axis',
      confine: true,
      backgroundColor: colour('panel'),
      borderColor: colour('line-2'),
      textStyle: { color: colour('ink'), fontSize: 12 },
      axisPointer: { type: 'line', lineStyle: { color: ink } },
      formatter: (rows: { value: [number, number] }[]) => {
        const at = rows[0]?.value[0];
        return at === undefined ? '' : tooltip(at - shift - step / 2, history);
      },
    },
    xAxis: {
      type: 'time',
      min: Date.parse(history.start) + shift,
      max: Date.parse(history.end) + shift,
      ...axis,
      axisLabel: { ...axis.axisLabel, formatter: TIME_LABELS },
      splitLine: { show: false },
    },
    yAxis: [
      {
        type: 'value',
        name: '%',
        min: low,
        max: 100,
        ...axis,
        splitLine: { lineStyle: { color: colour('line') } },
      },
      {
        type: 'value',
        show: !narrow,
        name: i18n.t('links.lost'),
        min: 0,
        max: Math.max(10, ...lost) * 3,
        ...axis,
        splitNumber: 3,
        splitLine: { show: false },
      },
    ],
    series: [
      {
        type: 'bar',
        yAxisIndex: 1,
        barMaxWidth: 14,
        itemStyle: { color: colour('pipe-2'), opacity: 0.55 },
        data: history.steps.map((each, n) => [Date.parse(each.at) + shift + step / 2, lost[n] ?? 0]),
        emphasis: { disabled: true },
      },
      {
        type: 'line',
        color: colour('series-1'),
        lineStyle: { width: 2 },
        symbol: (value: [number, number]) => (value[1] < rule ? 'triangle' : 'circle'),
        symbolSize: (value: [number, number]) => (value[1] < rule ? 11 : 4),
        showAllSymbol: true,
        data: history.steps.map((each) => ({
          value: [Date.parse(each.at) + shift + step / 2, each.success_pct],
          itemStyle:
            each.success_pct !== null && each.success_pct < rule
              ? { color: colour('p3'), borderColor: colour('ink-2'), borderWidth: 1 }
              : { color: colour('series-1') },
        })),
        markLine: {
          silent: true,
          symbol: 'none',
          lineStyle: { color: colour('ink-2'), type: 'dashed', width: 1.2 },
          label: {
            formatter: i18n.t('links.rule', { rule }),
            position: 'insideStartTop',
            color: colour('ink-2'),
            fontSize: 11,
          },
          data: [{ yAxis: rule }],
        },
        emphasis: { disabled: true },
      },
    ],
  };
}

/** Success over time against its rule, and what was lost; ECharts comes with the trends' chunk. */
export default function TrendChart({ history, height, narrow }: { history: LinkHistory; height: number; narrow: boolean }) {
  const { t } = useTranslation();
  const box = useChart(() => optionOf(history, narrow), [history, narrow]);
  return <div ref={box} style={{ height }} role="img" aria-label={t('links.trend')} data-testid="links-chart" />;
}
