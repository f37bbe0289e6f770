import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, got } from '../../api/client';
import type { WebhookView } from '../../api/open-views';
import { may } from '../../api/session';
import { problemText } from '../../base/problem';
import { useResource } from '../../base/resource';
import { named } from '../../i18n';
import { type Column, Grid } from '../../parts/grid';
import { Sheet } from '../../parts/sheet';
import { Loaded } from '../../parts/states';
import { say } from '../../parts/toast';
import { Deliveries } from './deliveries';
import { WebhookForm } from './webhook-form';

/** Addresses that are told of events, and how that went. */
export function Webhooks() {
  const { t } = useTranslation();
  const keeper = may('manage_ledger');
  const [making, setMaking] = useState(false);
  const [secret, setSecret] = useState('');
  const [shown, setShown] = useState<WebhookView | null>(null);
  const list = useResource(
    () => (keeper ? got(api.GET('/api/v1/webhooks', { params: { query: { page: 1, size: 100 } } })) : Promise.resolve(null)),
    [keeper],
  );
  const kinds = useResource(() => got(api.GET('/api/v1/webhooks/events')), []);
  if (!keeper) return null;
  const work = async (action: () => Promise<unknown>, told: string) => {
    try {
      await action();
      say(told);
      list.reload();
    } catch (error) {
      say(problemText(error));
    }
  };
  const of = (row: WebhookView) => ({ params: { path: { id: row.id } } });
  const columns: Column<WebhookView>[] = [
    {
      name: 'name',
      label: t('interfaces.webhook'),
      cell: (row) => (
        <>
          {row.name}
          <div className="code small breakable">{row.url}</div>
        </>
      ),
    },
    {
      name: 'events',
      label: t('interfaces.events'),
      cell: (row) => row.events.map((name) => named(kinds.data?.items.find((each) => each.name === name) ?? { zh: name, en: name })).join(' · '),
    },
    {
      name: 'counts',
      label: t('interfaces.deliveries'),
      cell: (row) => (
        <button type="button" className="btn tiny" data-testid={`deliveries-${row.id}`} onClick={() => setShown(row)}>
          {t('interfaces.counts', { delivered: row.delivered, waiting: row.waiting, dead: row.dead })}
        </button>
      ),
    },
    { name: 'error', label: t('interfaces.lastError'), cell: (row) => <span className="small breakable">{row.last_error || '–'}</span> },
    {
      name: 'act',
      label: '',
      cell: (row) => (
        <span className="row">
          <button type="button" className="btn tiny" onClick={() => void work(() => got(api.POST('/api/v1/webhooks/{id}/test', of(row))), t('interfaces.testSent'))}>
            {t('interfaces.test')}
          </button>
          <button
            type="button"
            className="btn tiny"
            onClick={() =>
              void work(
                () => got(api.PATCH('/api/v1/webhooks/{id}', { ...of(row), body: { enabled: !row.enabled } })),
                t(row.enabled ? 'interfaces.halted' : 'interfaces.goesOn'),
              )
            }
          >
            {t(row.enabled ? 'interfaces.halt' : 'interfaces.goOn')}
          </button>
          <button
            type="button"
            className="btn tiny danger"
            onClick={() =>
              window.confirm(t('interfaces.sure', { name: row.name })) &&
              void work(() => api.DELETE('/api/v1/webhooks/{id}', of(row)), t('interfaces.removed'))
            }
          >
            {t('interfaces.remove')}
          </button>
        </span>
      ),
    },
  ];
  return (
    <section className="panel">
      <header>
        <h2>{t('interfaces.webhooks')}</h2>
        <span className="grow" />
        <button type="button" className="btn" data-testid="webhook-new" onClick={() => setMaking(true)}>
          {t('interfaces.new')}
        </button>
      </header>
      <Loaded of={list} height={100}>
        {(data) => (
          <Grid
            columns={columns}
            rows={data?.items ?? []}
            rowKey={(row) => row.id}
            rowTestid={(row) => `webhook-${row.id}`}
            empty={t('interfaces.noWebhooks')}
            caption={t('interfaces.webhooks')}
            testid="webhooks"
          />
        )}
      </Loaded>
      {making && kinds.data && (
        <WebhookForm
          kinds={kinds.data.items}
          onClose={() => setMaking(false)}
          onDone={(made) => {
            setMaking(false);
            setSecret(made);
            list.reload();
          }}
        />
      )}
      {secret && (
        <Sheet title={t('interfaces.secret')} onClose={() => setSecret('')}>
          <p>{t('interfaces.secretOnce')}</p>
          <p className="code breakable" data-testid="webhook-secret">
            {secret}
          </p>
        </Sheet>
      )}
      {shown && <Deliveries of={shown} onClose={() => setShown(null)} />}
    </section>
  );
}
