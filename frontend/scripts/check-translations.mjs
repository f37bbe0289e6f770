// Both languages must say everything: the same keys, the same placeholders, every key the
// sources use, no key nobody uses, and no words of either language in the sources themselves.
import { readFileSync, readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const faults = [];
const fault = (text) => faults.push(text);

function flat(node, path = '') {
  return Object.entries(node).flatMap(([name, value]) => {
    const key = path ? `${path}.${name}` : name;
    return typeof value === 'object' ? flat(value, key) : [[key, value]];
  });
}

/** Keys of one file of a language; a key may stand in one file only. */
function spoken(language, file) {
  return flat(JSON.parse(readFileSync(join(root, 'src/locales', language, file), 'utf8'))).map(([key, text]) => {
    if (seen.has(`${language} ${key}`)) fault(`${language}/${file}: ${key} stands in another file too`);
    seen.add(`${language} ${key}`);
    home.set(key, file.replace('.json', ''));
    return [key, text];
  });
}

const seen = new Set();
/** In which file a key stands. */
const home = new Map();
const words = Object.fromEntries(
  ['zh', 'en'].map((language) => [
    language,
    new Map(readdirSync(join(root, 'src/locales', language)).flatMap((file) => spoken(language, file))),
  ]),
);
const holes = (text) => [...text.matchAll(/\{\{(\w+)\}\}/g)].map((m) => m[1]).sort().join();
for (const [language, other] of [
  ['zh', 'en'],
  ['en', 'zh'],
]) {
  for (const [key, text] of words[language]) {
    if (!text.trim()) fault(`${language}: ${key} is empty`);
    if (!words[other].has(key)) fault(`${other}: ${key} is missing`);
    else if (language === 'zh' && holes(text) !== holes(words.en.get(key)))
      fault(`${key}: placeholders differ`);
  }
}
const CJK = /[\u3400-\u9fff]/;
for (const [key, text] of words.en) if (CJK.test(text) && key !== 'language.other') fault(`en: ${key} is not English`);

function sources(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return entry.name === 'locales' ? [] : sources(path);
    return /\.tsx?$/.test(entry.name) && !entry.name.endsWith('.d.ts') ? [path] : [];
  });
}

/** Which files of words are there for certain when a source runs. */
const opened = {};
for (const [, parts, page] of readFileSync(join(root, 'src/app.tsx'), 'utf8').matchAll(/withWords\(\[([^\]]*)\], import\('\.\/pages\/([^/]+)/g))
  opened[page] = [...parts.matchAll(/'(\w+)'/g)].map((m) => m[1]);
function said(name) {
  if (name === 'src/root.tsx' || name.startsWith('src/pages/signin/')) return ['signin'];
  const page = /^src\/pages\/([^/]+)/.exec(name)?.[1];
  return ['signin', 'app', 'kinds', ...(opened[page] ?? [])];
}

const used = new Set();
const patterns = [];
// The one sentence shown when the platform answers without one, in both languages.
const BILINGUAL = new Set(['src/api/client.ts']);
for (const path of sources(join(root, 'src'))) {
  const name = relative(root, path);
  const text = readFileSync(path, 'utf8');
  text.split('\n').forEach((line, n) => {
    if (CJK.test(line) && !BILINGUAL.has(name)) fault(`${name}:${n + 1}: Chinese words outside the translations`);
  });
  for (const [, key] of text.matchAll(/['"]([a-z]\w*(?:\.\w+)+|[a-z]+)['"]/g)) used.add(key);
  for (const [, start, key] of text.matchAll(/(\bt\(\s*|exists\(\s*|= )`([^`]+)`/g)) {
    if (!/^[a-zA-Z]+\.|^\$\{of\}\./.test(key)) continue;
    patterns.push(new RegExp(`^${key.replace(/[.]/g, '\\.').replace(/\$\{[^}]*\}?[^.]*/g, '.+')}$`));
    void start;
  }
  for (const [, key] of text.matchAll(/\bt\(\s*'([^']+)'/g)) {
    if (!words.zh.has(key)) fault(`${name}: ${key} is not translated`);
    else if (!said(name).includes(home.get(key))) fault(`${name}: ${key} stands in ${home.get(key)}.json, which this page does not open`);
  }
}
patterns.push(/^(interlock|pumpFault)\./);
for (const key of words.zh.keys()) {
  if (!used.has(key) && !patterns.some((pattern) => pattern.test(key))) fault(`${key} is used nowhere`);
}
for (const text of faults) console.error(`translations: ${text}`);
console.log(`translations: ${words.zh.size} keys, ${faults.length} faults`);
process.exit(faults.length ? 1 : 0);
