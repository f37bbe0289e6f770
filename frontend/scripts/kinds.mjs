// Writes the names of point kinds from the product's table of points into both languages, and
// their units and decimals into a file of their own; with --check only says whether they are right.
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const [head, ...rows] = readFileSync(here('../../src/heatloop/plant/points.csv'), 'utf8')
  .trim()
  .split(/\r?\n/)
  .map((line) => line.split(','));
let wrong = 0;
for (const language of ['zh', 'en']) {
  const file = here(`../src/locales/${language}/kinds.json`);
  const words = { kind: Object.fromEntries(rows.map((row) => [row[0], row[head.indexOf(language)]])) };
  const fresh = `${JSON.stringify(words, null, 2)}\n`;
  if (process.argv.includes('--check')) {
    if (JSON.stringify(JSON.parse(readFileSync(file, 'utf8'))) !== JSON.stringify(words)) {
      console.error(`kinds: ${language}/kinds.json differs from points.csv: run npm run kinds`);
      wrong = 1;
    }
  } else writeFileSync(file, fresh);
}
const units = rows.map((row) => [row[0], [row[head.indexOf('unit')], Number(row[head.indexOf('decimals')])]]);
const file = here('../src/base/kinds.json');
const fresh = `${JSON.stringify(Object.fromEntries(units), null, 1)}\n`;
if (!process.argv.includes('--check')) writeFileSync(file, fresh);
else if (JSON.stringify(JSON.parse(readFileSync(file, 'utf8'))) !== JSON.stringify(JSON.parse(fresh))) {
  console.error('kinds: src/base/kinds.json differs from points.csv: run npm run kinds');
  wrong = 1;
}
process.exit(wrong);
