// The adapters of `@doorward/client`, each in a tiny application, against the demo.

import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import { chooseUser, launch } from '../support/browser.js';
import { openClient, shows } from '../support/client-journey.js';
import { clientPages } from '../support/client-page.js';
import { freePort, startDev } from '../support/doorward.js';
import { serveSite } from '../support/site.js';

let browser;
let site;
let dev;
before(async () => { browser = await launch(); });
after(() => browser?.close());

async function start(script, options, args = []) {
  const port = await freePort();
  site = await serveSite({ pages: await clientPages(script, options), backend: () => `http://127.0.0.1:${port}` });
  dev = await startDev({ listen: `127.0.0.1:${port}`, args: ['--public-url', site.url, ...args] });
}
async function stop() {
  await site?.stop();
  if (dev) assert.equal(await dev.stop(), 0);
}

describe('axios', () => {
  before(() => start('axios.js', { '/orders': {}, '/popup': { login: 'popup' } }));
  after(stop);

  test('signs in on 401, comes back to the address, saves with the token, and tells a refusal by its code', async () => {
    const { context, page, logins, wrong } = await openClient(browser);
    const address = `${site.url}/orders?page=2#row`;
    await page.goto(address);
    await chooseUser(page, 'bob@acme.test');
    await page.waitForURL(address);
    await shows(page, /^200 You are signed in/);
    await page.locator('#save').click();
    await shows(page, /^200 Your change was received. {"item":"tea"}/);
    await page.locator('#read').click();
    await shows(page, /^DoorwardError 403 role_missing/);
    assert.equal(logins().length, 1);
    assert.deepEqual(wrong, []);
    await context.close();
  });

  test('makes the call again after a login in a window', async () => {
    const { context, page, visited } = await openClient(browser);
    const opened = context.waitForEvent('page', (other) => other !== page);
    await page.goto(`${site.url}/popup`);
    await chooseUser(await opened, 'alice@acme.test');
    await shows(page, /^200 You are signed in/);
    assert.equal(visited.length, 1);
    await context.close();
  });
});

describe('a WebSocket', () => {
  before(() => start('socket.js', { '/chat': {} }, ['--idle-timeout', '12']));
  after(stop);

  test('leads to the login where nobody is signed in, and again when the session ends', async () => {
    const { context, page, logins, wrong } = await openClient(browser);
    await page.goto(`${site.url}/chat?room=1`);
    await chooseUser(page, 'alice@acme.test');
    await page.waitForURL(`${site.url}/chat?room=1`);
    await shows(page, /^open/);
    await page.locator('#save').click();
    await shows(page, /^echo: hello/);
    // Closed with 4401 after twelve seconds; the provider still knows alice.
    await page.waitForRequest((request) => new URL(request.url()).pathname === '/auth/login');
    await page.waitForURL(`${site.url}/chat?room=1`);
    await shows(page, /^open/);
    assert.equal(logins().length, 2);
    assert.deepEqual(wrong, []);
    await context.close();
  });
});

describe('React', () => {
  before(() => start('react.jsx', {
    '/all': {}, '/stay': { disableRedirectOnUnauthenticated: true }, '/route': { disableRedirectOnUnauthenticated: true, required: true },
    '/fails': { fails: true }, '/warn': { warnBefore: 5, required: true },
  }, ['--idle-timeout', '12']));
  after(stop);

  let opened;
  afterEach(() => opened?.context.close());
  const open = async (path) => {
    opened = await openClient(browser);
    await opened.page.goto(`${site.url}${path}`);
    return opened;
  };
  const status = (page, pattern) => page.locator('#status').filter({ hasText: pattern }).waitFor();
  const enter = async (path, email = 'alice@acme.test') => {
    const { page, ...rest } = await open(path);
    await chooseUser(page, email);
    await page.waitForURL(`${site.url}${path}`);
    await status(page, /^AUTHENTICATED/);
    return { page, ...rest };
  };

  test('the provider leads to the login and back to the very address; hooks know who it is', async () => {
    const { page, logins, wrong } = await enter('/all?page=2#row', 'bob@acme.test');
    await page.locator('#user').filter({ hasText: 'Bob' }).waitFor();
    await page.getByRole('button', { name: 'Admin' }).click();
    await page.locator('#answer').filter({ hasText: 'DoorwardError role_missing' }).waitFor();
    await page.getByRole('button', { name: 'Token' }).click();
    await page.locator('#answer').filter({ hasText: 'ey' }).waitFor();
    await page.getByRole('button', { name: 'See' }).click();
    await page.locator('#user').filter({ hasText: 'seen' }).waitFor();
    assert.equal(logins().length, 1);
    assert.equal(await page.evaluate(() => window.counted.success), 1, 'once, strict mode or not');
    assert.deepEqual(wrong, []);
  });

  test('the provider stays where it is told to, and the status says that nobody is there', async () => {
    const { page, visited } = await open('/stay');
    await status(page, /^UNAUTHENTICATED/);
    assert.equal(visited.length, 1);
  });

  test('a part that requires somebody leads to the login by itself', async () => {
    const { page, logins } = await enter('/route');
    await page.locator('#user').filter({ hasText: 'Alice' }).waitFor();
    assert.equal(logins().length, 1);
  });

  for (const [what, answer, code] of [
    ['403', { status: 403, contentType: 'application/problem+json', body: '{"type":"urn:doorward:error:tenant_mismatch","code":"tenant_mismatch"}' }, 'tenant_mismatch'],
    ['500', { status: 500, body: 'oops' }, 'response_invalid'],
    ['HTML', { status: 200, contentType: 'text/html', body: '<!doctype html>' }, 'response_invalid'],
    ['another shape', { status: 200, contentType: 'application/json', body: '{"user":1}' }, 'response_invalid'],
    ['nothing', undefined, 'unreachable'],
  ]) {
    test(`a session endpoint that answers ${what} is an error to show: no login, no endless loading`, async () => { // weakness: F1, F2
      opened = await openClient(browser);
      const { page, visited, wrong } = opened;
      await page.route('**/auth/session*', (route) => (answer ? route.fulfill(answer) : route.abort()));
      for (const path of ['/all', '/route']) {
        await page.goto(`${site.url}${path}`);
        await status(page, new RegExp(`^UNAUTHENTICATED ${code}`));
      }
      await page.locator('#otherwise').waitFor();
      assert.equal(visited.length, 2);
      assert.deepEqual(wrong, []);
    });
  }

  test('what the application throws at a session is shown once, and not tried again', async () => { // weakness: F3
    const { page, logins, wrong } = await open('/fails');
    await chooseUser(page, 'alice@acme.test');
    await page.waitForURL(`${site.url}/fails`);
    await status(page, /^UNAUTHENTICATED the application says no/);
    assert.equal(await page.evaluate(() => window.counted.success), 1);
    assert.equal(logins().length, 1);
    assert.deepEqual(wrong, []);
  });

  test('a warning comes before the end and goes when the user stays', async () => {
    const { page } = await enter('/warn');
    await status(page, /ends in \d s/);
    await page.getByRole('button', { name: 'Stay' }).click();
    await page.locator('#status').filter({ hasNotText: 'ends in' }).waitFor();
    await status(page, /^AUTHENTICATED/);
  });

  test('signing out in one tab is seen in the other, which stays where it is', async () => {
    const { page, context } = await enter('/warn');
    const other = await context.newPage();
    await other.goto(`${site.url}/warn?other`);
    await status(other, /^AUTHENTICATED/);
    await page.getByRole('button', { name: 'Leave' }).click();
    await page.waitForURL((url) => url.origin === new URL(dev.providerUrl).origin);
    await other.locator('#otherwise').waitFor();
    assert.equal(await other.locator('#user').count(), 0, 'nothing of alice is left');
    assert.equal(other.url(), `${site.url}/warn?other`);
  });
});
