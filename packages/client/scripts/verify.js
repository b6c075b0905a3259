// Judges what was built: nothing in the package that does not belong there, everything that `exports` names, loadable where
// there is no page, and the demo's bundle and the README's table as fresh as `dist`. With --write brings these two up to date.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { bundle, DEMO } from './demo.js';
import { sizes, table } from './sizes.js';

const write = process.argv.includes('--write');
const root = fileURLToPath(new URL('..', import.meta.url));
const hint = 'run `npm run refresh` in packages/client';

const readme = new URL('../README.md', import.meta.url);
const marks = /(<!-- sizes: begin -->\n)([\s\S]*?)(\n<!-- end -->)/;
const text = await readFile(readme, 'utf8');
const rows = await sizes();
const stated = text.match(marks)?.[2];
assert.ok(stated !== undefined, 'README.md has lost the marks around its sizes');
if (write) {
  await writeFile(readme, text.replace(marks, (_, begin, __, end) => begin + table(rows) + end));
} else {
  // Compressors differ by a few bytes between versions of Node.js, so a tenth is let pass.
  const figures = (lines) => [...lines.matchAll(/([\d.]+) kB/g)].map(([, figure]) => Number(figure));
  const [is, should] = [figures(stated), figures(table(rows))];
  assert.ok(is.length === should.length && is.every((figure, index) => Math.abs(figure - should[index]) < 0.11), `the sizes in README.md are out of date: ${hint}`);
}

const fresh = await bundle();
if (write) await writeFile(DEMO, fresh);
else assert.ok(await readFile(DEMO, 'utf8').catch(() => '') === fresh, `the demo's client.js is out of date: ${hint}`);

const { exports, dependencies, sideEffects } = JSON.parse(await readFile(new URL('../package.json', import.meta.url), 'utf8'));
assert.equal(dependencies, undefined, 'the package depends on nothing at run time');
assert.equal(sideEffects, false);
const [packed] = JSON.parse(execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }));
const files = packed.files.map(({ path }) => path);
const foreign = files.filter((path) => !/^(dist\/[a-z]+(\.d\.ts|\.js)|dist\/LICENSE-(MIT|APACHE)|README\.md|package\.json)$/.test(path));
assert.deepEqual(foreign, [], 'nothing else is packed');
for (const target of Object.values(exports).flatMap((entry) => Object.values(Object(entry)).filter((value) => value.startsWith?.('./dist')))) {
  assert.ok(files.includes(target.slice(2)), `${target} is exported and packed`);
}
for (const name of ['README.md', 'dist/LICENSE-MIT', 'dist/LICENSE-APACHE']) assert.ok(files.includes(name), `${name} is packed`);

// Through its own name, as its users import it, and without a page.
const { createClient, getCsrfToken } = await import('@doorward/client');
const { connect } = await import('@doorward/client/websocket');
const { install } = await import('@doorward/client/axios');
const { AuthProvider } = await import('@doorward/client/react');
assert.ok([connect, install, AuthProvider, createClient().fetch].every((value) => typeof value === 'function'));
assert.equal(getCsrfToken(), undefined);
console.log(`${files.length} files, ${packed.size} bytes packed${write ? '; README.md and the demo are up to date' : ''}`);
