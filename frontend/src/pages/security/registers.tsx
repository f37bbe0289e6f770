import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, got } from '../../api/client';
import type { Duty, RegisterEntry } from '../../api/security-views';
import { may } from '../../api/session';
import { problemText } from '../../base/problem';
import { useResource } from '../../base/resource';
import { showTime } from '../../base/time';
import { type Column, Grid } from '../../parts/grid';
import { PriorityMark, StateMark } from '../../parts/mark';
import { Loaded } from '../../parts/states';
import { say } from '../../parts/toast';
import { EntryForm } from './entry-form';

export const REGISTERS = ['antivirus', 'vulnerability', 'ports', 'filing', 'exception'] as const;
export type RegisterName = (typeof REGISTERS)[number];

/** What an entry says beside its columns. */
function told(body: Record<string, unknown>): string {
  return Object.entries(body)
    .filter(([, value]) => value !== '' && !(Array.isArray(value) && value.length === 0))
    .map(([name, value]) => `${name}: ${typeof value === 'object' ? JSON.stringify(value) : String(value)}`)
    .join(' · ');
}

/** Scans, filings and exceptions: what is due, and what is on record. */
export function Registers() {
  const { t } = useTranslation();
  const keeper = may('keep_security');
  const [register, setRegister] = useState<RegisterName>('antivirus');
  const duties = useResource(() => got(api.GET('/api/v1/security/duties')), []);
  const list = useResource(
    () =>
      got(
        api.GET('/api/v1/security/registers/{register}', {
          params: { path: { register }, query: { page: 1, size: 100 } },
        }),
      ),
    [register],
  );
  const reload = () => {
    list.reload();
    duties.reload();
  };
  const withdraw = async (number: number) => {
    try {
      await got(api.DELETE('/api/v1/security/exceptions/{number}', { params: { path: { number } } }));
      reload();
    } catch (error) {
      say(problemText(error));
    }
  };
  const due: Column<Duty>[] = [
    { name: 'register', label: t('security.register'), cell: (row) => t(`security.registers.${row.register as RegisterName}`) },
    { name: 'last', label: t('security.last'), cell: (row) => showTime(row.last_at, 'day') },
    { name: 'due', label: t('security.due'), cell: (row) => showTime(row.due_at, 'day') },
    {
      name: 'state',
      label: t('security.state'),
      cell: (row) => (
        <span className="nowrap">
          {row.overdue ? <PriorityMark priority={3} size={16} /> : row.due_at && <StateMark state="normal" />}{' '}
          {t(row.overdue ? 'security.overdue' : row.due_at ? 'security.onTime' : 'security.notEntered')}
        </span>
      ),
    },
  ];
  const columns: Column<RegisterEntry>[] = [
    { name: 'at', label: t('security.at'), cell: (row) => showTime(row.at, 'day') },
    { name: 'code', label: t('security.what'), cell: (row) => row.code },
    { name: 'state', label: t('security.state'), cell: (row) => t(`security.states.${row.state as 'ok'}`) },
    { name: 'until', label: t('security.until'), cell: (row) => showTime(row.until, 'day') },
    { name: 'body', label: t('security.facts'), cell: (row) => <span className="small security-facts">{told(row.body)}</span> },
    { name: 'user', label: t('security.user'), cell: (row) => row.user },
    ...(register === 'exception' && keeper
      ? [
          {
            name: 'end',
            label: '',
            plain: '',
            cell: (row: RegisterEntry) =>
              row.until !== null && Date.parse(row.until) > Date.now() ? (
                <button type="button" className="btn tiny" onClick={() => void withdraw(row.number)}>
                  {t('security.withdraw')}
                </button>
              ) : null,
          },
        ]
      : []),
  ];
  return (
    <>
      <section className="panel" data-testid="security-duties">
        <header>
          <h2>{t('security.duties')}</h2>
        </header>
        <Loaded of={duties} height={120}>
          {(data) => (
            <Grid
              columns={due}
              rows={data.items}
              rowKey={(row) => row.register}
              rowTestid={(row) => `duty-${row.register}`}
              empty={t('security.noDuties')}
              caption={t('security.duties')}
            />
          )}
        </Loaded>
      </section>
      <section className="panel" data-testid="security-register">
        <header>
          <h2>{t('security.parts.registers')}</h2>
          <span className="grow" />
          <select
            className="select"
            aria-label={t('security.register')}
            value={register}
            data-testid="register-choice"
            onChange={(event) => setRegister(event.target.value as RegisterName)}
          >
            {REGISTERS.map((each) => (
              <option key={each} value={each}>
                {t(`security.registers.${each}`)}
              </option>
            ))}
          </select>
        </header>
        {keeper && register !== 'ports' && <EntryForm key={register} register={register} onDone={reload} />}
        {register === 'ports' && <p className="small muted security-note">{t('security.portsHow')}</p>}
        <Loaded of={list} height={160}>
          {(data) => (
            <Grid
              columns={columns}
              rows={data.items}
              rowKey={(row) => String(row.number)}
              empty={t('security.noEntries')}
              caption={t(`security.registers.${register}`)}
            />
          )}
        </Loaded>
      </section>
    </>
  );
}
