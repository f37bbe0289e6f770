/** Line icons of 20 by 20, drawn for these screens. */
const PATHS = {
  overview: 'M3 3h6v8H3zM11 3h6v4h-6zM11 9h6v8h-6zM3 13h6v4H3z',
  network: 'M4.5 6.5a2 2 0 1 0 0-4 2 2 0 0 0 0 4zM15.5 9a2 2 0 1 0 0-4 2 2 0 0 0 0 4zM8 17.5a2 2 0 1 0 0-4 2 2 0 0 0 0 4zM6.5 5l7 1.5M5 6.5l2.3 7M14.5 9l-5 5',
  links: 'M10 11v5.5M7 16.5h6M10 11a1.5 1.5 0 1 0 0-3 1.5 1.5 0 0 0 0 3zM6.6 13a5 5 0 0 1 0-7M13.4 6a5 5 0 0 1 0 7M4.3 15.2a8.2 8.2 0 0 1 0-11.4M15.7 3.8a8.2 8.2 0 0 1 0 11.4',
  trends: 'M3 3v14h14M6 13l3.5-4.5 3 2.5L17 5',
  quality: 'M3 4h14l-5.5 6.5V16l-3 1.5v-7zM13 14l1.5 1.5L18 12',
  alarms: 'M10 3a4.5 4.5 0 0 1 4.5 4.5c0 4 1.5 5.5 1.5 5.5H4s1.5-1.5 1.5-5.5A4.5 4.5 0 0 1 10 3zM8.3 16a2 2 0 0 0 3.4 0',
  commands: 'M3 6h8m4 0h2M3 14h2m4 0h8M13 4v4M7 12v4',
  users: 'M7.5 9.5a3 3 0 1 0 0-6 3 3 0 0 0 0 6zM2.5 16.5c0-3 2-5 5-5s5 2 5 5M13 4a2.6 2.6 0 0 1 0 5M14.5 11.8c2 .5 3 2.3 3 4.7',
  audit: 'M5 2.5h7l3 3v12H5zM8 9h4M8 12h4M8 6h2',
  strategy: 'M3 15.5c3 0 3-9 6-9s3 5 8 5M14 8.5l3 3-3 3M3 4.5h5',
  savings: 'M4 4v12h12M7 12l3-3 2 2 4-5',
  weather: 'M6 15.5h8a3 3 0 0 0 .4-6 4.5 4.5 0 0 0-8.6-1A3.6 3.6 0 0 0 6 15.5zM13.5 3.5v1M17.5 7h-1M16.5 4l-.7.7',
  dispatch: 'M3 16.5h14M4.5 16.5V8l3-2.5V16.5M9.5 16.5v-6h3v6M14.5 16.5v-11h2v11M4 3.5h6',
  forecast: 'M3 3v14h14M6 13l3-4 2.5 2M11.5 11l5-6M12.5 14l4.5-3',
  supervision: 'M3 7h14M3 14h14M3 10.5c2.5 0 3-2 5.5-2s3.5 5 6 5c1.2 0 1.8-1 2.5-2',
  models: 'M3 17V9l7-5.5L17 9v8M7 17v-4h6v4M7.5 9.5 9 8l2 2 1.5-1.5',
  keeping: 'M10 7c3.6 0 6.5-1 6.5-2.2S13.6 2.5 10 2.5 3.5 3.5 3.5 4.8 6.4 7 10 7zM3.5 4.8v10.4c0 1.3 2.9 2.3 6.5 2.3s6.5-1 6.5-2.3V4.8M3.5 10c0 1.3 2.9 2.3 6.5 2.3s6.5-1 6.5-2.3',
  interfaces: 'M7 3v4M13 3v4M5 7h10v3a5 5 0 0 1-10 0zM10 15v2.5',
  governance: 'M10 2.5l6 2v5c0 4-2.6 6.6-6 8-3.4-1.4-6-4-6-8v-5zM7.5 10l1.8 1.8L12.8 8',
  personal: 'M10 9.5a3 3 0 1 0 0-6 3 3 0 0 0 0 6zM4 17c0-3.3 2.6-5.5 6-5.5M12 14.5h5v3h-5zM13 14.5v-1a1.5 1.5 0 0 1 3 0v1',
  security: 'M10 2.5l6 2v5c0 4-2.6 6.6-6 8-3.4-1.4-6-4-6-8v-5zM10 6.5v4M10 13h.1',
  explore: 'M3 5h9M3 9h6M3 13h5M12.5 15a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7zM15 14l2.5 2.5',
  devices: 'M4 4h12v9H4zM8 16.5h4M10 13v3.5M7 8.5l2 2 4-4',
  ledger: 'M3 4.5h14v11H3zM3 8.5h14M8 8.5v7',
  system: 'M3 4h14v5H3zM3 11h14v5H3zM6 6.5h.1M6 13.5h.1',
  more: 'M4 10h.1M10 10h.1M16 10h.1',
  sun: 'M10 13.5a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7zM10 2v1.5M10 16.5V18M2 10h1.5M16.5 10H18M4.3 4.3l1.1 1.1M14.6 14.6l1.1 1.1M4.3 15.7l1.1-1.1M14.6 5.4l1.1-1.1',
  moon: 'M16.5 12A7 7 0 0 1 8 3.5 7 7 0 1 0 16.5 12z',
  auto: 'M10 3a7 7 0 1 0 0 14zM10 3a7 7 0 0 1 0 14',
  sound: 'M3 8v4h3l4 3.5v-11L6 8zM13 7.5a3.5 3.5 0 0 1 0 5M15 5a7 7 0 0 1 0 10',
  mute: 'M3 8v4h3l4 3.5v-11L6 8zM13 8l4 4m0-4-4 4',
  close: 'm5 5 10 10M15 5 5 15',
  search: 'M9 14.5a5.5 5.5 0 1 0 0-11 5.5 5.5 0 0 0 0 11zM13 13l4 4',
  out: 'M8 3H4v14h4M12 6l4 4-4 4M16 10H8',
  edit: 'M4 16h3l9-9-3-3-9 9zM11.5 5.5l3 3',
  back: 'M12 4l-6 6 6 6',
  check: 'm4 10.5 4 4 8-9',
  download: 'M10 3v9m-4-3.5 4 4 4-4M4 16.5h12',
  upload: 'M10 13V4m-4 3.5 4-4 4 4M4 16.5h12',
  refresh: 'M16 6.5A7 7 0 1 0 17 11M16.5 3v4h-4',
  window: 'M8 4H4v12h12v-4M11 3h6v6M17 3l-8 8',
  map: 'M3 5.5 8 3.5l4 2 5-2v11l-5 2-4-2-5 2zM8 3.5v11M12 5.5v11',
  list: 'M7 5h10M7 10h10M7 15h10M3.5 5h.1M3.5 10h.1M3.5 15h.1',
  lock: 'M5 9h10v8H5zM7 9V6.5a3 3 0 0 1 6 0V9',
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name, size = 20 }: { name: IconName; size?: number }) {
  return (
    <svg
      width={size}
      height={size}
      viewBox="0 0 20 20"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.5"
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
      style={{ flex: 'none' }}
    >
      <path d={PATHS[name]} />
    </svg>
  );
}
