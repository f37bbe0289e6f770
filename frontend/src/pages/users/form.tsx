import { type FormEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, got } from '../../api/client';
import type { UserView } from '../../api/system-views';
import { problemFix, problemText } from '../../base/problem';
import { useResource } from '../../base/resource';
import { named } from '../../i18n';
import { Sheet } from '../../parts/sheet';

const ROLES = [
  'dispatcher',
  'operation_engineer',
  'field_technician',
  'customer_service',
  'manager',
  'heat_user',
  'integrator',
  'system_admin',
  'security_admin',
  'audit_admin',
] as const;

interface UserFormProps {
  user: UserView | null;
  onClose: () => void;
  onDone: (name: string, password: string) => void;
}

interface ChoicesProps {
  name: string;
  label: string;
  options: { value: string; label: string }[];
  chosen: string[];
  onChoose: (chosen: string[]) => void;
}

function Choices({ name, label, options, chosen, onChoose }: ChoicesProps) {
  return (
    <fieldset className="choices">
      <legend>{label}</legend>
      {options.map(({ value, label: text }) => (
        <label key={value}>
          <input
            type="checkbox"
            checked={chosen.includes(value)}
            data-testid={`${name}-${value || 'all'}`}
            onChange={(event) =>
              onChoose(event.target.checked ? [...chosen, value] : chosen.filter((each) => each !== value))
            }
          />
          {text}
        </label>
      ))}
    </fieldset>
  );
}

/** A new user, or other roles and another scope of one. */
export function UserForm({ user, onClose, onDone }: UserFormProps) {
  const { t } = useTranslation();
  const [name, setName] = useState(user?.name ?? '');
  const [fullName, setFullName] = useState(user?.full_name ?? '');
  const [roles, setRoles] = useState<string[]>(user?.roles ?? []);
  const [scope, setScope] = useState<string[]>(user?.scope ?? ['']);
  const [reset, setReset] = useState(false);
  const [error, setError] = useState<unknown>(undefined);
  const branches = useResource(
    () => got(api.GET('/api/v1/assets', { params: { query: { kind: 'branch', size: 500 } } })),
    [],
  );
  const places = [
    { value: '', label: t('users.everything') },
    ...(branches.data?.items ?? []).map((item) => ({ value: item.org_path, label: `${named(item)} ${item.code}` })),
  ];

  async function submit(event: FormEvent) {
    event.preventDefault();
    setError(undefined);
    try {
      const answer = user
        ? await got(
            api.PATCH('/api/v1/users/{name}', {
              params: { path: { name: user.name } },
              body: { roles, scope, reset_password: reset },
            }),
          )
        : await got(api.POST('/api/v1/users', { body: { name, full_name: fullName, roles, scope } }));
      onDone(answer.user.name, answer.password);
    } catch (problem) {
      setError(problem);
    }
  }

  return (
    <Sheet title={user ? t('users.editTitle', { name: user.name }) : t('users.new')} onClose={onClose}>
      <form className="setpoint-form gate-form" onSubmit={(event) => void submit(event)}>
        {!user && (
          <>
            <label className="field">
              <span>{t('users.name')}</span>
              <input
                className="input"
                required
                autoFocus
                pattern="[A-Za-z0-9_.@\-]+"
                value={name}
                data-testid="user-name"
                onChange={(event) => setName(event.target.value)}
              />
            </label>
            <label className="field">
              <span>{t('users.fullName')}</span>
              <input className="input" value={fullName} onChange={(event) => setFullName(event.target.value)} />
            </label>
          </>
        )}
        <Choices
          name="user-role"
          label={t('users.roles')}
          options={ROLES.map((role) => ({ value: role, label: t(`role.${role}`) }))}
          chosen={roles}
          onChoose={setRoles}
        />
        <Choices name="user-scope" label={t('users.scope')} options={places} chosen={scope} onChoose={setScope} />
        {user && (
          <label className="row">
            <input type="checkbox" checked={reset} onChange={(event) => setReset(event.target.checked)} />
            {t('users.reset')}
          </label>
        )}
        {error !== undefined && (
          <p className="gate-error" role="alert">
            {problemText(error)} {problemFix(error)}
          </p>
        )}
        <div className="actions">
          <button type="button" className="btn" onClick={onClose}>
            {t('cancel')}
          </button>
          <button type="submit" className="btn main" disabled={roles.length === 0 || scope.length === 0} data-testid="user-submit">
            {t('save')}
          </button>
        </div>
      </form>
    </Sheet>
  );
}
