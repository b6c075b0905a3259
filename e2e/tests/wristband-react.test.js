// A React page on the interface of `@wristband/react-client-auth` (e2e/pages/react), left as it is, in front of the example
// `wristband` and the platform that the development provider speaks for.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, test } from 'node:test';
import { call, chooseUser, complaints, launch } from '../support/browser.js';
import { freePort, providerStats, startProvider } from '../support/doorward.js';
import { startExample } from '../support/process.js';
import { reactPages } from '../support/react-page.js';
import { serveSite } from '../support/site.js';

let browser;
let front;
let provider;
let app;
before(async () => {
  browser = await launch();
  const port = await freePort();
  // Page and API share an origin; the front keeps the host, as the development server of such a frontend does.
  front = await serveSite({ pages: await reactPages(['/', '/orders', '/welcome']), backend: () => `http://127.0.0.1:${port}` });
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

/** A profile of its own with a page, and every address that page went to. */
async function open() {
  const context = await browser.newContext();
  const page = await context.newPage();
  const visited = [];
  page.on('request', (request) => { if (request.isNavigationRequest()) visited.push(request.url()); });
  const wrong = complaints(page, front.url, [/401 \(Unauthorized\)/, /403 \(Forbidden\)/]);
  return { context, page, visited, wrong };
}

/** Goes through the platform's pages: which tenant, then who. */
async function passPlatform(page, tenant, email) {
  await page.waitForURL((url) => url.hostname === 'app.localhost' && url.pathname === '/login');
  await page.getByRole('button', { name: tenant }).click();
  await page.waitForURL((url) => url.hostname === `${tenant}-app.localhost`);
  await chooseUser(page, email);
}

async function signIn(page, path = '/orders') {
  await page.goto(`${front.url}${path}`);
  await passPlatform(page, 'acme', 'alice@acme.test');
  await page.waitForURL(`${front.url}${path}`);
  await page.locator('#status').filter({ hasText: 'AUTHENTICATED' }).waitFor();
}

/** Presses a button of the page and answers what it shows then. */
async function press(page, name, expected) {
  await page.getByRole('button', { name, exact: true }).click();
  const shown = page.locator('#shown').filter({ hasText: expected });
  await shown.waitFor();
  return shown.innerText();
}

const loginsIn = (visited) => visited.filter((url) => new URL(url).pathname === '/api/auth/login').map((url) => new URL(url));
const countCalls = (page, path) => {
  const seen = [];
  page.on('request', (request) => { if (new URL(request.url()).pathname === path) seen.push(request); });
  return seen;
};

test('who is signed out is sent to the login, and comes back to the very page with a session', async () => {
  const { context, page, visited, wrong } = await open();
  await signIn(page, '/orders?filter=open&page=2');
  // First the page's own redirect, without a tenant; then the platform's, which knows it.
  const [first, second] = loginsIn(visited);
  assert.deepEqual([...first.searchParams], [['return_url', `${front.url}/orders?filter=open&page=2`]]);
  assert.deepEqual([second.searchParams.get('tenant_name'), second.searchParams.get('return_url')], ['acme', '/orders?filter=open&page=2']);
  assert.ok(visited.some((url) => new URL(url).host.startsWith('acme-app.localhost') && new URL(url).pathname === '/api/v1/oauth2/authorize'));

  const session = await call(page, '/api/auth/session');
  assert.equal(session.status, 200);
  const { userId, tenantId, metadata } = session.body;
  assert.match(userId, /^[a-z2-7]{26}$/, 'an identifier of the platform');
  assert.match(tenantId, /^[a-z2-7]{26}$/);
  assert.deepEqual(metadata, { email: 'alice@acme.test', roles: ['admin'] });
  assert.equal(await page.locator('#user').innerText(), userId);
  assert.equal(await page.locator('#tenant').innerText(), tenantId);
  assert.deepEqual(JSON.parse(await page.locator('#metadata').innerText()), { ...metadata, transformed: true });
  assert.equal(await page.evaluate(() => sessionStorage.getItem('onSessionSuccess')), userId);
  const me = await call(page, '/api/v1/me');
  assert.deepEqual([me.body.userId, me.body.tenantId, me.body.email], [userId, tenantId, 'alice@acme.test']);

  await page.getByRole('button', { name: 'Update metadata' }).click();
  await page.locator('#metadata').filter({ hasText: '"seen":true' }).waitFor();
  await press(page, 'Validate', 'validated');
  assert.ok(!(await page.locator('#metadata').innerText()).includes('seen'), 'an update is the page\'s own, the session is the backend\'s');
  // A reload asks the session endpoint and nobody else.
  visited.length = 0;
  await page.reload();
  await page.locator('#status').filter({ hasText: 'AUTHENTICATED' }).waitFor();
  assert.equal(loginsIn(visited).length, 0);
  assert.deepEqual(wrong, []);
  await context.close();
});

test('a return URL that is encoded twice comes back as the frontend wrote it, once decoded', async () => { // weakness: F4
  const { context, page, visited } = await open();
  const address = `${front.url}/orders?name=M%C3%BCller%20%26%20Co&page=2#last`;
  await page.goto(address);
  await passPlatform(page, 'acme', 'alice@acme.test');
  await page.waitForURL((url) => url.origin === front.url && url.pathname === '/orders');
  const [{ search }] = loginsIn(visited);
  assert.ok(search.includes('M%2525C3%2525BCller'), search);
  // Its percent signs are the frontend's loss with every backend: one decoding is what a query gets, and no more is guessed.
  assert.equal(page.url(), encodeURI(address));
  assert.equal(new URL(page.url()).searchParams.get('page'), '2');
  assert.equal(new URL(page.url()).hash, '#last');
  await context.close();
});

test('a return URL of another origin is not followed, however often it is encoded', async () => { // weakness: R1
  const { context, page, visited } = await open();
  for (const hostile of [
    'https://evil.test/', '//evil.test', '/\\evil.test', `${front.url}@evil.test/`, `${front.url}.evil.test/`, // encoded once
    'https:%2F%2Fevil.test', '%2F%2Fevil.test', '%252F%252Fevil.test', // and again
  ]) {
    await context.clearCookies();
    const url = new URL('/api/auth/login', front.url);
    url.searchParams.append('tenant_name', 'acme');
    url.searchParams.append('return_url', hostile);
    await page.goto(url.href);
    await chooseUser(page, 'alice@acme.test');
    await page.waitForURL(`${front.url}/`);
    await page.locator('#status').filter({ hasText: 'AUTHENTICATED' }).waitFor();
  }
  assert.deepEqual(visited.filter((url) => new URL(url).hostname.endsWith('evil.test')), []);
  await context.close();
});

test('the token is read once, kept until it is forgotten, and opens the API to a program', async () => {
  const { context, page, wrong } = await open();
  await signIn(page);
  const asked = countCalls(page, '/api/auth/token');
  // Two at once share a request; one of later is answered from what is kept.
  const [one, two] = (await press(page, 'Token', /^ey/)).split(' ');
  assert.equal(one, two);
  const answer = await (await asked[0].response()).json();
  assert.equal(answer.accessToken, one);
  assert.ok(answer.expiresAt > Date.now() + 30_000 && Number.isInteger(answer.expiresAt));
  assert.equal(await press(page, 'Read with the token', /^200/), `200 ${await page.locator('#user').innerText()}`);
  assert.equal(asked.length, 1);
  await press(page, 'Forget the token', 'forgotten');
  await press(page, 'Token', /^ey/);
  assert.equal(asked.length, 2);
  // A session that ended in between is told to whoever asks for the token, and no older one is handed out.
  await press(page, 'Forget the token', 'forgotten');
  const kept = await context.cookies(front.url);
  await context.clearCookies({ name: /^doorward-session/ });
  assert.match(await press(page, 'Token', /^[A-Z]+ /), /^UNAUTHENTICATED /);
  await context.addCookies(kept);
  await press(page, 'Token', /^ey/);
  // What the page forgets is its own; the session goes on.
  await page.getByRole('button', { name: 'Forget', exact: true }).click();
  await page.locator('#status').filter({ hasText: 'UNAUTHENTICATED' }).waitFor();
  assert.equal((await call(page, '/api/auth/session')).status, 200);
  assert.deepEqual(wrong, []);
  await context.close();
});

test('a change is saved with the CSRF token, by axios and by fetch, and refused without it', async () => {
  const { context, page, wrong } = await open();
  await signIn(page);
  const tenant = await page.locator('#tenant').innerText();
  assert.equal(await press(page, 'Read', /^200/), `200 Hello, world (${tenant})`);
  const saved = countCalls(page, '/api/v1/hello-world');
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await page.waitForFunction(() => document.querySelector('#shown').textContent.startsWith('200'));
  const csrf = (await context.cookies(front.url)).find(({ name }) => name === 'CSRF-TOKEN');
  assert.equal(csrf.httpOnly, false);
  assert.equal((await (await saved[0].response()).json()).message, 'Hello, world');
  assert.deepEqual([saved[0].method(), saved[0].headers()['x-csrf-token']], ['POST', csrf.value]);
  assert.equal(await press(page, 'Save without the token', /^403/), '403 Forbidden csrf_missing');
  assert.equal(await press(page, 'Save by fetch', /^200/), '200 Hello, world');
  assert.deepEqual(wrong, []);
  await context.close();
});

test('tenant and login hint of the page arrive at the platform', async () => {
  const { context, page, visited } = await open();
  await page.goto(`${front.url}/welcome`);
  // Where the redirect is switched off, the page is told and stays.
  await page.locator('#error').filter({ hasText: 'UNAUTHENTICATED' }).waitFor();
  assert.deepEqual(visited, [`${front.url}/welcome`]);
  await page.getByRole('button', { name: 'Sign in at Globex' }).click();
  await page.waitForURL((url) => url.hostname === 'globex-app.localhost');
  const [login] = loginsIn(visited);
  assert.deepEqual([...login.searchParams], [['login_hint', 'carol@globex.test'], ['return_url', `${front.url}/orders`], ['tenant_name', 'globex']]);
  const authorize = visited.map((url) => new URL(url)).find(({ pathname }) => pathname === '/api/v1/oauth2/authorize');
  assert.equal(authorize.hostname, 'globex-app.localhost');
  assert.equal(authorize.searchParams.get('login_hint'), 'carol@globex.test');
  assert.equal(await page.getByRole('button', { name: /expected/ }).count(), 1, 'and the page there has it at hand');
  assert.equal(await page.getByRole('button', { name: /alice/i }).count(), 0, 'nobody of another tenant');
  await chooseUser(page, 'carol@globex.test');
  await page.waitForURL(`${front.url}/orders`);
  await page.locator('#metadata').filter({ hasText: 'carol@globex.test' }).waitFor();
  await context.close();
});

test('a domain of the tenant\'s own and a provider hint arrive there too, and the way out leads back to that domain', async () => {
  const { context, page, visited } = await open();
  await page.goto(`${front.url}/welcome`);
  await page.getByRole('button', { name: 'Sign in at the domain of Globex' }).click();
  await page.waitForURL((url) => url.hostname === 'login-globex.localhost');
  const [login] = loginsIn(visited);
  assert.deepEqual([...login.searchParams.keys()], ['idp_hint', 'return_url', 'tenant_custom_domain']);
  const authorize = visited.map((url) => new URL(url)).find(({ pathname }) => pathname === '/api/v1/oauth2/authorize');
  assert.deepEqual([authorize.hostname, authorize.searchParams.get('idp_hint')], ['login-globex.localhost', 'google']);
  await chooseUser(page, 'carol@globex.test');
  await page.waitForURL(`${front.url}/orders`);
  await page.locator('#metadata').filter({ hasText: 'carol@globex.test' }).waitFor();
  visited.length = 0;
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.waitForURL((url) => url.pathname !== '/orders');
  // The platform says where its session was, and hands that over to the login.
  const [out, farewell, again] = visited.map((url) => new URL(url));
  assert.deepEqual([out, farewell, again].map(({ hostname, pathname }) => `${hostname}${pathname}`), [
    'localhost/api/auth/logout', 'login-globex.localhost/api/v1/logout', 'localhost/api/auth/login',
  ]);
  assert.deepEqual([...again.searchParams], [['tenant_name', 'globex'], ['tenant_custom_domain', farewell.host]]);
  await context.close();
});

test('a domain that the platform does not vouch for is never gone to', async () => { // weakness: R2
  const { context, page, visited } = await open();
  // Names of this machine could be the platform's, which is asked; it knows neither, and the user chooses.
  for (const domain of ['localhost', 'login-initech.localhost']) {
    await page.goto(`${front.url}/api/auth/login?tenant_custom_domain=${domain}`);
    await page.waitForURL((url) => url.hostname === 'app.localhost' && url.pathname === '/login');
  }
  // Others cannot be, and nobody is asked.
  for (const domain of ['evil.test', 'evil.localhost%2F', 'login-globex.localhost%40evil.test']) {
    const refused = await page.goto(`${front.url}/api/auth/login?tenant_custom_domain=${domain}`);
    assert.equal(refused.status(), 400, domain);
  }
  const hosts = new Set(visited.map((url) => new URL(url).hostname));
  assert.deepEqual([...hosts].sort(), ['app.localhost', 'localhost']);
  await context.close();
});

for (const [how, end] of [
  ['whose cookie is gone', (context) => context.clearCookies({ name: /^doorward-session/ })],
  ['that was ended from another tab', async (context) => {
    const other = await context.newPage();
    await other.goto(`${front.url}/welcome`);
    assert.equal((await call(other, '/api/auth/logout', { method: 'POST' })).status, 200);
    await other.close();
  }],
]) {
  test(`a session ${how} leads through the login back to the page, on the next call`, async () => {
    const { context, page, visited } = await open();
    await signIn(page, '/orders?page=3');
    await end(context);
    visited.length = 0;
    const [refused] = await Promise.all([
      page.waitForResponse((response) => new URL(response.url()).pathname === '/api/v1/hello-world'),
      page.getByRole('button', { name: 'Read', exact: true }).click(),
    ]);
    assert.equal(refused.status(), 401);
    // The platform asks which tenant; there it still knows who.
    await page.waitForURL((url) => url.hostname === 'app.localhost');
    await page.getByRole('button', { name: 'acme' }).click();
    await page.waitForURL(`${front.url}/orders?page=3`);
    await page.locator('#status').filter({ hasText: 'AUTHENTICATED' }).waitFor();
    assert.match(await press(page, 'Read', /^200/), /^200 Hello, world/);
    assert.equal(loginsIn(visited).length, 2);
    await context.close();
  });
}

test('signing out by navigation ends the session here and at the platform, and the next call is 401', async () => {
  const { context, page, visited } = await open();
  await signIn(page);
  const kept = await context.cookies(front.url);
  const revoked = (await providerStats(provider)).revoke;
  visited.length = 0;
  await page.getByRole('button', { name: 'Sign out' }).click();
  // The platform ends its own session and leads to the login, which asks again who it is.
  await page.waitForURL((url) => url.hostname === 'acme-app.localhost' && url.pathname === '/login');
  await page.getByRole('button', { name: /alice/i }).first().waitFor();
  assert.deepEqual(visited.slice(0, 3).map((url) => new URL(url)).map(({ hostname, pathname }) => `${hostname}${pathname}`), [
    'localhost/api/auth/logout', 'acme-app.localhost/api/v1/logout', 'localhost/api/auth/login',
  ]);
  assert.deepEqual((await context.cookies(front.url)).filter(({ name }) => /session|CSRF/.test(name)), []);
  assert.equal((await providerStats(provider)).revoke, revoked + 1);
  await page.goto(`${front.url}/welcome`);
  assert.equal((await call(page, '/api/v1/hello-world')).status, 401);
  // Whoever kept the cookies has nothing.
  await context.addCookies(kept);
  assert.equal((await call(page, '/api/v1/hello-world')).body.code, 'session_revoked');
  await context.close();
});

test('a link of another site does not sign anybody out: it meets a question', async () => { // weakness: S14
  const { context, page } = await open();
  await signIn(page);
  const stranger = await serveSite({ host: 'shop.test', pages: { '/': `<!doctype html><a href="${front.url}/api/auth/logout">click me</a>` } });
  await page.goto(stranger.url);
  await page.getByRole('link').click();
  await page.getByRole('heading', { name: 'Sign out?' }).waitFor();
  await page.goto(`${front.url}/orders`);
  await page.locator('#status').filter({ hasText: 'AUTHENTICATED' }).waitFor();
  // The question is answered by a press, and then it is done.
  await page.goto(`${front.url}/api/auth/logout`);
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.waitForURL((url) => url.hostname === 'acme-app.localhost');
  await page.goto(`${front.url}/welcome`);
  assert.equal((await call(page, '/api/v1/hello-world')).status, 401);
  await stranger.stop();
  await context.close();
});
