// `@doorward/client` on the backend's own origin, against the demo: one login for all calls, tokens, popups, circles.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { call, chooseUser, launch } from '../support/browser.js';
import { attempt, openClient, shows, signInAt } from '../support/client-journey.js';
import { clientPages } from '../support/client-page.js';
import { freePort, startDev } from '../support/doorward.js';
import { serveSite } from '../support/site.js';

let browser;
let site;
let dev;
/** False: as in a browser that keeps no session cookie. */
let keepsSessions = true;
const start = async (args = []) => {
  const port = await freePort();
  const pages = await clientPages('core.js', {
    '/orders': {}, '/popup': { login: 'popup' }, '/load': { onload: '/api/protected' }, '/recent': { onload: '/api/recent' },
    '/watch': { watch: { warnBefore: 3 } }, '/query': { loginUrl: '/auth/login?login_hint=alice%40acme.test' },
  });
  site = await serveSite({ pages, backend: () => `http://127.0.0.1:${port}`, keeps: (line) => keepsSessions || !line.startsWith('doorward-session') });
  dev = await startDev({ listen: `127.0.0.1:${port}`, args: ['--public-url', site.url, ...args] });
};
const stop = async () => {
  await site?.stop();
  if (dev) assert.equal(await dev.stop(), 0);
};
before(async () => { browser = await launch(); });
after(() => browser?.close());

const signIn = (page, path, email = 'alice@acme.test') => signInAt(page, `${site.url}${path}`, email, `${site.url}/auth/login`);

/** Waits for the page as it comes back, and not as it was when it was left. */
const loadedAnew = (page) => page.waitForFunction(() => window.app && !window.app.left);

describe('with sessions that last', () => {
  before(() => start());
  after(stop);

  test('twenty calls without a session make one navigation, and it comes back to the very address', async () => { // weakness: F4, F5, F7
    const { context, page, visited, logins, wrong } = await openClient(browser);
    const address = `${site.url}/orders?page=2&q=a%20b%26c#row-7`;
    await signIn(page, '/orders');
    await page.goto(address);
    await context.clearCookies({ name: /^doorward-session/ });
    visited.length = 0;
    const refused = [];
    let all;
    const allRefused = new Promise((resolve) => { all = resolve; });
    page.on('response', (response) => {
      if (response.url().includes('/api/')) refused.push(response.status());
      if (refused.length === 20) all();
    });
    // The page goes when every call was refused, not after the first.
    await page.route('**/auth/login?*', async (route) => {
      await allRefused;
      await route.continue();
    });
    await page.evaluate(() => { window.app.left = true; });
    const back = page.waitForRequest((request) => new URL(request.url()).pathname === '/auth/callback');
    await page.evaluate(() => { for (let n = 0; n < 20; n += 1) window.app.client.fetch(`/api/protected?n=${n}`); });
    await back;
    // The provider still knows alice.
    await loadedAnew(page);
    assert.equal(await page.evaluate(() => location.href), address);
    assert.equal(logins().length, 1);
    assert.equal(logins()[0].searchParams.get('return_url'), address);
    assert.deepEqual(refused, Array(20).fill(401));
    await page.locator('#read').click();
    await shows(page, /^200/);
    assert.deepEqual(wrong, []);
    await context.close();
  });

  test('a login that comes back without a session stops with an error', async () => { // weakness: F1
    const { context, page, logins, wrong } = await openClient(browser);
    keepsSessions = false;
    await page.goto(`${site.url}/load`);
    await chooseUser(page, 'alice@acme.test');
    await page.waitForURL(`${site.url}/load`);
    await shows(page, /DoorwardError 401 login_loop/);
    await page.locator('#read').click();
    await shows(page, /DoorwardError 401 login_loop/);
    assert.equal(logins().length, 1);
    assert.deepEqual(wrong, []);
    keepsSessions = true;
    await context.close();
  });

  test('without storage and channel a call ends with an error and not in a circle', async () => {
    const { context, page, visited, wrong } = await openClient(browser, {
      init: () => {
        Object.defineProperty(window, 'sessionStorage', { get() { throw new DOMException('denied', 'SecurityError'); } });
        delete window.BroadcastChannel;
      },
    });
    await page.goto(`${site.url}/load`);
    await shows(page, /DoorwardError 401 storage_unavailable/);
    assert.equal(visited.length, 1);
    // Everything else works as ever.
    await signIn(page, '/load');
    await shows(page, /^200/);
    await page.locator('#save').click();
    await shows(page, /^200/);
    await page.evaluate(() => window.app.redirectToLogout(window.app.client));
    await page.waitForURL((url) => url.origin !== site.url);
    assert.deepEqual(wrong, []);
    await context.close();
  });

  test('a change is saved beside malformed cookies of others', async () => { // weakness: F6
    const { context, page, wrong } = await openClient(browser);
    await signIn(page, '/orders');
    await page.evaluate(() => {
      document.cookie = 'bad=%E0%A4%A; path=/';
      document.cookie = 'smuggled=1%3B CSRF-TOKEN%3Dforged; path=/';
    });
    await page.locator('#save').click();
    await shows(page, /^200 Your change was received/);
    assert.deepEqual(wrong, []);
    await context.close();
  });

  test('a change goes through though the token was rotated while it was on its way', async () => {
    const { context, page, wrong } = await openClient(browser);
    await signIn(page, '/orders');
    const statuses = [];
    page.on('response', (response) => { if (response.request().method() === 'POST') statuses.push(response.status()); });
    let rotated = false;
    await page.route('**/api/protected', async (route) => {
      if (!rotated) {
        rotated = true;
        const other = await context.newPage();
        // The provider still knows alice; the session and its token are new.
        await other.goto(`${site.url}/auth/login?return_url=/orders`);
        await other.waitForURL(`${site.url}/orders`);
        await other.close();
      }
      await route.continue();
    });
    const { value } = await attempt(page, async () => {
      const answer = await window.app.client.fetch('/api/protected', { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"item":"tea"}' });
      return (await answer.json()).received;
    });
    assert.deepEqual(value, { item: 'tea' });
    assert.deepEqual(statuses, [403, 200]);
    assert.deepEqual(wrong, []);
    await context.close();
  });

  test('a change goes through though the token was lost', async () => {
    const { context, page } = await openClient(browser);
    await signIn(page, '/orders');
    await context.clearCookies({ name: 'CSRF-TOKEN' });
    await page.locator('#save').click();
    await shows(page, /^200 Your change was received/);
    await context.close();
  });

  test('a refusal is a typed error with the code of the server, and leads nowhere', async () => {
    const { context, page, visited } = await openClient(browser);
    await signIn(page, '/orders', 'bob@acme.test');
    visited.length = 0;
    const { error } = await attempt(page, () => window.app.client.fetch('/api/admin'));
    assert.deepEqual([error.name, error.status, error.code], ['DoorwardError', 403, 'role_missing']);
    assert.ok(error.requestId && error.title);
    assert.deepEqual(visited, []);
    await context.close();
  });

  test('a 401 of somebody else with a login of theirs leads nowhere', async () => {
    const { context, page, visited } = await openClient(browser);
    await signIn(page, '/orders');
    visited.length = 0;
    let asked;
    await context.route('http://api.other.test/**', (route) => {
      asked = route.request();
      return route.fulfill({
        status: 401,
        headers: { 'access-control-allow-origin': '*', 'content-type': 'application/problem+json' },
        body: JSON.stringify({ type: 'urn:doorward:error:session_missing', code: 'session_missing', login_url: 'http://evil.test/login' }),
      });
    });
    const { value } = await attempt(page, async () => (await window.app.client.fetch('http://api.other.test/x', { method: 'POST', body: 'x' })).status);
    assert.equal(value, 401);
    assert.equal(asked.headers()['x-csrf-token'], undefined);
    assert.equal(asked.headers().cookie, undefined);
    assert.deepEqual(visited, []);
    await context.close();
  });

  test('a login in a window leaves the page where it is, and the call is made again', async () => {
    const { context, page, visited, wrong } = await openClient(browser);
    await page.goto(`${site.url}/popup?kept=1`);
    const statuses = [];
    page.on('response', (response) => { if (response.url().endsWith('/api/protected')) statuses.push(response.status()); });
    // The page may also notice by its focus, and tells the other tabs itself then; that the window speaks too is seen on the channel.
    const listener = await context.newPage();
    await listener.goto(`${site.url}/auth/complete.js`);
    await listener.evaluate(() => {
      window.heard = [];
      new BroadcastChannel('doorward').onmessage = ({ data }) => window.heard.push(data.type);
    });
    await page.bringToFront();
    const [popup] = await Promise.all([context.waitForEvent('page'), page.locator('#read').click()]);
    const closed = popup.waitForEvent('close');
    await chooseUser(popup, 'alice@acme.test');
    await shows(page, /^200 You are signed in/);
    await closed;
    await listener.waitForFunction(() => window.heard.filter((type) => type === 'login').length === 2);
    assert.deepEqual(statuses, [401, 200]);
    assert.deepEqual(visited.map(({ pathname }) => pathname), ['/popup']);
    assert.deepEqual(wrong, []);
    await context.close();
  });

  test('a login window that is closed is an error, and the next call opens another', async () => {
    const { context, page, wrong } = await openClient(browser);
    await page.goto(`${site.url}/popup`);
    for (const button of ['#read', '#save']) {
      const [popup] = await Promise.all([context.waitForEvent('page'), page.locator(button).click()]);
      await popup.getByRole('button', { name: /alice/i }).first().waitFor();
      await popup.close();
      await page.bringToFront();
      await shows(page, /DoorwardError 401 login_cancelled/);
    }
    assert.deepEqual(wrong, []);
    await context.close();
  });

  test('a login window that is blocked is an error', async () => {
    const { context, page, visited, wrong } = await openClient(browser, { init: () => { window.open = () => null; } });
    await page.goto(`${site.url}/popup`);
    await page.locator('#read').click();
    await shows(page, /DoorwardError 401 popup_blocked/);
    assert.equal(visited.length, 1);
    assert.deepEqual(wrong, []);
    await context.close();
  });

  test('signing out in one tab is seen in the other, and nobody is signed in again by it', async () => {
    const { context, page, wrong } = await openClient(browser);
    await signIn(page, '/watch');
    const other = await context.newPage();
    await other.goto(`${site.url}/watch?other`);
    await other.waitForFunction(() => window.app.changes.length === 1);
    await page.evaluate(() => window.app.redirectToLogout(window.app.client));
    await page.waitForURL((url) => url.origin === new URL(dev.providerUrl).origin);
    await other.waitForFunction(() => window.app.changes.length === 2);
    assert.equal(await other.evaluate(() => window.app.changes[1].session), null);
    assert.equal((await call(other, '/api/protected')).status, 401);
    assert.equal(other.url(), `${site.url}/watch?other`);
    assert.deepEqual(wrong, []);
    await context.close();
  });

  test('a session that ended without a word is noticed on focus', async () => { // weakness: F8
    const { context, page } = await openClient(browser);
    await signIn(page, '/watch');
    await page.waitForFunction(() => window.app.changes.length === 1);
    await context.clearCookies({ name: /^doorward-session/ });
    await page.evaluate(() => { window.dispatchEvent(new Event('focus')); });
    await page.waitForFunction(() => window.app.changes.length === 2);
    assert.equal(await page.evaluate(() => window.app.changes[1].session), null);
    await context.close();
  });

  test('the token is read once and kept, and the session has the shape of its type', async () => {
    const { context, page } = await openClient(browser);
    await signIn(page, '/orders');
    const asked = [];
    page.on('request', (request) => { if (request.url().endsWith('/auth/token')) asked.push(request); });
    const { value: tokens } = await attempt(page, () => Promise.all([1, 2, 3].map(() => window.app.getToken(window.app.client))));
    assert.equal(new Set(tokens).size, 1);
    assert.match(tokens[0], /^ey/);
    assert.equal(asked.length, 1);
    const { value: session } = await attempt(page, () => window.app.getSession(window.app.client, { slide: false }));
    // `Session` in packages/client/src/types.ts.
    assert.deepEqual(Object.keys(session).sort(), ['expiresAt', 'logoutUrl', 'metadata', 'tenantId', 'userId']);
    await context.close();
  });

  test('a login that already has a query keeps it', async () => {
    const { context, page, logins } = await openClient(browser);
    await page.goto(`${site.url}/query`);
    await page.locator('#read').click();
    await page.getByRole('button', { name: /alice/i }).first().waitFor();
    assert.deepEqual([...logins()[0].searchParams], [['login_hint', 'alice@acme.test'], ['return_url', `${site.url}/query`]]);
    await context.close();
  });
});

describe('with a sign-in that is soon no longer recent', () => {
  before(() => start(['--recent-age', '4']));
  after(stop);

  test('what needs a fresh one leads through the login with that wish, and back to an answer', async () => {
    const { context, page, logins, wrong } = await openClient(browser);
    await signIn(page, '/orders');
    await page.waitForTimeout(6_000);
    await page.goto(`${site.url}/recent?from=menu#top`);
    // The provider has to ask again.
    await chooseUser(page, 'alice@acme.test');
    await page.waitForURL(`${site.url}/recent?from=menu#top`);
    await shows(page, /^200 You signed in within/);
    assert.equal(logins().at(-1).searchParams.get('max_age'), '4');
    assert.equal(logins().length, 2);
    assert.deepEqual(wrong, []);
    await context.close();
  });
});

describe('with sessions that end soon', () => {
  before(() => start(['--idle-timeout', '6']));
  after(stop);

  test('a warning comes before the end and extends nothing; the end is told, and the next call leads to the login', async () => {
    const { context, page, logins, wrong } = await openClient(browser);
    await signIn(page, '/watch');
    await page.waitForFunction(() => window.app.changes.at(-1)?.type === 'expiring');
    await page.waitForFunction(() => window.app.changes.at(-1).session === null);
    const changes = await page.evaluate(() => window.app.changes);
    assert.deepEqual(changes.map(({ type }) => type), ['session', 'expiring', 'session']);
    assert.equal(changes[1].session.expiresAt, changes[0].session.expiresAt, 'looking extended nothing');
    assert.ok(changes[1].secondsLeft <= 3 && changes[1].secondsLeft >= 1, String(changes[1].secondsLeft));
    const before = logins().length;
    await page.evaluate(() => { window.app.left = true; });
    await page.locator('#read').click();
    await loadedAnew(page);
    assert.equal(page.url(), `${site.url}/watch`);
    assert.equal(logins().length, before + 1);
    assert.deepEqual(wrong, []);
    await context.close();
  });
});
