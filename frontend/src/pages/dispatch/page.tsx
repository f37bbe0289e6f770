import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, got } from '../../api/client';
import type { DispatchNow, DispatchPlan } from '../../api/dispatch-views';
import { may } from '../../api/session';
import { useResource } from '../../base/resource';
import { named } from '../../i18n';
import { Icon } from '../../parts/icon';
import { Bones, Loaded } from '../../parts/states';
import { say, sayProblem } from '../../parts/toast';
import '../../styles/weather.css';
import '../../styles/figures.css';
import '../../styles/forecast.css';
import { Costs } from './costs';
import { Failures } from './failures';
import { FollowingPanel } from './following';
import { NetworkSetpoints } from './network';
import { Plan } from './plan';
import { Events, Season } from './season';

function Body({ now, reload }: { now: DispatchNow; reload: () => void }) {
  const { t } = useTranslation();
  const [network, setNetwork] = useState(now.networks[0]?.code ?? '');
  const [plan, setPlan] = useState<DispatchPlan | null>(null);
  const [busy, setBusy] = useState(false);
  const newest = [...now.proposed, ...now.approved].find((row) => row.network === network)?.number;
  const following = now.following.find((each) => each.network === network);
  useEffect(() => {
    setPlan(null);
    if (newest === undefined) return undefined;
    let away = false;
    got(api.GET('/api/v1/dispatch/plans/{number}', { params: { path: { number: newest } } })).then(
      (found) => !away && setPlan(found),
      sayProblem,
    );
    return () => {
      away = true;
    };
  }, [newest]);
  const make = async (without: string[]) => {
    setBusy(true);
    try {
      setPlan(await got(api.POST('/api/v1/dispatch/plans', { body: { network, without, hours: 48 } })));
      say(t('dispatch.done'));
      if (without.length === 0) reload();
    } catch (error) {
      sayProblem(error);
    } finally {
      setBusy(false);
    }
  };
  return (
    <>
      <header className="page-head">
        <h1>{t('nav.dispatch')}</h1>
        <select
          className="select"
          disabled={now.networks.length < 2}
          aria-label={t('dispatch.network')}
          value={network}
          data-testid="dispatch-network"
          onChange={(event) => setNetwork(event.target.value)}
        >
          {now.networks.map((each) => (
            <option key={each.code} value={each.code}>
              {named(each)} ({each.sources.join(', ')})
            </option>
          ))}
        </select>
        <span className="grow" />
        {may('command') && (
          <button type="button" className="btn" disabled={busy || !network} data-testid="dispatch-make" onClick={() => void make([])}>
            <Icon name="refresh" size={16} /> {busy ? t('dispatch.working') : t('dispatch.make')}
          </button>
        )}
      </header>
      {now.failed.length > 0 && (
        <p className="problem" role="status" data-testid="dispatch-failed">
          {t('dispatch.failedNow', { codes: now.failed.join(', ') })}
        </p>
      )}
      {now.networks.length === 0 ? (
        <section className="panel">
          <p className="empty">{t('dispatch.noNetworks')}</p>
        </section>
      ) : newest !== undefined && !plan ? (
        <Bones height={440} />
      ) : plan ? (
        <Plan
          plan={plan}
          onChanged={(changed) => {
            setPlan(changed);
            reload();
          }}
        />
      ) : (
        <section className="panel">
          <p className="empty">{t('dispatch.none')}</p>
        </section>
      )}
      {following && <FollowingPanel following={following} onChanged={reload} />}
      {network && (
        <>
          <NetworkSetpoints network={network} />
          <Failures network={network} busy={busy} onTry={(code) => void make([code])} />
          <Season network={network} />
          <Events />
          <Costs />
        </>
      )}
    </>
  );
}

/** Which heat source gives how much in the next two days, and what if one fails. */
export default function DispatchPage() {
  const now = useResource(() => got(api.GET('/api/v1/dispatch')), []);
  return (
    <div className="page" data-testid="dispatch-page">
      <Loaded of={now} height={320}>
        {(data) => <Body now={data} reload={now.reload} />}
      </Loaded>
    </div>
  );
}
