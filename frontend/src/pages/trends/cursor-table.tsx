import { useTranslation } from 'react-i18next';
import type { TrendSeries } from '../../api/views';
import { showNumber, showUnit } from '../../base/format';
import { showTime } from '../../base/time';
import { named } from '../../i18n';
import { Icon } from '../../parts/icon';
import { QUALITY_SIGN, qualityCode } from '../../parts/value';
import { nearest } from './merge';
import { seriesColour } from './option';

function extremes(line: TrendSeries, start: number, end: number): { low: number | null; high: number | null } {
  let low: number | null = null;
  let high: number | null = null;
  line.at.forEach((at, row) => {
    if (at < start || at > end) return;
    const from = line.low[row] ?? line.value[row] ?? null;
    const to = line.high[row] ?? line.value[row] ?? null;
    if (from !== null) low = low === null ? from : Math.min(low, from);
    if (to !== null) high = high === null ? to : Math.max(high, to);
  });
  return { low, high };
}

interface CursorTableProps {
  series: TrendSeries[];
  at: number | null;
  start: number;
  end: number;
  onDrop: (code: string) => void;
}

/** Every line's value at the cursor, or its last one, and its extremes in the window. */
export function CursorTable({ series, at, start, end, onDrop }: CursorTableProps) {
  const { t } = useTranslation();
  return (
    <div className="table-wrap">
      <table className="grid-table" data-testid="cursor-table">
        <caption className="hidden-label">{t('trends.values')}</caption>
        <thead>
          <tr>
            <th scope="col">{t('points.name')}</th>
            <th scope="col" className="num">
              {at === null ? t('trends.last') : showTime(at, 'full')}
            </th>
            <th scope="col" className="num hide-phone">
              {t('trends.low')}
            </th>
            <th scope="col" className="num hide-phone">
              {t('trends.high')}
            </th>
            <th scope="col">
              <span className="hidden-label">{t('trends.drop')}</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {series.map((line, n) => {
            const row = at === null ? line.at.length - 1 : nearest(line.at, at);
            const quality = row < 0 ? 3 : qualityCode(line.quality[row]);
            const { low, high } = extremes(line, start, end);
            return (
              <tr key={line.point}>
                <td>
                  <i className="series-key" style={{ background: seriesColour(n) }} />
                  {named(line)} <span className="code">{line.point}</span>
                </td>
                <td className="num">
                  <span
                    className={`v q${quality}`}
                    title={t(`quality.${quality}`)}
                    data-testid={`cursor-${line.point}`}
                    data-value={line.value[row] ?? ''}
                  >
                    <b>{showNumber(line.value[row], 2)}</b>
                    <small>{showUnit(line.unit)}</small>
                    {QUALITY_SIGN[quality] && <span className="q">{QUALITY_SIGN[quality]}</span>}
                  </span>
                </td>
                <td className="num muted hide-phone">{showNumber(low, 2)}</td>
                <td className="num muted hide-phone">{showNumber(high, 2)}</td>
                <td className="num">
                  <button
                    type="button"
                    className="btn plain tiny"
                    aria-label={`${t('trends.drop')} ${line.point}`}
                    onClick={() => onDrop(line.point)}
                  >
                    <Icon name="close" size={14} />
                  </button>
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}
