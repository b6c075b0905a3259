// The same requests to wristband-fastapi-auth and to Doorward, before the same development provider. Every answer is asserted, every difference
// has its reason, and the page that tells them is what was measured: `SIDE_BY_SIDE=write` writes it anew.

import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { before, test } from 'node:test';
import { measure, ROWS } from '../support/side-by-side/measure.js';
import { render } from '../support/side-by-side/page.js';
import { differences } from '../support/side-by-side/record.js';

const PAGE = new URL('../../docs/reference/wristband-side-by-side.md', import.meta.url);
const FEWEST_ROWS = 40;

let results = [];

before(async () => {
  results = await measure();
});

test('the table has a row for every question', () => {
  assert.ok(ROWS.length >= FEWEST_ROWS, `${ROWS.length} rows`);
  const names = ROWS.map(({ group, request }) => `${group}: ${request}`);
  assert.deepEqual(names.filter((name, at) => names.indexOf(name) !== at), [], 'no row is there twice');
});

for (const [at, { group, request }] of ROWS.entries()) {
  test(`${group}: ${request}`, () => {
    const { theirs, ours, expected, why } = results[at];
    assert.deepEqual(unmet(theirs, expected.theirs), [], `wristband-fastapi-auth answered ${JSON.stringify(theirs)}`);
    assert.deepEqual(unmet(ours, expected.ours), [], `Doorward answered ${JSON.stringify(ours)}`);
    const different = differences(theirs, ours);
    const explained = why.flatMap(({ facets }) => facets);
    assert.deepEqual(different.filter((facet) => !explained.includes(facet)), [], 'every difference has a reason');
    assert.deepEqual(idle(why, different), [], 'every reason is about a difference');
  });
}

test('Doorward answers no request with 500', () => {
  assert.deepEqual(results.filter(({ ours }) => ours.status === '500').map(({ request }) => request), []);
});

test('the page tells what was measured', async () => {
  const page = render(results);
  if (process.env.SIDE_BY_SIDE === 'write') await writeFile(PAGE, page);
  const committed = await readFile(PAGE, 'utf8').catch(() => '');
  assert.equal(committed, page, 'SIDE_BY_SIDE=write node --test e2e/tests/side-by-side.test.js writes it anew');
});

/** What was expected and did not come. */
function unmet(record, [status, ...texts]) {
  const told = Object.values(record).filter((value) => value !== undefined).join('\n');
  const failed = texts.filter((text) => (text.startsWith('!') ? told.includes(text.slice(1)) : !told.includes(text)));
  return record.status === status ? failed : [status, ...failed];
}

/** Reasons for what no longer differs; one that many rows share need not fit in all its facets. */
function idle(why, different) {
  const isAbout = (facet) => different.includes(facet);
  return why.filter(({ facets, shared }) => !(shared ? facets.some(isAbout) : facets.every(isAbout))).map(({ text }) => text);
}
