import { type FormEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, got } from '../../api/client';
import type { PersonLabel } from '../../api/personal-views';
import { may, session } from '../../api/session';
import { problemFix, problemText } from '../../base/problem';
import { useResource } from '../../base/resource';
import { type Column, Grid } from '../../parts/grid';
import { Sheet } from '../../parts/sheet';
import { Loaded } from '../../parts/states';
import { say } from '../../parts/toast';

const LEVELS = ['L1', 'L2', 'L3', 'L4'] as const;
const CATEGORIES = ['operation', 'customer', 'control', 'account', 'audit'] as const;

function Give({ person, onEnd }: { person: PersonLabel; onEnd: () => void }) {
  const { t } = useTranslation();
  const [level, setLevel] = useState(person.level);
  const [categories, setCategories] = useState<string[]>(person.categories);
  const [reason, setReason] = useState('');
  const [error, setError] = useState<unknown>(undefined);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setError(undefined);
    try {
      await got(api.PUT('/api/v1/labels/{name}', { params: { path: { name: person.name } }, body: { level, categories, reason } }));
      onEnd();
    } catch (problem) {
      setError(problem);
    }
  };
  return (
    <Sheet title={`${t('personal.label')} · ${person.name}`} onClose={onEnd} testid="label">
      <form className="gate-form" onSubmit={(event) => void submit(event)}>
        <p className="muted small">{t('personal.labelNote')}</p>
        <label className="field">
          <span>{t('personal.level')}</span>
          <select className="select" value={level} data-testid="label-level" onChange={(event) => setLevel(event.target.value)}>
            {LEVELS.map((each) => (
              <option key={each} value={each}>
                {each}
              </option>
            ))}
          </select>
        </label>
        <fieldset className="field">
          <legend className="small muted">{t('personal.categories')}</legend>
          <span className="row">
            {CATEGORIES.map((each) => (
              <label key={each} className="row small">
                <input
                  type="checkbox"
                  checked={categories.includes(each)}
                  onChange={() => setCategories(categories.includes(each) ? categories.filter((one) => one !== each) : [...categories, each])}
                />
                {t(`personal.category.${each}`)}
              </label>
            ))}
          </span>
        </fieldset>
        <label className="field">
          <span>{t('personal.reason')}</span>
          <input className="input" required minLength={2} maxLength={500} value={reason} data-testid="label-reason" onChange={(event) => setReason(event.target.value)} />
        </label>
        {error !== undefined && (
          <p className="gate-error" role="alert">
            {problemText(error)} {problemFix(error)}
          </p>
        )}
        <button type="submit" className="btn main" data-testid="label-save">
          {t('personal.giveLabel')}
        </button>
      </form>
    </Sheet>
  );
}

/** Security labels: how far each account may see and what it may deal with. */
export function Labels() {
  const { t } = useTranslation();
  const [wanted, setWanted] = useState<PersonLabel | null>(null);
  const list = useResource(() => got(api.GET('/api/v1/labels')), []);
  const take = async (name: string) => {
    try {
      await got(api.DELETE('/api/v1/labels/{name}', { params: { path: { name } } }));
      list.reload();
    } catch (error) {
      say(problemText(error));
    }
  };
  const words = (level: string, categories: string[]) =>
    `${level} · ${categories.map((each) => t(`personal.category.${each as 'operation'}`)).join(' · ')}`;
  const columns: Column<PersonLabel>[] = [
    { name: 'name', label: t('personal.account'), cell: (row) => row.name },
    { name: 'roles', label: t('personal.roles'), cell: (row) => row.roles.map((each) => t(`role.${each as 'manager'}`)).join(' · ') },
    { name: 'label', label: t('personal.label'), cell: (row) => words(row.level, row.categories) },
    {
      name: 'given',
      label: t('personal.since'),
      cell: (row) => (row.given ? `${row.given_by ?? ''} · ${row.reason}` : t('personal.fromRoles')),
    },
    {
      name: 'act',
      label: '',
      cell: (row) =>
        may('manage_users') &&
        row.name !== session.get()?.user && (
          <span className="row">
            <button type="button" className="btn tiny" data-testid={`label-${row.name}`} onClick={() => setWanted(row)}>
              {t('personal.giveLabel')}
            </button>
            {row.given && (
              <button type="button" className="btn tiny" onClick={() => void take(row.name)}>
                {t('personal.takeLabel')}
              </button>
            )}
          </span>
        ),
    },
  ];
  return (
    <section className="panel">
      <header>
        <h2>{t('personal.tab.labels')}</h2>
      </header>
      <Loaded of={list}>
        {(data) => <Grid columns={columns} rows={data.items} rowKey={(row) => row.name} empty={t('personal.none')} caption={t('personal.tab.labels')} testid="labels" />}
      </Loaded>
      {wanted && (
        <Give
          person={wanted}
          onEnd={() => {
            setWanted(null);
            list.reload();
          }}
        />
      )}
    </section>
  );
}
