import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { type ModelRow, ask } from '../../api/device-views';
import { useResource } from '../../base/resource';
import { named } from '../../i18n';
import { Sheet } from '../../parts/sheet';
import { sayProblem } from '../../parts/toast';
import { Field } from './parts';

const TEXTS = ['serial', 'asset', 'device', 'point_kind', 'purchase'] as const;

/** A device is taken into the plan. */
export function NewDevice({ onClose, onDone }: { onClose: () => void; onDone: () => void }) {
  const { t } = useTranslation();
  const models = useResource(() => ask<ModelRow[]>('GET', '/devices/models'), []);
  const [values, setValues] = useState<Record<string, string>>({});
  const put = (name: string, value: string) => setValues((all) => ({ ...all, [name]: value.trim() }));
  const ready = Boolean(values.serial && values.model);
  return (
    <Sheet title={t('devices.new')} onClose={onClose} testid="device-form">
      <Field label={t('devices.model')}>
        <select className="select" data-testid="new-model" onChange={(e) => put('model', e.target.value)}>
          <option value="">–</option>
          {(models.data ?? []).map(({ model }) => (
            <option key={model.code} value={model.code}>
              {model.code} {named(model)}
            </option>
          ))}
        </select>
      </Field>
      {TEXTS.map((name) => (
        <Field key={name} label={t(`devices.new_${name}`)}>
          <input className="input" data-testid={`new-${name}`} onChange={(e) => put(name, e.target.value)} />
        </Field>
      ))}
      <div className="actions">
        <button type="button" className="btn" onClick={onClose}>
          {t('cancel')}
        </button>
        <button type="button" className="btn main" disabled={!ready} data-testid="new-send" onClick={() => void ask('POST', '/devices', values).then(onDone, sayProblem)}>
          {t('devices.new')}
        </button>
      </div>
    </Sheet>
  );
}
