import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import type { ReactNode } from 'react';
import type { NetworkNode, NetworkSegment, NetworkView } from '../../api/network-views';
import { showNumber } from '../../base/format';
import { showTime } from '../../base/time';
import { named } from '../../i18n';
import { Icon } from '../../parts/icon';
import { Outage } from './outage';
import { showValue } from './paint';
import { Profile } from './profile';

function Fact({ name, children, testid }: { name: string; children: ReactNode; testid?: string }) {
  return (
    <div className="net-fact">
      <dt>{name}</dt>
      <dd data-testid={testid}>{children}</dd>
    </div>
  );
}

export type TraceWay = 'up' | 'down';

interface SideProps {
  onTrace: (code: string, way: TraceWay) => void;
  onTry: (code: string) => void;
  onClose: () => void;
}

function Head({ thing, onClose }: { thing: { code: string; zh: string; en: string }; onClose: () => void }) {
  const { t } = useTranslation();
  return (
    <header>
      <h2>
        {named(thing)} <span className="code">{thing.code}</span>
      </h2>
      <span className="grow" />
      <button type="button" className="btn plain icon" aria-label={t('close')} onClick={onClose}>
        <Icon name="close" />
      </button>
    </header>
  );
}

function TraceButtons({ code, onTrace }: { code: string; onTrace: SideProps['onTrace'] }) {
  const { t } = useTranslation();
  return (
    <>
      <button type="button" className="btn tiny" data-testid="trace-up" onClick={() => onTrace(code, 'up')}>
        {t('network.traceUp')}
      </button>
      <button type="button" className="btn tiny" data-testid="trace-down" onClick={() => onTrace(code, 'down')}>
        {t('network.traceDown')}
      </button>
    </>
  );
}

/** A source, station or pipe node: pressures, temperatures and the way of the water to it. */
export function NodePanel({ node, onTrace, onTry, onClose }: SideProps & { node: NetworkNode }) {
  const { t } = useTranslation();
  const difference =
    node.supply_kpa === null || node.return_kpa === null ? null : node.supply_kpa - node.return_kpa;
  return (
    <section className="panel" data-testid="node-panel">
      <Head thing={node} onClose={onClose} />
      <div className="body net-side-body">
        <dl className="net-facts">
          <Fact name={t('network.supplyPressure')} testid="node-supply-kpa">
            {showValue(node.supply_kpa, 'kPa', 0)}
          </Fact>
          <Fact name={t('network.returnPressure')}>{showValue(node.return_kpa, 'kPa', 0)}</Fact>
          <Fact name={t('network.difference')}>{showValue(difference, 'kPa', 0)}</Fact>
          <Fact name={t('network.sigma')}>± {showValue(node.pressure_sigma_kpa, 'kPa', 0)}</Fact>
          <Fact name={t('network.supplyTemperature')}>{showValue(node.supply_c, '°C')}</Fact>
          <Fact name={t('network.returnTemperature')}>{showValue(node.return_c, '°C')}</Fact>
        </dl>
        <div className="row">
          <TraceButtons code={node.code} onTrace={onTrace} />
          {node.kind === 'substation' && (
            <>
              <button type="button" className="btn tiny" onClick={() => onTry(node.code)}>
                {t('network.tryClosing')}
              </button>
              <Link className="btn tiny" to={`/substations/${node.code}`}>
                {t('network.openStation')}
              </Link>
            </>
          )}
        </div>
        {node.kind !== 'heat_source' && <Profile to={node.code} />}
      </div>
    </section>
  );
}

/** A pipe: what runs in it, and what its loss would mean. */
export function PipePanel({ pipe, onTrace, onTry, onClose }: SideProps & { pipe: NetworkSegment }) {
  const { t } = useTranslation();
  return (
    <section className="panel" data-testid="pipe-panel">
      <Head thing={pipe} onClose={onClose} />
      <div className="body net-side-body">
        <dl className="net-facts">
          <Fact name={t('network.flow')} testid="pipe-flow">
            {showValue(pipe.flow_m3h === null ? null : Math.abs(pipe.flow_m3h), 'm³/h')}
          </Fact>
          <Fact name={t('network.sigma')}>± {showValue(pipe.flow_sigma_m3h, 'm³/h')}</Fact>
          <Fact name={t('network.velocity')}>
            {showValue(pipe.velocity_m_s === null ? null : Math.abs(pipe.velocity_m_s), 'm/s', 2)}
          </Fact>
          <Fact name={t('network.gradient')}>{showValue(pipe.gradient_pa_m, 'Pa/m', 0)}</Fact>
          <Fact name={t('network.supplyTemperature')}>{showValue(pipe.supply_c, '°C')}</Fact>
          <Fact name={t('network.size')}>
            {pipe.dn_mm === null ? '–' : `DN ${showNumber(pipe.dn_mm, 0)}`} · {showValue(pipe.length_m, 'm', 0)}
          </Fact>
        </dl>
        <div className="row">
          <TraceButtons code={pipe.code} onTrace={onTrace} />
          <button type="button" className="btn tiny" data-testid="try-closing" onClick={() => onTry(pipe.code)}>
            {t('network.tryClosing')}
          </button>
        </div>
        <Outage segment={pipe.code} />
      </div>
    </section>
  );
}

/** How the twin is, and readings that do not fit. */
export function StatePanel({ network, onChoose }: { network: NetworkView; onChoose: (code: string) => void }) {
  const { t, i18n } = useTranslation();
  const reason = `network.reason.${network.reason}`;
  const pipes = network.segments.length;
  const metres = network.segments.reduce((sum, segment) => sum + (segment.length_m ?? 0), 0);
  return (
    <section className="panel" data-testid="state-panel">
      <header>
        <h2>{t('network.twin')}</h2>
        <span className="grow" />
        <span className={`tag${network.state === 'ok' ? ' strong' : ''}`} data-testid="twin-state">
          {t(`network.state.${network.state as 'ok'}`)}
        </span>
      </header>
      <div className="body net-side-body">
        {network.reason && i18n.exists(reason) && (
          <p className="net-note" role="status">
            {t(reason as 'network.reason.starting')}
          </p>
        )}
        <dl className="net-facts">
          <Fact name={t('network.estimatedAt')}>{showTime(network.at, 'stamp')}</Fact>
          <Fact name={t('network.metered')}>{showNumber(network.metered, 0)}</Fact>
          <Fact name={t('network.pipes')}>
            {showNumber(pipes, 0)} · {showNumber(metres / 1000, 1)} km
          </Fact>
        </dl>
        <h3>{t('network.suspects')}</h3>
        {network.suspects.length === 0 ? (
          <p className="muted small">{t('network.noSuspects')}</p>
        ) : (
          <ul className="net-list" data-testid="suspects">
            {network.suspects.map((reading) => (
              <li key={reading.point}>
                <button type="button" className="net-link" onClick={() => onChoose(reading.asset)}>
                  {named(reading)} <span className="code">{reading.asset}</span>
                </button>
                <span className="small">
                  {t('network.suspect', {
                    value: showValue(reading.value, reading.unit),
                    expected: showValue(reading.expected, reading.unit),
                  })}
                </span>
              </li>
            ))}
          </ul>
        )}
        <p className="muted small">{t('network.hint')}</p>
      </div>
    </section>
  );
}
