import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, got } from '../../api/client';
import type { ServiceKey } from '../../api/identity-views';
import type { UserView } from '../../api/system-views';
import { useResource } from '../../base/resource';
import { showTime } from '../../base/time';
import { type Column, Grid } from '../../parts/grid';
import { Sheet } from '../../parts/sheet';
import { Loaded } from '../../parts/states';
import { sayProblem } from '../../parts/toast';
import { KeyWish } from './key-wish';

interface Made {
  name: string;
  secret: string;
}

/** Keys of programs. */
export function ServiceKeys({ owners }: { owners: UserView[] }) {
  const { t } = useTranslation();
  const keys = useResource(() => got(api.GET('/api/v1/service-keys')), []);
  const [form, setForm] = useState(false);
  const [made, setMade] = useState<Made | null>(null);
  const revoke = (row: ServiceKey) =>
    got(api.DELETE('/api/v1/service-keys/{key}', { params: { path: { key: row.id } } })).then(keys.reload, sayProblem);
  const renew = (row: ServiceKey) =>
    got(api.POST('/api/v1/service-keys/{key}/renew', { params: { path: { key: row.id } }, body: { days: 90 } })).then(
      (answer) => {
        setMade({ name: answer.key.name, secret: answer.secret });
        keys.reload();
      },
      sayProblem,
    );
  const columns: Column<ServiceKey>[] = [
    {
      name: 'name',
      label: t('users.keyName'),
      cell: (row) => (
        <>
          <strong>{row.name}</strong> <span className="muted">{row.purpose}</span>
        </>
      ),
    },
    { name: 'owner', label: t('users.keyOwner'), cell: (row) => row.owner },
    {
      name: 'roles',
      label: t('users.roles'),
      cell: (row) => row.roles.map((role) => t(`role.${role as 'dispatcher'}`)).join(' · '),
    },
    { name: 'addresses', label: t('users.keyAddresses'), cell: (row) => row.addresses.join(', ') || t('users.keyAny') },
    {
      name: 'state',
      label: t('users.state'),
      cell: (row) => <span className="tag">{t(`users.keyState.${row.state as 'active'}`)}</span>,
    },
    { name: 'ends', label: t('users.keyEnds'), cell: (row) => showTime(row.expires_at, 'day') },
    {
      name: 'used',
      label: t('users.keyUsed'),
      cell: (row) => (row.used_at ? `${showTime(row.used_at)} ${row.used_from}` : t('users.never')),
    },
    {
      name: 'actions',
      label: '',
      cell: (row) =>
        row.state !== 'revoked' && (
          <span className="row">
            <button type="button" className="btn tiny" onClick={() => void renew(row)}>
              {t('users.keyRenew')}
            </button>
            <button
              type="button"
              className="btn tiny"
              data-testid={`key-revoke-${row.name}`}
              onClick={() => void revoke(row)}
            >
              {t('users.keyRevoke')}
            </button>
          </span>
        ),
    },
  ];
  return (
    <section className="panel" data-testid="service-keys">
      <header>
        <h2>{t('users.keys')}</h2>
        <span className="grow" />
        <button type="button" className="btn" data-testid="key-new" onClick={() => setForm(true)}>
          {t('users.keyNew')}
        </button>
      </header>
      <Loaded of={keys} height={80}>
        {(rows) => (
          <Grid
            columns={columns}
            rows={rows}
            rowKey={(row) => row.id}
            rowTestid={(row) => `key-${row.name}`}
            empty={t('users.keysNone')}
            caption={t('users.keys')}
          />
        )}
      </Loaded>
      {form && (
        <KeyWish
          owners={owners}
          onClose={() => setForm(false)}
          onDone={(name, secret) => {
            setForm(false);
            setMade({ name, secret });
            keys.reload();
          }}
        />
      )}
      {made && (
        <Sheet title={t('users.keySecret', { name: made.name })} onClose={() => setMade(null)}>
          <p className="muted">{t('users.keyOnce')}</p>
          <output className="first-password" style={{ fontSize: '14px', overflowWrap: 'anywhere' }} data-testid="key-secret">
            {made.secret}
          </output>
          <div className="actions">
            <button type="button" className="btn" onClick={() => void navigator.clipboard?.writeText(made.secret)}>
              {t('users.copy')}
            </button>
            <button type="button" className="btn main" onClick={() => setMade(null)}>
              {t('close')}
            </button>
          </div>
        </Sheet>
      )}
    </section>
  );
}
