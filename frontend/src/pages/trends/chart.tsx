import type { EChartsType } from 'echarts/core';
import { useEffect, useRef } from 'react';
import type { Trends } from '../../api/views';
import { useStore } from '../../base/store';
import { themeChoice } from '../../base/theme';
import { language } from '../../i18n';
import { zoneShift } from './axis';
import { init } from './engine';
import { optionOf } from './option';

interface ChartProps {
  trends: Trends;
  height: number;
  small?: boolean;
  /** A change of it shows the whole range again. */
  range?: string;
  onZoom?: (start: number, end: number) => void;
  onCursor?: (at: number | null) => void;
}

/** Time-series lines; ECharts lives in this chunk alone. */
export default function Chart({ trends, height, small = false, range = '', onZoom, onCursor }: ChartProps) {
  const box = useRef<HTMLDivElement>(null);
  const chart = useRef<EChartsType | null>(null);
  const shown = useRef('');
  const shift = useRef(0);
  const tell = useRef({ onZoom, onCursor });
  tell.current = { onZoom, onCursor };
  const theme = useStore(themeChoice);
  const lang = useStore(language);

  useEffect(() => {
    const made = init(box.current as HTMLDivElement);
    chart.current = made;
    const eye = new ResizeObserver(() => made.resize());
    eye.observe(box.current as HTMLDivElement);
    let timer = 0;
    made.on('datazoom', () => {
      window.clearTimeout(timer);
      timer = window.setTimeout(() => {
        const option = made.getOption() as { dataZoom?: { startValue?: number; endValue?: number }[] };
        const zoom = option.dataZoom?.[0];
        if (zoom?.startValue === undefined || zoom.endValue === undefined) return;
        tell.current.onZoom?.(zoom.startValue - shift.current, zoom.endValue - shift.current);
      }, 350);
    });
    made.on('updateAxisPointer', (event) => {
      const info = (event as { axesInfo?: { value: number }[] }).axesInfo?.[0];
      tell.current.onCursor?.(info ? info.value - shift.current : null);
    });
    return () => {
      window.clearTimeout(timer);
      eye.disconnect();
      made.dispose();
      chart.current = null;
    };
  }, []);

  useEffect(() => {
    const made = chart.current;
    if (!made) return;
    const last = Math.max(0, ...trends.series.map((line) => line.at[line.at.length - 1] ?? 0));
    shift.current = zoneShift(last);
    const option = optionOf(trends, shift.current, small);
    const key = `${range} ${trends.series.map((line) => line.point).join()} ${theme} ${lang}`;
    const old = made.getOption() as { dataZoom?: { startValue?: number; endValue?: number }[] } | undefined;
    const zoom = key === shown.current ? old?.dataZoom?.[0] : undefined;
    made.setOption(option, { notMerge: true });
    if (zoom && !small) {
      made.dispatchAction({ type: 'dataZoom', startValue: zoom.startValue, endValue: zoom.endValue }, { silent: true });
    }
    shown.current = key;
  }, [trends, small, range, theme, lang]);

  return <div ref={box} style={{ height }} data-testid="chart" />;
}
