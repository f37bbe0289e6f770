import type { OverviewStation } from '../../api/views';

export interface Spot {
  station: OverviewStation;
  x: number;
  y: number;
  r: number;
}

export interface Box {
  width: number;
  height: number;
  margin: number;
}

/** Kilometres a degree of latitude. */
const KM_A_DEGREE = 111.2;

/** Places on the sheet by latitude and longitude, true to scale; also kilometres a unit. */
export function lay(stations: OverviewStation[], box: Box): { spots: Spot[]; kmAUnit: number } {
  const placed = stations.filter((s) => s.lat !== null && s.lon !== null);
  if (placed.length === 0) return { spots: [], kmAUnit: 0 };
  const lats = placed.map((s) => s.lat as number);
  const lons = placed.map((s) => s.lon as number);
  const [south, north] = [Math.min(...lats), Math.max(...lats)];
  const [west, east] = [Math.min(...lons), Math.max(...lons)];
  const shrink = Math.cos((((south + north) / 2) * Math.PI) / 180);
  const wide = Math.max((east - west) * shrink, 0.002);
  const tall = Math.max(north - south, 0.002);
  const scale = Math.min((box.width - 2 * box.margin) / wide, (box.height - 2 * box.margin) / tall);
  const left = (box.width - (east - west) * shrink * scale) / 2;
  const top = (box.height - (north - south) * scale) / 2;
  const largest = Math.max(...placed.map((s) => s.heated_area_m2 ?? 0), 1);
  const most = Math.max(3, Math.min(9, 60 / Math.sqrt(placed.length)));
  const spots = placed.map((station) => ({
    station,
    x: left + ((station.lon as number) - west) * shrink * scale,
    y: top + (north - (station.lat as number)) * scale,
    r: Math.max(2.5, most * Math.sqrt((station.heated_area_m2 ?? 0) / largest)),
  }));
  return { spots, kmAUnit: KM_A_DEGREE / scale };
}

/** The lowest sheet that holds the city at full width, within bounds. */
export function fitBox(stations: OverviewStation[], box: Box): Box {
  const placed = stations.filter((s) => s.lat !== null && s.lon !== null);
  if (placed.length === 0) return box;
  const lats = placed.map((s) => s.lat as number);
  const lons = placed.map((s) => s.lon as number);
  const shrink = Math.cos(((lats[0] as number) * Math.PI) / 180);
  const wide = Math.max(span(lons) * shrink, 0.002);
  const tall = Math.max(span(lats), 0.002);
  const height = (tall / wide) * (box.width - 2 * box.margin) + 2 * box.margin + 24;
  return { ...box, height: Math.round(Math.min(box.height, Math.max(box.height * 0.55, height))) };
}

function span(values: number[]): number {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const value of values) {
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  return high - low;
}

type XY = [number, number];

function turn(o: XY, a: XY, b: XY): number {
  return (a[0] - o[0]) * (b[1] - o[1]) - (a[1] - o[1]) * (b[0] - o[0]);
}

function chain(points: XY[]): XY[] {
  const out: XY[] = [];
  for (const p of points) {
    while (out.length >= 2 && turn(out[out.length - 2] as XY, out[out.length - 1] as XY, p) <= 0) out.pop();
    out.push(p);
  }
  return out.slice(0, -1);
}

/** Outline around spots as an SVG path; drawn with a thick round stroke it becomes an area. */
export function outline(spots: Spot[]): string {
  const points = spots.map((s): XY => [s.x, s.y]).sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  const hull = points.length < 3 ? points : [...chain(points), ...chain([...points].reverse())];
  return `M${hull.map(([x, y]) => `${x.toFixed(1)} ${y.toFixed(1)}`).join('L')}Z`;
}

export interface Label {
  x: number;
  y: number;
  anchor: 'start' | 'middle' | 'end';
}

function widthOf(text: string): number {
  return [...text].reduce((sum, c) => sum + (c.charCodeAt(0) > 255 ? 12 : 6.4), 0);
}

/** Where each name fits without lying on another name or spot; missing when nowhere. */
export function placeLabels(
  spots: Spot[],
  text: (spot: Spot) => string,
  box: Box,
  kept: { x: number; y: number; text: string }[],
): Map<string, Label> {
  const taken = spots.map((s) => ({ x1: s.x - s.r - 2, y1: s.y - s.r - 2, x2: s.x + s.r + 2, y2: s.y + s.r + 2 }));
  for (const { x, y, text: words } of kept) {
    const half = widthOf(words) / 2 + 6;
    taken.push({ x1: x - half, y1: y - 14, x2: x + half, y2: y + 5 });
  }
  const labels = new Map<string, Label>();
  spots.forEach((spot, own) => {
    const w = widthOf(text(spot));
    const gap = Math.max(spot.r, 9) + 5;
    const tries: Label[] = [
      { x: spot.x + gap, y: spot.y + 4, anchor: 'start' },
      { x: spot.x - gap, y: spot.y + 4, anchor: 'end' },
      { x: spot.x, y: spot.y - gap, anchor: 'middle' },
      { x: spot.x, y: spot.y + gap + 9, anchor: 'middle' },
      { x: spot.x + 8, y: spot.y - gap + 2, anchor: 'start' },
      { x: spot.x - 8, y: spot.y - gap + 2, anchor: 'end' },
      { x: spot.x + 8, y: spot.y + gap + 7, anchor: 'start' },
      { x: spot.x - 8, y: spot.y + gap + 7, anchor: 'end' },
    ];
    for (const at of tries) {
      const x1 = at.anchor === 'start' ? at.x : at.anchor === 'end' ? at.x - w : at.x - w / 2;
      const area = { x1, y1: at.y - 12, x2: x1 + w, y2: at.y + 4 };
      const outside = area.x1 < 4 || area.x2 > box.width - 4 || area.y1 < 4 || area.y2 > box.height - 4;
      const hit = taken.some(
        (t, n) => n !== own && t.x1 < area.x2 && t.x2 > area.x1 && t.y1 < area.y2 && t.y2 > area.y1,
      );
      if (outside || hit) continue;
      taken.push(area);
      labels.set(spot.station.code, at);
      break;
    }
  });
  return labels;
}
