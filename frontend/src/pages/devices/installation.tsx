import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { type DeviceDetail, ask } from '../../api/device-views';
import { named } from '../../i18n';
import { sayProblem } from '../../parts/toast';
import { Field, FileButton } from './parts';

type Value = string | boolean;

const NUMBERS: Record<string, readonly string[]> = {
  room_sensor: ['height_m', 'heater_m', 'window_m'],
  pipe_temperature_sensor: ['distance_mm', 'dn_mm'],
  pressure_transmitter: ['distance_mm', 'dn_mm'],
  flow_meter: ['upstream_d', 'downstream_d'],
  heat_meter: ['upstream_d', 'downstream_d'],
  wireless_module: ['rssi_dbm', 'success_pct'],
};
const ROOMS = ['living_room', 'bedroom', 'study', 'office', 'classroom', 'ward', 'kitchen', 'bathroom', 'corridor', 'other'] as const;

function last(detail: DeviceDetail): Record<string, unknown> {
  const held = detail.records.filter((record) => record.kind === 'installation');
  return held[held.length - 1]?.body ?? {};
}

/** What a technician records at the place; the platform answers with what the rules say. */
export function InstallationForm({ detail, onDone }: { detail: DeviceDetail; onDone: (detail: DeviceDetail) => void }) {
  const { t } = useTranslation();
  const before = last(detail);
  const [values, setValues] = useState<Record<string, Value>>(() =>
    Object.fromEntries(Object.entries(before).filter(([, v]) => v !== null && typeof v !== 'object').map(([k, v]) => [k, typeof v === 'boolean' ? v : String(v)])),
  );
  const [photos, setPhotos] = useState<string[]>((before.photos as string[] | undefined) ?? []);
  const [ticks, setTicks] = useState<Record<string, boolean>>((before.ticks as Record<string, boolean> | undefined) ?? {});
  const kind = detail.device.device_class;
  const outdoor = values.outdoor === true;
  const put = (name: string, value: Value) => setValues((all) => ({ ...all, [name]: value }));
  const text = (name: string) => (typeof values[name] === 'string' ? (values[name] as string) : '');

  function send() {
    const numbers = Object.fromEntries(
      (NUMBERS[kind] ?? []).filter((name) => text(name) !== '').map((name) => [name, Number(text(name))]),
    );
    const body = {
      location: text('location'),
      signed_by: text('signed_by'),
      antifreeze: text('antifreeze'),
      room: text('room'),
      outdoor,
      photos,
      ticks,
      ...numbers,
      ...(kind === 'room_sensor' ? { outer_wall: values.outer_wall === true } : {}),
    };
    ask<DeviceDetail>('POST', `/devices/items/${detail.device.serial}/installation`, body).then(onDone, sayProblem);
  }

  return (
    <form
      className="device-form"
      data-testid="installation-form"
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      <div className="fields">
        <Field label={t('devices.field.location')}>
          <input className="input" value={text('location')} onChange={(e) => put('location', e.target.value)} />
        </Field>
        {(NUMBERS[kind] ?? []).map((name) => (
          <Field key={name} label={t(`devices.field.${name as 'height_m'}`)}>
            <input className="input" type="number" step="any" value={text(name)} onChange={(e) => put(name, e.target.value)} />
          </Field>
        ))}
        {kind === 'room_sensor' && (
          <Field label={t('devices.field.room')}>
            <select className="select" value={text('room')} onChange={(e) => put('room', e.target.value)}>
              <option value="">–</option>
              {ROOMS.map((room) => (
                <option key={room} value={room}>
                  {t(`devices.room.${room}`)}
                </option>
              ))}
            </select>
          </Field>
        )}
        {outdoor && (
          <Field label={t('devices.field.antifreeze')}>
            <input className="input" value={text('antifreeze')} onChange={(e) => put('antifreeze', e.target.value)} />
          </Field>
        )}
        <Field label={t('devices.field.signed_by')}>
          <input className="input" value={text('signed_by')} onChange={(e) => put('signed_by', e.target.value)} />
        </Field>
      </div>
      <div className="ticks">
        <label className="tick">
          <input type="checkbox" checked={outdoor} onChange={(e) => put('outdoor', e.target.checked)} />
          {t('devices.field.outdoor')}
        </label>
        {kind === 'room_sensor' && (
          <label className="tick">
            <input type="checkbox" checked={values.outer_wall === true} onChange={(e) => put('outer_wall', e.target.checked)} />
            {t('devices.field.outer_wall')}
          </label>
        )}
        {detail.ticks.map((tick) => (
          <label key={tick.item} className="tick">
            <input
              type="checkbox"
              checked={ticks[tick.item] === true}
              onChange={(e) => setTicks((all) => ({ ...all, [tick.item]: e.target.checked }))}
            />
            <span>
              {named(tick)} <span className="code">{tick.clause}</span>
            </span>
          </label>
        ))}
      </div>
      <div className="row">
        <FileButton label={t('devices.photo')} accept="image/png,image/jpeg,image/webp" onSent={(sha) => setPhotos((all) => [...all, sha])} />
        <span className="muted small">{t('devices.photos', { count: photos.length })}</span>
        <span className="grow" />
        <button type="submit" className="btn main" data-testid="installation-send">
          {t('devices.record')}
        </button>
      </div>
    </form>
  );
}
