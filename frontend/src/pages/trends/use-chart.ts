import type { EChartsCoreOption, EChartsType } from 'echarts/core';
import { type RefObject, useEffect, useRef } from 'react';
import { useStore } from '../../base/store';
import { themeChoice } from '../../base/theme';
import { language } from '../../i18n';
import { init } from './engine';

/** A chart in the box returned: as wide as its box, drawn anew when the data, theme or language change. */
export function useChart(draw: () => EChartsCoreOption, data: readonly unknown[]): RefObject<HTMLDivElement | null> {
  const box = useRef<HTMLDivElement>(null);
  const chart = useRef<EChartsType | null>(null);
  const theme = useStore(themeChoice);
  const lang = useStore(language);
  useEffect(() => {
    const made = init(box.current as HTMLDivElement);
    chart.current = made;
    const eye = new ResizeObserver(() => made.resize());
    eye.observe(box.current as HTMLDivElement);
    return () => {
      eye.disconnect();
      made.dispose();
      chart.current = null;
    };
  }, []);
  useEffect(() => {
    chart.current?.setOption(draw(), { notMerge: true });
  }, [...data, theme, lang]);
  return box;
}
