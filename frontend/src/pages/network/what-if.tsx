import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { NetworkView, WhatIfUnit, WhatIfView } from '../../api/network-views';
import { showNumber } from '../../base/format';
import { named } from '../../i18n';
import { type Column, Grid } from '../../parts/grid';
import { Icon } from '../../parts/icon';
import { Problem } from '../../parts/states';
import { showValue } from './paint';
import { type Change, KINDS, type Kind, RANGE, type WhatIfAsk } from './what-if-ask';

/** Things a change of a kind can be made to. */
function targets(network: NetworkView, kind: Kind): { code: string; zh: string; en: string }[] {
  const of = (...kinds: string[]) => network.nodes.filter((node) => kinds.includes(node.kind));
  switch (kind) {
    case 'close':
      return [...of('substation', 'isolation_station'), ...network.segments];
    case 'opening':
      return of('substation', 'isolation_station');
    case 'pump_speed':
      return of('heat_source', 'booster_station', 'isolation_station');
    default:
      return of('heat_source');
  }
}

interface FormProps {
  network: NetworkView;
  onAdd: (change: Change) => void;
}

function Form({ network, onAdd }: FormProps) {
  const { t } = useTranslation();
  const [kind, setKind] = useState<Kind>('close');
  const [code, setCode] = useState('');
  const [value, setValue] = useState('');
  const list = targets(network, kind);
  const range = RANGE[kind];
  const number = Number(value);
  const good =
    list.some((thing) => thing.code === code) &&
    (range === null || (value !== '' && number >= range.low && number <= range.high));
  return (
    <form
      className="net-form"
      onSubmit={(event) => {
        event.preventDefault();
        if (good) onAdd({ kind, code, value: range === null ? null : number });
      }}
    >
      <select
        className="select"
        aria-label={t('network.changeKind')}
        data-testid="what-if-kind"
        value={kind}
        onChange={(event) => {
          setKind(event.target.value as Kind);
          setCode('');
          setValue('');
        }}
      >
        {KINDS.map((each) => (
          <option key={each} value={each}>
            {t(`network.change.${each}`)}
          </option>
        ))}
      </select>
      <select
        className="select grow"
        aria-label={t('network.changeOf')}
        data-testid="what-if-asset"
        value={code}
        onChange={(event) => setCode(event.target.value)}
      >
        <option value="">{t('network.choose')}</option>
        {list.map((thing) => (
          <option key={thing.code} value={thing.code}>
            {named(thing)} {thing.code}
          </option>
        ))}
      </select>
      {range !== null && (
        <label className="net-number">
          <input
            className="input"
            type="number"
            data-testid="what-if-value"
            aria-label={t(`network.change.${kind}`)}
            min={range.low}
            max={range.high}
            step="any"
            placeholder={`${range.low}–${range.high}`}
            value={value}
            onChange={(event) => setValue(event.target.value)}
          />
          <span className="small">{range.unit}</span>
        </label>
      )}
      <button type="submit" className="btn" disabled={!good} data-testid="what-if-add">
        {t('network.add')}
      </button>
    </form>
  );
}

function useColumns(warm: boolean): Column<WhatIfUnit>[] {
  const { t } = useTranslation();
  const columns: Column<WhatIfUnit>[] = [
    {
      name: 'unit',
      label: t('network.unit'),
      cell: (row) => (
        <>
          {named(row)} <span className="code">{row.code}</span>
        </>
      ),
    },
    {
      name: 'flow',
      label: t('network.flow'),
      num: true,
      cell: (row) =>
        row.cut_off ? (
          <b className="net-lost">{t('network.cutOff')}</b>
        ) : (
          <span className="nowrap">
            {showNumber(row.flow_m3h, 1)} → <b>{showNumber(row.flow_after_m3h, 1)}</b> m³/h
            {row.flow_pct !== null && <small className="muted"> {showNumber(row.flow_pct, 0)} %</small>}
          </span>
        ),
    },
    {
      name: 'dp',
      label: t('network.difference'),
      num: true,
      cell: (row) => (
        <span className="nowrap">
          {showNumber(row.dp_kpa, 0)} → <b>{showNumber(row.dp_after_kpa, 0)}</b> kPa
        </span>
      ),
    },
    {
      name: 'warm',
      label: t('network.supplyTemperature'),
      num: true,
      cell: (row) => (
        <span className="nowrap">
          {showNumber(row.supply_c, 1)} → <b>{showNumber(row.supply_after_c, 1)}</b> °C
        </span>
      ),
    },
  ];
  // Room is dear beside the map: temperatures are shown where they change.
  return warm ? columns : columns.filter((column) => column.name !== 'warm');
}

function Answer({ answer }: { answer: WhatIfView }) {
  const { t } = useTranslation();
  const columns = useColumns(
    answer.units.some((unit) => unit.supply_after_c !== null && Math.abs(unit.supply_after_c - unit.supply_c) > 3),
  );
  return (
    <div data-testid="what-if-answer">
      <p>
        {t('network.answer', {
          lost: answer.cut_off,
          less: answer.less,
          more: answer.more,
          total: answer.listed,
        })}
      </p>
      <ul className="net-list small">
        {answer.sources.map((source) => (
          <li key={source.code}>
            {named(source)}: {showNumber(source.flow_m3h, 0)} → <b>{showNumber(source.flow_after_m3h, 0)}</b> m³/h
          </li>
        ))}
      </ul>
      <div className="net-scroll">
        <Grid
          columns={columns}
          rows={answer.units}
          rowKey={(row) => row.code}
          rowTestid={(row) => `what-if-${row.code}`}
          empty={t('network.noUnits')}
          caption={t('network.whatIf')}
        />
      </div>
      <p className="muted small">{t('network.whatIfNote')}</p>
    </div>
  );
}

/** Changes tried on the network as it is now; nothing is written to any device. */
export function WhatIfPanel({ network, ask }: { network: NetworkView; ask: WhatIfAsk }) {
  const { t } = useTranslation();
  const names = new Map([...network.nodes, ...network.segments].map((thing) => [thing.code, thing]));
  return (
    <section className="panel" data-testid="what-if-panel">
      <header>
        <h2>{t('network.whatIf')}</h2>
        <span className="grow" />
        {ask.changes.length > 0 && (
          <button type="button" className="btn plain tiny" data-testid="what-if-clear" onClick={ask.clear}>
            {t('network.clear')}
          </button>
        )}
      </header>
      <div className="body net-side-body">
        <Form network={network} onAdd={ask.add} />
        {ask.changes.length > 0 && (
          <ul className="net-chips">
            {ask.changes.map((change) => {
              const thing = names.get(change.code);
              const range = RANGE[change.kind];
              return (
                <li key={`${change.kind} ${change.code}`} className="tag">
                  {t(`network.change.${change.kind}`)} {thing ? named(thing) : change.code}
                  {range !== null && ` ${showValue(change.value, range.unit, 1)}`}
                  <button
                    type="button"
                    className="net-remove"
                    aria-label={t('network.remove')}
                    onClick={() => ask.remove(change)}
                  >
                    <Icon name="close" size={12} />
                  </button>
                </li>
              );
            })}
          </ul>
        )}
        {ask.error !== undefined && <Problem error={ask.error} onRetry={ask.again} />}
        {ask.busy && <p className="muted small">{t('network.thinking')}</p>}
        {ask.answer && <Answer answer={ask.answer} />}
        {ask.changes.length === 0 && <p className="muted small">{t('network.whatIfHint')}</p>}
      </div>
    </section>
  );
}
