import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { type DeviceDetail, ask } from '../../api/device-views';
import { named } from '../../i18n';
import { Icon } from '../../parts/icon';
import { sayProblem } from '../../parts/toast';
import { FileButton, Verdict } from './parts';

const DOCUMENTS = ['certificate', 'test_report', 'manual'] as const;

/** Photo, damage and accessories of one device, and the papers it came with. */
export function Arrival({ detail, keeper, onDone }: { detail: DeviceDetail; keeper: boolean; onDone: (detail: DeviceDetail) => void }) {
  const { t } = useTranslation();
  const { serial } = detail.device;
  const forms = detail.records.filter((record) => record.kind === 'arrival');
  const held = forms[forms.length - 1]?.body;
  const [photo, setPhoto] = useState(typeof held?.photo === 'string' ? held.photo : '');
  const [undamaged, setUndamaged] = useState(held?.undamaged === true);
  const [ticks, setTicks] = useState<Record<string, boolean>>((held?.accessories as Record<string, boolean> | undefined) ?? {});
  const papers = new Map(
    detail.records.filter((record) => record.kind === 'document').map((record) => [String(record.body.document), String(record.body.file)]),
  );
  const tell = (path: string, body: unknown) => {
    ask<DeviceDetail>('POST', `/devices/items/${serial}/${path}`, body).then(onDone, sayProblem);
  };
  return (
    <div className="device-form">
      {detail.mismatches.map((each) => (
        <p key={each.en} className="note-line">
          {named(each)}
        </p>
      ))}
      <div className="ticks">
        <label className="tick">
          <input type="checkbox" disabled={!keeper} checked={undamaged} onChange={(e) => setUndamaged(e.target.checked)} />
          {t('devices.undamaged')}
        </label>
        {detail.accessories.map((name) => (
          <label key={name} className="tick">
            <input
              type="checkbox"
              disabled={!keeper}
              checked={ticks[name] === true}
              onChange={(e) => setTicks((all) => ({ ...all, [name]: e.target.checked }))}
            />
            {t('devices.accessory', { name })}
          </label>
        ))}
      </div>
      {keeper && (
        <div className="row">
          <FileButton label={t('devices.photo')} accept="image/png,image/jpeg,image/webp" onSent={setPhoto} />
          <span className="muted small">{t('devices.photos', { count: photo ? 1 : 0 })}</span>
          <span className="grow" />
          <button
            type="button"
            className="btn main"
            disabled={!photo}
            data-testid="arrival-send"
            onClick={() => tell('arrival', { photo, undamaged, accessories: ticks })}
          >
            {t('devices.record')}
          </button>
        </div>
      )}
      <ul className="paper-list">
        {DOCUMENTS.map((name) => {
          const file = papers.get(name);
          return (
            <li key={name}>
              <Verdict state={file ? 'pass' : 'fail'}>{t(file ? 'devices.there' : 'devices.missing')}</Verdict>
              <span className="grow">{t(`devices.document.${name}`)}</span>
              {file && (
                <a className="btn tiny" href={`/api/v1/devices/files/${file}`} download>
                  <Icon name="download" size={14} /> {file.slice(0, 8)}
                </a>
              )}
              {keeper && (
                <FileButton label={t('devices.attach')} accept="application/pdf,image/png,image/jpeg" onSent={(sha) => tell('documents', { document: name, file: sha })} />
              )}
            </li>
          );
        })}
      </ul>
    </div>
  );
}
