import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { type Run, type RunPage, ask, mayDo } from '../../api/device-views';
import { useResource } from '../../base/resource';
import { Loaded } from '../../parts/states';
import { sayProblem } from '../../parts/toast';
import { Field } from './parts';
import { RunPanel } from './run';

/** Every valve stroked and every sensor looked at before the season. */
export function Season() {
  const { t } = useTranslation();
  const [asset, setAsset] = useState('');
  const [ambient, setAmbient] = useState('');
  const [heating, setHeating] = useState(false);
  const runs = useResource(() => ask<RunPage>('GET', '/device-tests?kind=season&size=20'), []);
  const begin = () => {
    const body = { asset: asset.trim(), confirm_heating: heating, ambient_c: ambient === '' ? null : Number(ambient) };
    ask<Run[]>('POST', '/season-checks', body).then(runs.reload, sayProblem);
  };
  return (
    <>
      {mayDo('test_devices') && (
        <section className="panel">
          <header>
            <h2>{t('devices.seasonBegin')}</h2>
          </header>
          <div className="body device-body">
            <p className="muted">{t('devices.seasonHelp')}</p>
            <div className="season-form">
              <Field label={t('devices.seasonAsset')}>
                <input className="input" value={asset} placeholder="SS0001" data-testid="season-asset" onChange={(e) => setAsset(e.target.value)} />
              </Field>
              <Field label={t('devices.ambient')}>
                <input className="input" type="number" step="any" value={ambient} onChange={(e) => setAmbient(e.target.value)} />
              </Field>
              <label className="tick">
                <input type="checkbox" checked={heating} data-testid="season-heating" onChange={(e) => setHeating(e.target.checked)} />
                {t('devices.confirmHeating')}
              </label>
              <button type="button" className="btn main" disabled={!asset.trim()} data-testid="season-start" onClick={begin}>
                {t('devices.seasonStart')}
              </button>
            </div>
          </div>
        </section>
      )}
      <Loaded of={runs}>
        {(data) =>
          data.items.length === 0 ? (
            <p className="empty">{t('devices.noSeason')}</p>
          ) : (
            <div className="season-runs">
              {data.items.map((run) => (
                <section key={run.id} className="panel">
                  <div className="body device-body">
                    <RunPanel first={run} onEnded={runs.reload} />
                  </div>
                </section>
              ))}
            </div>
          )
        }
      </Loaded>
    </>
  );
}
