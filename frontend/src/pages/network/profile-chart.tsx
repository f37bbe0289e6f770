import type { EChartsCoreOption } from 'echarts/core';
import type { TFunction } from 'i18next';
import { useTranslation } from 'react-i18next';
import type { PressureProfile } from '../../api/network-views';
import { showNumber } from '../../base/format';
import { colour } from '../../base/theme';
import { named } from '../../i18n';
import { useChart } from '../trends/use-chart';
import { showValue } from './paint';

type Point = PressureProfile['points'][number];

interface LineKind {
  name: 'supply' | 'return' | 'static' | 'ground' | 'boil' | 'limit';
  colour: string;
  dash?: 'dashed' | 'dotted';
  head: (point: Point, profile: PressureProfile) => number | null;
}

const LINES: LineKind[] = [
  { name: 'supply', colour: 'p1', head: (point) => point.supply_head_m },
  { name: 'return', colour: 'series-1', head: (point) => point.return_head_m },
  { name: 'static', colour: 'ink-3', dash: 'dashed', head: (_, profile) => profile.static_head_m },
  { name: 'limit', colour: 'p2', dash: 'dotted', head: (point) => point.limit_head_m },
  { name: 'boil', colour: 'p4', dash: 'dotted', head: (point) => point.boil_head_m },
  { name: 'ground', colour: 'series-5', head: (point) => point.elevation_m },
];

function escape(text: string): string {
  return text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
}

function tooltip(point: Point, t: TFunction): string {
  const row = (name: string, value: string) =>
    `<div style="display:flex;gap:12px;justify-content:space-between"><span>${escape(name)}</span><b>${value}</b></div>`;
  return [
    `<b>${escape(named(point))}</b> <small>${escape(point.code)}</small>`,
    row(t('network.distance'), showValue(point.distance_m, 'm', 0)),
    row(t('network.line.supply'), `${showValue(point.supply_kpa, 'kPa', 0)} · ${showValue(point.supply_head_m, 'm')}`),
    row(t('network.line.return'), `${showValue(point.return_kpa, 'kPa', 0)} · ${showValue(point.return_head_m, 'm')}`),
    row(t('network.line.ground'), showValue(point.elevation_m, 'm')),
  ].join('');
}

function optionOf(profile: PressureProfile, t: TFunction): EChartsCoreOption {
  const axis = {
    axisLine: { lineStyle: { color: colour('line-2') } },
    axisLabel: { color: colour('ink-2'), fontSize: 11 },
    splitLine: { lineStyle: { color: colour('line') } },
    nameTextStyle: { color: colour('ink-2'), fontSize: 11 },
  };
  const last = profile.points[profile.points.length - 1]?.distance_m ?? 0;
  return {
    animation: false,
    grid: { left: 44, right: 14, top: 24, bottom: 28 },
    tooltip: {
      trigger: 'axis',
      backgroundColor: colour('panel'),
      borderColor: colour('line-2'),
      textStyle: { color: colour('ink'), fontSize: 12 },
      confine: true,
      formatter: (rows: { dataIndex: number }[]) => {
        const point = profile.points[rows[0]?.dataIndex ?? 0];
        return point ? tooltip(point, t) : '';
      },
    },
    xAxis: {
      type: 'value',
      min: 0,
      max: last,
      ...axis,
      axisLabel: {
        ...axis.axisLabel,
        hideOverlap: true,
        formatter: (value: number) => (last > 2000 ? `${showNumber(value / 1000, 1)} km` : `${showNumber(value, 0)} m`),
      },
      splitLine: { show: false },
    },
    yAxis: { type: 'value', name: 'mH₂O', scale: false, ...axis },
    series: LINES.map((line) => ({
      name: line.name,
      type: 'line',
      data: profile.points.map((point) => [point.distance_m, line.head(point, profile)]),
      color: colour(line.colour),
      lineStyle: { width: line.dash ? 1.4 : 2.2, type: line.dash ?? 'solid' },
      showSymbol: line.name === 'supply' || line.name === 'return',
      symbolSize: 5,
      areaStyle: line.name === 'ground' ? { color: colour('series-5'), opacity: 0.18, origin: 'start' } : undefined,
      emphasis: { disabled: true },
    })),
  };
}

/** The pressure profile as lines over distance; ECharts comes with the chunk the trends use. */
export default function ProfileChart({ profile, height }: { profile: PressureProfile; height: number }) {
  const { t } = useTranslation();
  const box = useChart(() => optionOf(profile, t as TFunction), [profile, t]);
  const end = profile.points[profile.points.length - 1];
  return (
    <>
      <div ref={box} style={{ height }} data-testid="profile-chart" role="img" aria-label={t('network.profile')} />
      <ul className="net-key">
        {LINES.map((line) => (
          <li key={line.name}>
            <i
              style={{
                borderTop: `${line.dash ? 2 : 3}px ${line.dash ?? 'solid'} var(--${line.colour})`,
              }}
            />
            {t(`network.line.${line.name}`)}
          </li>
        ))}
      </ul>
      {end && (
        <p className="small muted" data-testid="profile-end">
          {t('network.profileEnd', {
            length: showValue(profile.length_m, 'm', 0),
            supply: showValue(end.supply_kpa, 'kPa', 0),
            back: showValue(end.return_kpa, 'kPa', 0),
          })}
        </p>
      )}
    </>
  );
}
