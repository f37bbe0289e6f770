// Says what a browser with an empty cache must fetch (gzip) and holds the bars.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

const out = fileURLToPath(new URL('../../src/heatloop/web/static/', import.meta.url));
const manifest = JSON.parse(readFileSync(`${out}.vite/manifest.json`, 'utf8'));
const size = (file) => gzipSync(readFileSync(out + file), { level: 9 }).length;

/** Files of these entries and all they import. */
function files(names, seen = new Set()) {
  const found = new Set();
  const visit = (name) => {
    if (seen.has(name)) return;
    seen.add(name);
    const chunk = manifest[name];
    found.add(chunk.file);
    for (const css of chunk.css ?? []) found.add(css);
    for (const other of chunk.imports ?? []) visit(other);
  };
  names.forEach(visit);
  return found;
}

const words = (part) => `src/locales/zh/${part}.json`;
const start = ['index.html', words('signin')];
const app = [...start, 'src/app.tsx', words('app'), words('kinds')];
const loads = [
  ['sign-in', files(start), 120],
  ['overview', files(app), 400],
  ['substation', files([...app, 'src/pages/substation/page.tsx', 'src/pages/trends/chart.tsx']), 700],
  ['network', files([...app, words('network'), 'src/pages/network/page.tsx', 'src/pages/network/profile-chart.tsx']), 700],
  ['trends', files([...app, 'src/pages/trends/page.tsx']), 900],
];
let missed = 0;
for (const [name, list, bar] of loads) {
  const kb = [...list, 'index.html', 'boot.js'].reduce((sum, file) => sum + size(file), 0) / 1000;
  const ok = kb <= bar;
  if (!ok) missed = 1;
  console.log(`sizes: ${name} ${kb.toFixed(1)} kB gzip (bar ${bar})${ok ? '' : ' MISSED'}`);
}
process.exit(missed);
