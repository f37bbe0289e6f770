import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { canHoldKey, registerBrowser } from '../../api/browser-key';
import { api, got } from '../../api/client';
import type { Factor } from '../../api/identity-views';
import { renewSession } from '../../api/session';
import { showTime } from '../../base/time';
import { type Column, Grid } from '../../parts/grid';
import { Sheet } from '../../parts/sheet';
import { sayProblem } from '../../parts/toast';
import { RecoveryCodes, TotpSetup } from '../signin/totp-setup';
import { KeyForm } from './key-form';

interface FactorsProps {
  user: string;
  factors: Factor[];
  wanted: boolean;
  left: number;
  onChange: () => void;
}

type Open = 'totp' | 'key' | 'codes' | null;

/** Second factors: what there is, and adding and removing. */
export function Factors({ user, factors, wanted, left, onChange }: FactorsProps) {
  const { t } = useTranslation();
  const [open, setOpen] = useState<Open>(null);
  const [codes, setCodes] = useState<string[]>([]);

  function added(made: string[]) {
    setCodes(made);
    setOpen(made.length > 0 ? 'codes' : null);
    onChange();
    void renewSession();
  }
  const remove = (factor: Factor) =>
    got(api.DELETE('/api/v1/account/factors/{factor}', { params: { path: { factor: factor.id } } })).then(() => {
      onChange();
      void renewSession();
    }, sayProblem);
  const fresh = () => got(api.POST('/api/v1/account/recovery')).then((made) => added(made.codes), sayProblem);
  const browser = () => registerBrowser(user, t('enrol.thisBrowser')).then(added, sayProblem);

  const columns: Column<Factor>[] = [
    { name: 'label', label: t('account.label'), cell: (row) => <strong>{row.label}</strong> },
    {
      name: 'kind',
      label: t('account.kind'),
      cell: (row) => `${row.kind === 'totp' ? t('account.totp') : t('account.key')} ${row.algorithm} ${row.subject}`,
    },
    { name: 'added', label: t('account.added'), cell: (row) => showTime(row.created_at) },
    { name: 'used', label: t('account.used'), cell: (row) => (row.used_at ? showTime(row.used_at) : t('account.never')) },
    {
      name: 'actions',
      label: '',
      cell: (row) => (
        <button
          type="button"
          className="btn tiny"
          aria-label={`${t('account.remove')} ${row.label}`}
          onClick={() => void remove(row)}
        >
          {t('account.remove')}
        </button>
      ),
    },
  ];
  return (
    <section className="panel">
      <header>
        <h2>{t('account.factors')}</h2>
        <span className="grow" />
        <button type="button" className="btn tiny" data-testid="add-totp" onClick={() => setOpen('totp')}>
          {t('account.addTotp')}
        </button>
        {canHoldKey && (
          <button type="button" className="btn tiny" data-testid="add-browser" onClick={() => void browser()}>
            {t('account.addBrowser')}
          </button>
        )}
        <button type="button" className="btn tiny" onClick={() => setOpen('key')}>
          {t('account.addKey')}
        </button>
      </header>
      {wanted && <p className="body muted">{t('account.required')}</p>}
      <Grid
        columns={columns}
        rows={factors}
        rowKey={(row) => row.id}
        rowTestid={(row) => `factor-${row.kind}`}
        empty={t('account.none')}
        caption={t('account.factors')}
      />
      {factors.length > 0 && (
        <p className="body row">
          <span className="muted">{t('account.recovery', { count: left })}</span>
          <button type="button" className="btn tiny" onClick={() => void fresh()}>
            {t('account.newRecovery')}
          </button>
        </p>
      )}
      {open === 'totp' && (
        <Sheet title={t('account.addTotp')} onClose={() => setOpen(null)}>
          <TotpSetup label={t('enrol.phone')} onDone={added} />
        </Sheet>
      )}
      {open === 'key' && (
        <Sheet title={t('account.addKey')} onClose={() => setOpen(null)}>
          <KeyForm onDone={added} />
        </Sheet>
      )}
      {open === 'codes' && (
        <Sheet title={t('enrol.codesTitle')} onClose={() => setOpen(null)}>
          <RecoveryCodes codes={codes} onDone={() => setOpen(null)} />
        </Sheet>
      )}
    </section>
  );
}
