import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { problemFix, problemText } from '../base/problem';
import type { Resource } from '../base/resource';

export function Bones({ height = 120 }: { height?: number }) {
  const { t } = useTranslation();
  return <div className="bones" style={{ height }} role="status" aria-label={t('loading')} />;
}

export function Problem({ error, onRetry }: { error: unknown; onRetry?: () => void }) {
  const { t } = useTranslation();
  const fix = problemFix(error);
  return (
    <div className="problem" role="alert" data-testid="problem">
      <div className="grow">
        <strong>{problemText(error)}</strong>
        {fix && <p className="muted small">{fix}</p>}
      </div>
      {onRetry && (
        <button type="button" className="btn tiny" onClick={onRetry}>
          {t('retry')}
        </button>
      )}
    </div>
  );
}

interface LoadedProps<T> {
  of: Resource<T>;
  height?: number;
  children: (data: T) => ReactNode;
}

/** Waiting, failed or there: every page says which. */
export function Loaded<T>({ of, height = 240, children }: LoadedProps<T>) {
  if (of.data !== undefined) {
    return (
      <>
        {of.error !== undefined && <Problem error={of.error} onRetry={of.reload} />}
        {children(of.data)}
      </>
    );
  }
  if (of.error !== undefined) return <Problem error={of.error} onRetry={of.reload} />;
  return <Bones height={height} />;
}
