// The types of the API must be those of openapi.json.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import openapi, { astToString } from 'openapi-typescript';

const here = (path) => new URL(path, import.meta.url);
const fresh = astToString(await openapi(here('../openapi.json')));
const held = readFileSync(fileURLToPath(here('../src/api/schema.d.ts')), 'utf8');
const plain = (text) =>
  text
    .replace(/\/\*\*[^/]*auto-generated[\s\S]*?\*\//, '')
    .replace(/\s+/g, ' ')
    .trim();
if (plain(held) !== plain(fresh)) {
  console.error('schema: src/api/schema.d.ts is not that of openapi.json: run npm run generate');
  process.exit(1);
}
console.log('schema: as openapi.json');
