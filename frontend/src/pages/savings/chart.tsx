import type { EChartsCoreOption } from 'echarts/core';
import type { TFunction } from 'i18next';
import { useTranslation } from 'react-i18next';
import type { SavingsDay } from '../../api/savings-views';
import { showNumber } from '../../base/format';
import { colour } from '../../base/theme';
import { useChart } from '../trends/use-chart';

const escape = (text: string) => text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);

function tooltip(day: SavingsDay, t: TFunction): string {
  const row = (name: string, value: string) =>
    `<div style="display:flex;gap:12px;justify-content:space-between"><span>${escape(name)}</span><b>${value}</b></div>`;
  const money = (yuan: number | null) => `${showNumber(yuan, 0)} ${t('savings.yuan')}`;
  const rows = [`<b>${escape(day.day)}</b> ${escape(t(`savings.mode.${day.mode as 'curve'}`))}`, row(t('savings.cost'), money(day.cost_yuan))];
  if (day.saving_yuan !== null && day.saving_yuan !== undefined) {
    rows.push(
      row(t('savings.expected'), money(day.expected_yuan)),
      row(t('savings.saving'), money(day.saving_yuan)),
      row(t('savings.total'), `${money(day.total_yuan)} (${showNumber(day.total_low_yuan, 0)} … ${showNumber(day.total_high_yuan, 0)})`),
    );
  }
  return rows.join('');
}

function optionOf(days: SavingsDay[], t: TFunction): EChartsCoreOption {
  const axis = {
    axisLine: { lineStyle: { color: colour('line-2') } },
    axisLabel: { color: colour('ink-2'), fontSize: 11 },
    splitLine: { lineStyle: { color: colour('line') } },
    nameTextStyle: { color: colour('ink-2'), fontSize: 11 },
  };
  // Days have no clock: the axis is told in their own dates, wherever the browser stands.
  const at = (day: SavingsDay) => day.day;
  const number = { ...axis.axisLabel, formatter: (value: number) => showNumber(value, 0) };
  const judged = days.filter((day) => day.saving_yuan !== null && day.saving_yuan !== undefined);
  const line = { type: 'line', showSymbol: false, emphasis: { disabled: true }, yAxisIndex: 1 };
  return {
    animation: false,
    grid: { left: 56, right: 64, top: 28, bottom: 28 },
    tooltip: {
      trigger: 'axis',
      backgroundColor: colour('panel'),
      borderColor: colour('line-2'),
      textStyle: { color: colour('ink'), fontSize: 12 },
      confine: true,
      formatter: (rows: { dataIndex: number }[]) => {
        const day = judged[rows[0]?.dataIndex ?? 0];
        return day ? tooltip(day, t) : '';
      },
    },
    xAxis: {
      type: 'category',
      data: judged.map(at),
      ...axis,
      axisLabel: { ...axis.axisLabel, hideOverlap: true, formatter: (day: string) => day.slice(5) },
      splitLine: { show: false },
    },
    yAxis: [
      { type: 'value', name: t('savings.yuanDay'), ...axis, axisLabel: number },
      { type: 'value', name: t('savings.yuan'), ...axis, axisLabel: number, splitLine: { show: false } },
    ],
    series: [
      {
        name: t('savings.saving'),
        type: 'bar',
        barMaxWidth: 10,
        color: colour('series-1'),
        data: judged.map((day) => [at(day), day.saving_yuan]),
      },
      // The band stands on its lower end.
      { ...line, name: t('savings.low'), stack: 'band', stackStrategy: 'all', lineStyle: { opacity: 0 }, data: judged.map((day) => [at(day), day.total_low_yuan]) },
      {
        ...line,
        name: t('savings.band'),
        stack: 'band',
        stackStrategy: 'all',
        lineStyle: { opacity: 0 },
        color: colour('series-2'),
        areaStyle: { opacity: 0.2 },
        data: judged.map((day) => [at(day), (day.total_high_yuan ?? 0) - (day.total_low_yuan ?? 0)]),
      },
      { ...line, name: t('savings.total'), color: colour('series-2'), lineStyle: { width: 2 }, data: judged.map((day) => [at(day), day.total_yuan]) },
    ],
  };
}

/** Savings of each day, and all of them together with their interval. */
export default function SavingsChart({ days, height }: { days: SavingsDay[]; height: number }) {
  const { t } = useTranslation();
  const box = useChart(() => optionOf(days, t as TFunction), [days, t]);
  return (
    <>
      <div ref={box} style={{ height }} data-testid="savings-chart" role="img" aria-label={t('savings.total')} />
      <ul className="weather-key">
        <li>
          <i style={{ background: 'var(--series-1)', height: 9 }} />
          {t('savings.savingDay')}
        </li>
        <li>
          <i style={{ background: 'var(--series-2)' }} />
          {t('savings.totalRight')}
        </li>
        <li>
          <i style={{ background: 'var(--series-2)', opacity: 0.3, height: 9 }} />
          {t('savings.band')}
        </li>
      </ul>
    </>
  );
}
