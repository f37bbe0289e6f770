import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, got } from '../../api/client';
import { session } from '../../api/session';
import type { UserView } from '../../api/system-views';
import { useResource } from '../../base/resource';
import { showTime } from '../../base/time';
import { type Column, Grid } from '../../parts/grid';
import { Sheet } from '../../parts/sheet';
import { Loaded } from '../../parts/states';
import { sayProblem } from '../../parts/toast';
import '../../styles/alarms.css';
import { Care } from './care';
import { UserForm } from './form';
import { ServiceKeys } from './service-keys';

interface Handed {
  name: string;
  password: string;
}

/** A first password, shown once. */
function FirstPassword({ handed, onClose }: { handed: Handed; onClose: () => void }) {
  const { t } = useTranslation();
  return (
    <Sheet title={t('users.passwordFor', { name: handed.name })} onClose={onClose}>
      <p className="muted">{t('users.passwordOnce')}</p>
      <output className="first-password" data-testid="user-first-password">
        {handed.password}
      </output>
      <div className="actions">
        <button type="button" className="btn" onClick={() => void navigator.clipboard?.writeText(handed.password)}>
          {t('users.copy')}
        </button>
        <button type="button" className="btn main" onClick={onClose}>
          {t('close')}
        </button>
      </div>
    </Sheet>
  );
}

function useColumns(
  onEdit: (user: UserView) => void,
  onSwitch: (user: UserView) => void,
  onCared: () => void,
): Column<UserView>[] {
  const { t } = useTranslation();
  return [
    {
      name: 'name',
      label: t('users.name'),
      cell: (user) => (
        <>
          <strong>{user.name}</strong> <span className="muted">{user.full_name}</span>
        </>
      ),
    },
    {
      name: 'roles',
      label: t('users.roles'),
      cell: (user) => user.roles.map((role) => t(`role.${role as 'dispatcher'}`)).join(' · '),
    },
    {
      name: 'scope',
      label: t('users.scope'),
      cell: (user) => user.scope.map((path) => path || t('users.everything')).join(', '),
    },
    {
      name: 'state',
      label: t('users.state'),
      cell: (user) => (
        <>
          <span className="tag">
            {user.disabled
              ? t(user.disabled_reason === 'stale' ? 'users.stale' : 'users.disabled')
              : user.must_change
                ? t('users.mustChange')
                : t('users.active')}
          </span>{' '}
          {user.locked && <span className="tag strong">{t('users.locked')}</span>}
        </>
      ),
    },
    {
      name: 'second',
      label: t('users.second'),
      cell: (user) =>
        t(user.second_factor ? 'users.secondYes' : user.wants_second ? 'users.secondMissing' : 'users.secondNo'),
    },
    {
      name: 'seen',
      label: t('users.seen'),
      cell: (user) => (user.seen_at ? showTime(user.seen_at) : t('users.never')),
    },
    {
      name: 'actions',
      label: '',
      cell: (user) => (
        <span className="row">
          <button type="button" className="btn tiny" onClick={() => onEdit(user)}>
            {t('users.edit')}
          </button>
          <button
            type="button"
            className="btn tiny"
            disabled={user.name === session.get()?.user}
            data-testid={`user-switch-${user.name}`}
            onClick={() => onSwitch(user)}
          >
            {user.disabled ? t('users.enable') : t('users.disable')}
          </button>
          <Care user={user} onDone={onCared} />
        </span>
      ),
    },
  ];
}

export default function UsersPage() {
  const { t } = useTranslation();
  const users = useResource(() => got(api.GET('/api/v1/users')), []);
  const [form, setForm] = useState<UserView | 'new' | null>(null);
  const [handed, setHanded] = useState<Handed | null>(null);
  const columns = useColumns(setForm, (user) => {
    got(
      api.PATCH('/api/v1/users/{name}', {
        params: { path: { name: user.name } },
        body: { disabled: !user.disabled, reset_password: false },
      }),
    ).then(users.reload, sayProblem);
  }, users.reload);
  return (
    <div className="page" data-testid="users-page">
      <header className="page-head">
        <h1>{t('nav.users')}</h1>
        <span className="grow" />
        <button type="button" className="btn main" data-testid="user-new" onClick={() => setForm('new')}>
          {t('users.new')}
        </button>
      </header>
      <section className="panel">
        <Loaded of={users}>
          {(data) => (
            <Grid
              columns={columns}
              rows={data}
              rowKey={(user) => user.name}
              rowTestid={(user) => `user-${user.name}`}
              empty={t('users.none')}
              caption={t('nav.users')}
            />
          )}
        </Loaded>
      </section>
      {form && (
        <UserForm
          user={form === 'new' ? null : form}
          onClose={() => setForm(null)}
          onDone={(name, password) => {
            setForm(null);
            users.reload();
            if (password) setHanded({ name, password });
          }}
        />
      )}
      {handed && <FirstPassword handed={handed} onClose={() => setHanded(null)} />}
      <ServiceKeys owners={(users.data ?? []).filter((user) => !user.disabled)} />
    </div>
  );
}
