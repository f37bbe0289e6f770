import { useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { PointView } from '../api/views';
import { showNumber, showUnit } from '../base/format';
import { showTime } from '../base/time';
import { useValue } from '../live/values';

/** Symbols beside values that are not plainly good. */
export const QUALITY_SIGN = ['', '?', '✕', '…', '≈'] as const;

export type QualityCode = 0 | 1 | 2 | 3 | 4;

const NAMES = ['good', 'uncertain', 'bad', 'stale', 'estimated'];

/** Code of a quality; what is not known is as good as stale. */
export function qualityCode(quality: number | string | null | undefined): QualityCode {
  const code = typeof quality === 'string' ? NAMES.indexOf(quality) : (quality ?? 3);
  return code < 0 || code > 4 ? 3 : (code as QualityCode);
}

/** The value of a point now: what the stream said last, else what the page was given. */
export function usePoint(point: PointView): { value: number | null; quality: QualityCode; at: number | string | null } {
  const live = useValue(point.key);
  const given = point.at === null ? 0 : Date.parse(point.at);
  if (live && live.at >= given) return { value: live.value, quality: qualityCode(live.quality), at: live.at };
  return { value: point.value, quality: qualityCode(point.quality), at: point.at };
}

/** Words for values that are codes, such as pump states. */
export function useWord(kind: string): (value: number | null) => string | null {
  const { t, i18n } = useTranslation();
  return (value) => {
    const key = `word.${kind}.${value}`;
    return value !== null && i18n.exists(key) ? t(key as 'word.station_mode.0') : null;
  };
}

/** True for a moment after `value` changed; not when it was first shown. */
export function useChanged(value: unknown): boolean {
  const last = useRef(value);
  const [changed, setChanged] = useState(false);
  useEffect(() => {
    if (Object.is(last.current, value)) return undefined;
    last.current = value;
    setChanged(true);
    const timer = window.setTimeout(() => setChanged(false), 1400);
    return () => window.clearTimeout(timer);
  }, [value]);
  return changed;
}

export function LiveValue({ point, testid }: { point: PointView; testid?: string }) {
  const { t } = useTranslation();
  const { value, quality, at } = usePoint(point);
  const word = useWord(point.kind)(value);
  const changed = useChanged(value);
  const sign = QUALITY_SIGN[quality];
  return (
    <span
      className={`v q${quality}${changed ? ' changed' : ''}`}
      data-testid={testid}
      data-value={value ?? ''}
      data-quality={quality}
      title={`${point.code}\n${t(`quality.${quality}`)} · ${showTime(at, 'full')}`}
    >
      <b>{word ?? showNumber(value, point.decimals)}</b>
      {word === null && <small>{showUnit(point.unit)}</small>}
      {sign && (
        <span className="q" aria-label={t(`quality.${quality}`)}>
          {sign}
        </span>
      )}
    </span>
  );
}
