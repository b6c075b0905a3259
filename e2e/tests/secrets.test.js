// Nothing of a token, cookie, verifier or secret appears in a log, a page or a URL, but where the protocol puts it.
// One whole run each with our provider and with a certified one, failures included, at the most talkative log level.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { call, chooseUser, launch } from '../support/browser.js';
import { passInteractions, startCertifiedProvider } from '../support/certified-provider.js';
import { freePort, providerSettings, startDev } from '../support/doorward.js';
import { Jar } from '../support/jar.js';

/** What the protocol's own redirects may carry. */
const ALLOWED_PARAMETERS = new Set(['code', 'state', 'nonce', 'code_challenge', 'id_token_hint']);
/** Shorter values (a version, a flag) are no secrets and would be found everywhere. */
const SECRET_LENGTH = 12;

let browser;
before(async () => { browser = await launch(); });
after(() => browser?.close());

/** Gathers secrets and URLs while a browser walks. */
class Witness {
  secrets = new Map();
  urls = new Set();
  bodies = [];
  #pending = [];

  constructor(context) {
    context.on('request', (request) => this.see(request.url()));
    context.on('response', (response) => this.#pending.push(this.#read(response)));
  }

  remember(value, what) {
    if (typeof value === 'string' && value.length >= SECRET_LENGTH) this.secrets.set(value, what);
  }

  see(url) {
    this.urls.add(url);
    const { searchParams } = new URL(url);
    for (const name of ALLOWED_PARAMETERS) this.remember(searchParams.get(name), name);
  }

  async #read(response) {
    const headers = await response.headersArray().catch(() => []);
    for (const { name, value } of headers) {
      if (name.toLowerCase() === 'set-cookie') {
        for (const line of value.split('\n')) this.cookie(line.split(';')[0]);
      }
      if (name.toLowerCase() === 'location') this.see(new URL(value, response.url()).href);
    }
  }

  cookie(pair) {
    const at = pair.indexOf('=');
    // oidc-provider's own cookies: it puts the ID of an interaction into its own URLs, which is not ours to judge.
    if (pair.startsWith('_interaction') || pair.startsWith('_session') || pair.startsWith('_grant')) return;
    this.remember(pair.slice(at + 1), `cookie ${pair.slice(0, at)}`);
  }

  answer(answer) {
    for (const line of answer.headers.getSetCookie()) this.cookie(line.split(';')[0]);
    const location = answer.headers.get('location');
    if (location) this.see(new URL(location, answer.url).href);
  }

  /** Fails with the kind of secret, never with its value. */
  async judge({ log, settle = [] }) {
    await Promise.all([...this.#pending, ...settle]);
    assert.ok(this.secrets.size >= 12, `only ${this.secrets.size} secrets were gathered`);
    const found = [];
    for (const [secret, what] of this.secrets) {
      const forms = [secret, encodeURIComponent(secret), Buffer.from(secret).toString('base64').replace(/=+$/, '')];
      if (forms.some((form) => log.includes(form))) found.push(`${what} in the log: ${lineOf(log, forms, what)}`);
      for (const url of this.urls) {
        const rest = withoutAllowed(url);
        if (forms.some((form) => rest.includes(form))) found.push(`${what} in a URL of ${new URL(url).pathname}`);
      }
      for (const [where, body] of this.bodies) {
        if (forms.some((form) => body.includes(form))) found.push(`${what} in the body of ${where}`);
      }
    }
    assert.deepEqual([...new Set(found)], []);
  }
}

/** The whole journey with everything that can go wrong on the way; `login` walks through the provider's pages. */
async function run(dev, context, witness, login) {
  const page = await context.newPage();
  const keepBody = async (where, answer) => witness.bodies.push([where, await answer.text()]);

  // Signed out, and refused in several ways.
  await page.goto(dev.url);
  await keepBody('refusal', await fetch(`${dev.url}/api/protected`));
  // A callback nobody asked for, one that carries an error, and one with a code that is not theirs.
  for (const query of ['code=stray-code-0123456789&state=stray-state-0123456789', 'error=access_denied&error_description=denied&state=stray-state-0123456789', '']) {
    const answer = await fetch(`${dev.url}/auth/callback?${query}`, { redirect: 'manual' });
    witness.remember('stray-code-0123456789', 'stray code');
    witness.remember('stray-state-0123456789', 'stray state');
    await keepBody('stray callback', answer);
  }
  // A login whose answer is tampered with: the state of another browser.
  const victim = new Jar();
  const begun = await victim.fetch(`${dev.url}/auth/login`);
  witness.answer(begun);
  const foreign = await victim.fetch(`${dev.url}/auth/callback?code=stray-code-0123456789&state=stray-state-0123456789`);
  witness.answer(foreign);
  await keepBody('foreign callback', foreign);
  // The right state with a code the provider never gave.
  const state = new URL(begun.headers.get('location')).searchParams.get('state');
  const issuer = new URL(begun.headers.get('location')).origin;
  const wrong = await victim.fetch(`${dev.url}/auth/callback?code=stray-code-0123456789&state=${state}&iss=${encodeURIComponent(issuer)}`);
  witness.answer(wrong);
  await keepBody('wrong code', wrong);

  // The real thing.
  await page.locator('#sign-in').click();
  await login(page);
  await page.locator('#user').filter({ hasText: '@acme.test' }).waitFor();
  const callback = [...witness.urls].find((url) => url.includes('/auth/callback?') && !url.includes('stray'));
  const token = await call(page, '/auth/token');
  assert.equal(token.status, 200);
  witness.remember(token.body.accessToken, 'access token');
  const cookies = await context.cookies();
  for (const { name, value } of cookies) witness.cookie(`${name}=${value}`);

  for (const [path, init] of [
    ['/api/protected', {}],
    ['/api/protected', { method: 'POST' }],
    ['/api/protected', { method: 'POST', csrf: true, headers: { 'content-type': 'application/json' }, body: '{"a":1}' }],
    ['/api/admin', {}],
    ['/auth/session', {}],
    ['/api/nothing-here', {}],
  ]) {
    const { body } = await call(page, path, init);
    witness.bodies.push([path, JSON.stringify(body)]);
  }

  // Tampered, truncated and oversized cookies; a wrong CSRF token; the callback again.
  const jar = Jar.from(await context.cookies(dev.url));
  const session = jar.names(dev.url).find((name) => name.endsWith('session'));
  const value = jar.value(dev.url, session);
  for (const bad of [`${value.slice(0, -2)}xx`, value.slice(0, 40), `${value}${'A'.repeat(3000)}`]) {
    const tampered = jar.copy();
    tampered.set(dev.url, session, bad);
    await keepBody('tampered cookie', await tampered.fetch(`${dev.url}/api/protected`));
  }
  const wrongToken = await jar.fetch(`${dev.url}/api/protected`, { method: 'POST', headers: { 'x-csrf-token': 'A'.repeat(43), origin: dev.url } });
  assert.equal(wrongToken.status, 403);
  await keepBody('wrong CSRF token', wrongToken);
  await keepBody('replayed callback', await jar.fetch(callback));
  await keepBody('replay by a stranger', await new Jar().fetch(callback));

  // Sign out, both by script and by navigation, and try the dead cookies.
  const dead = jar.copy();
  const left = await call(page, '/auth/logout', { method: 'POST' });
  assert.equal(left.status, 200);
  witness.see(left.body.logoutUrl);
  const refused = await dead.fetch(`${dev.url}/api/protected`);
  assert.equal(refused.status, 401);
  await keepBody('dead cookies', refused);
  await page.goto(left.body.logoutUrl);
  return page;
}

test('a whole run with our own provider leaves no secret in a log, a page or a URL', async () => {
  const dev = await startDev({ env: { DOORWARD_LOG: 'trace' } });
  const context = await browser.newContext();
  const witness = new Witness(context);
  // Tokens that are due for refresh at once, so that refreshing is part of the run.
  await providerSettings(dev, { access_token_ttl: 2, refresh_token_rotation: 'reuse_detection' });
  await run(dev, context, witness, (page) => chooseUser(page, 'alice@acme.test'));
  await navigateOut(dev, await context.newPage(), witness, (page) => chooseUser(page, 'alice@acme.test'));
  const code = await dev.stop();
  assert.equal(code, 0);

  // The client secret is shown once at start, so that it can be used by hand; nowhere else.
  const lines = dev.output().split('\n');
  const shown = lines.filter((line) => /secret/i.test(line) && /[A-Za-z0-9_-]{32,}/.test(line));
  assert.equal(shown.length, 1, `the client secret is shown on one line: ${shown.length}`);
  witness.remember(shown[0].match(/[A-Za-z0-9_-]{32,}/)[0], 'client secret');
  const log = lines.filter((line) => line !== shown[0]).join('\n');
  assert.match(log, /TRACE|"trace"/i, 'the log was really at its most talkative');
  await witness.judge({ log });
  await context.close();
});

test('a whole run with a certified provider leaves no secret in a log, a page or a URL', async () => {
  const port = await freePort();
  const provider = await startCertifiedProvider({ appUrl: `http://localhost:${port}`, accessTokenSeconds: 2 });
  const dev = await startDev({
    listen: `127.0.0.1:${port}`,
    args: ['--issuer', provider.issuer, '--client-id', provider.clientId],
    env: { DOORWARD_LOG: 'trace', DOORWARD_CLIENT_SECRET: provider.clientSecret },
  });
  const context = await browser.newContext();
  const witness = new Witness(context);
  const page = await run(dev, context, witness, (current) => passInteractions(current, 'heidi'));
  await page.locator('button[name="logout"], button[type="submit"]').first().click();
  await page.waitForURL((url) => url.href.startsWith(`${dev.url}/`));
  assert.equal(await dev.stop(), 0);
  await provider.stop();
  for (const [secret, what] of provider.secrets) witness.remember(secret, `provider's ${what}`);
  for (const what of ['code_verifier', 'refresh_token', 'id_token', 'access_token', 'client secret']) {
    assert.ok([...provider.secrets.values()].includes(what), `the run saw a ${what}`);
  }
  await witness.judge({ log: dev.output() });
  await context.close();
});

/** Signs in once more and leaves by a form, which goes to the provider with the ID token as a hint. */
async function navigateOut(dev, page, witness, login) {
  await page.goto(`${dev.url}/auth/login?prompt=login`);
  await login(page);
  await page.waitForURL((url) => url.origin === dev.url && url.pathname === '/');
  await page.goto(`${dev.url}/auth/logout`);
  const hinted = page.waitForRequest((request) => request.url().includes('id_token_hint='));
  await page.getByRole('button').click();
  witness.see((await hinted).url());
  await page.waitForURL((url) => url.origin === dev.url);
}

function withoutAllowed(url) {
  const parsed = new URL(url);
  for (const name of ALLOWED_PARAMETERS) parsed.searchParams.delete(name);
  return parsed.href;
}

/** The line, with the secret blotted out: a failing test must not print what it guards. */
function lineOf(log, forms, what) {
  const line = log.split('\n').find((candidate) => forms.some((form) => candidate.includes(form))) ?? '';
  return forms.reduce((text, form) => text.replaceAll(form, `<${what}>`), line).slice(0, 300);
}
