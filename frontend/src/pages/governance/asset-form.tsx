import { type FormEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, got } from '../../api/client';
import type { DataAsset, Grading } from '../../api/governance-views';
import { problemFix, problemText } from '../../base/problem';
import { named } from '../../i18n';
import { Sheet } from '../../parts/sheet';

interface AssetFormProps {
  of: DataAsset;
  grading: Grading;
  onClose: () => void;
  onDone: () => void;
}

/** What people decide about a data asset. */
export function AssetForm({ of, grading, onClose, onDone }: AssetFormProps) {
  const { t } = useTranslation();
  const [owner, setOwner] = useState(of.owner);
  const [custodian, setCustodian] = useState(of.custodian);
  const [uses, setUses] = useState(of.uses);
  const [note, setNote] = useState(of.note);
  const [error, setError] = useState<unknown>(undefined);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    try {
      await got(
        api.PATCH('/api/v1/governance/assets/{code}', {
          params: { path: { code: of.code } },
          body: { owner, custodian, uses, note },
        }),
      );
      onDone();
    } catch (problem) {
      setError(problem);
    }
  };
  const field = (label: string, value: string, set: (value: string) => void) => (
    <label className="field">
      <span>{label}</span>
      <input className="input" maxLength={120} value={value} onChange={(event) => set(event.target.value)} />
    </label>
  );
  return (
    <Sheet title={named(of)} onClose={onClose}>
      <form className="setpoint-form gate-form" onSubmit={(event) => void submit(event)}>
        {field(t('governance.owner'), owner, setOwner)}
        {field(t('governance.custodian'), custodian, setCustodian)}
        <fieldset className="choices">
          <legend>{t('governance.uses')}</legend>
          {grading.purposes.map((purpose) => (
            <label key={purpose.name}>
              <input
                type="checkbox"
                checked={uses.includes(purpose.name)}
                onChange={(event) =>
                  setUses(event.target.checked ? [...uses, purpose.name] : uses.filter((each) => each !== purpose.name))
                }
              />
              {named(purpose)}
            </label>
          ))}
        </fieldset>
        {field(t('governance.note'), note, setNote)}
        {error !== undefined && (
          <p className="gate-error" role="alert">
            {problemText(error)} {problemFix(error)}
          </p>
        )}
        <div className="actions">
          <button type="button" className="btn" onClick={onClose}>
            {t('cancel')}
          </button>
          <button type="submit" className="btn main">
            {t('save')}
          </button>
        </div>
      </form>
    </Sheet>
  );
}
