import { useTranslation } from 'react-i18next';
import { problemText } from '../base/problem';
import { Store, useStore } from '../base/store';
import { Icon } from './icon';

interface Toast {
  id: number;
  text: string;
  bad: boolean;
}

const toasts = new Store<Toast[]>([]);
let next = 1;

function drop(id: number): void {
  toasts.update((all) => all.filter((toast) => toast.id !== id));
}

export function say(text: string, bad = false): void {
  const id = next++;
  toasts.update((all) => [...all.slice(-3), { id, text, bad }]);
  window.setTimeout(() => drop(id), bad ? 9000 : 4000);
}

export function sayProblem(error: unknown): void {
  say(problemText(error), true);
}

export function Toasts() {
  const { t } = useTranslation();
  const all = useStore(toasts);
  return (
    <div className="toasts" role="status" aria-live="polite">
      {all.map((toast) => (
        <div key={toast.id} className={`toast${toast.bad ? ' bad' : ''}`} data-testid="toast">
          <span className="grow">{toast.text}</span>
          <button type="button" aria-label={t('close')} onClick={() => drop(toast.id)}>
            <Icon name="close" size={16} />
          </button>
        </div>
      ))}
    </div>
  );
}
