import { useEffect } from 'react';
import { useTranslation } from 'react-i18next';
import type { CommandStateName, CommandView } from '../api/views';
import { useStore } from '../base/store';
import { showTime } from '../base/time';
import { commands, follow, isOver } from '../live/commands';

const STEPS: readonly CommandStateName[] = ['queued', 'sent', 'acknowledged', 'verified'];

/** A reason (`code: facts`) in words where it is known; the platform's own words where not. */
export function useReason(): (reason: string | null | undefined) => string {
  const { t, i18n } = useTranslation();
  return (reason) => {
    if (!reason) return '';
    const read = /^(read back|not verified, reads) (.+)$/.exec(reason);
    if (read) return t(read[1] === 'read back' ? 'reason.read_back' : 'reason.not_verified', { value: read[2] });
    const [code = '', ...facts] = reason.split(':');
    const key = `reason.${code.trim().replaceAll(' ', '_')}`;
    if (!i18n.exists(key)) return reason;
    return [t(key as 'reason.refused'), facts.join(':').trim()].filter(Boolean).join(' · ');
  };
}

export function useCommand(id: string): CommandView | undefined {
  return useStore(commands).get(id);
}

/** Follow a command to its end while it is on the screen. */
export function useFollowed(id: string | null): void {
  useEffect(() => {
    if (!id) return undefined;
    let gone = false;
    void follow(id, () => gone).catch(() => undefined);
    return () => {
      gone = true;
    };
  }, [id]);
}

export function CommandStateTag({ command, testid }: { command: CommandView; testid?: string }) {
  const { t } = useTranslation();
  const bad = command.state === 'failed' || command.state === 'expired';
  return (
    <span
      className={`tag cstate${bad ? ' bad' : ''}${command.state === 'verified' ? ' strong' : ''}`}
      data-testid={testid}
      data-state={command.state}
    >
      {bad ? '✕ ' : command.state === 'verified' ? '✓ ' : ''}
      {t(`command.${command.state}`)}
    </span>
  );
}

/** The steps a command has taken, when, and why it ended where it did. */
export function CommandLife({ command }: { command: CommandView }) {
  const { t } = useTranslation();
  const reason = useReason();
  const reached = new Map(command.events.map((event) => [event.state, event]));
  const bad = command.state === 'failed' || command.state === 'expired' ? command.state : null;
  const steps = bad ? [...STEPS.filter((step) => step !== 'verified' && reached.has(step)), bad] : STEPS;
  const last = command.events[command.events.length - 1];
  return (
    <div className="life-box">
      <ol className="life">
        {steps.map((step) => {
          const event = reached.get(step);
          const done = event !== undefined || step === command.state;
          return (
            <li key={step} className={`${done ? 'done' : ''}${step === bad ? ' bad' : ''}`}>
              <i aria-hidden="true">{step === bad ? '✕' : done ? '✓' : ''}</i>
              <span>{t(`command.${step}`)}</span>
              <time>{event ? showTime(event.at, 'clock') : ' '}</time>
            </li>
          );
        })}
      </ol>
      {last?.reason && (bad || isOver(command)) && <p className="small muted">{reason(last.reason)}</p>}
      {!isOver(command) && (
        <p className="small faint">{t('command.expiresAt', { time: showTime(command.expires, 'clock') })}</p>
      )}
    </div>
  );
}
