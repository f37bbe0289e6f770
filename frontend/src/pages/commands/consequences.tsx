import { useTranslation } from 'react-i18next';
import type { DoorStep, PhysicsView, ProposalView } from '../../api/command-views';
import { showNumber } from '../../base/format';
import { showTime } from '../../base/time';
import { language, named } from '../../i18n';
import { useKindName } from '../../parts/kind-name';
import { usePointValue } from '../../parts/point-words';

function Effect({ point }: { point: ProposalView['points'][number] }) {
  const kind = useKindName();
  const show = usePointValue(point.point);
  return (
    <li>
      <b>{kind(point.point.split('.')[1] ?? point.point)}</b> <span className="code">{point.point}</span>
      <div>
        {point.before === null ? '–' : show(point.before)} → <b>{show(point.value)}</b>
      </div>
      <div className="small muted">{language.get() === 'zh' ? point.effect_zh : point.effect_en}</div>
    </li>
  );
}

/** What the twin says, in one sentence, and who would be hurt. */
export function Physics({ physics }: { physics: PhysicsView }) {
  const { t } = useTranslation();
  if (physics.state === 'not_needed') return null;
  const why = physics.why ? t(`door.why.${physics.why as 'no_answer'}`) : '';
  return (
    <div className="door-physics" data-testid="physics" data-state={physics.state}>
      <b>{t('door.twin')}</b>{' '}
      {t(`door.physics.${physics.state as 'passed'}`, {
        limit: showNumber(physics.least_dp_kpa, 0),
        why,
      })}
      {physics.state === 'passed' && <span className="small faint"> {Math.round(physics.took_ms)} ms</span>}
      {physics.hurt.length > 0 && (
        <ul className="small">
          {physics.hurt.map((each, at) => (
            <li key={`${each.code}${at}`}>
              {each.code ? `${named(each)} ${each.code}` : t('door.elsewhere')}: {showNumber(each.dp_kpa, 0)} →{' '}
              {each.dp_after_kpa === null ? t('door.none') : showNumber(each.dp_after_kpa, 0)} kPa
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}

/** Everything a proposal would write, at most 50 lines. */
export function Consequences({ proposal }: { proposal: ProposalView }) {
  const { t } = useTranslation();
  return (
    <>
      <p data-testid="door-class" data-class={proposal.command_class}>
        <span className={`tag${proposal.command_class === 'normal' ? '' : ' strong'}`}>
          {t(`door.class.${proposal.command_class as 'normal'}`)}
        </span>{' '}
        <span className="small muted">{t('door.touches', { points: proposal.points.length, stations: proposal.stations })}</span>
      </p>
      <ul className="door-effects" data-testid="consequences">
        {proposal.points.slice(0, 50).map((point) => (
          <Effect key={point.point} point={point} />
        ))}
      </ul>
      <Physics physics={proposal.physics} />
      {proposal.reason && (
        <p className="small">
          {t('command.reason')}: {proposal.reason}
        </p>
      )}
    </>
  );
}

/** What a command or a proposal has passed, step by step. */
export function Passed({ steps }: { steps: readonly DoorStep[] }) {
  const { t } = useTranslation();
  if (steps.length === 0) return null;
  return (
    <ol className="door-steps small" data-testid="door-steps">
      {steps.map((each, at) => (
        <li key={`${each.step}${at}`} className={each.ok ? '' : 'bad'}>
          <span aria-hidden="true">{each.ok ? '✓' : '✕'}</span> {t(`door.step.${each.step as 'proposed'}`)}{' '}
          {each.by && <b>{each.by}</b>} <span className="faint">{showTime(each.at, 'clock')}</span>{' '}
          {each.detail && !['proposed', 'bounds', 'proved'].includes(each.step) && (
            <span className="muted">{each.detail}</span>
          )}
        </li>
      ))}
    </ol>
  );
}
