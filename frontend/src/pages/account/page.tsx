import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { api, got } from '../../api/client';
import { useResource } from '../../base/resource';
import { showTime } from '../../base/time';
import { Loaded } from '../../parts/states';
import '../../styles/alarms.css';
import { Factors } from './factors';
import { Sessions } from './sessions';

export default function AccountPage() {
  const { t } = useTranslation();
  const account = useResource(() => got(api.GET('/api/v1/account')), []);
  return (
    <div className="page" data-testid="account-page">
      <header className="page-head">
        <h1>{t('account.title')}</h1>
        <span className="muted">{account.data && `${account.data.user} ${account.data.full_name}`}</span>
      </header>
      <Loaded of={account}>
        {(data) => (
          <>
            <section className="panel">
              <header>
                <h2>{t('account.password')}</h2>
                <span className="grow" />
                <Link className="btn tiny" to="/password" data-testid="account-password">
                  {t('account.change')}
                </Link>
              </header>
              <p className="body muted">
                {t('account.changed', { at: showTime(data.password_at, 'day') })}
                {data.password_ends_at && ` · ${t('account.ends', { at: showTime(data.password_ends_at, 'day') })}`}
              </p>
            </section>
            <Factors
              user={data.user}
              factors={data.factors}
              wanted={data.wants_second}
              left={data.recovery_left}
              onChange={account.reload}
            />
          </>
        )}
      </Loaded>
      <Sessions />
    </div>
  );
}
