import { type KeyboardEvent, memo, useEffect, useMemo, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { NetworkNode, NetworkView } from '../../api/network-views';
import type { StationState } from '../../api/views';
import { language, named } from '../../i18n';
import { useStore } from '../../base/store';
import { shapeOf } from '../../parts/mark';
import { type Line, type Sheet, lay, placeNames, scaleBar, shortName } from './lay';
import { type Paint, type Range, colourOf, valueOf, widthOf } from './paint';
import { usePanZoom } from './pan-zoom';

/** What is chosen on the map: a place or a pipe. */
export interface Chosen {
  what: 'node' | 'segment';
  code: string;
}

interface MapProps {
  network: NetworkView;
  paint: Paint;
  range: Range | null;
  chosen: Chosen | null;
  onChoose: (chosen: Chosen) => void;
  /** Pipes and places that stand out: a way, or what a trace found. */
  marked: ReadonlySet<string>;
  /** Stations that a scenario cuts off. */
  lost: ReadonlySet<string>;
  /** Assets with readings that do not fit. */
  suspects: ReadonlySet<string>;
}

const NAMED_BELOW = 60;
const NAMED_ZOOM = 2.5;
const ARROW_PX = 34;

function enter(act: () => void) {
  return (event: KeyboardEvent) => {
    if (event.key !== 'Enter' && event.key !== ' ') return;
    event.preventDefault();
    event.stopPropagation();
    act();
  };
}

function Mark({ node, lost }: { node: NetworkNode; lost: boolean }) {
  if (lost) {
    return (
      <g>
        <circle r="9" fill="var(--panel)" stroke="var(--p1)" strokeWidth="2" />
        <path d="m-4.5-4.5 9 9m0-9-9 9" stroke="var(--p1)" strokeWidth="2.4" />
      </g>
    );
  }
  switch (node.kind) {
    case 'heat_source':
      return (
        <g>
          <rect x="-10" y="-10" width="20" height="20" rx="3" fill="var(--ink)" stroke="var(--panel)" strokeWidth="1.5" />
          <path d="M0-7c4 4 5 6 5 8.5a5 5 0 0 1-10 0C-5-1-3-2-3-4c1.5.5 2 1 2.3 2C0-3 .5-5 0-7z" fill="var(--panel)" />
        </g>
      );
    case 'isolation_station':
      return (
        <g>
          <rect x="-9" y="-9" width="18" height="18" rx="2" fill="var(--panel)" stroke="var(--ink)" strokeWidth="2" />
          <path d="m-9 9 18-18" stroke="var(--ink)" strokeWidth="2" />
        </g>
      );
    case 'booster_station':
      return (
        <g>
          <circle r="9" fill="var(--panel)" stroke="var(--ink)" strokeWidth="2" />
          <path d="m-4-5.5 9 5.5-9 5.5z" fill="var(--ink)" />
        </g>
      );
    case 'pipe_node':
      return <circle r="2.6" fill="var(--panel)" stroke="var(--ink-2)" strokeWidth="1.3" />;
    default:
      return <Station state={node.state as StationState} />;
  }
}

function Station({ state }: { state: StationState }) {
  if (state === 'alarm' || state === 'warning') {
    const priority = state === 'alarm' ? 1 : 3;
    return (
      <path
        transform="translate(-9 -9) scale(0.9)"
        d={shapeOf(priority)}
        fill={`var(--p${priority})`}
        stroke="var(--panel)"
        strokeWidth="1.6"
      />
    );
  }
  if (state === 'offline') {
    return (
      <g fill="var(--panel)" stroke="var(--ink-2)" strokeWidth="1.4">
        <circle r="7" strokeDasharray="3 2.5" />
        <path d="m-3-3 6 6m0-6-6 6" />
      </g>
    );
  }
  return <circle r="6" fill="var(--ink-2)" stroke="var(--panel)" strokeWidth="1.5" />;
}

interface PipesProps {
  lines: Line[];
  nodes: Map<string, NetworkNode>;
  paint: Paint;
  range: Range | null;
  chosen: string | null;
  marked: ReadonlySet<string>;
  zoom: number;
  onChoose: (code: string) => void;
}

/** Pipes with their direction; drawn again when something of them changes, not when the sheet moves. */
const Pipes = memo(function Pipes(props: PipesProps) {
  const { lines, nodes, paint, range, chosen, marked, zoom, onChoose } = props;
  return (
    <g>
      {lines.map((line) => {
        const { segment, from, to } = line;
        const [x1, y1, x2, y2] = [from.x * zoom, from.y * zoom, to.x * zoom, to.y * zoom];
        const long = Math.hypot(x2 - x1, y2 - y1);
        const flow = segment.flow_m3h;
        const tilt = (Math.atan2(y2 - y1, x2 - x1) * 180) / Math.PI + (flow !== null && flow < 0 ? 180 : 0);
        const colour = colourOf(valueOf(segment, paint, nodes), paint, range);
        const wide = widthOf(segment.dn_mm);
        const classes = `net-pipe${chosen === segment.code ? ' chosen' : ''}${marked.has(segment.code) ? ' marked' : ''}`;
        return (
          <g
            key={segment.code}
            className={classes}
            data-testid={`pipe-${segment.code}`}
            onClick={() => onChoose(segment.code)}
          >
            <title>{`${named(segment)} · ${segment.code}`}</title>
            <line x1={x1} y1={y1} x2={x2} y2={y2} className="net-hit" />
            <line x1={x1} y1={y1} x2={x2} y2={y2} className="net-halo" strokeWidth={wide + 6} />
            <line
              x1={x1}
              y1={y1}
              x2={x2}
              y2={y2}
              stroke={colour}
              strokeWidth={wide}
              strokeDasharray={flow === null ? '5 4' : undefined}
            />
            {long > ARROW_PX && flow !== null && Math.abs(flow) > 0.05 && (
              <path
                className="net-arrow"
                d={`M${-3 - wide / 3} ${-3 - wide / 2}L${4 + wide / 2} 0L${-3 - wide / 3} ${3 + wide / 2}Z`}
                fill={colour}
                transform={`translate(${(x1 + x2) / 2} ${(y1 + y2) / 2}) rotate(${tilt})`}
              />
            )}
          </g>
        );
      })}
    </g>
  );
});

interface PlacesProps {
  sheet: Sheet;
  size: { width: number; height: number };
  zoom: number;
  chosen: string | null;
  marked: ReadonlySet<string>;
  lost: ReadonlySet<string>;
  suspects: ReadonlySet<string>;
  onChoose: (code: string) => void;
}

const Places = memo(function Places(props: PlacesProps) {
  const { sheet, size, zoom, chosen, marked, lost, suspects, onChoose } = props;
  const { spots, lines } = sheet;
  const { t } = useTranslation();
  const lang = useStore(language);
  const few = spots.filter((spot) => spot.node.kind !== 'pipe_node').length <= NAMED_BELOW;
  const order = useMemo(
    () => [...spots].sort((a, b) => Number(a.node.kind !== 'pipe_node') - Number(b.node.kind !== 'pipe_node')),
    [spots],
  );
  const names = useMemo(() => {
    void lang;
    const main = (node: NetworkNode) => node.kind !== 'pipe_node' && node.kind !== 'substation';
    const wanted = (node: NetworkNode) =>
      main(node) || (node.kind === 'substation' && (few || zoom >= NAMED_ZOOM)) || zoom >= 8;
    // Sources and pump stations name themselves first.
    const first = [...spots].sort((a, b) => Number(main(b.node)) - Number(main(a.node)));
    return placeNames({ spots: first, lines }, zoom, size, (node) => (wanted(node) ? shortName(node) : ''));
  }, [spots, lines, zoom, size, few, lang]);
  return (
    <g>
      {order.map(({ node, x, y }) => {
        const bare = node.kind === 'pipe_node';
        const name = names.get(node.code);
        const choose = () => onChoose(node.code);
        const word = node.state ? ` ${t(`state.${node.state as StationState}`)}` : '';
        return (
          <g
            key={node.code}
            className={`net-spot${chosen === node.code ? ' chosen' : ''}${marked.has(node.code) ? ' marked' : ''}`}
            data-testid={`node-${node.code}`}
            role={bare ? undefined : 'button'}
            tabIndex={bare ? undefined : 0}
            aria-label={bare ? undefined : `${named(node)}${word}`}
            onClick={choose}
            onKeyDown={bare ? undefined : enter(choose)}
          >
            <title>{`${named(node)} · ${node.code}${word}`}</title>
            <g transform={`translate(${x * zoom} ${y * zoom})`}>
              <circle className="net-target" r={bare ? 8 : 15} />
              <Mark node={node} lost={lost.has(node.code)} />
              {suspects.has(node.code) && (
                <g className="net-suspect" transform="translate(-10 -9)">
                  <circle r="6.5" />
                  <text y="3.8">?</text>
                </g>
              )}
            </g>
            {name && (
              <text x={name.x} y={name.y} textAnchor={name.anchor} className="net-name">
                {name.text}
              </text>
            )}
          </g>
        );
      })}
    </g>
  );
});

/** The network true to scale: pipes by what runs in them, stations by their state. */
export function NetworkMap({ network, paint, range, chosen, onChoose, marked, lost, suspects }: MapProps) {
  const { t } = useTranslation();
  const box = useRef<HTMLDivElement>(null);
  const [size, setSize] = useState({ width: 0, height: 0 });
  const { view, enlarge, whole, wasDrag, handlers } = usePanZoom(box);
  useEffect(() => {
    const element = box.current;
    if (!element) return undefined;
    const eye = new ResizeObserver(() => setSize({ width: element.clientWidth, height: element.clientHeight }));
    eye.observe(element);
    return () => eye.disconnect();
  }, []);
  const sheet: Sheet = useMemo(() => lay(network, size.width, size.height), [network, size]);
  const nodes = useMemo(() => new Map(network.nodes.map((node) => [node.code, node])), [network]);
  const choose = useRef(onChoose);
  choose.current = onChoose;
  const dragged = useRef(wasDrag);
  dragged.current = wasDrag;
  const [pick] = useState(() => ({
    node: (code: string) => dragged.current() || choose.current({ what: 'node', code }),
    segment: (code: string) => dragged.current() || choose.current({ what: 'segment', code }),
  }));
  const bar = scaleBar(sheet.metres / view.zoom);
  return (
    <div
      ref={box}
      className="net-map"
      role="group"
      tabIndex={0}
      aria-label={t('network.mapLabel')}
      data-testid="network-map"
      {...handlers}
    >
      {size.width > 0 && (
        <svg width={size.width} height={size.height}>
          <g transform={`translate(${view.x} ${view.y})`}>
            <Pipes
              lines={sheet.lines}
              nodes={nodes}
              paint={paint}
              range={range}
              chosen={chosen?.what === 'segment' ? chosen.code : null}
              marked={marked}
              zoom={view.zoom}
              onChoose={pick.segment}
            />
            <Places
              sheet={sheet}
              size={size}
              zoom={view.zoom}
              chosen={chosen?.what === 'node' ? chosen.code : null}
              marked={marked}
              lost={lost}
              suspects={suspects}
              onChoose={pick.node}
            />
          </g>
          <g className="map-scale" transform={`translate(16 ${size.height - 16})`}>
            <path d={`M0 -5V0H${bar.width.toFixed(1)}V-5`} />
            <text x={bar.width + 8} y="1">
              {bar.text}
            </text>
          </g>
        </svg>
      )}
      <div className="net-zoom" role="group" aria-label={t('network.zoom')}>
        <button type="button" className="btn icon" aria-label={t('network.zoomIn')} onClick={() => enlarge(1.5)}>
          +
        </button>
        <button type="button" className="btn icon" aria-label={t('network.zoomOut')} onClick={() => enlarge(1 / 1.5)}>
          −
        </button>
        <button type="button" className="btn icon" aria-label={t('network.whole')} onClick={whole}>
          ⤢
        </button>
      </div>
    </div>
  );
}
