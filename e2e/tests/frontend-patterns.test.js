// The three ways in which existing frontends call a backend that sits behind a session, written as their users write
// them (e2e/pages), on the backend's own origin and from another origin of the same site.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { call, chooseUser, launch } from '../support/browser.js';
import { freePort, startDev } from '../support/doorward.js';
import { serveSite } from '../support/site.js';

let browser;
before(async () => { browser = await launch(); });
after(() => browser?.close());

/** What each pattern shows; `page` opens signed out, so the first thing that happens is a 401. */
async function journey(context, pageUrl, pattern, apiOrigin) {
  const page = await context.newPage();
  const statuses = [];
  page.on('response', (response) => { if (response.url().startsWith(`${apiOrigin}/api/`)) statuses.push(response.status()); });
  await page.goto(pageUrl);
  await page.getByRole('button', { name: /alice/i }).first().waitFor();
  assert.ok(statuses.includes(401), 'the first call was refused, and the page sent the user to the login');
  await chooseUser(page, 'alice@acme.test');
  await page.waitForURL(pageUrl);
  const message = page.locator('#message');
  await message.filter({ hasText: 'Hello alice@acme.test' }).waitFor();

  const result = page.locator('#result');
  await page.locator('#save').click();
  await result.filter({ hasText: '200 tea' }).waitFor();

  if (pattern === 'fetch') {
    await page.locator('#missing').click();
    await result.filter({ hasText: '404' }).waitFor();
    // 403 goes to the login too; the provider still knows alice, so the page comes straight back.
    await page.locator('#save-without-token').click();
    await page.waitForFunction(() => sessionStorage.getItem('last')?.startsWith('403'));
    await backHome(page, pageUrl);
    assert.equal(await page.evaluate(() => sessionStorage.getItem('last')), '403 csrf_missing');
  } else {
    await page.locator('#save-without-token').click();
    await result.filter({ hasText: '403 Forbidden csrf_missing' }).waitFor();
    await page.locator('#admin').click();
    await result.filter({ hasText: '200' }).waitFor();
  }
  return page;
}

/** Waits for the page again, whether or not the provider asks who it is. */
async function backHome(page, pageUrl) {
  const provider = page.getByRole('button', { name: /alice/i }).first();
  const home = page.locator('#message').filter({ hasText: 'Hello' });
  await provider.or(home).first().waitFor();
  if (await provider.isVisible()) await chooseUser(page, 'alice@acme.test');
  await page.waitForURL(pageUrl);
  await home.waitFor();
}

describe('on the own origin', () => {
  let dev;
  let site;
  before(async () => {
    // The pages and the backend share an origin, as behind a frontend's development server or a proxy.
    const port = await freePort();
    site = await serveSite({ backend: () => `http://127.0.0.1:${port}` });
    dev = await startDev({ listen: `127.0.0.1:${port}`, args: ['--public-url', site.url] });
    assert.equal(dev.url, site.url);
  });
  after(async () => {
    await site?.stop();
    if (dev) assert.equal(await dev.stop(), 0);
  });

  for (const pattern of ['axios', 'trycatch', 'fetch']) {
    test(`the ${pattern} pattern signs in on 401, saves with the token and reads a refusal`, async () => {
      const context = await browser.newContext();
      await journey(context, `${site.url}/${pattern}.html`, pattern, site.url);
      await context.close();
    });
  }
});

describe('from another origin of the same site', () => {
  let dev;
  let app;
  before(async () => {
    app = await serveSite({ host: 'app.acme.test', tls: true });
    const port = await freePort();
    dev = await startDev({
      listen: `127.0.0.1:${port}`,
      args: ['--tls', '--public-url', `https://api.acme.test:${port}`, '--app-origin', app.url, '--cookie-domain', 'acme.test'],
    });
    assert.equal(dev.url, `https://api.acme.test:${port}`);
  });
  after(async () => {
    await app?.stop();
    if (dev) assert.equal(await dev.stop(), 0);
  });

  for (const pattern of ['axios', 'trycatch', 'fetch']) {
    test(`the ${pattern} pattern signs in on 401, saves with the token and reads a refusal`, async () => {
      const context = await browser.newContext({ ignoreHTTPSErrors: true });
      const pageUrl = `${app.url}/${pattern}.html?api=${encodeURIComponent(dev.url)}`;
      const page = await journey(context, pageUrl, pattern, dev.url);
      assert.equal(new URL(page.url()).origin, app.url, 'the return URL leads back to the app origin');
      const cookies = await context.cookies(dev.url);
      const csrf = cookies.find(({ name }) => name === 'CSRF-TOKEN');
      assert.equal(csrf?.domain, '.acme.test', 'the page of app.acme.test can read the CSRF cookie');
      assert.ok(csrf.secure && !csrf.httpOnly);
      const session = cookies.find(({ name }) => name === '__Secure-session');
      assert.equal(session?.domain, '.acme.test');
      assert.ok(session.secure && session.httpOnly && session.sameSite === 'Lax');
      await context.close();
    });
  }

  test('a page that is no app origin can neither read an answer nor change anything', async () => { // attacks: F9, F10
    const context = await browser.newContext({ ignoreHTTPSErrors: true });
    const stranger = await serveSite({ host: 'other.acme.test', tls: true, pages: { '/': '<!doctype html>' } });
    const page = await context.newPage();
    await journey(context, `${app.url}/axios.html?api=${encodeURIComponent(dev.url)}`, 'axios', dev.url);
    await page.goto(stranger.url);
    assert.match((await call(page, `${dev.url}/api/protected`, { credentials: 'include' })).error ?? '', /Failed to fetch/);
    // The neighbour may read the shared CSRF cookie; the origin rule stops it all the same.
    const [answer, seen] = await Promise.all([
      page.waitForResponse((response) => response.url() === `${dev.url}/api/protected` && response.request().method() === 'POST'),
      call(page, `${dev.url}/api/protected`, { method: 'POST', mode: 'no-cors', credentials: 'include', body: '{}' }),
    ]);
    assert.equal(answer.status(), 403);
    assert.equal(seen.status, 0, 'and the page sees nothing of it');
    await stranger.stop();
    await context.close();
  });

  test('signing out from the app origin ends the session', async () => {
    const context = await browser.newContext({ ignoreHTTPSErrors: true });
    const page = await journey(context, `${app.url}/axios.html?api=${encodeURIComponent(dev.url)}`, 'axios', dev.url);
    const { status, body } = await call(page, `${dev.url}/auth/logout`, { method: 'POST', credentials: 'include' });
    assert.equal(status, 200);
    assert.equal(new URL(body.logoutUrl).origin, new URL(dev.providerUrl).origin);
    assert.equal((await call(page, `${dev.url}/api/protected`, { credentials: 'include' })).status, 401);
    await context.close();
  });
});
