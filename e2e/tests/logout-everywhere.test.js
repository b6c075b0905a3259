// A sign-out at a certified provider ends a session wherever it is in use: at both instances of a deployment, in every tab, in open sockets.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { call, launch } from '../support/browser.js';
import { passInteractions, startCertifiedProvider } from '../support/certified-provider.js';
import { startReplicas } from '../support/replicas.js';
import { startRedis } from '../support/servers.js';

const INSTANCES = 2;
const LIMIT_MS = 1_000;

let store;
let provider;
let replicas;
let browser;

before(async () => {
  store = await startRedis();
  replicas = await startReplicas({
    count: INSTANCES,
    storeUrl: store.url,
    provider: async (appUrl) => {
      provider = await startCertifiedProvider({
        appUrl,
        client: { backchannel_logout_uri: `${appUrl}/auth/backchannel-logout`, backchannel_logout_session_required: true },
        features: { backchannelLogout: { enabled: true } },
      });
      return provider;
    },
  });
  browser = await launch();
});

after(async () => {
  await browser?.close();
  const ended = await replicas?.stop();
  await provider?.stop();
  await store?.stop();
  if (ended) assert.deepEqual(ended, Array(INSTANCES).fill(0));
});

/** A tab of somebody who has signed in at the provider's own pages. */
async function signIn(user) {
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(replicas.url);
  await page.locator('#sign-in').click();
  await passInteractions(page, user);
  await page.locator('#user').filter({ hasText: `${user}@acme.test` }).waitFor();
  return { context, page };
}

/** Opens as many sockets as there are instances, one after the other, and keeps what becomes of them in `window.sockets`. */
async function openSockets(page) {
  await page.evaluate(async ([address, count]) => {
    window.sockets = [];
    while (window.sockets.length < count) {
      const socket = new WebSocket(address);
      const kept = { closed: null, echoes: [], send: (text) => socket.send(text) };
      socket.addEventListener('message', ({ data }) => kept.echoes.push(data));
      socket.addEventListener('close', ({ code, reason }) => { kept.closed = { code, reason, at: Date.now() }; });
      await new Promise((resolve, reject) => {
        socket.addEventListener('open', resolve);
        socket.addEventListener('error', () => reject(new Error('the socket did not open')));
      });
      window.sockets.push(kept);
    }
  }, [`${replicas.url.replace(/^http/, 'ws')}/api/socket`, INSTANCES]);
}

/** Says something through every socket of `page` and hears it again. */
async function echo(page, text) {
  await page.evaluate((said) => window.sockets.forEach(({ send }) => send(said)), text);
  await page.waitForFunction((said) => window.sockets.every(({ echoes }) => echoes.includes(said)), text);
}

const closings = (page) => page.evaluate(() => window.sockets.map(({ closed }) => closed));

/** How often each instance answered `request`, such as `GET /`, once their logs tell of it `times` times. */
async function answered(request, times) {
  const lines = () => replicas.instances.map(({ output }) => output().split('\n').filter((line) => line.includes(`"message":"${request}"`)).length);
  // What a process has written is read a moment later.
  for (const until = Date.now() + 5_000; Date.now() < until && sum(lines()) < times;) await pause(20);
  return lines();
}

const sum = (numbers) => numbers.reduce((total, number) => total + number, 0);

/** Signs out in a tab of its own, on the provider's page; resolves with when it was asked to and when its answer came, in milliseconds. */
async function signOutAtTheProvider(context) {
  const page = await context.newPage();
  await page.goto(`${provider.issuer}/session/end`);
  const [answer] = await Promise.all([
    page.waitForResponse((response) => response.url() === `${provider.issuer}/session/end/confirm`),
    page.getByRole('button', { name: 'Yes, sign me out' }).click(),
  ]);
  const { startTime, responseStart } = answer.request().timing();
  assert.ok(responseStart >= 0, 'the browser noted when the answer came');
  await page.waitForURL((url) => url.pathname === '/session/end/success');
  return { asked: startTime, answered: startTime + responseStart };
}

test('a sign-out at a certified provider closes the sockets at every instance with 4401 within a second and ends the other tab\'s session, and nobody else\'s', async (t) => { // attacks: J4
  const alice = await signIn('alice');
  const bob = await signIn('bob');
  const other = await alice.context.newPage();
  await other.goto(replicas.url);
  for (const { page } of [alice, bob]) {
    await openSockets(page);
    await echo(page, 'before');
  }
  assert.deepEqual(await answered('GET /api/socket', 4), [2, 2], 'each has a socket at each instance');
  assert.equal((await call(other, '/api/protected')).status, 200);

  assert.deepEqual(await closings(alice.page), [null, null]);
  const signOut = await signOutAtTheProvider(alice.context);
  await alice.page.waitForFunction(() => window.sockets.every(({ closed }) => closed));
  const closed = await closings(alice.page);
  const took = closed.map(({ at }) => Math.round(at - signOut.answered));
  // The provider waits for our answer to its token, so that they may well close before its own.
  t.diagnostic(`sockets closed ${closed.map(({ at }) => Math.round(at - signOut.asked)).join(' and ')} ms after the provider was asked to sign out, `
    + `${took.join(' and ')} ms after its answer`);
  assert.deepEqual(closed.map(({ code, reason }) => ({ code, reason })), Array(INSTANCES).fill({ code: 4401, reason: 'session was ended' }));
  assert.ok(took.every((ms) => ms < LIMIT_MS), `${took} ms`);
  // It was one token, told to one instance: the other one heard of it through the store.
  assert.deepEqual(provider.counts.backchannel, { success: 1, error: 0 });
  assert.deepEqual((await answered('POST /auth/backchannel-logout', 1)).sort(), [0, 1]);
  for (const _ of replicas.instances) {
    const refused = await call(other, '/api/protected');
    assert.deepEqual([refused.status, refused.body.code], [401, 'session_revoked']);
  }

  await echo(bob.page, 'still here');
  assert.deepEqual(await closings(bob.page), [null, null]);
  assert.equal((await call(bob.page, '/api/protected')).status, 200);
  await Promise.all([alice, bob].map(({ context }) => context.close()));
});
