import { useEffect } from 'react';
import { useTranslation } from 'react-i18next';
import { api, got } from '../../api/client';
import type { KeepingState } from '../../api/keeping-views';
import { session } from '../../api/session';
import { showNumber } from '../../base/format';
import { useResource } from '../../base/resource';
import { useStore } from '../../base/store';
import { showTime } from '../../base/time';
import { Figure } from '../../parts/figure';
import { Loaded } from '../../parts/states';
import '../../styles/figures.css';
import { Backups } from './backups';
import { Integrity } from './integrity';
import { Maintenance } from './maintenance';
import { Retention, Storage } from './storage';

function minutes(value: number | null): string {
  return value === null ? '–' : showNumber(value, value < 10 ? 1 : 0);
}

function State({ state }: { state: KeepingState }) {
  const { t } = useTranslation();
  return (
    <>
      {state.target === '' && (
        <p className="empty raised" data-testid="keeping-none">
          {t('keeping.noTarget')}
        </p>
      )}
      <dl className="figures" data-testid="keeping-state">
        <Figure label={t('keeping.lost')} raised={state.rpo_minutes === null || state.rpo_minutes > state.rpo_limit_minutes} testid="keeping-rpo">
          {minutes(state.rpo_minutes)} <small>{t('keeping.limit', { n: state.rpo_limit_minutes })}</small>
        </Figure>
        <Figure label={t('keeping.restoring')} raised={(state.last_restore_minutes ?? 0) > state.rto_limit_minutes}>
          {minutes(state.last_restore_minutes)} <small>{t('keeping.limit', { n: state.rto_limit_minutes })}</small>
        </Figure>
        <Figure label={t('keeping.lastFull')}>{showTime(state.last_full, 'minute')}</Figure>
        <Figure label={t('keeping.lastBackup')}>{showTime(state.last_backup, 'minute')}</Figure>
        <Figure label={t('keeping.lastVerified')}>{showTime(state.last_verified, 'minute')}</Figure>
        <Figure label={t('keeping.nextBackup')}>{showTime(state.next_incremental, 'minute')}</Figure>
        <Figure label={t('keeping.days')}>{state.days}</Figure>
        <Figure label={t('keeping.altered')} raised={state.misfits > 0}>
          {state.misfits}
        </Figure>
      </dl>
      <ul className="plain-list small muted">
        {state.target && <li>{t('keeping.target', { place: state.target })}</li>}
        <li>{t(state.encrypted ? 'keeping.isSealed' : 'keeping.isPlain')}</li>
        {state.passphrase && <li>{t('keeping.passphrase', { place: state.passphrase })}</li>}
      </ul>
    </>
  );
}

/** What is kept, how safely, and what was done about it. */
export default function KeepingPage() {
  const { t } = useTranslation();
  const keeper = useStore(session)?.roles.includes('system_admin') ?? false;
  const state = useResource(
    () => (keeper ? got(api.GET('/api/v1/keeping/state')) : Promise.resolve(null)),
    [keeper],
  );
  const { reload } = state;
  useEffect(() => {
    const timer = window.setInterval(() => !document.hidden && reload(), 30_000);
    return () => window.clearInterval(timer);
  }, [reload]);
  return (
    <div className="page" data-testid="keeping-page">
      <header className="page-head">
        <h1>{t('nav.keeping')}</h1>
      </header>
      {keeper && (
        <section className="panel">
          <Loaded of={state} height={120}>
            {(data) => data && <State state={data} />}
          </Loaded>
        </section>
      )}
      {keeper && <Backups onDone={reload} />}
      {keeper && <Storage />}
      {keeper && <Retention />}
      <Integrity keeper={keeper} />
      {keeper && <Maintenance />}
    </div>
  );
}
