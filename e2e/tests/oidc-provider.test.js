// The same app against a certified provider nobody here wrote, with rotating refresh tokens and reuse detection.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { call, complaints, launch, signOut } from '../support/browser.js';
import { passInteractions, signInByScript, startCertifiedProvider } from '../support/certified-provider.js';
import { freePort, startDev } from '../support/doorward.js';
import { Jar } from '../support/jar.js';

const TOKEN_SECONDS = 3;
const STORM = 200;
const CROWD = 200;
const CALLS = 20;

let provider;
let dev;
let browser;

before(async () => {
  const port = await freePort();
  provider = await startCertifiedProvider({ appUrl: `http://localhost:${port}`, accessTokenSeconds: TOKEN_SECONDS });
  browser = await launch();
  dev = await startDev({
    listen: `127.0.0.1:${port}`,
    args: ['--issuer', provider.issuer, '--client-id', provider.clientId],
    env: { DOORWARD_CLIENT_SECRET: provider.clientSecret },
  });
});

after(async () => {
  await browser?.close();
  await provider?.stop();
  if (dev) assert.equal(await dev.stop(), 0);
});

async function signIn(user) {
  const context = await browser.newContext();
  const page = await context.newPage();
  const errors = complaints(page, dev.url, [/Failed to load resource: the server responded with a status of (401|403)/]);
  await page.goto(dev.url);
  await page.locator('#sign-in').click();
  await passInteractions(page, user);
  await page.locator('#user').filter({ hasText: `${user}@acme.test` }).waitFor();
  return { context, page, errors };
}

test('login, roles from userinfo, and the CSRF rule work as with our own provider', async () => {
  const { context, page, errors } = await signIn('dana');
  const { status, body } = await call(page, '/api/protected');
  assert.equal(status, 200);
  assert.deepEqual({ email: body.user.email, tenant: body.user.tenant }, { email: 'dana@acme.test', tenant: 'acme' });
  assert.equal((await call(page, '/api/admin')).status, 200, 'the role came from userinfo');
  assert.equal((await call(page, '/api/protected', { method: 'POST' })).status, 403);
  assert.equal((await call(page, '/api/protected', { method: 'POST', csrf: true, headers: { 'content-type': 'application/json' }, body: '{}' })).status, 200);
  assert.deepEqual(errors, []);
  await context.close();
});

test('three storms of 200 requests on an expired token make one token call each, and the session lives on', async () => {
  const { context } = await signIn('erin');
  let jar = Jar.from(await context.cookies(dev.url));
  await context.close();
  for (let round = 1; round <= 3; round += 1) {
    // The provider's clock is the real one: the token is let to expire, not pretended to.
    await pause((TOKEN_SECONDS + 1) * 1000);
    const before = provider.counts.token.refresh_token ?? 0;
    const cookie = jar.header(dev.url);
    const answers = await Promise.all(Array.from({ length: STORM }, () => fetch(`${dev.url}/api/protected`, { headers: { cookie } })));
    const bodies = await Promise.all(answers.map((answer) => answer.json()));
    assert.deepEqual(tally(answers.map((answer) => answer.status)), { 200: STORM }, `storm ${round}`);
    assert.ok(bodies.every((body) => body.user.email === 'erin@acme.test'));
    assert.equal(provider.counts.token.refresh_token - before, 1, `storm ${round} makes exactly one token call`);
    // A late request that still carries the old cookies is answered from the newest state: no second call, no logout.
    assert.equal((await fetch(`${dev.url}/api/protected`, { headers: { cookie } })).status, 200, 'reuse window');
    assert.equal(provider.counts.token.refresh_token - before, 1);
    const next = jar.copy();
    for (const answer of answers) next.keep(dev.url, answer);
    assert.notEqual(next.header(dev.url), cookie, 'the new tokens reached the browser');
    jar = next;
  }
  assert.equal((await jar.fetch(`${dev.url}/api/protected`)).status, 200, 'session alive afterwards');
  assert.ok(provider.counts.tokenStatuses.every((status) => status === 200), 'the provider refused none of our calls');
});

test('the access token handed to the page is a fresh one', async () => {
  const { context, page } = await signIn('frank');
  const first = (await call(page, '/auth/token')).body;
  await pause((TOKEN_SECONDS + 1) * 1000);
  const second = (await call(page, '/auth/token')).body;
  assert.notEqual(second.accessToken, first.accessToken);
  assert.ok(second.expiresAt > Date.now(), 'it has not expired already');
  await context.close();
});

test('signing out goes through end_session and ends both sessions', async () => {
  const { context, page, errors } = await signIn('grace');
  const old = Jar.from(await context.cookies(dev.url));
  const refreshTokens = [...provider.secrets].filter(([, what]) => what === 'refresh_token').length;
  assert.ok(refreshTokens > 0);
  const asked = [];
  page.on('request', (request) => { if (request.url().startsWith(`${provider.issuer}/session/end`)) asked.push(request.url()); });
  await signOut(page, dev.url);
  assert.ok(asked.length > 0, 'the browser went to the end_session endpoint');
  assert.equal((await call(page, '/api/protected')).status, 401);
  assert.equal((await old.fetch(`${dev.url}/api/protected`)).status, 401, 'the old cookies are worth nothing'); // attacks: E7
  await page.locator('#sign-in').click();
  await page.locator('input[name="login"]').waitFor();
  assert.deepEqual(errors, []);
  await context.close();
});

test('a crowd that signs in and calls at the same time never meets another user\'s data', async () => { // attacks: B26, E24
  const crowd = Array.from({ length: CROWD }, (_, index) => `user${index}`);
  const signedIn = await Promise.all(crowd.map(signInPatiently));
  for (const [index, { answer }] of signedIn.entries()) {
    const text = await answer.text();
    assert.equal(answer.status, 200, `${crowd[index]}: ${text}`);
    assert.equal(JSON.parse(text).user.email, `${crowd[index]}@acme.test`, 'the login itself');
  }
  const before = provider.counts.token.refresh_token ?? 0;
  for (let round = 0; round < CALLS; round += 1) {
    // Half way all tokens have run out: two hundred sessions are refreshed at the same time.
    if (round === CALLS / 2) await pause((TOKEN_SECONDS + 1) * 1000);
    const answers = await Promise.all(signedIn.map(({ jar }) => patiently(jar, `${dev.url}/api/protected`)));
    for (const [index, answer] of answers.entries()) {
      const body = await answer.json();
      assert.equal(answer.status, 200, `${crowd[index]} in round ${round}: ${body.code}`);
      assert.equal(body.user.email, `${crowd[index]}@acme.test`);
    }
  }
  assert.ok(provider.counts.token.refresh_token - before >= CROWD);
  assert.ok(provider.counts.tokenStatuses.every((status) => status === 200), 'the provider refused none of our calls');
});

/** How often a client asks once more where the answer is an outage. */
const ATTEMPTS = 5;

/** A machine too busy for its own provider answers 503 with Retry-After; a client then asks again. */
const patiently = (jar, url) => untilNoOutage(() => jar.fetch(url));

/** The same for a login: whoever is told that the provider is out of reach begins another one. */
async function signInPatiently(user) {
  let signedIn;
  await untilNoOutage(async () => {
    signedIn = await signInByScript(dev.url, user);
    return signedIn.answer;
  });
  return signedIn;
}

async function untilNoOutage(ask) {
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const answer = await ask();
    if (answer.status !== 503) return answer;
    await answer.body?.cancel();
    await pause(Number(answer.headers.get('retry-after')) * 1000);
  }
  return ask();
}

function tally(values) {
  const counts = {};
  for (const value of values) counts[value] = (counts[value] ?? 0) + 1;
  return counts;
}
