// What stays open after the guard has let it in ends with the session: a WebSocket and an event stream in Chromium.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { call, launch, signIn } from '../support/browser.js';
import { startDev } from '../support/doorward.js';

let browser;

before(async () => { browser = await launch(); });
after(() => browser?.close());

/** A page of somebody who is signed in. */
async function signedIn(dev, email) {
  const context = await browser.newContext();
  const page = await context.newPage();
  await signIn(page, dev.url, email);
  return { context, page };
}

/** Opens a socket and an event stream in a page, and keeps what becomes of them in `window.live`. */
function open(page, url) {
  return page.evaluate((address) => new Promise((resolve, reject) => {
    const live = { closed: null, errors: [], echoes: [] };
    const socket = new WebSocket(address);
    const source = new EventSource('/api/events');
    window.live = live;
    window.say = (text) => socket.send(text);
    window.sourceState = () => source.readyState;
    const opened = new Promise((done) => { socket.addEventListener('open', done); });
    const ticked = new Promise((done) => { source.addEventListener('tick', done, { once: true }); });
    socket.addEventListener('message', ({ data }) => live.echoes.push(data));
    socket.addEventListener('close', ({ code, reason }) => { live.closed = { code, reason, at: Date.now() }; });
    source.addEventListener('error', () => live.errors.push(Date.now()));
    socket.addEventListener('error', () => reject(new Error('the socket did not open')));
    Promise.all([opened, ticked]).then(() => resolve());
  }), `${url.replace(/^http/, 'ws')}/api/socket`);
}

const echo = async (page, text) => {
  await page.evaluate((said) => window.say(said), text);
  await page.waitForFunction((said) => window.live.echoes.includes(said), text);
};

test('a logout in another tab closes the socket with 4401 within a second and ends the events, and nobody else\'s', async () => {
  const dev = await startDev();
  const alice = await signedIn(dev, 'alice@acme.test');
  const bob = await signedIn(dev, 'bob@acme.test');
  const copy = await browser.newContext();
  await copy.addCookies(await alice.context.cookies());
  const other = await copy.newPage();
  await other.goto(dev.url);
  await open(alice.page, dev.url);
  await open(bob.page, dev.url);
  await echo(alice.page, 'before');

  const tab = await alice.context.newPage();
  await tab.goto(dev.url);
  assert.equal((await call(tab, '/auth/logout', { method: 'POST', csrf: true })).status, 200);
  const at = await tab.evaluate(() => Date.now());
  await alice.page.waitForFunction(() => window.live.closed && window.live.errors.length > 0);
  const { closed, errors } = await alice.page.evaluate(() => window.live);
  assert.deepEqual({ code: closed.code, reason: closed.reason }, { code: 4401, reason: 'session was ended' });
  assert.ok(closed.at - at < 1000, `closed ${closed.at - at} ms after the logout`);
  assert.ok(errors[0] - at < 1000, `events ended ${errors[0] - at} ms after the logout`);
  console.log(`socket closed ${closed.at - at} ms, events ended ${errors[0] - at} ms after the answer to the logout`);

  // The browser asks for the events once more, is refused, and gives up.
  await alice.page.waitForFunction(() => window.sourceState() === EventSource.CLOSED);
  assert.equal((await call(alice.page, '/api/protected')).status, 401);
  const refused = await call(other, '/api/protected');
  assert.deepEqual([refused.status, refused.body.code], [401, 'session_revoked']);

  await echo(bob.page, 'still here');
  assert.equal(await bob.page.evaluate(() => window.live.closed), null);
  assert.equal((await call(bob.page, '/api/protected')).status, 200);
  await Promise.all([alice, bob].map(({ context }) => context.close()));
  await copy.close();
  await dev.stop();
});

test('the idle end closes what nobody uses, and use by other requests keeps it open', async () => {
  const dev = await startDev({ args: ['--idle-timeout', '6'] });
  const alice = await signedIn(dev, 'alice@acme.test');
  const bob = await signedIn(dev, 'bob@acme.test');
  await open(alice.page, dev.url);
  await open(bob.page, dev.url);
  const begun = Date.now();
  while (Date.now() - begun < 10_000) {
    assert.equal((await call(alice.page, '/api/protected')).status, 200);
    await alice.page.waitForTimeout(500);
  }
  await echo(alice.page, 'in use');
  const { closed } = await bob.page.evaluate(() => window.live);
  assert.deepEqual({ code: closed?.code, reason: closed?.reason }, { code: 4401, reason: 'session has expired' });
  await Promise.all([alice, bob].map(({ context }) => context.close()));
  await dev.stop();
});

test('a server that stops closes sockets with 1001, ends events, and does not wait for them', async () => {
  const dev = await startDev();
  const { context, page } = await signedIn(dev, 'alice@acme.test');
  await open(page, dev.url);
  const begun = Date.now();
  assert.equal(await dev.stop(), 0);
  const took = Date.now() - begun;
  await page.waitForFunction(() => window.live.closed && window.live.errors.length > 0);
  assert.equal(await page.evaluate(() => window.live.closed.code), 1001);
  assert.ok(took < 5000, `stopped after ${took} ms`);
  console.log(`stopped ${took} ms after SIGTERM`);
  await context.close();
});
