// Access tokens, good and bad, judged by our server, by jose and by PyJWT with the same settings: whatever we accept, both accept.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { after, before, test } from 'node:test';
import { describe as pageOf, PAGE } from '../support/bearer-page.js';
import { askServer, joseJudge, judgeByPython, judgeByServer, settings } from '../support/judges.js';
import { startResourceServer } from '../support/resource-server.js';
import { changedByChance } from '../support/token-chance.js';
import { startIssuer } from '../support/token-issuer.js';
import { makeKeys, Maker } from '../support/token-maker.js';
import { makeAll } from '../support/token-variants/index.js';

const CHANCES = 3_000;

let issuer;
let server;
let rows;
let judges;
let maker;

before(async () => {
  const keys = makeKeys();
  issuer = await startIssuer(keys.published);
  server = await startResourceServer(issuer.issuer);
  const same = settings(issuer.issuer);
  const jwks = { keys: keys.published };
  const jose = joseJudge(jwks, same);
  judges = { jose, python: (tokens) => judgeByPython(jwks, same, tokens) };
  maker = new Maker({ issuer: issuer.issuer, keys });
  rows = await makeAll(maker);
  // All at about the same time, since some tokens are near the edge of the leeway.
  const byPython = judges.python(rows.map(({ token }) => token));
  for (const row of rows) {
    row.jose = await jose(row.token);
    row.ours = await judgeByServer(server.me, row.token);
    row.again = await judgeByServer(server.me, row.token);
  }
  for (const [index, judged] of (await byPython).entries()) rows[index].python = judged;
});

after(async () => {
  await issuer?.stop();
  if (server) assert.equal(await server.stop(), 'SIGTERM');
});

const accepts = (judged) => 'subject' in judged;
const said = ({ name, ours, jose, python }) => `${name}: we ${ours.reason ?? 'accept'}, jose ${jose.reason ?? 'accepts'}, PyJWT ${python.reason ?? 'accepts'}`;
const chosen = (choice) => rows.filter(choice).map(said);

test('the table has more than sixty variants, each under a name of its own', () => {
  assert.ok(rows.length >= 60, String(rows.length));
  assert.equal(new Set(rows.map(({ name }) => name)).size, rows.length);
  // Two tokens that are the same would count one variant twice.
  assert.equal(new Set(rows.map(({ token }) => token)).size, rows.length);
});

test('no token that jose or PyJWT refuses is accepted', () => { // attacks: I4, I5, I6
  assert.deepEqual(chosen(({ ours, jose, python }) => accepts(ours) && !(accepts(jose) && accepts(python))), []);
});

test('every token that both accept is accepted, except where a row names our rule and its section', () => {
  const refused = rows.filter(({ ours, jose, python }) => accepts(jose) && accepts(python) && !accepts(ours));
  assert.deepEqual(refused.filter(({ rule, section }) => !rule || !/RFC \d{4} §\d/.test(section ?? '')).map(said), []);
});

test('every row is what the table expects of it', () => { // attacks: I4
  const verdict = ({ ours, jose, python }) => {
    if (accepts(ours)) return 'accepted';
    return accepts(jose) && accepts(python) ? 'refused by us alone' : 'refused';
  };
  assert.deepEqual(chosen((row) => verdict(row) !== row.expected), []);
});

test('whom a token speaks for is the same for all three', () => {
  const accepted = rows.filter(({ ours }) => accepts(ours));
  assert.ok(accepted.length > 60, String(accepted.length));
  for (const { name, ours, jose, python } of accepted) {
    assert.deepEqual({ jose: jose.subject, python: python.subject }, { jose: ours.subject, python: ours.subject }, name);
  }
});

test('asked again, the answer is the same', () => {
  for (const { name, ours, again } of rows) {
    assert.deepEqual([again.answer.status, again.subject], [ours.answer.status, ours.subject], name);
  }
});

test('every refusal is a 401 with a challenge, and holds nothing of the token', () => { // attacks: I3, I17
  for (const { name, token, ours: { answer, subject } } of rows) {
    if (subject !== undefined) continue;
    assert.equal(answer.status, 401, name);
    assert.match(answer.headers['content-type'], /^application\/problem\+json/, name);
    assert.equal(answer.headers['cache-control'], 'no-store', name);
    const { code } = JSON.parse(answer.text);
    assert.ok(['token_invalid', 'token_expired'].includes(code), `${name}: ${code}`);
    const challenge = answer.headers['www-authenticate'];
    assert.match(challenge, /^Bearer realm="doorward", error="invalid_token", error_description="[A-Za-z ]+", resource_metadata="http:[^"]+"$/, name);
    for (const part of token.split('.').filter((part) => part.length > 8)) {
      assert.ok(!`${answer.text}${challenge}`.includes(part), name);
    }
  }
});

test('nothing but metadata and keys was ever fetched, whatever a header points at', () => { // attacks: I4
  assert.deepEqual(Object.keys(issuer.fetches).sort(), ['/.well-known/openid-configuration', '/jwks']);
  assert.equal(issuer.fetches['/.well-known/openid-configuration'].length, 1);
});

test('a token of a hundred kilobytes is refused, and the server goes on', async () => { // attacks: I3
  assert.equal((await askServer(server.me, 'x'.repeat(100_000))).status, 401);
  assert.equal((await askServer(server.me, await maker.token())).status, 200);
});

test('a token in another place, under another scheme or twice is not looked at', async () => { // attacks: I1, I2
  const { token } = rows.find(({ expected }) => expected === 'accepted');
  const ask = async (url, init) => (await fetch(url, init)).status;
  assert.equal(await ask(server.me, { headers: { authorization: `Bearer ${token}` } }), 200);
  assert.equal(await ask(server.me, { headers: { authorization: `bearer ${token}` } }), 200);
  assert.equal(await ask(server.me), 401);
  assert.equal(await ask(`${server.me}?access_token=${token}`), 401);
  assert.equal(await ask(server.me, { headers: { cookie: `access_token=${token}` } }), 401);
  for (const scheme of ['DPoP', 'Basic', 'Token', 'BearerX']) {
    assert.equal(await ask(server.me, { headers: { authorization: `${scheme} ${token}` } }), 401, scheme);
  }
  for (const authorization of ['Bearer', 'Bearer ', token]) {
    assert.equal(await ask(server.me, { headers: { authorization } }), 401, authorization.slice(0, 10));
  }
  const form = new URLSearchParams({ access_token: token });
  assert.equal(await ask(server.me, { method: 'POST', body: form }), 401);
  assert.equal((await askServer(server.me, `${token}, Bearer ${token}`)).status, 401, 'joined by a comma');
  const twice = request(server.me, { headers: ['host', new URL(server.me).host, 'authorization', `Bearer ${token}`, 'authorization', `Bearer ${token}`] }).end();
  const [answer] = await once(twice, 'response');
  answer.resume();
  assert.equal(answer.statusCode, 400, 'two headers');
});

test('of three thousand tokens changed by chance none is accepted that jose or PyJWT refuses', async () => { // attacks: I4
  const seed = Date.now() >>> 0;
  const tokens = changedByChance(maker, { count: CHANCES, seed });
  const byPython = await judges.python(tokens);
  const wrong = [];
  let accepted = 0;
  for (const [index, token] of tokens.entries()) {
    const ours = await judgeByServer(server.me, token);
    if (!accepts(ours)) {
      assert.equal(ours.answer.status, 401, token);
      continue;
    }
    accepted += 1;
    const jose = await judges.jose(token);
    if (jose.subject !== ours.subject || byPython[index].subject !== ours.subject) wrong.push({ token, ours: ours.subject, jose, python: byPython[index] });
  }
  console.log(`${CHANCES} tokens by chance (seed ${seed}): ${accepted} accepted`);
  assert.deepEqual(wrong, [], `seed ${seed}`);
  assert.ok(accepted > CHANCES / 10, 'so few that nothing is shown');
});

test('the page names every row that we alone refuse, with its rule and section', async () => {
  const tally = { rows: rows.length, accepted: 0, refused: 0, alone: 0, jose: 0, python: 0 };
  for (const { ours, jose, python } of rows) {
    if (accepts(ours)) tally.accepted += 1;
    else if (accepts(jose) && accepts(python)) tally.alone += 1;
    else if (accepts(jose)) tally.jose += 1;
    else if (accepts(python)) tally.python += 1;
    else tally.refused += 1;
  }
  console.log(`${tally.rows} variants: ${tally.accepted} accepted by all, ${tally.refused} refused by all, ${tally.alone} refused by us alone, `
    + `${tally.jose} accepted by jose alone, ${tally.python} by PyJWT alone, none by us alone`);
  const split = rows.filter(({ jose, python }) => accepts(jose) !== accepts(python))
    .map((row) => ({ ...row, acceptedBy: accepts(row.jose) ? 'jose' : 'PyJWT' }));
  const page = await readFile(PAGE, 'utf8');
  const current = pageOf(page, { tally, alone: rows.filter(({ rule }) => rule), split });
  if (process.env.DOORWARD_WRITE_PAGES) await writeFile(PAGE, current);
  else assert.equal(page, current, 'DOORWARD_WRITE_PAGES=1 writes it');
});
