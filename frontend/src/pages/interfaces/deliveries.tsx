import { useTranslation } from 'react-i18next';
import { api, got } from '../../api/client';
import type { DeliveryView, WebhookView } from '../../api/open-views';
import { problemText } from '../../base/problem';
import { useResource } from '../../base/resource';
import { showTime } from '../../base/time';
import { type Column, Grid } from '../../parts/grid';
import { Sheet } from '../../parts/sheet';
import { Loaded } from '../../parts/states';
import { say } from '../../parts/toast';

/** What was sent to one address, and what came of it. */
export function Deliveries({ of, onClose }: { of: WebhookView; onClose: () => void }) {
  const { t } = useTranslation();
  const list = useResource(
    () => got(api.GET('/api/v1/webhooks/deliveries', { params: { query: { webhook: of.id, page: 1, size: 50 } } })),
    [of.id],
  );
  const resend = async (id: string) => {
    try {
      await got(api.POST('/api/v1/webhooks/deliveries/{id}/resend', { params: { path: { id } } }));
      list.reload();
    } catch (error) {
      say(problemText(error));
    }
  };
  const columns: Column<DeliveryView>[] = [
    { name: 'at', label: t('interfaces.at'), cell: (row) => showTime(row.created_at) },
    {
      name: 'event',
      label: t('interfaces.event'),
      cell: (row) => (
        <>
          {row.event} <span className="code">{row.subject}</span>
        </>
      ),
    },
    {
      name: 'state',
      label: t('interfaces.state'),
      cell: (row) => (
        <>
          {t(`interfaces.deliveryState.${row.state as 'waiting'}`)} ({row.attempts})
          {row.last_error && <div className="small muted breakable">{row.last_error}</div>}
        </>
      ),
    },
    { name: 'next', label: t('interfaces.next'), cell: (row) => showTime(row.next_at) },
    {
      name: 'again',
      label: '',
      cell: (row) =>
        row.state === 'dead' && (
          <button type="button" className="btn tiny" onClick={() => void resend(row.id)}>
            {t('interfaces.again')}
          </button>
        ),
    },
  ];
  return (
    <Sheet title={`${of.name} · ${t('interfaces.deliveries')}`} onClose={onClose}>
      <Loaded of={list} height={160}>
        {(data) => (
          <Grid columns={columns} rows={data.items} rowKey={(row) => row.id} empty={t('interfaces.noDeliveries')} caption={t('interfaces.deliveries')} />
        )}
      </Loaded>
    </Sheet>
  );
}
