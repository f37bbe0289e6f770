import { useTranslation } from 'react-i18next';
import { api, got } from '../../api/client';
import type { UserView } from '../../api/system-views';
import { say, sayProblem } from '../../parts/toast';

/** What helps somebody who cannot get in, or should not be in any more. */
export function Care({ user, onDone }: { user: UserView; onDone: () => void }) {
  const { t } = useTranslation();
  const params = { path: { name: user.name } };
  const after = (text: string) => {
    say(text);
    onDone();
  };
  return (
    <>
      {user.locked && (
        <button
          type="button"
          className="btn tiny"
          data-testid={`user-unlock-${user.name}`}
          onClick={() =>
            void got(api.POST('/api/v1/users/{name}/unlock', { params })).then(() => after(t('users.done')), sayProblem)
          }
        >
          {t('users.unlock')}
        </button>
      )}
      {user.second_factor && (
        <button
          type="button"
          className="btn tiny"
          data-testid={`user-factors-${user.name}`}
          onClick={() =>
            void got(api.POST('/api/v1/users/{name}/factors/reset', { params })).then(
              () => after(t('users.done')),
              sayProblem,
            )
          }
        >
          {t('users.resetFactors')}
        </button>
      )}
      <button
        type="button"
        className="btn tiny"
        onClick={() =>
          void got(api.DELETE('/api/v1/users/{name}/sessions', { params })).then(
            (ended) => after(t('users.signedOut', { count: ended.sessions })),
            sayProblem,
          )
        }
      >
        {t('users.signOut')}
      </button>
    </>
  );
}
