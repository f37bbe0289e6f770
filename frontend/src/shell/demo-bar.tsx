import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { got } from '../api/client';
import { demoApi } from '../api/demo';
import { may } from '../api/session';
import type { DemoStatus } from '../api/system-views';
import { showNumber } from '../base/format';
import { useResource } from '../base/resource';
import { useStore } from '../base/store';
import { named } from '../i18n';
import { plantClock } from '../live/clock';
import { Segmented } from '../parts/segmented';
import { Loaded } from '../parts/states';
import { sayProblem } from '../parts/toast';

const SPEEDS = [1, 5, 10, 30, 60];
/** The slider is logarithmic: 1 to 60 plant seconds a second. */
const FASTEST = 60;
const SLIDER = { low: 0, high: Math.log10(FASTEST), step: 0.01 };

function Speed({ now, onDone }: { now: number; onDone: () => void }) {
  const { t } = useTranslation();
  const clock = useStore(plantClock);
  const speed = clock?.speed || now;
  const [drag, setDrag] = useState<number | null>(null);
  const set = (value: number) =>
    got(demoApi.PUT('/api/v1/demo/speed', { body: { speed: value } })).then(onDone, sayProblem);
  const shown = drag ?? Math.log10(Math.max(speed, 1));
  const asked = Math.min(FASTEST, Math.max(1, Math.round(10 ** shown)));
  const commit = () => {
    if (drag !== null) void set(asked).then(() => setDrag(null));
  };
  return (
    <fieldset className="demo-part" disabled={!may('demo')}>
      <legend>{t('demo.speed')}</legend>
      <Segmented
        label={t('demo.speed')}
        value={SPEEDS.includes(Math.round(speed)) ? String(Math.round(speed)) : null}
        choices={SPEEDS.map((value) => ({ value: String(value), label: `${value}×` }))}
        onChoose={(value) => void set(Number(value))}
        disabled={!may('demo')}
        testid="demo-speed"
      />
      <input
        type="range"
        min={SLIDER.low}
        max={SLIDER.high}
        step={SLIDER.step}
        value={shown}
        aria-label={t('demo.speed')}
        aria-valuetext={`${asked}×`}
        data-testid="demo-speed-slider"
        onChange={(event) => setDrag(Number(event.target.value))}
        onPointerUp={commit}
        onKeyUp={commit}
        onBlur={commit}
      />
      <output>{asked}×</output>
    </fieldset>
  );
}

function Weather({ status, onDone }: { status: DemoStatus; onDone: () => void }) {
  const { t } = useTranslation();
  const given = status.weather.offset_k ?? 0;
  const [offset, setOffset] = useState(given);
  useEffect(() => setOffset(given), [given]);
  const commit = () => {
    if (offset === given) return;
    const body = {
      offset_k: offset,
      wind_factor: status.weather.wind_factor ?? 1,
      cloud_factor: status.weather.cloud_factor ?? 1,
    };
    got(demoApi.PUT('/api/v1/demo/weather', { body })).then(onDone, sayProblem);
  };
  return (
    <fieldset className="demo-part" disabled={!may('demo')}>
      <legend>{t('demo.weather')}</legend>
      <input
        type="range"
        min={-25}
        max={25}
        step={0.5}
        value={offset}
        aria-label={t('demo.weather')}
        data-testid="demo-weather"
        onChange={(event) => setOffset(Number(event.target.value))}
        onPointerUp={commit}
        onKeyUp={commit}
        onBlur={commit}
      />
      <output>
        {offset > 0 ? '+' : ''}
        {showNumber(offset, 1)} K
      </output>
    </fieldset>
  );
}

function Faults({ status, onDone }: { status: DemoStatus; onDone: () => void }) {
  const { t } = useTranslation();
  const set = (id: string, active: boolean) =>
    got(
      demoApi.PUT('/api/v1/demo/faults/{fault}', { params: { path: { fault: id } }, body: { active } }),
    ).then(onDone, sayProblem);
  return (
    <fieldset className="demo-part demo-faults" disabled={!may('demo')}>
      <legend>{t('demo.faults')}</legend>
      {status.faults.map((fault) => (
        <label key={fault.id} className="demo-fault">
          <button
            type="button"
            role="switch"
            className="switch"
            aria-checked={fault.active}
            data-testid={`demo-fault-${fault.id}`}
            onClick={() => void set(fault.id, !fault.active)}
          />
          <span>
            {named(fault)} <span className="code">{fault.subject}</span>
          </span>
        </label>
      ))}
    </fieldset>
  );
}

/** The demonstration's own controls; production has no such route. */
export function DemoBar() {
  const status = useResource(() => got(demoApi.GET('/api/v1/demo/status')), []);
  return (
    <section className="demo-bar" data-testid="demo-bar">
      <Loaded of={status} height={56}>
        {(told) => (
          <>
            <Speed now={told.speed} onDone={status.reload} />
            <Weather status={told} onDone={status.reload} />
            <Faults status={told} onDone={status.reload} />
          </>
        )}
      </Loaded>
    </section>
  );
}
