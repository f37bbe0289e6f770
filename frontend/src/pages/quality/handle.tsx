import { type FormEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { got } from '../../api/client';
import { type Correction, type CountOf, type QualityCase, qualityApi } from '../../api/quality';
import { may } from '../../api/session';
import { problemFix, problemText } from '../../base/problem';
import { named } from '../../i18n';
import { Segmented } from '../../parts/segmented';
import { Sheet } from '../../parts/sheet';

interface HandleProps {
  of: QualityCase;
  causes: CountOf[];
  onClose: () => void;
  onDone: (closed: QualityCase) => void;
}

/** Close a case: what was the matter, what is done about the values, what else to say. */
export function Handle({ of, causes, onClose, onDone }: HandleProps) {
  const { t } = useTranslation();
  const [cause, setCause] = useState('');
  const [correction, setCorrection] = useState<Correction>('none');
  const [note, setNote] = useState('');
  const [error, setError] = useState<unknown>(undefined);
  const [busy, setBusy] = useState(false);
  const correctable = may('manage_ledger') && of.point !== null;
  async function submit(event: FormEvent) {
    event.preventDefault();
    setBusy(true);
    setError(undefined);
    try {
      const path = { id: of.id };
      const body = { cause, correction, note };
      onDone(await got(qualityApi.POST('/api/v1/quality/cases/{id}/handle', { params: { path }, body })));
    } catch (problem) {
      setError(problem);
      setBusy(false);
    }
  }
  return (
    <Sheet title={t('abnormal.handleTitle')} onClose={onClose} testid="quality-sheet">
      <form className="setpoint-form gate-form" onSubmit={(event) => void submit(event)}>
        <p className="quality-what">
          <strong>{named({ zh: of.asset_zh, en: of.asset_en })}</strong>{' '}
          {named({ zh: of.kind_zh, en: of.kind_en })}
          <br />
          <span className="muted">{named({ zh: of.text_zh, en: of.text_en })}</span>
        </p>
        <label className="field">
          <span>{t('abnormal.cause')}</span>
          <select
            className="select"
            required
            value={cause}
            data-testid="quality-cause"
            onChange={(event) => setCause(event.target.value)}
          >
            <option value="" disabled>
              {t('abnormal.chooseCause')}
            </option>
            {causes.map((each) => (
              <option key={each.name} value={each.name}>
                {named(each)}
              </option>
            ))}
          </select>
        </label>
        <div className="field">
          <span>{t('abnormal.correctionLabel')}</span>
          <Segmented
            label={t('abnormal.correctionLabel')}
            value={correction}
            choices={(['none', 'estimate', 'mark_bad'] as const).map((value) => ({
              value,
              label: t(`abnormal.correction.${value}`),
              disabled: value !== 'none' && !correctable,
            }))}
            onChoose={setCorrection}
            testid="quality-correction"
          />
          <small className="muted">{t(`abnormal.about.${correctable ? correction : 'noRight'}`)}</small>
        </div>
        <label className="field">
          <span>{t('abnormal.note')}</span>
          <textarea
            className="input"
            rows={3}
            maxLength={1000}
            value={note}
            data-testid="quality-note"
            onChange={(event) => setNote(event.target.value)}
          />
        </label>
        {error !== undefined && (
          <p className="gate-error" role="alert">
            {problemText(error)} {problemFix(error)}
          </p>
        )}
        <div className="actions">
          <button type="button" className="btn" onClick={onClose}>
            {t('cancel')}
          </button>
          <button type="submit" className="btn main" disabled={busy || cause === ''} data-testid="quality-submit">
            {t('abnormal.close')}
          </button>
        </div>
      </form>
    </Sheet>
  );
}
