import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import type { CompletePeriod, LinkGateway, LinkHistory, LinkReport } from '../../api/link-views';
import { problemText } from '../../base/problem';
import type { Resource } from '../../base/resource';
import { named } from '../../i18n';
import { PriorityMark, StateMark } from '../../parts/mark';
import { showCount, showShare } from './marks';

type Verdict = 'kept' | 'missed' | 'unknown';

interface TileProps {
  name: string;
  label: string;
  verdict: Verdict;
  value: ReactNode;
  more: ReactNode;
  busy: boolean;
}

function Tile({ name, label, verdict, value, more, busy }: TileProps) {
  const { t } = useTranslation();
  return (
    <div className="link-tile" data-testid={`links-${name}`} data-verdict={verdict} aria-busy={busy}>
      <dt>{label}</dt>
      <dd className="link-tile-value">
        {verdict === 'missed' && <PriorityMark priority={3} size={20} label={t('links.missed')} />}
        {verdict === 'kept' && <StateMark state="normal" size={18} />}
        <b>{value}</b>
      </dd>
      <dd className="small muted">{more}</dd>
    </div>
  );
}

function verdictOf(passed: boolean | null | undefined): Verdict {
  return passed === undefined || passed === null ? 'unknown' : passed ? 'kept' : 'missed';
}

interface SummaryProps {
  history: Resource<LinkHistory>;
  gateways: Resource<LinkGateway[]>;
  report: Resource<LinkReport>;
  channels: Resource<LinkReport>;
  complete: Resource<CompletePeriod>;
}

/** The company in five answers: does it keep its rules? */
export function Summary({ history, gateways, report, channels, complete }: SummaryProps) {
  const { t } = useTranslation();
  const waits = (of: Pick<Resource<unknown>, 'data' | 'error'>) =>
    of.data === undefined ? (of.error === undefined ? t('loading') : problemText(of.error)) : '';
  const told = history.data;
  const success = told?.success_pct ?? null;
  const rule = told?.success_rule_pct ?? 99;
  const below = report.data?.items.filter((row) => row.passed === false).length;
  const judged = report.data?.items.filter((row) => row.passed !== null).length;
  const spare = gateways.data?.filter((row) => row.carries === 'spare').length;
  const apart = gateways.data?.filter((row) => !row.connected).length ?? 0;
  const least = channels.data?.items.find((row) => row.margin_pct !== null);
  const leastGateway = least && gateways.data?.find((row) => row.code === least.gateway);
  const whole = complete.data;
  return (
    <dl className="links-sum panel">
      <Tile
        name="success"
        label={t('links.success')}
        verdict={verdictOf(success === null ? null : success >= rule)}
        value={success === null ? '–' : `${showShare(success)} %`}
        more={
          waits(history) ||
          (success === null
            ? t('links.notCounted')
            : t('links.ofRule', { rule, answered: showCount(told?.answered), asked: showCount(told?.asked) }))
        }
        busy={history.loading}
      />
      <Tile
        name="below"
        label={t('links.below', { rule })}
        verdict={below === undefined || !judged ? 'unknown' : below > 0 ? 'missed' : 'kept'}
        value={below === undefined || !judged ? '–' : `${below} / ${judged}`}
        more={
          waits(report) ||
          (told && told.devices > 0
            ? t('links.devicesBelow', { below: told.devices_below, devices: told.devices })
            : t('links.notCounted'))
        }
        busy={report.loading}
      />
      <Tile
        name="spare"
        label={t('links.onSpare')}
        verdict={spare === undefined ? 'unknown' : spare > 0 || apart > 0 ? 'missed' : 'kept'}
        value={spare ?? '–'}
        more={
          waits(gateways) ||
          [
            apart > 0 ? t('links.apart', { count: apart }) : t('links.allConnected'),
            told && t('links.failovers', { count: told.spare_spans.length }),
          ]
            .filter(Boolean)
            .join(' · ')
        }
        busy={gateways.loading}
      />
      <Tile
        name="margin"
        label={t('links.leastMargin')}
        verdict={verdictOf(least?.margin_passed)}
        value={least ? `${showShare(least.margin_pct ?? 0, 1)} %` : '–'}
        more={
          waits(channels) ||
          (least
            ? t('links.marginOf', {
                name: leastGateway ? named(leastGateway) : least.gateway,
                rule: channels.data?.margin_rule_pct ?? 20,
              })
            : t('links.noCapacity'))
        }
        busy={channels.loading}
      />
      <Tile
        name="complete"
        label={t('links.complete')}
        verdict={verdictOf(whole?.passed)}
        value={whole?.share_pct === null || whole === undefined ? '–' : `${showShare(whole.share_pct)} %`}
        more={
          waits(complete) ||
          t('links.completeOf', {
            rule: whole?.rule_pct ?? 98,
            missing: showCount((whole?.expected ?? 0) - (whole?.stored ?? 0)),
          })
        }
        busy={complete.loading}
      />
    </dl>
  );
}
