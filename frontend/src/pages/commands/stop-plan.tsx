import { useTranslation } from 'react-i18next';
import type { StopAssetView, StopOrderView } from '../../api/command-views';
import { showNumber } from '../../base/format';
import { showTime } from '../../base/time';
import { named } from '../../i18n';

function Asset({ asset }: { asset: StopAssetView }) {
  const { t } = useTranslation();
  return (
    <li data-testid={`stop-${asset.asset}`} data-state={asset.state}>
      <b>{named(asset)}</b> <span className="code">{asset.asset}</span>{' '}
      <span className="tag">{t(`stop.state.${asset.state as 'planned'}`)}</span>{' '}
      {!asset.connected && <span className="tag bad">{t('stop.away', { gateway: asset.gateway })}</span>}
      <ul className="small">
        {asset.steps.map((step) => (
          <li key={step.point} className={step.state === 'failed' ? 'bad' : ''}>
            <span aria-hidden="true">{step.state === 'done' ? '✓' : step.state === 'failed' ? '✕' : '·'}</span>{' '}
            {named(step)}: {step.before === null ? '–' : showNumber(step.before, 1)} → <b>{showNumber(step.value, 1)}</b>
            {step.reason && <span className="muted"> {step.reason}</span>}
          </li>
        ))}
      </ul>
    </li>
  );
}

/** What an emergency order writes, and how far each gateway is with it. */
export function StopPlan({ order }: { order: StopOrderView }) {
  const { t } = useTranslation();
  const shown = order.assets.slice(0, 60);
  return (
    <div data-testid={`order-${order.id}`}>
      <p>
        <span className="tag strong">{t(`stop.action.${order.action as 'stop'}`)}</span>{' '}
        <b>{named({ zh: order.subject_zh, en: order.subject_en })}</b> <span className="code">{order.subject}</span>{' '}
        <span className="tag" data-testid="order-state">
          {t(`stop.state.${order.state as 'planned'}`)}
        </span>
      </p>
      <p className="small muted">
        {t('stop.reach', { assets: order.assets.length, connected: order.connected, gateways: order.gateways })} ·{' '}
        {order.ordered_by || '–'} {showTime(order.ordered)} · {order.reason}
        {order.second_by && ` · ${t('stop.second', { user: order.second_by })}`}
        {order.break_glass && ` · ${t('door.glass')}: ${order.break_glass}`}
      </p>
      <ul className="stop-assets">
        {shown.map((asset) => (
          <Asset key={asset.asset} asset={asset} />
        ))}
      </ul>
      {order.assets.length > shown.length && (
        <p className="small faint">{t('stop.more', { count: order.assets.length - shown.length })}</p>
      )}
    </div>
  );
}
