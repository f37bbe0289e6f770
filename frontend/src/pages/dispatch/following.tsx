import { useTranslation } from 'react-i18next';
import { api, got } from '../../api/client';
import type { DispatchFollowing } from '../../api/dispatch-views';
import { may } from '../../api/session';
import { showNumber } from '../../base/format';
import { showTime } from '../../base/time';
import { named } from '../../i18n';
import { Segmented } from '../../parts/segmented';
import { sayProblem } from '../../parts/toast';

const STAGES = ['observe', 'advise', 'automatic'] as const;
type Stage = (typeof STAGES)[number];

interface FollowingPanelProps {
  following: DispatchFollowing;
  onChanged: () => void;
}

/** How far plans act: the stage, the plan that is followed, and the caps stations get from it. */
export function FollowingPanel({ following, onChanged }: FollowingPanelProps) {
  const { t } = useTranslation();
  const mw = (kw: number) => `${showNumber(kw / 1000, 1)} MW`;
  const choose = (stage: Stage) => {
    got(api.POST('/api/v1/dispatch/stage', { body: { network: following.network, stage } })).then(
      onChanged,
      sayProblem,
    );
  };
  return (
    <section className="panel" data-testid="dispatch-following">
      <header>
        <h2>{t('dispatch.following')}</h2>
        <span className="small muted">{t(`dispatch.stageHelp.${following.stage as Stage}`)}</span>
        <span className="grow" />
        <Segmented
          label={t('dispatch.stage')}
          value={following.stage as Stage}
          choices={STAGES.map((value) => ({ value, label: t(`stage.${value}`) }))}
          onChoose={choose}
          disabled={!may('command')}
          testid="dispatch-stage"
        />
      </header>
      {following.plan === null ? (
        <p className="small muted panel-text" data-testid="dispatch-not-followed">
          {t(`dispatch.whyNot.${following.why as 'observe'}`)}
        </p>
      ) : (
        <>
          <p className="small panel-text" data-testid="dispatch-followed">
            {t('dispatch.followed', {
              n: following.plan,
              until: showTime(following.until, 'minute'),
              share: showNumber(following.delivered_pct, 1),
            })}
          </p>
          <dl className="weather-figures">
            {following.sources.map((source) => (
              <div key={source.source}>
                <dt>
                  {named(source)} <span className="code">{source.source}</span>
                </dt>
                <dd className="nowrap">
                  {mw(source.now_kw)} <small>{t('dispatch.leastAhead', { kw: mw(source.least_kw) })}</small>
                </dd>
              </div>
            ))}
            <div>
              <dt>{t('dispatch.capNow')}</dt>
              <dd className="nowrap" data-testid="dispatch-cap">
                {mw(following.cap_kw ?? 0)}
              </dd>
            </div>
          </dl>
        </>
      )}
    </section>
  );
}
