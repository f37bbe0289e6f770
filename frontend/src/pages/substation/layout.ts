/** Where everything of the process diagram stands, once for wide and once for tall screens. */

export type GroupName =
  | 'primarySupply'
  | 'primaryMeter'
  | 'primaryReturn'
  | 'valve'
  | 'secondarySupply'
  | 'secondaryMeter'
  | 'secondaryReturn'
  | 'pump'
  | 'makeup'
  | 'tank';

interface At {
  x: number;
  y: number;
}

interface GroupAt extends At {
  /** Which edge of the tag `x` is. */
  edge?: 'left' | 'right' | 'middle';
}

export interface Layout {
  width: number;
  height: number;
  pipes: { path: string; kind: 'supply' | 'return' | 'makeup'; side: 'primary' | 'secondary' }[];
  arrows: (At & { turn: number })[];
  exchanger: At & { width: number; height: number; upright: boolean };
  valve: At & { turn: number };
  pump: At & { turn: number };
  makeupPump: At & { turn: number };
  tank: At & { width: number; height: number };
  users: At & { width: number; height: number };
  names: (At & { name: 'primarySide' | 'secondarySide' | 'exchanger' | 'users'; anchor: 'start' | 'middle' | 'end' })[];
  groups: Record<GroupName, GroupAt>;
}

export const WIDE: Layout = {
  width: 1000,
  height: 450,
  pipes: [
    { path: 'M16 140H430', kind: 'supply', side: 'primary' },
    { path: 'M430 300H16', kind: 'return', side: 'primary' },
    { path: 'M494 140H950V176', kind: 'supply', side: 'secondary' },
    { path: 'M950 264V300H494', kind: 'return', side: 'secondary' },
    { path: 'M806 398H676V300', kind: 'makeup', side: 'secondary' },
  ],
  arrows: [
    { x: 200, y: 140, turn: 0 },
    { x: 200, y: 300, turn: 180 },
    { x: 740, y: 140, turn: 0 },
    { x: 750, y: 300, turn: 180 },
    { x: 676, y: 345, turn: -90 },
  ],
  exchanger: { x: 430, y: 112, width: 64, height: 216, upright: true },
  valve: { x: 330, y: 140, turn: 0 },
  pump: { x: 584, y: 300, turn: 180 },
  makeupPump: { x: 738, y: 398, turn: 180 },
  tank: { x: 806, y: 346, width: 62, height: 76 },
  users: { x: 926, y: 176, width: 48, height: 88 },
  names: [
    { x: 16, y: 24, name: 'primarySide', anchor: 'start' },
    { x: 984, y: 24, name: 'secondarySide', anchor: 'end' },
    { x: 462, y: 346, name: 'exchanger', anchor: 'middle' },
    { x: 950, y: 330, name: 'users', anchor: 'middle' },
  ],
  groups: {
    primarySupply: { x: 16, y: 64 },
    primaryMeter: { x: 16, y: 190 },
    primaryReturn: { x: 16, y: 318 },
    valve: { x: 330, y: 84, edge: 'middle' },
    secondarySupply: { x: 516, y: 36 },
    secondaryMeter: { x: 716, y: 62 },
    secondaryReturn: { x: 904, y: 222, edge: 'right' },
    pump: { x: 584, y: 182, edge: 'middle' },
    makeup: { x: 516, y: 368 },
    tank: { x: 882, y: 368 },
  },
};

export const TALL: Layout = {
  width: 360,
  height: 800,
  pipes: [
    { path: 'M40 8V270', kind: 'supply', side: 'primary' },
    { path: 'M320 270V8', kind: 'return', side: 'primary' },
    { path: 'M320 318V744H262', kind: 'supply', side: 'secondary' },
    { path: 'M176 744H40V318', kind: 'return', side: 'secondary' },
    { path: 'M146 558H40', kind: 'makeup', side: 'secondary' },
  ],
  arrows: [
    { x: 40, y: 120, turn: 90 },
    { x: 320, y: 150, turn: -90 },
    { x: 320, y: 490, turn: 90 },
    { x: 40, y: 650, turn: -90 },
  ],
  exchanger: { x: 18, y: 270, width: 324, height: 48, upright: false },
  valve: { x: 40, y: 222, turn: 90 },
  pump: { x: 40, y: 440, turn: -90 },
  makeupPump: { x: 92, y: 558, turn: 180 },
  tank: { x: 146, y: 526, width: 44, height: 48 },
  users: { x: 176, y: 716, width: 86, height: 56 },
  names: [
    { x: 180, y: 16, name: 'primarySide', anchor: 'middle' },
    { x: 219, y: 793, name: 'users', anchor: 'middle' },
  ],
  groups: {
    primarySupply: { x: 60, y: 26 },
    primaryReturn: { x: 304, y: 90, edge: 'right' },
    primaryMeter: { x: 60, y: 150 },
    valve: { x: 66, y: 214 },
    secondarySupply: { x: 304, y: 330, edge: 'right' },
    pump: { x: 66, y: 406 },
    secondaryMeter: { x: 304, y: 466, edge: 'right' },
    makeup: { x: 64, y: 584 },
    tank: { x: 304, y: 530, edge: 'right' },
    secondaryReturn: { x: 60, y: 652 },
  },
};
