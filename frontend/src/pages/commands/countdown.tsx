import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';

/** Seconds left until an instant of the machine's clock, or 0. */
export function useSecondsLeft(until: string | null | undefined): number {
  const end = until ? Date.parse(until) : 0;
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    if (!end) return undefined;
    const timer = window.setInterval(() => setNow(Date.now()), 500);
    return () => window.clearInterval(timer);
  }, [end]);
  return Math.max(0, Math.ceil((end - now) / 1000));
}

export function Countdown({ left }: { left: number }) {
  const { t } = useTranslation();
  const minutes = Math.floor(left / 60);
  const text = `${minutes}:${String(left % 60).padStart(2, '0')}`;
  return (
    <span className={`tag${left === 0 ? ' bad' : ''}`} role="timer" data-testid="countdown">
      {left === 0 ? t('door.over') : t('door.left', { time: text })}
    </span>
  );
}
