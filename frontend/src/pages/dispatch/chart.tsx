import type { EChartsCoreOption } from 'echarts/core';
import type { TFunction } from 'i18next';
import { useTranslation } from 'react-i18next';
import type { DispatchPlan } from '../../api/dispatch-views';
import { showNumber } from '../../base/format';
import { colour } from '../../base/theme';
import { showTime } from '../../base/time';
import { named } from '../../i18n';
import { useChart } from '../trends/use-chart';

const escape = (text: string) => text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);

/** Whether storage or the price of electricity plays a part. */
const hasLower = (plan: DispatchPlan) =>
  plan.storages.length > 0 || plan.units.some((unit) => unit.power_kw.some((kw) => kw !== 0));

const SHADES = 8;
const shade = (at: number) => `series-${(at % SHADES) + 1}`;

function optionOf(plan: DispatchPlan, t: TFunction): EChartsCoreOption {
  const start = Date.parse(plan.plan.start);
  const at = (step: number) => start + step * plan.step_s * 1000;
  const text = { color: colour('ink-2'), fontSize: 11 };
  const axis = {
    axisLine: { lineStyle: { color: colour('line-2') } },
    axisLabel: text,
    splitLine: { lineStyle: { color: colour('line') } },
    nameTextStyle: text,
  };
  const points = (values: number[], scale: number) => values.map((value, step) => [at(step), value / scale]);
  const series = (name: string, data: number[][], ink: string, more: object) => ({
    name,
    type: 'line',
    step: 'end',
    data,
    color: colour(ink),
    showSymbol: false,
    emphasis: { disabled: true },
    lineStyle: { width: 1.5 },
    ...more,
  });
  const stacked = { stack: 'heat', areaStyle: { opacity: 0.45 }, lineStyle: { width: 0 } };
  // In the order of the series below.
  const units = [
    ...plan.units.map(() => 'MW'),
    ...plan.storages.map(() => 'MW'),
    'MW',
    ...plan.storages.map(() => 'MWh'),
    t('dispatch.priceUnit'),
  ];
  const out = plan.storages.map((tank) => tank.charge_kw.map((kw) => Math.max(-kw, 0)));
  const below = { xAxisIndex: 1, yAxisIndex: 1 };
  const lower = hasLower(plan);
  const number = { ...text, formatter: (value: number) => showNumber(value, Math.abs(value) < 10 && value % 1 !== 0 ? 1 : 0) };
  const right = plan.storages.length > 0 ? 'right' : 'left';
  return {
    animation: false,
    grid: [
      { left: 52, right: 56, top: 28, ...(lower ? { height: '55%' } : { bottom: 28 }) },
      ...(lower ? [{ left: 52, right: 56, bottom: 28, height: '22%' }] : []),
    ],
    tooltip: {
      trigger: 'axis',
      confine: true,
      backgroundColor: colour('panel'),
      borderColor: colour('line-2'),
      textStyle: { color: colour('ink'), fontSize: 12 },
      formatter: (rows: { seriesName: string; seriesIndex: number; value: [number, number]; marker: string }[]) => {
        const row = ({ seriesName, seriesIndex, value, marker }: (typeof rows)[number]) =>
          `<div style="display:flex;gap:12px;justify-content:space-between"><span>${marker}${escape(seriesName)}</span><b>${showNumber(value[1], 2)} ${escape(units[seriesIndex] ?? '')}</b></div>`;
        return `<b>${showTime(rows[0]?.value[0] ?? null, 'minute')}</b>${rows.map(row).join('')}`;
      },
    },
    axisPointer: { link: [{ xAxisIndex: 'all' }] },
    xAxis: (lower ? [0, 1] : [0]).map((index) => ({
      type: 'time',
      gridIndex: index,
      ...axis,
      axisLabel: { ...text, show: index === 1 || !lower, hideOverlap: true, formatter: (when: number) => showTime(when, 'minute') },
      splitLine: { show: false },
    })),
    yAxis: [
      { type: 'value', name: 'MW', gridIndex: 0, ...axis, axisLabel: number },
      ...(lower
        ? [
            { type: 'value', name: 'MWh', gridIndex: 1, min: 0, show: plan.storages.length > 0, splitNumber: 2, ...axis, axisLabel: number },
            { type: 'value', name: t('dispatch.priceUnit'), gridIndex: 1, position: right, splitNumber: 2, ...axis, splitLine: { show: false } },
          ]
        : []),
    ],
    series: [
      ...plan.units.map((unit, k) => series(named(unit), points(unit.heat_kw, 1000), shade(k), stacked)),
      ...plan.storages.map((tank, k) =>
        series(t('dispatch.discharge', { name: named(tank) }), points(out[k] ?? [], 1000), shade(plan.units.length + k), stacked),
      ),
      series(t('dispatch.demand'), points(plan.demand_kw, 1000), 'ink', { lineStyle: { width: 2, type: 'dashed' } }),
      ...plan.storages.map((tank, k) =>
        series(t('dispatch.level', { name: named(tank) }), points(tank.level_kwh, 1000), shade(plan.units.length + k), {
          ...below,
          areaStyle: { opacity: 0.2 },
        }),
      ),
      ...(lower ? [series(t('dispatch.price'), points(plan.sell_yuan_kwh, 1), 'p3', { xAxisIndex: 1, yAxisIndex: 2 })] : []),
    ],
  };
}

/** Heat of every unit stacked up to the demand; below it storage and the price of electricity. */
export default function DispatchChart({ plan }: { plan: DispatchPlan }) {
  const { t } = useTranslation();
  const height = hasLower(plan) ? 440 : 320;
  const box = useChart(() => optionOf(plan, t as TFunction), [plan, t]);
  const key = [
    ...plan.units.map((unit, k) => ({ name: named(unit), code: unit.code, ink: shade(k) })),
    ...plan.storages.map((tank, k) => ({ name: named(tank), code: tank.code, ink: shade(plan.units.length + k) })),
    { name: t('dispatch.demand'), code: 'demand', ink: 'ink' },
    ...(hasLower(plan) ? [{ name: t('dispatch.price'), code: 'price', ink: 'p3' }] : []),
  ];
  return (
    <>
      <div ref={box} style={{ height }} data-testid="dispatch-chart" role="img" aria-label={t('dispatch.chart')} />
      <ul className="weather-key">
        {key.map((each) => (
          <li key={each.code}>
            <i style={{ background: `var(--${each.ink})` }} />
            {each.name} {/^[A-Z]/.test(each.code) && <span className="code">{each.code}</span>}
          </li>
        ))}
      </ul>
    </>
  );
}
