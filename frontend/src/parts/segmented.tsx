import type { KeyboardEvent, ReactNode } from 'react';

export interface Choice<T extends string> {
  value: T;
  label: ReactNode;
  disabled?: boolean;
}

interface SegmentedProps<T extends string> {
  label: string;
  value: T | null;
  choices: readonly Choice<T>[];
  onChoose: (value: T) => void;
  disabled?: boolean;
  testid?: string;
}

/** One of a few; arrow keys move, as in any group of radio buttons. */
export function Segmented<T extends string>(props: SegmentedProps<T>) {
  const { label, value, choices, onChoose, disabled, testid } = props;
  function move(event: KeyboardEvent<HTMLDivElement>) {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const buttons = [...event.currentTarget.querySelectorAll('button:not(:disabled)')] as HTMLElement[];
    const at = buttons.indexOf(document.activeElement as HTMLElement);
    buttons[(at + step + buttons.length) % buttons.length]?.focus();
  }
  const reachable = choices.some((choice) => choice.value === value) ? value : choices[0]?.value;
  return (
    <div className="seg" role="radiogroup" aria-label={label} data-testid={testid} onKeyDown={move}>
      {choices.map((choice) => (
        <button
          key={choice.value}
          type="button"
          role="radio"
          aria-checked={choice.value === value}
          tabIndex={choice.value === reachable ? 0 : -1}
          disabled={disabled || choice.disabled}
          data-testid={testid && `${testid}-${choice.value}`}
          onClick={() => choice.value !== value && onChoose(choice.value)}
        >
          {choice.label}
        </button>
      ))}
    </div>
  );
}
