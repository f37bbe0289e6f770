import { useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useSearchParams } from 'react-router';
import { api, seen } from '../../api/client';
import type { NetworkView } from '../../api/network-views';
import { useResource } from '../../base/resource';
import { showTime } from '../../base/time';
import { Segmented } from '../../parts/segmented';
import { Loaded } from '../../parts/states';
import { sayProblem } from '../../parts/toast';
import { named } from '../../i18n';
import { StopButton } from '../commands/stop';
import '../../styles/door.css';
import '../../styles/overview.css';
import '../../styles/network.css';
import { useEvery } from './every';
import { type Chosen, NetworkMap } from './map';
import { PAINTS, type Paint, UNIT_OF, gradientOf, rangeOf, showValue } from './paint';
import { NodePanel, PipePanel, StatePanel, type TraceWay } from './side';
import { Sizing } from './sizing';
import { NetworkTable } from './table';
import { WhatIfPanel } from './what-if';
import { useWhatIf } from './what-if-ask';

const TABS = ['map', 'table', 'sizing'] as const;
type Tab = (typeof TABS)[number];
const STOPPABLE: ReadonlySet<string> = new Set(['heat_source', 'substation']);
const NOBODY: ReadonlySet<string> = new Set();

/** The choice stands in the address, so a page can be passed on. */
function useChosen(): [Chosen | null, (chosen: Chosen | null) => void] {
  const [words, setWords] = useSearchParams();
  const [node, segment] = [words.get('node'), words.get('pipe')];
  const chosen: Chosen | null = node
    ? { what: 'node', code: node }
    : segment
      ? { what: 'segment', code: segment }
      : null;
  const choose = (next: Chosen | null) =>
    setWords(
      (old) => {
        old.delete('node');
        old.delete('pipe');
        if (next) old.set(next.what === 'node' ? 'node' : 'pipe', next.code);
        return old;
      },
      { replace: true },
    );
  return [chosen, choose];
}

function Legend({ paint, range }: { paint: Paint; range: { low: number; high: number } | null }) {
  const { t } = useTranslation();
  if (!range) return null;
  return (
    <div className="net-legend small" aria-label={t('network.legend')}>
      <span>{showValue(range.low, UNIT_OF[paint], 0)}</span>
      <i style={{ background: gradientOf(paint) }} />
      <span>{showValue(range.high, UNIT_OF[paint], 0)}</span>
    </div>
  );
}

function Living({ network, tab }: { network: NetworkView; tab: Tab }) {
  const { t } = useTranslation();
  const [paint, setPaint] = useState<Paint>('flow');
  const [chosen, choose] = useChosen();
  const [marked, setMarked] = useState<ReadonlySet<string>>(NOBODY);
  const ask = useWhatIf();
  const nodes = useMemo(() => new Map(network.nodes.map((node) => [node.code, node])), [network]);
  const range = useMemo(() => rangeOf(network, paint, nodes), [network, paint, nodes]);
  const suspects = useMemo(() => new Set(network.suspects.map((reading) => reading.asset)), [network]);
  const lost = useMemo(() => {
    const left = new Set((ask.answer?.units ?? []).filter((unit) => !unit.cut_off).map((unit) => unit.station));
    const off = (ask.answer?.units ?? []).filter((unit) => unit.cut_off).map((unit) => unit.station);
    return new Set(off.filter((station) => !left.has(station)));
  }, [ask.answer]);
  const pick = (next: Chosen | null) => {
    setMarked(NOBODY);
    choose(next);
  };
  async function trace(code: string, way: TraceWay) {
    try {
      const found = await api.GET('/api/v1/network/trace', { params: { query: { asset: code, way } } });
      const { nodes: places = [], pipes = [], stations = [], sources = [] } = found.data ?? {};
      setMarked(new Set([code, ...places, ...pipes, ...stations, ...sources]));
    } catch (error) {
      sayProblem(error);
    }
  }
  const node = chosen?.what === 'node' ? nodes.get(chosen.code) : undefined;
  const pipe = chosen?.what === 'segment' ? network.segments.find((s) => s.code === chosen.code) : undefined;
  const side = {
    onTrace: (code: string, way: TraceWay) => void trace(code, way),
    onTry: (code: string) => ask.add({ kind: 'close', code, value: null }),
    onClose: () => pick(null),
  };
  return (
    <div className="net">
      <div className="net-main">
        {tab === 'map' ? (
          <section className="panel net-sheet" aria-label={t('network.map')}>
            <header>
              <Segmented
                label={t('network.paint')}
                value={paint}
                choices={PAINTS.map((each) => ({ value: each, label: t(`network.paints.${each}`) }))}
                onChoose={setPaint}
                testid="paint"
              />
              <Legend paint={paint} range={range} />
              <span className="grow" />
              {marked.size > 0 && (
                <button type="button" className="btn plain tiny" onClick={() => setMarked(NOBODY)}>
                  {t('network.unmark')}
                </button>
              )}
              <span className="small muted nowrap">{showTime(network.at, 'clock')}</span>
            </header>
            <NetworkMap
              network={network}
              paint={paint}
              range={range}
              chosen={chosen}
              onChoose={pick}
              marked={marked}
              lost={lost}
              suspects={suspects}
            />
          </section>
        ) : (
          <NetworkTable network={network} onChoose={pick} />
        )}
      </div>
      <aside className="net-side" aria-live="polite">
        {node && <NodePanel node={node} {...side} />}
        {pipe && <PipePanel pipe={pipe} {...side} />}
        {!node && !pipe && (
          <StatePanel network={network} onChoose={(code) => pick({ what: 'node', code })} />
        )}
        <WhatIfPanel network={network} ask={ask} />
      </aside>
    </div>
  );
}

/** The stop of what is chosen: one source, or the only one there is. */
function NetworkStop({ network }: { network: NetworkView }) {
  const [words] = useSearchParams();
  const sources = network.nodes.filter((node) => node.kind === 'heat_source');
  const chosen = network.nodes.find((node) => node.code === words.get('node') && STOPPABLE.has(node.kind));
  const subject = chosen ?? (sources.length === 1 ? sources[0] : undefined);
  return subject ? <StopButton key={subject.code} subject={subject.code} name={named(subject)} /> : null;
}

export default function NetworkPage() {
  const { t } = useTranslation();
  const [words, setWords] = useSearchParams();
  const asked = words.get('tab') as Tab | null;
  const tab: Tab = asked && TABS.includes(asked) ? asked : 'map';
  const network = useResource(() => seen<NetworkView>(api.GET('/api/v1/network')), []);
  useEvery(network.reload);
  return (
    <div className="page" data-testid="network">
      <div className="page-head">
        <h1>{t('nav.network')}</h1>
        <span className="grow" />
        {network.data && <NetworkStop network={network.data} />}
        <Segmented
          label={t('network.view')}
          value={tab}
          choices={TABS.map((each) => ({ value: each, label: t(`network.tabs.${each}`) }))}
          onChoose={(next) =>
            setWords(
              (old) => {
                old.set('tab', next);
                return old;
              },
              { replace: true },
            )
          }
          testid="network-tab"
        />
      </div>
      {tab === 'sizing' ? (
        <Sizing />
      ) : (
        <Loaded of={network} height={520}>
          {(data) => <Living network={data} tab={tab} />}
        </Loaded>
      )}
    </div>
  );
}
