// Production cookies over TLS, and form_post with the provider on another site.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { call, chooseUser, launch, signIn } from '../support/browser.js';
import { freePort, providerStats, startDev } from '../support/doorward.js';

let browser;
before(async () => { browser = await launch(); });
after(() => browser?.close());

const newContext = () => browser.newContext({ ignoreHTTPSErrors: true });

describe('over TLS', () => {
  let dev;
  before(async () => { dev = await startDev({ args: ['--tls'] }); });
  after(async () => { if (dev) assert.equal(await dev.stop(), 0); });

  test('Chromium accepts the __Host- cookies with their attributes', async () => { // attacks: E10, E16
    const context = await newContext();
    const page = await context.newPage();
    const lines = setCookieLines(page, dev.url);
    await page.goto(dev.url);
    await page.locator('#sign-in').click();
    await page.getByRole('button', { name: /alice/i }).first().waitFor();
    const login = (await context.cookies(dev.url)).filter(({ name }) => name.startsWith('__Host-login.'));
    assert.equal(login.length, 1, 'one pending login');
    assertHostOnly(login[0], { sameSite: 'Lax', httpOnly: true });

    await chooseUser(page, 'alice@acme.test');
    await page.locator('#user').filter({ hasText: 'alice@acme.test' }).waitFor();
    const cookies = await context.cookies(dev.url);
    const names = cookies.map(({ name }) => name).sort();
    assert.deepEqual(names.filter((name) => name.startsWith('__Host-login')), [], 'a used login cookie is gone');
    assert.ok(names.includes('__Host-session') && names.includes('__Host-session.0'), String(names));
    for (const cookie of cookies.filter(({ name }) => name.startsWith('__Host-'))) {
      assertHostOnly(cookie, { sameSite: 'Lax', httpOnly: true });
    }
    const csrf = cookies.find(({ name }) => name === 'CSRF-TOKEN');
    assertHostOnly(csrf, { sameSite: 'Lax', httpOnly: false });

    // Max-Age: the session cookie lives until the earlier end, token part and CSRF cookie until the absolute one.
    const seconds = (name) => cookies.find((cookie) => cookie.name === name).expires - Date.now() / 1000;
    assert.ok(seconds('__Host-session') <= seconds('__Host-session.0') + 2);
    assert.ok(Math.abs(seconds('__Host-session.0') - seconds('CSRF-TOKEN')) < 5);

    await page.locator('#call-post').click();
    await page.locator('#out-post[data-status="200"]').waitFor({ state: 'attached' });
    for (const line of await lines()) {
      assert.match(line, /; *Secure/i, line.split('=')[0]);
      assert.match(line, /; *Path=\/(;|$)/i, line.split('=')[0]);
      assert.doesNotMatch(line, /; *Domain=/i, line.split('=')[0]);
      assert.ok(Buffer.byteLength(line.split(';')[0]) <= 4096, line.split('=')[0]);
    }
    await context.close();
  });

  test('a cookie of our name that a plain http page planted is not accepted', async () => { // attacks: B23, E10
    const context = await newContext();
    const page = await context.newPage();
    const plain = await startDev();
    await page.goto(plain.url);
    await page.evaluate(() => { document.cookie = '__Host-session=planted; path=/'; document.cookie = '__Host-session=planted; path=/; secure'; });
    const planted = (await context.cookies(dev.url)).find(({ name }) => name === '__Host-session');
    // Chromium treats http://localhost as trustworthy for Secure cookies; what it let in must then be worth nothing.
    await page.goto(dev.url);
    assert.equal((await call(page, '/api/protected')).status, 401);
    await signIn(page, dev.url, 'alice@acme.test');
    assert.equal((await call(page, '/api/protected')).status, 200);
    const now = (await context.cookies(dev.url)).find(({ name }) => name === '__Host-session');
    assert.notEqual(now.value, planted?.value);
    await plain.stop();
    await context.close();
  });
});

describe('form_post with provider and app on different sites', () => {
  let dev;
  before(async () => {
    const port = await freePort();
    dev = await startDev({
      listen: `127.0.0.1:${port}`,
      args: ['--tls', '--public-url', `https://api.acme.test:${port}`, '--response-mode', 'form_post'],
    });
  });
  after(async () => { if (dev) assert.equal(await dev.stop(), 0); });

  test('the login cookie is SameSite=None, travels with the cross-site POST, and the login works', async () => { // attacks: B17
    const context = await newContext();
    const page = await context.newPage();
    const callbacks = [];
    page.on('request', (request) => {
      if (new URL(request.url()).pathname === '/auth/callback') callbacks.push(request);
    });
    await page.goto(dev.url);
    await page.locator('#sign-in').click();
    await page.getByRole('button', { name: /alice/i }).first().waitFor();
    const [login] = (await context.cookies(dev.url)).filter(({ name }) => name.startsWith('__Host-login.'));
    assert.equal(login.sameSite, 'None');
    assert.ok(login.secure && login.httpOnly);
    await chooseUser(page, 'alice@acme.test');
    await page.locator('#user').filter({ hasText: 'alice@acme.test' }).waitFor();
    assert.equal(callbacks.length, 1);
    assert.equal(callbacks[0].method(), 'POST');
    assert.equal(new URL(callbacks[0].url()).search, '', 'no code in the URL');
    const session = (await context.cookies(dev.url)).find(({ name }) => name === '__Host-session');
    assert.equal(session.sameSite, 'Lax', 'only the login cookie is loosened');
    assert.equal((await call(page, '/api/protected')).status, 200);
    await context.close();
  });

  test('the cross-site POST without the login cookie fails closed and reaches no token endpoint', async () => { // attacks: B17
    const context = await newContext();
    const page = await context.newPage();
    await page.goto(`${dev.url}/auth/login`);
    await page.getByRole('button', { name: /alice/i }).first().waitFor();
    await context.clearCookies({ name: /^__Host-login\./ });
    const before = await providerStats(dev);
    const [answer] = await Promise.all([
      page.waitForResponse((response) => new URL(response.url()).pathname === '/auth/callback'),
      chooseUser(page, 'alice@acme.test'),
    ]);
    assert.equal(answer.status(), 400);
    assert.deepEqual((await providerStats(dev)).token, before.token);
    await page.getByRole('link', { name: /sign in/i }).waitFor();
    await page.goto(dev.url);
    assert.equal((await call(page, '/api/protected')).status, 401);
    await context.close();
  });

  test('a callback by GET is refused where form_post is agreed', async () => { // attacks: B16
    const context = await newContext();
    const page = await context.newPage();
    const answer = await page.goto(`${dev.url}/auth/callback?code=x&state=y`);
    assert.ok([400, 405].includes(answer.status()), String(answer.status()));
    await context.close();
  });
});

function assertHostOnly(cookie, { sameSite, httpOnly }) {
  assert.equal(cookie.domain, 'localhost', `${cookie.name} has no Domain`);
  assert.equal(cookie.path, '/');
  assert.equal(cookie.secure, true, `${cookie.name} is Secure`);
  assert.equal(cookie.httpOnly, httpOnly, `${cookie.name} HttpOnly`);
  assert.equal(cookie.sameSite, sameSite);
}

/** Every Set-Cookie line that `origin` sends to `page`. */
function setCookieLines(page, origin) {
  const pending = [];
  page.on('response', (response) => {
    if (response.url().startsWith(origin)) pending.push(response.headersArray().catch(() => []));
  });
  return async () => (await Promise.all(pending)).flat()
    .filter(({ name }) => name.toLowerCase() === 'set-cookie')
    .flatMap(({ value }) => value.split('\n'));
}
