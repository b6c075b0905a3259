// Several customers of one backend (the example `tenants`), each at hosts of its own, in one browser profile.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { request } from 'node:http';
import { json } from 'node:stream/consumers';
import { after, before, describe, test } from 'node:test';
import { call, chooseUser, launch } from '../support/browser.js';
import { freePort, startProvider } from '../support/doorward.js';
import { startExample } from '../support/process.js';
import { serveSite } from '../support/site.js';

let browser;
before(async () => { browser = await launch(); });
after(() => browser?.close());

/** Alice of Acme and Carol of Globex sign in, and each tenant knows its own user. */
const PEOPLE = { acme: 'alice@acme.test', globex: 'carol@globex.test' };

/** The example and its provider, met at `publicUrl` (which holds `{tenant}`) and at one host more for each tenant. */
async function startTenants({ port, publicUrl, acmeHost, globexHost }) {
  const at = (tenant) => publicUrl.replace('{tenant}', tenant);
  const beside = (host) => Object.assign(new URL(at('x')), { host: `${host}:${new URL(at('x')).port}` }).origin;
  const origins = { acme: [at('acme'), beside(acmeHost)], globex: [at('globex'), beside(globexHost)] };
  // Redirect URIs on loopback names are free; the others have to be registered, each on its own.
  const callbacks = Object.values(origins).flat().map((origin) => `${origin}/auth/callback`);
  const provider = await startProvider({
    config: `[[clients]]\nclient_id = "doorward-dev"\nclient_secret = "${randomBytes(24).toString('base64url')}"\nredirect_uris = ${JSON.stringify(callbacks)}\n`,
  });
  const app = await startExample('tenants', {
    PORT: String(port),
    PUBLIC_URL: publicUrl,
    ISSUER: provider.providerUrl,
    CLIENT_SECRET: provider.clientSecret,
    SESSION_SECRET: randomBytes(32).toString('base64url'),
    ACME_HOST: acmeHost,
    GLOBEX_HOST: globexHost,
  });
  return {
    port,
    origins,
    nobodys: app.url,
    async stop() {
      await app.stop();
      assert.equal(await provider.stop(), 0);
    },
  };
}

/** Signs in at `origin`; the provider, which is one for all tenants, asks who it is. */
async function signInAt(page, origin, email) {
  await page.goto(`${origin}/auth/login?return_url=/hello%3Ffrom%3Dlogin&prompt=login`);
  await chooseUser(page, email);
  await page.waitForURL(`${origin}/hello?from=login`);
}

/** What `origin` says to `cookies` carried there by hand; asked of the example itself, since only Chromium knows these names. */
async function carried({ port }, origin, cookies, { method = 'GET', headers } = {}) {
  const cookie = cookies.map(({ name, value }) => `${name}=${value}`).join('; ');
  const asked = request({ host: '127.0.0.1', port, path: '/api/me', method, headers: { host: new URL(origin).host, cookie, ...headers } });
  asked.end();
  const [answer] = await once(asked, 'response');
  return { status: answer.statusCode, code: (await json(answer)).code };
}

/** Everything that must hold at the two hosts, whatever kind of host they are. */
async function sideBySide(context, tenants, { acme, globex }) {
  const page = await context.newPage();
  await signInAt(page, acme, PEOPLE.acme);
  await signInAt(page, globex, PEOPLE.globex);

  // Both are signed in, in one profile, and each host knows its own.
  for (const [tenant, origin] of Object.entries({ acme, globex })) {
    await page.goto(`${origin}/hello`);
    assert.equal((await page.locator('body').innerText()).trim(), `hello ${PEOPLE[tenant]} of ${tenant}`);
    for (const init of [{}, { method: 'POST', csrf: true }]) {
      const { status, body } = await call(page, '/api/me', init);
      assert.deepEqual([status, body.email, body.tenantId], [200, PEOPLE[tenant], tenant]);
    }
    assert.equal((await call(page, '/api/me', { method: 'POST' })).status, 403, 'without the token');
    assert.equal((await call(page, '/auth/session')).body.tenantId, tenant);
  }

  // No cookie of the one host is any of the other's.
  const jars = { acme: await context.cookies(acme), globex: await context.cookies(globex) };
  for (const [tenant, origin] of Object.entries({ acme, globex })) {
    assert.ok(jars[tenant].some(({ name }) => name.endsWith('session')), `${tenant} has a session`);
    for (const cookie of jars[tenant]) assert.equal(cookie.domain, new URL(origin).hostname, 'host-only');
  }
  // Whoever carries one over is told apart: the seal opens, the tenant does not match.
  for (const [from, to] of [['acme', globex], ['globex', acme]]) {
    const csrf = jars[from].find(({ name }) => name === 'CSRF-TOKEN').value;
    assert.deepEqual(await carried(tenants, to, jars[from]), { status: 403, code: 'tenant_mismatch' });
    const post = { method: 'POST', headers: { 'x-csrf-token': csrf } };
    assert.deepEqual(await carried(tenants, to, jars[from], post), { status: 403, code: 'tenant_mismatch' });
    assert.deepEqual(await carried(tenants, to, []), { status: 401, code: 'session_missing' });
  }
  // Planted in the browser itself it is refused as well.
  const planted = await browser.newContext({ ignoreHTTPSErrors: true });
  await planted.addCookies(jars.acme.map(({ name, value, httpOnly, secure, sameSite }) => ({ name, value, httpOnly, secure, sameSite, url: globex })));
  const thief = await planted.newPage();
  assert.equal((await thief.goto(`${globex}/hello`)).status(), 403);
  assert.match(await thief.content(), /tenant_mismatch/);
  await planted.close();

  // Signing out at the one leaves the other.
  await page.goto(`${acme}/hello`);
  assert.equal((await call(page, '/auth/logout', { method: 'POST' })).status, 200);
  assert.equal((await call(page, '/api/me')).status, 401);
  await page.goto(`${globex}/hello`);
  assert.equal((await call(page, '/api/me')).status, 200);
  await page.close();
}

describe('on loopback names, as a developer runs it', () => {
  let tenants;
  before(async () => {
    const port = await freePort();
    tenants = await startTenants({
      port,
      publicUrl: `http://{tenant}.localhost:${port}`,
      acmeHost: 'portal.acme.localhost',
      globexHost: 'globex-portal.localhost',
    });
  });
  after(() => tenants?.stop());

  test('two tenants are signed in side by side at their subdomains, and neither session counts at the other', async () => { // attacks: M1
    const context = await browser.newContext();
    const { acme: [acme], globex: [globex] } = tenants.origins;
    await sideBySide(context, tenants, { acme, globex });
    await context.close();
  });

  test('two tenants are signed in side by side at hosts of their own, and neither session counts at the other', async () => { // attacks: M1
    const context = await browser.newContext();
    const { acme: [, acme], globex: [, globex] } = tenants.origins;
    await sideBySide(context, tenants, { acme, globex });
    await context.close();
  });

  test('the two hosts of one tenant keep sessions of their own', async () => {
    const context = await browser.newContext();
    const page = await context.newPage();
    const { acme: [subdomain, own] } = tenants.origins;
    await signInAt(page, subdomain, PEOPLE.acme);
    const cookies = await context.cookies(subdomain);
    await page.goto(own);
    const refused = await call(page, '/api/me');
    assert.deepEqual([refused.status, refused.body.code], [401, 'session_missing']);
    assert.equal(refused.body.login_url, `${own}/auth/login`, 'and the way in is at the host that was asked');
    await signInAt(page, own, 'bob@acme.test');
    assert.equal((await call(page, '/api/me')).body.email, 'bob@acme.test');
    await page.goto(`${subdomain}/hello`);
    assert.equal((await call(page, '/api/me')).body.email, PEOPLE.acme);
    // It is the same tenant: a session of its own that is carried over opens.
    assert.equal((await carried(tenants, own, cookies)).status, 200);
    await context.close();
  });

  test('a user of another tenant is refused with a page, and has no session', async () => {
    const context = await browser.newContext();
    const page = await context.newPage();
    const { acme, globex } = tenants.origins;
    for (const [origin, email] of [[acme[0], PEOPLE.globex], [acme[1], PEOPLE.globex], [globex[0], PEOPLE.acme]]) {
      await page.goto(`${origin}/auth/login?return_url=/hello&prompt=login`);
      const [answer] = await Promise.all([
        page.waitForResponse((response) => new URL(response.url()).pathname === '/auth/callback'),
        chooseUser(page, email),
      ]);
      assert.equal(answer.status(), 403);
      await page.getByRole('heading', { name: 'Sign-in did not work' }).waitFor();
      await page.getByText('login_denied').waitFor();
      assert.equal(new URL(page.url()).origin, origin, 'the page stands at the host that was asked');
      assert.equal((await page.goto(`${origin}/api/me`)).status(), 401);
    }
    await context.close();
  });

  test('whom the provider knows as somebody of another tenant can be somebody else', async () => {
    const context = await browser.newContext();
    const page = await context.newPage();
    const { acme: [acme], globex: [globex] } = tenants.origins;
    await signInAt(page, globex, PEOPLE.globex);
    // The one provider knows Carol, and says so without asking.
    await page.goto(`${acme}/hello`);
    await page.getByText('login_denied').waitFor();
    await page.getByRole('link', { name: 'Sign in again' }).click();
    await chooseUser(page, PEOPLE.acme);
    await page.waitForURL(`${acme}/`);
    await page.goto(`${acme}/hello`);
    assert.equal((await page.locator('body').innerText()).trim(), 'hello alice@acme.test of acme');
    await page.goto(`${globex}/hello`);
    assert.equal((await page.locator('body').innerText()).trim(), 'hello carol@globex.test of globex');
    await context.close();
  });

  test('a link at no tenant\'s host goes on at the host of the tenant it names', async () => {
    const context = await browser.newContext();
    const page = await context.newPage();
    const { nobodys, origins: { globex: [globex] } } = tenants;
    await page.goto(nobodys);
    const visited = [];
    page.on('request', (request) => { if (request.isNavigationRequest()) visited.push(request.url()); });
    await page.getByRole('link', { name: 'Globex' }).click();
    await chooseUser(page, PEOPLE.globex);
    await page.waitForURL(`${globex}/hello`);
    assert.equal((await page.locator('body').innerText()).trim(), 'hello carol@globex.test of globex');
    assert.deepEqual(visited.slice(0, 2), [
      `${nobodys}/auth/login?tenant_name=globex&return_url=/hello`,
      `${globex}/auth/login?tenant_name=globex&return_url=/hello`,
    ]);
    // Nobody is signed in where nobody belongs.
    await page.goto(nobodys);
    assert.equal((await call(page, '/api/me')).status, 401);
    assert.deepEqual((await context.cookies(nobodys)).filter(({ name }) => name.startsWith('doorward-session')), []);
    await context.close();
  });

  test('a tenant nobody knows is answered 404, by link and by host, and the provider is not asked', async () => { // attacks: M4
    const context = await browser.newContext();
    const page = await context.newPage();
    const { nobodys, origins: { acme: [acme] } } = tenants;
    const asked = [];
    page.on('request', (request) => { if (new URL(request.url()).pathname === '/authorize') asked.push(request.url()); });
    for (const url of [
      `${nobodys}/auth/login?tenant_name=initech`,
      `${nobodys}/auth/login`,
      `${acme.replace('//acme', '//initech')}/auth/login`,
      `${acme.replace('//acme', '//initech')}/api/me`,
      `${acme.replace('//acme', '//www.acme')}/api/me`,
    ]) {
      assert.equal((await page.goto(url)).status(), 404, url);
      assert.match(await page.content(), /tenant_unknown/, url);
    }
    // A link that names another tenant than the host it leads to is a mistake.
    assert.equal((await page.goto(`${acme}/auth/login?tenant_name=globex`)).status(), 400);
    assert.deepEqual(asked, []);
    await context.close();
  });
});

describe('on domains of the customers, over TLS', () => {
  let front;
  let tenants;
  before(async () => {
    const port = await freePort();
    // TLS ends at a proxy that keeps the host, as in front of most backends.
    front = await serveSite({ host: 'app.test', tls: true, pages: {}, backend: () => `http://127.0.0.1:${port}` });
    tenants = await startTenants({
      port,
      publicUrl: `https://{tenant}.app.test:${new URL(front.url).port}`,
      acmeHost: 'portal.acme.test',
      globexHost: 'portal.globex.test',
    });
  });
  after(async () => {
    await front?.stop();
    await tenants?.stop();
  });

  test('two tenants are signed in side by side at their own domains, and neither session counts at the other', async () => { // attacks: M1
    const context = await browser.newContext({ ignoreHTTPSErrors: true });
    const { acme: [, acme], globex: [, globex] } = tenants.origins;
    assert.equal(new URL(acme).hostname, 'portal.acme.test');
    await sideBySide(context, tenants, { acme, globex });
    await context.close();
  });

  test('a subdomain and a domain of another tenant are as far apart as two subdomains', async () => {
    const context = await browser.newContext({ ignoreHTTPSErrors: true });
    const { acme: [acme], globex: [, globex] } = tenants.origins;
    await sideBySide(context, tenants, { acme, globex });
    await context.close();
  });

  test('the session cookie of each host is bound to it by its name', async () => {
    const context = await browser.newContext({ ignoreHTTPSErrors: true });
    const page = await context.newPage();
    const { acme: [subdomain, own] } = tenants.origins;
    for (const origin of [subdomain, own]) {
      await signInAt(page, origin, PEOPLE.acme);
      const session = (await context.cookies(origin)).find(({ name }) => name === '__Host-session');
      assert.deepEqual(
        [session.domain, session.path, session.secure, session.httpOnly, session.sameSite],
        [new URL(origin).hostname, '/', true, true, 'Lax'],
      );
    }
    await context.close();
  });
});
