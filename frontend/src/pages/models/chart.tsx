import type { EChartsCoreOption } from 'echarts/core';
import type { TFunction } from 'i18next';
import { useTranslation } from 'react-i18next';
import type { ModelDay } from '../../api/model-views';
import { showNumber } from '../../base/format';
import { colour } from '../../base/theme';
import { useChart } from '../trends/use-chart';

const INKS = ['series-1', 'series-2', 'series-3', 'series-4'] as const;

const inkOf = (at: number) => INKS[at % INKS.length] ?? 'series-1';
const versionsOf = (days: ModelDay[]) => [...new Set(days.map((each) => each.version))].sort((a, b) => a - b);

function optionOf(days: ModelDay[], t: TFunction): EChartsCoreOption {
  const axis = {
    axisLine: { lineStyle: { color: colour('line-2') } },
    axisLabel: { color: colour('ink-2'), fontSize: 11 },
    splitLine: { lineStyle: { color: colour('line') } },
    nameTextStyle: { color: colour('ink-2'), fontSize: 11 },
  };
  const versions = versionsOf(days);
  // Days have no clock: the axis is told in their own dates, wherever the browser stands.
  const dates = [...new Set(days.map((each) => each.day))].sort();
  return {
    animation: false,
    grid: { left: 44, right: 16, top: 32, bottom: 28 },
    tooltip: {
      trigger: 'axis',
      backgroundColor: colour('panel'),
      borderColor: colour('line-2'),
      textStyle: { color: colour('ink'), fontSize: 12 },
      confine: true,
      valueFormatter: (value: unknown) => (typeof value === 'number' ? `${showNumber(value, 2)} K` : '–'),
    },
    xAxis: {
      type: 'category',
      data: dates,
      ...axis,
      axisLabel: { ...axis.axisLabel, hideOverlap: true, formatter: (day: string) => day.slice(5) },
    },
    yAxis: { type: 'value', name: 'K', min: 0, ...axis },
    series: versions.map((version, at) => ({
      name: t('models.versionN', { n: version }),
      type: 'line',
      data: days.filter((each) => each.version === version).map((each) => [each.day, each.mae_k]),
      color: colour(inkOf(at)),
      lineStyle: { width: 2 },
      symbolSize: 5,
      emphasis: { disabled: true },
    })),
  };
}

/** How far every version that takes part was off, day by day. */
export default function ErrorChart({ days, height }: { days: ModelDay[]; height: number }) {
  const { t } = useTranslation();
  const box = useChart(() => optionOf(days, t as TFunction), [days, t]);
  return (
    <>
      <div ref={box} style={{ height }} data-testid="model-chart" role="img" aria-label={t('models.errors')} />
      <ul className="weather-key">
        {versionsOf(days).map((version, at) => (
          <li key={version}>
            <i style={{ background: `var(--${inkOf(at)})` }} />
            {t('models.versionN', { n: version })}
          </li>
        ))}
      </ul>
    </>
  );
}
