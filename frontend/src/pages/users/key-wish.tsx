import { type FormEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, got } from '../../api/client';
import type { UserView } from '../../api/system-views';
import { problemFix, problemText } from '../../base/problem';
import { Sheet } from '../../parts/sheet';

interface KeyWishProps {
  owners: UserView[];
  onClose: () => void;
  onDone: (name: string, secret: string) => void;
}

/** What a new key is to be. */
export function KeyWish({ owners, onClose, onDone }: KeyWishProps) {
  const { t } = useTranslation();
  const [owner, setOwner] = useState(owners[0]?.name ?? '');
  const [roles, setRoles] = useState<string[]>([]);
  const [text, setText] = useState({ name: '', purpose: '', addresses: '', days: '90' });
  const [error, setError] = useState<unknown>(undefined);
  const held = owners.find((user) => user.name === owner);

  async function submit(event: FormEvent) {
    event.preventDefault();
    setError(undefined);
    try {
      const body = {
        name: text.name,
        purpose: text.purpose,
        owner,
        roles,
        permissions: [],
        scope: held?.scope ?? [''],
        addresses: text.addresses
          .split(',')
          .map((part) => part.trim())
          .filter(Boolean),
        days: Number(text.days),
      };
      const made = await got(api.POST('/api/v1/service-keys', { body }));
      onDone(made.key.name, made.secret);
    } catch (problem) {
      setError(problem);
    }
  }

  const field = (name: keyof typeof text, label: string, more: object = {}) => (
    <label className="field">
      <span>{label}</span>
      <input
        className="input"
        value={text[name]}
        data-testid={`key-${name}`}
        onChange={(event) => setText({ ...text, [name]: event.target.value })}
        {...more}
      />
    </label>
  );
  return (
    <Sheet title={t('users.keyNew')} onClose={onClose}>
      <form className="setpoint-form gate-form" onSubmit={(event) => void submit(event)}>
        {field('name', t('users.keyName'), { required: true, autoFocus: true, pattern: '[A-Za-z0-9_.@\\-]+' })}
        {field('purpose', t('users.keyPurpose'), { required: true, maxLength: 200 })}
        <label className="field">
          <span>{t('users.keyOwner')}</span>
          <select
            className="select"
            value={owner}
            data-testid="key-owner"
            onChange={(event) => {
              setOwner(event.target.value);
              setRoles([]);
            }}
          >
            {owners.map((user) => (
              <option key={user.name}>{user.name}</option>
            ))}
          </select>
        </label>
        <fieldset className="choices">
          <legend>{t('users.roles')}</legend>
          {(held?.roles ?? []).map((role) => (
            <label key={role}>
              <input
                type="checkbox"
                checked={roles.includes(role)}
                data-testid={`key-role-${role}`}
                onChange={(event) =>
                  setRoles(event.target.checked ? [...roles, role] : roles.filter((each) => each !== role))
                }
              />
              {t(`role.${role as 'dispatcher'}`)}
            </label>
          ))}
        </fieldset>
        {field('addresses', t('users.keyAddresses'), { placeholder: t('users.keyAddressesHint') })}
        {field('days', t('users.keyDays'), { type: 'number', min: 1, max: 3650, required: true })}
        {error !== undefined && (
          <p className="gate-error" role="alert">
            {problemText(error)} {problemFix(error)}
          </p>
        )}
        <div className="actions">
          <button type="button" className="btn" onClick={onClose}>
            {t('cancel')}
          </button>
          <button type="submit" className="btn main" disabled={roles.length === 0} data-testid="key-submit">
            {t('save')}
          </button>
        </div>
      </form>
    </Sheet>
  );
}
