import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link, useParams } from 'react-router';
import { type DeviceDetail, type OpenItem, type Run, ask, mayDo } from '../../api/device-views';
import { type Resource, useResource } from '../../base/resource';
import { showTime } from '../../base/time';
import { named } from '../../i18n';
import { Icon } from '../../parts/icon';
import { Sheet } from '../../parts/sheet';
import { Loaded } from '../../parts/states';
import { say, sayProblem } from '../../parts/toast';
import '../../styles/devices.css';
import { Arrival } from './arrival';
import { InstallationForm } from './installation';
import { Checks, LifeBar, Verdict } from './parts';
import { RunPanel } from './run';

type Held = Resource<DeviceDetail>;

function Waive({ serial, item, onClose, onDone }: { serial: string; item: OpenItem; onClose: () => void; onDone: (detail: DeviceDetail) => void }) {
  const { t } = useTranslation();
  const [reason, setReason] = useState('');
  return (
    <Sheet title={t('devices.waive')} onClose={onClose}>
      <p>{named(item)}</p>
      <textarea className="input" rows={3} value={reason} aria-label={t('devices.reason')} placeholder={t('devices.reason')} onChange={(e) => setReason(e.target.value)} />
      <div className="actions">
        <button type="button" className="btn" onClick={onClose}>
          {t('cancel')}
        </button>
        <button
          type="button"
          className="btn main"
          disabled={reason.trim().length < 4}
          onClick={() => {
            ask<DeviceDetail>('POST', `/devices/items/${serial}/waivers`, { item: item.item, reason }).then(onDone, sayProblem);
          }}
        >
          {t('devices.waive')}
        </button>
      </div>
    </Sheet>
  );
}

function Open({ detail, onDone }: { detail: DeviceDetail; onDone: (detail: DeviceDetail) => void }) {
  const { t } = useTranslation();
  const [waiving, setWaiving] = useState<OpenItem | null>(null);
  const { serial } = detail.device;
  if (detail.open.length === 0) return <p className="muted">{t('devices.nothingOpen')}</p>;
  return (
    <>
      <ul className="check-list" data-testid="open-items">
        {detail.open.map((item) => (
          <li key={item.item}>
            <Verdict state={item.waived ? 'warn' : 'fail'}>{t(item.waived ? 'devices.waived' : 'devices.open')}</Verdict>
            <span className="grow">
              {named(item)} <span className="code">{item.item}</span>
            </span>
            {!item.waived && mayDo('waive_devices') && (
              <button type="button" className="btn tiny" onClick={() => setWaiving(item)}>
                {t('devices.waive')}
              </button>
            )}
          </li>
        ))}
      </ul>
      {waiving && (
        <Waive
          serial={serial}
          item={waiving}
          onClose={() => setWaiving(null)}
          onDone={(fresh) => {
            setWaiving(null);
            onDone(fresh);
          }}
        />
      )}
    </>
  );
}

function Tests({ detail, of }: { detail: DeviceDetail; of: Held }) {
  const { t } = useTranslation();
  const [heating, setHeating] = useState(false);
  const [newest, ...older] = detail.runs;
  const live = newest !== undefined && newest.ended === null;
  const begin = (goOn: string) => {
    ask<Run>('POST', '/device-tests', { serial: detail.device.serial, confirm_heating: heating, go_on: goOn }).then(() => of.reload(), sayProblem);
  };
  const ready = ['installed', 'tested', 'in_service'].includes(detail.device.state);
  return (
    <>
      {mayDo('test_devices') && !live && (
        <div className="test-start">
          <label className="tick grow">
            <input type="checkbox" checked={heating} data-testid="confirm-heating" onChange={(e) => setHeating(e.target.checked)} />
            {t('devices.confirmHeating')}
          </label>
          {newest?.state === 'aborted' && (
            <button type="button" className="btn" disabled={!ready} onClick={() => begin(newest.id)}>
              {t('devices.goOn')}
            </button>
          )}
          <button type="button" className="btn main" disabled={!ready} data-testid="test-start" onClick={() => begin('')}>
            {t('devices.begin')}
          </button>
        </div>
      )}
      {!ready && <p className="muted small">{t('devices.notReady')}</p>}
      {newest && <RunPanel key={newest.id} first={newest} onEnded={of.reload} />}
      {older.length > 0 && (
        <details>
          <summary className="muted small">{t('devices.earlier', { count: older.length })}</summary>
          {older.map((run) => (
            <RunPanel key={run.id} first={run} />
          ))}
        </details>
      )}
    </>
  );
}

function Panel({ title, children, testid }: { title: string; children: React.ReactNode; testid: string }) {
  return (
    <section className="panel" data-testid={testid}>
      <header>
        <h2>{title}</h2>
      </header>
      <div className="body device-body">{children}</div>
    </section>
  );
}

function Head({ detail, of }: { detail: DeviceDetail; of: Held }) {
  const { t } = useTranslation();
  const { device, next } = detail;
  const move = (to: string) => {
    ask<DeviceDetail>('POST', `/devices/items/${device.serial}/state`, { to }).then((fresh) => {
      of.patch(() => fresh);
      say(t('devices.moved'));
    }, sayProblem);
  };
  return (
    <section className="panel">
      <div className="body device-head">
        <dl className="facts">
          <div>
            <dt>{t('devices.model')}</dt>
            <dd>
              {device.model} <span className="muted">{named({ zh: device.class_zh, en: device.class_en })}</span>
            </dd>
          </div>
          <div>
            <dt>{t('devices.place')}</dt>
            <dd>
              {device.asset || '–'} <span className="muted">{named({ zh: device.asset_zh, en: device.asset_en })}</span>
            </dd>
          </div>
          <div>
            <dt>{t('devices.readBy')}</dt>
            <dd>{[device.device, device.point_kind].filter(Boolean).join(' · ') || '–'}</dd>
          </div>
          <div>
            <dt>{t('devices.changed')}</dt>
            <dd>{showTime(device.changed, 'full')}</dd>
          </div>
        </dl>
        <div className="row">
          <LifeBar state={device.state} />
          <span className="grow" />
          {device.auto_ready && <span className="tag strong">{t('devices.autoReady')}</span>}
          {next && mayDo('keep_devices') && (
            <button type="button" className="btn main" data-testid="advance" onClick={() => move(next)}>
              <Icon name="check" size={16} /> {t('devices.moveTo', { state: t(`devices.state.${next}`) })}
            </button>
          )}
        </div>
      </div>
    </section>
  );
}

export default function DeviceDetailPage() {
  const { t } = useTranslation();
  const { serial = '' } = useParams();
  const of = useResource(() => ask<DeviceDetail>('GET', `/devices/items/${encodeURIComponent(serial)}`), [serial]);
  const keeper = mayDo('keep_devices');
  const done = (fresh: DeviceDetail) => {
    of.patch(() => fresh);
    say(t('devices.recorded'));
  };
  return (
    <div className="page" data-testid="device-page">
      <header className="page-head">
        <Link className="btn plain icon" to="/devices" aria-label={t('nav.devices')}>
          <Icon name="back" />
        </Link>
        <h1>{serial}</h1>
      </header>
      <Loaded of={of}>
        {(detail) => (
          <>
            <Head detail={detail} of={of} />
            <div className="device-columns">
              <div className="device-column">
                <Panel title={t('devices.openItems')} testid="panel-open">
                  <Open detail={detail} onDone={done} />
                </Panel>
                <Panel title={t('devices.arrival')} testid="panel-arrival">
                  <Arrival detail={detail} keeper={keeper} onDone={done} />
                </Panel>
                <Panel title={t('devices.selection')} testid="panel-selection">
                  <Checks checks={detail.selection} empty={t('devices.noChecks')} />
                </Panel>
                <Panel title={t('devices.installation')} testid="panel-installation">
                  <Checks checks={detail.installation} empty={t('devices.notInstalled')} />
                  {keeper && <InstallationForm key={detail.records.length} detail={detail} onDone={done} />}
                </Panel>
              </div>
              <div className="device-column">
                <Panel title={t('devices.test')} testid="panel-test">
                  {detail.steps.length ? <Tests detail={detail} of={of} /> : <p className="muted">{t('devices.noTest')}</p>}
                </Panel>
              </div>
            </div>
          </>
        )}
      </Loaded>
    </div>
  );
}
