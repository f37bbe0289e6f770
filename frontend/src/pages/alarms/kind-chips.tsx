import { useTranslation } from 'react-i18next';
import type { AlarmView } from '../../api/views';
import { useKindName } from '../../parts/kind-name';

/** The process quantity an alarm is about, or the family of its rule. */
export function groupOf(alarm: AlarmView): string {
  return alarm.kind ?? alarm.rule.split('.')[0] ?? alarm.rule;
}

interface KindChipsProps {
  alarms: AlarmView[];
  chosen: string;
  onChoose: (kind: string) => void;
}

/** Alarms counted by process quantity; the counts add up to the list. */
export function KindChips({ alarms, chosen, onChoose }: KindChipsProps) {
  const { t } = useTranslation();
  const name = useKindName();
  const counts = new Map<string, number>();
  for (const alarm of alarms) {
    const kind = groupOf(alarm);
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }
  if (counts.size < 2 && !chosen) return null;
  const list = [...counts].sort((a, b) => b[1] - a[1]);
  return (
    <div className="chips" role="group" aria-label={t('alarm.byKind')}>
      <button type="button" className="tag chip" aria-pressed={chosen === ''} onClick={() => onChoose('')}>
        {t('alarm.every')} {alarms.length}
      </button>
      {list.map(([kind, count]) => (
        <button
          key={kind}
          type="button"
          className="tag chip"
          aria-pressed={chosen === kind}
          data-testid={`alarm-kind-${kind}`}
          onClick={() => onChoose(chosen === kind ? '' : kind)}
        >
          {name(kind)} {count}
        </button>
      ))}
    </div>
  );
}
