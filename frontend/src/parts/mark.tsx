import { useTranslation } from 'react-i18next';
import type { StationState } from '../api/views';

/** Priority told three ways at once: colour, shape, number (ISA-101). */
const SHAPES: Record<number, string> = {
  1: 'M2 2h16v16H2z',
  2: 'M10 .6 19.4 10 10 19.4.6 10z',
  3: 'M10 1.4 19.6 18.2H.4z',
  4: 'M10 1a9 9 0 1 1 0 18 9 9 0 0 1 0-18z',
};

export function shapeOf(priority: number): string {
  return SHAPES[priority] ?? (SHAPES[4] as string);
}

interface PriorityMarkProps {
  priority: number;
  flash?: boolean;
  /** Number inside; the priority unless told otherwise. */
  count?: number;
  size?: number;
  label?: string;
}

export function PriorityMark({ priority, flash, count, size = 20, label }: PriorityMarkProps) {
  const { t } = useTranslation();
  const at = Math.min(Math.max(Math.round(priority), 1), 4) as 1 | 2 | 3 | 4;
  const text = count === undefined ? String(at) : count > 99 ? '99' : String(count);
  return (
    <svg
      className={`mark${flash ? ' flash' : ''}`}
      width={size}
      height={size}
      viewBox="0 0 20 20"
      role="img"
      aria-label={label ?? t(`priority.${at}`)}
    >
      <path d={shapeOf(at)} fill={`var(--p${at})`} />
      <text
        x="10"
        y={at === 3 ? 16 : 14.4}
        fill={`var(--p${at}-ink)`}
        style={text.length > 1 ? { fontSize: 9.5 } : undefined}
      >
        {text}
      </text>
    </svg>
  );
}

/** A substation's state: quiet while normal, shape and number when not. */
export function StateMark({ state, count, size = 18 }: { state: StationState; count?: number; size?: number }) {
  const { t } = useTranslation();
  if ((state === 'alarm' || state === 'warning') && count === 0) {
    // None of them: the shape without its colour.
    return (
      <svg className="mark" width={size} height={size} viewBox="0 0 20 20" role="img" aria-label={t(`state.${state}`)}>
        <path d={shapeOf(state === 'alarm' ? 1 : 3)} fill="none" stroke="var(--pipe-2)" strokeWidth="1.6" />
      </svg>
    );
  }
  if (state === 'alarm' || state === 'warning') {
    return (
      <PriorityMark
        priority={state === 'alarm' ? 1 : 3}
        count={count ?? 0}
        size={size}
        label={t(`state.${state}`)}
      />
    );
  }
  return (
    <svg className="mark" width={size} height={size} viewBox="0 0 20 20" role="img" aria-label={t(`state.${state}`)}>
      {state === 'normal' ? (
        <circle cx="10" cy="10" r="5" fill="var(--pipe-2)" />
      ) : (
        <g fill="none" stroke="var(--ink-2)" strokeWidth="1.8" strokeLinecap="round">
          <circle cx="10" cy="10" r="8" strokeDasharray="3 3" />
          <path d="m7 7 6 6m0-6-6 6" />
        </g>
      )}
    </svg>
  );
}
