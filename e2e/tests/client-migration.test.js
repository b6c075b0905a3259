// The application of `e2e/pages/react`, written for `@wristband/react-client-auth` and left as it is but for one import, on
// `@doorward/client/react`: in front of the example `wristband` and the platform that the development provider speaks for.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { chooseUser, launch } from '../support/browser.js';
import { clientScript } from '../support/client-page.js';
import { freePort, startProvider } from '../support/doorward.js';
import { startExample } from '../support/process.js';
import { serveSite } from '../support/site.js';

let browser;
let front;
let provider;
let app;
before(async () => {
  browser = await launch();
  const port = await freePort();
  const document = await readFile(new URL('../pages/react/index.html', import.meta.url), 'utf8');
  const script = await clientScript('app.jsx', { folder: 'pages/react', replaced: { './client-auth.js': 'pages/client/moved.js' } });
  front = await serveSite({ pages: { '/orders': document, '/welcome': document, '/app.js': script }, backend: () => `http://127.0.0.1:${port}` });
  provider = await startProvider({
    args: ['--platform', '--login-url', `${front.url}/api/auth/login`, '--redirect-uri', `${front.url}/api/auth/callback`],
  });
  app = await startExample('wristband', {
    PORT: String(port),
    PUBLIC_URL: front.url,
    APPLICATION_VANITY_DOMAIN: `app.localhost:${new URL(provider.providerUrl).port}`,
    CLIENT_ID: 'doorward-dev',
    CLIENT_SECRET: provider.clientSecret,
    SESSION_SECRET: randomBytes(32).toString('base64url'),
  });
});
after(async () => {
  await browser?.close();
  await front?.stop();
  await app?.stop();
  if (provider) assert.equal(await provider.stop(), 0);
});

async function open() {
  const context = await browser.newContext();
  const page = await context.newPage();
  const wrong = [];
  page.on('pageerror', (error) => wrong.push(String(error)));
  const logins = [];
  page.on('request', (request) => {
    const url = new URL(request.url());
    if (request.isNavigationRequest() && url.origin === front.url && url.pathname === '/api/auth/login') logins.push(url);
  });
  return { context, page, wrong, logins };
}

/** Opens `path` as a stranger and goes through the platform's pages: which tenant, then who. */
async function signIn(page, path) {
  await page.goto(`${front.url}${path}`);
  await page.waitForURL((url) => url.hostname === 'app.localhost' && url.pathname === '/login');
  await page.getByRole('button', { name: 'acme' }).click();
  await page.waitForURL((url) => url.hostname === 'acme-app.localhost');
  await chooseUser(page, 'alice@acme.test');
  await page.waitForURL(`${front.url}${path}`);
  await page.locator('#status').filter({ hasText: 'AUTHENTICATED' }).waitFor();
}

async function press(page, name, pattern) {
  await page.getByRole('button', { name, exact: true }).click();
  const shown = page.locator('#shown').filter({ hasText: pattern });
  await shown.waitFor().catch(async () => assert.fail(`${name} shows "${await page.locator('#shown').textContent()}", expected ${pattern}`));
  return shown.textContent();
}

test('the moved application signs in by itself, and its return URL is encoded once', async () => { // weakness: F4, F5
  const { context, page, wrong, logins } = await open();
  const path = '/orders?page=2&q=a%20b#row-7';
  await signIn(page, path);
  assert.equal(logins[0].searchParams.get('return_url'), front.url + path);
  await page.locator('#metadata').filter({ hasText: '"transformed":true' }).waitFor();
  assert.equal(await page.evaluate(() => sessionStorage.getItem('onSessionSuccess')), await page.locator('#user').innerText());
  assert.deepEqual(wrong, []);
  await context.close();
});

test('hooks, token, calls and sign-out of the moved application do what they did', async () => {
  const { context, page, wrong } = await open();
  await signIn(page, '/orders');
  const tenant = await page.locator('#tenant').innerText();
  assert.equal(await press(page, 'Read', /^200/), `200 Hello, world (${tenant})`);
  await press(page, 'Save', /^200 Hello/);
  assert.equal(await press(page, 'Save without the token', /^403/), '403 Forbidden csrf_missing');
  assert.equal(await press(page, 'Save by fetch', /^200/), '200 Hello, world');
  const [one, two] = (await press(page, 'Token', /^ey/)).split(' ');
  assert.equal(one, two);
  await press(page, 'Forget the token', 'forgotten');
  await press(page, 'Read with the token', /^200/);
  await page.getByRole('button', { name: 'Update metadata' }).click();
  await page.locator('#metadata').filter({ hasText: '"seen":true' }).waitFor();
  await press(page, 'Validate', 'validated');
  await page.locator('#metadata').filter({ hasText: '"seen":true' }).waitFor();
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.waitForURL((url) => url.hostname === 'acme-app.localhost');
  await page.goto(`${front.url}/welcome`);
  await page.locator('#status').filter({ hasText: /^UNAUTHENTICATED$/ }).waitFor();
  assert.deepEqual(wrong, []);
  await context.close();
});

test('tenant and login hint of the moved page arrive at the platform', async () => { // weakness: F10
  const { context, page, logins } = await open();
  await page.goto(`${front.url}/welcome`);
  await page.getByRole('button', { name: 'Sign in at Globex' }).click();
  await page.waitForURL((url) => url.hostname === 'globex-app.localhost');
  const { searchParams } = logins[0];
  assert.deepEqual([...searchParams].sort(), [['login_hint', 'carol@globex.test'], ['return_url', `${front.url}/orders`], ['tenant_name', 'globex']]);
  await context.close();
});
