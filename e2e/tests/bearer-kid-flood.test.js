// A flood of invented tokens must not become a flood of requests to the issuer, and must not harm those who hold a good one.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { Agent } from 'node:http';
import { after, before, test } from 'node:test';
import { askServer } from '../support/judges.js';
import { startResourceServer } from '../support/resource-server.js';
import { startIssuer } from '../support/token-issuer.js';
import { encode, makeKeys, Maker } from '../support/token-maker.js';

const FLOOD = 10_000;
const AT_ONCE = 64;
/** The least time between two looks for an unknown key. */
const INTERVAL_S = 30;

let issuer;
let server;
let maker;
const agent = new Agent({ keepAlive: true, maxSockets: AT_ONCE });

before(async () => {
  const keys = makeKeys();
  issuer = await startIssuer(keys.published);
  server = await startResourceServer(issuer.issuer);
  maker = new Maker({ issuer: issuer.issuer, keys });
});

after(async () => {
  agent.destroy();
  await issuer?.stop();
  if (server) assert.equal(await server.stop(), 'SIGTERM');
});

const random = () => randomBytes(12).toString('base64url');
/** Claims as good as any; header as given; a signature of the right length that nobody made. */
const invented = (header, claims) => `${encode(maker.header(header))}.${encode(maker.claims(claims))}.${encode(randomBytes(64))}`;
const fetched = () => issuer.fetches['/jwks']?.length ?? 0;

/** Sends `count` tokens of `make`, `AT_ONCE` at a time, a fresh good one beside every fiftieth; answers how often what was said. */
async function flood(count, make) {
  const good = await Promise.all(Array.from({ length: count / 50 }, () => maker.token({ claims: { jti: random() } })));
  const said = { flood: {}, good: {} };
  let slowest = 0;
  let next = 0;
  const note = (whose, { status }) => { said[whose][status] = (said[whose][status] ?? 0) + 1; };
  await Promise.all(Array.from({ length: AT_ONCE }, async () => {
    while (next < count) {
      const index = next;
      next += 1;
      note('flood', await askServer(server.me, make(), { agent }));
      if (index % 50 !== 0) continue;
      const begun = performance.now();
      note('good', await askServer(server.me, good[index / 50], { agent }));
      slowest = Math.max(slowest, performance.now() - begun);
    }
  }));
  return { ...said, slowest };
}

/** Floods, and holds what it caused against one fetch for every begun half minute. */
async function floodAndCount(count, make) {
  const begun = performance.now();
  const before = fetched();
  const said = await flood(count, make);
  const seconds = (performance.now() - begun) / 1000;
  const fetches = fetched() - before;
  console.log(`${count} requests in ${seconds.toFixed(1)} s made ${fetches} fetches of keys; the slowest good token took ${said.slowest.toFixed(0)} ms`);
  // A flood of 40 s may meet the ends of two intervals: floor(40 / 30) + 1.
  assert.ok(fetches <= Math.floor(seconds / INTERVAL_S) + 1, `${fetches} fetches in ${seconds} s`);
  assert.deepEqual(said.flood, { 401: count });
  assert.deepEqual(said.good, { 200: count / 50 });
  return fetches;
}

const works = async () => assert.equal((await askServer(server.me, await maker.token())).status, 200);

test('ten thousand invented kids cause one look for newer keys in thirty seconds, and good tokens stay good', async () => { // attacks: I15
  await works();
  assert.equal(fetched(), 1, 'the first token of all brings the keys');
  const fetches = await floodAndCount(FLOOD, () => invented({ kid: random() }));
  assert.ok(fetches >= 1, 'an unknown kid may be a new key: somebody has to look');
  await works();
  // Two looks never stand closer together than the interval, whoever caused them.
  const [, ...caused] = issuer.fetches['/jwks'];
  caused.forEach((at, index) => assert.ok(index === 0 || at - caused[index - 1] >= INTERVAL_S * 1000 - 500));
});

test('two thousand tokens without kid, no header like another, cause no more', async () => { // attacks: I15
  await floodAndCount(2_000, () => invented({ kid: undefined, extra: random() }));
  await works();
});

test('two thousand tokens of invented issuers cause no request at all', async () => { // attacks: I15
  const before = JSON.stringify(issuer.fetches);
  await flood(2_000, () => invented({ kid: random() }, { iss: `${issuer.issuer}/${random()}` }));
  const known = JSON.parse(before);
  assert.deepEqual(Object.keys(issuer.fetches), Object.keys(known), 'no path that was not asked before');
  assert.deepEqual(JSON.parse(JSON.stringify(issuer.fetches)), known);
  await works();
});
