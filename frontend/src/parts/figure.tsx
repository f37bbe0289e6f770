import type { ReactNode } from 'react';

interface FigureProps {
  label: string;
  children: ReactNode;
  raised?: boolean;
  testid?: string;
}

/** One figure of a row of figures: what it is, and how much. */
export function Figure({ label, children, raised, testid }: FigureProps) {
  return (
    <div data-testid={testid}>
      <dt>{label}</dt>
      <dd className={raised ? 'raised' : undefined}>{children}</dd>
    </div>
  );
}
