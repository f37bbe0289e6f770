import { useEffect } from 'react';
import { useTranslation } from 'react-i18next';
import { Link, Navigate, useLocation, useParams, useSearchParams } from 'react-router';
import { api, got, seen } from '../../api/client';
import type { StationUnit, StationView } from '../../api/views';
import { useResource } from '../../base/resource';
import { named } from '../../i18n';
import { useStream } from '../../live/stream';
import { Icon } from '../../parts/icon';
import { StateMark } from '../../parts/mark';
import { Segmented } from '../../parts/segmented';
import { Loaded } from '../../parts/states';
import '../../styles/substation.css';
import { StopButton } from '../commands/stop';
import { Buildings } from './buildings';
import { Controls } from './controls';
import { DayTrend } from './day-trend';
import { Diagram } from './diagram';
import { PointTable } from './point-table';
import { useStationState } from './station-state';

function Head({ station }: { station: StationView }) {
  const { t } = useTranslation();
  const { asset, device } = station;
  const [state, alarms] = useStationState(station);
  return (
    <header className="page-head">
      <Link to="/" className="btn plain icon" aria-label={t('nav.overview')}>
        <Icon name="back" />
      </Link>
      <StateMark state={state} count={alarms} size={24} />
      <h1>{named(asset)}</h1>
      <span className="code">{asset.code}</span>
      <span className="tag" data-testid="station-state" data-state={state}>
        {t(`state.${state}`)}
      </span>
      {device && (
        <>
          <span className="tag" title={`${device.code} · ${device.gateway} · ${device.protocol}`}>
            {t(device.online ? 'station.deviceOnline' : 'station.deviceOffline')}
          </span>
          <span className="tag" title={t(`station.regulatesHelp.${device.regulates as 'plc'}`)}>
            {t(`station.regulates.${device.regulates as 'plc'}`)}
          </span>
        </>
      )}
      <span className="grow" />
      {alarms > 0 && (
        <Link to={`/alarms?subject=${asset.code}`} className="btn tiny">
          {t('station.alarms', { count: alarms })}
        </Link>
      )}
      <StopButton subject={asset.code} name={named(asset)} />
      <a className="btn plain tiny" href={window.location.href} target="_blank" rel="noreferrer">
        <Icon name="window" size={16} /> {t('station.window')}
      </a>
    </header>
  );
}

function useChosenUnit(station: StationView): [StationUnit | undefined, (code: string) => void] {
  const [query, setQuery] = useSearchParams();
  const { hash } = useLocation();
  const fromHash = hash.slice(1).split('.')[0];
  const want = query.get('unit') ?? fromHash;
  const unit = station.units.find((each) => each.code === want) ?? station.units[0];
  return [unit, (code) => setQuery({ unit: code }, { replace: true })];
}

function Station({ station, onReload }: { station: StationView; onReload: () => void }) {
  const { t } = useTranslation();
  const [unit, choose] = useChosenUnit(station);
  return (
    <>
      <Head station={station} />
      {station.units.length > 1 && (
        <Segmented
          label={t('station.units')}
          value={unit?.code ?? null}
          choices={station.units.map((each) => ({
            value: each.code,
            label: (
              <>
                {t(`zone.${each.zone as 'high'}`)} · {t(`emitter.${each.emitter as 'floor'}`)}{' '}
                <span className="code">{each.code}</span>
              </>
            ),
          }))}
          onChoose={choose}
          testid="unit-tab"
        />
      )}
      {unit && (
        <div className="station-grid">
          <section className="panel diagram-panel" aria-label={t('station.diagram')}>
            <Diagram station={station} unit={unit} />
          </section>
          <Controls key={unit.code} station={station} unit={unit} onReload={onReload} />
          <div className="station-halves">
            <DayTrend key={unit.code} station={station} unit={unit} />
            <Buildings buildings={station.buildings} unit={unit.code} />
          </div>
        </div>
      )}
      <PointTable station={station} />
    </>
  );
}

function StationPage({ code }: { code: string }) {
  useStream({ substation: code });
  const station = useResource(
    () => seen<StationView>(api.GET('/api/v1/substations/{code}', { params: { path: { code } } })),
    [code],
  );
  const { reload } = station;
  // Room means and the device's health are not in the stream.
  useEffect(() => {
    const timer = window.setInterval(() => !document.hidden && reload(), 60_000);
    return () => window.clearInterval(timer);
  }, [reload]);
  return (
    <div className="page" data-testid="station-page">
      <Loaded of={station} height={480}>
        {(data) => <Station station={data} onReload={reload} />}
      </Loaded>
    </div>
  );
}

/** A unit or a building is shown on its substation's page. */
function Lookup({ code }: { code: string }) {
  const { search, hash } = useLocation();
  const asset = useResource(
    () => got(api.GET('/api/v1/assets/{code}', { params: { path: { code } } })),
    [code],
  );
  return (
    <div className="page">
      <Loaded of={asset}>
        {(data) => {
          const station = data.asset.heat_path.split('/').find((part) => part.startsWith('SS'));
          const unit = data.asset.kind === 'unit' ? `?unit=${code}` : search;
          return <Navigate replace to={station ? `/substations/${station}${unit}${hash}` : '/'} />;
        }}
      </Loaded>
    </div>
  );
}

export default function SubstationPage() {
  const { code = '' } = useParams();
  return code.startsWith('SS') ? <StationPage key={code} code={code} /> : <Lookup code={code} />;
}
