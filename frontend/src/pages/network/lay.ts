import i18n from 'i18next';
import type { NetworkNode, NetworkSegment, NetworkView } from '../../api/network-views';
import { named } from '../../i18n';

/** A place on the sheet, pixels at zoom 1. */
export interface Spot {
  node: NetworkNode;
  x: number;
  y: number;
}

/** A pair of pipes on the sheet. */
export interface Line {
  segment: NetworkSegment;
  from: Spot;
  to: Spot;
}

export interface Sheet {
  spots: Spot[];
  lines: Line[];
  /** Metres a pixel at zoom 1. */
  metres: number;
}

const DEGREE_M = 111_195;
const MARGIN = 46;

/** Lay the network on a sheet, true to scale; what has no place is left out. */
export function lay(network: NetworkView, width: number, height: number): Sheet {
  const placed = network.nodes.filter((node) => node.lat !== null && node.lon !== null);
  if (placed.length === 0 || width < 10) return { spots: [], lines: [], metres: 1 };
  const lats = placed.map((node) => node.lat as number);
  const lons = placed.map((node) => node.lon as number);
  const [south, north] = [Math.min(...lats), Math.max(...lats)];
  const [west, east] = [Math.min(...lons), Math.max(...lons)];
  const shrink = Math.cos((((south + north) / 2) * Math.PI) / 180);
  const wide = Math.max((east - west) * shrink, 0.002);
  const tall = Math.max(north - south, 0.002);
  const scale = Math.min((width - 2 * MARGIN) / wide, (height - 2 * MARGIN) / tall);
  const left = (width - (east - west) * shrink * scale) / 2;
  const top = (height - (north - south) * scale) / 2;
  const spots = placed.map((node) => ({
    node,
    x: left + ((node.lon as number) - west) * shrink * scale,
    y: top + (north - (node.lat as number)) * scale,
  }));
  const by = new Map(spots.map((spot) => [spot.node.code, spot]));
  const lines = network.segments.flatMap((segment) => {
    const from = by.get(segment.from_node);
    const to = by.get(segment.to_node);
    return from && to ? [{ segment, from, to }] : [];
  });
  return { spots, lines, metres: DEGREE_M / scale };
}

/** A round number of metres about `want` pixels long. */
export function scaleBar(metres: number, want = 90): { text: string; width: number } {
  const most = metres * want;
  const ten = 10 ** Math.floor(Math.log10(most));
  const round = [5, 2, 1].map((n) => n * ten).find((n) => n <= most) ?? ten;
  return { text: round >= 1000 ? `${round / 1000} km` : `${round} m`, width: round / metres };
}

export interface Name {
  x: number;
  y: number;
  text: string;
  anchor: 'start' | 'middle' | 'end';
}

function widthOf(text: string): number {
  return [...text].reduce((sum, c) => sum + (c.charCodeAt(0) > 255 ? 12.2 : 6.6), 0);
}

interface Box {
  x1: number;
  y1: number;
  x2: number;
  y2: number;
}

/** Small boxes along pipes, so that names keep off them. */
function along(lines: Line[], zoom: number): Box[] {
  return lines.flatMap(({ from, to }) => {
    const [dx, dy] = [(to.x - from.x) * zoom, (to.y - from.y) * zoom];
    const count = Math.min(Math.ceil(Math.hypot(dx, dy) / 12), 60);
    return Array.from({ length: count }, (_, n) => {
      const [x, y] = [from.x * zoom + (dx * n) / count, from.y * zoom + (dy * n) / count];
      return { x1: x - 4, y1: y - 4, x2: x + 4, y2: y + 4 };
    });
  });
}

/** Where names fit at a zoom without lying on each other or on a symbol; pixels at that zoom. */
export function placeNames(
  { spots, lines }: Pick<Sheet, 'spots' | 'lines'>,
  zoom: number,
  size: { width: number; height: number },
  text: (node: NetworkNode) => string,
): Map<string, Name> {
  const pipes = along(lines, zoom);
  // Once moved or enlarged, the sheet has no edge.
  const edge = zoom === 1 ? size : { width: Infinity, height: Infinity };
  const taken: Box[] = spots.map(({ x, y }) => ({
    x1: x * zoom - 9,
    y1: y * zoom - 9,
    x2: x * zoom + 9,
    y2: y * zoom + 9,
  }));
  const meets = (box: Box) => (t: Box) => t.x1 < box.x2 && t.x2 > box.x1 && t.y1 < box.y2 && t.y2 > box.y1;
  const found = new Map<string, Name>();
  for (const spot of spots) {
    const words = text(spot.node);
    if (!words) continue;
    const w = widthOf(words);
    const [x, y] = [spot.x * zoom, spot.y * zoom];
    const tries: Name[] = [
      { x: x + 13, y: y + 4, text: words, anchor: 'start' },
      { x: x - 13, y: y + 4, text: words, anchor: 'end' },
      { x, y: y - 14, text: words, anchor: 'middle' },
      { x, y: y + 22, text: words, anchor: 'middle' },
    ];
    const boxes = tries.map((at) => {
      const x1 = at.anchor === 'start' ? at.x : at.anchor === 'end' ? at.x - w : at.x - w / 2;
      return { at, box: { x1: x1 - 2, y1: at.y - 12, x2: x1 + w + 2, y2: at.y + 4 } };
    });
    const inside = boxes.filter(({ box }) => edge.width === Infinity || (box.x1 > 2 && box.x2 < edge.width - 2));
    const apart = inside.filter(({ box }) => !taken.some(meets(box)));
    const best = apart.find(({ box }) => !pipes.some(meets(box))) ?? apart[0];
    if (!best) continue;
    taken.push(best.box);
    found.set(spot.node.code, best.at);
  }
  return found;
}

/** A place's name without the word every station ends in. */
export function shortName(node: NetworkNode): string {
  const name = named(node);
  const suffix = i18n.t('overview.suffix');
  return name.endsWith(suffix) && name.length > suffix.length ? name.slice(0, -suffix.length) : name;
}
