// The whole slice as a newcomer meets it: `doorward dev`, a browser, and three people who may do different things.

import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { call, chooseUser, complaints, launch, press, signIn, signOut } from '../support/browser.js';
import { startDev } from '../support/doorward.js';
import { serveSite } from '../support/site.js';

const SCREENSHOTS = fileURLToPath(new URL('../screenshots/', import.meta.url));
/** The journey provokes these answers on purpose, and Chromium writes a line for each. */
const REFUSALS = [/Failed to load resource: the server responded with a status of (401|403)/];

let dev;
let browser;

before(async () => {
  browser = await launch();
  dev = await startDev();
  await mkdir(SCREENSHOTS, { recursive: true });
});

after(async () => {
  await browser?.close();
  if (dev) assert.equal(await dev.stop(), 0, 'SIGTERM ends the process with exit code 0');
});

async function visitor(options) {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  return { context, page, errors: complaints(page, dev.url, REFUSALS) };
}

test('alice signs in on the provider page, uses every endpoint, signs out, and is a stranger again', async () => {
  const { context, page, errors } = await visitor();
  await page.goto(dev.url);
  const refused = await press(page, 'protected', 401);
  assert.match(refused, /session_missing/);

  await page.locator('#sign-in').click();
  assert.equal(new URL(page.url()).origin, new URL(dev.providerUrl).origin, 'the provider asks who it is');
  await chooseUser(page, 'alice@acme.test');
  const user = page.locator('#user');
  await user.filter({ hasText: 'alice@acme.test' }).waitFor();
  assert.match(await user.textContent(), /Alice Archer/);
  assert.match(await user.textContent(), /admin/);
  assert.equal(new URL(page.url()).origin, dev.url);

  assert.match(await press(page, 'protected', 200), /alice@acme\.test/);
  await press(page, 'post', 200);
  assert.match(await press(page, 'post-without-token', 403), /csrf_missing/);
  await press(page, 'admin', 200);
  await press(page, 'public', 200);

  const echoed = await call(page, '/api/protected', {
    method: 'POST', csrf: true, headers: { 'content-type': 'application/json' }, body: '{"note":"grüße"}',
  });
  assert.equal(echoed.status, 200);
  assert.deepEqual(echoed.body.received, { note: 'grüße' });
  assert.equal(echoed.body.user.email, 'alice@acme.test');
  assert.equal(echoed.body.user.tenant, 'acme');

  await signOut(page, dev.url);
  await press(page, 'protected', 401);
  const held = (await context.cookies(dev.url)).map((cookie) => cookie.name);
  assert.ok(!held.some((name) => name.startsWith('doorward-session')), `no session cookie is left: ${held}`);
  assert.deepEqual(errors, []);
  await context.close();
});

test('a session and an access token open the same door, and a bad token is not made good by the session', async () => {
  const { context, page, errors } = await visitor();
  await page.goto(dev.url);
  assert.match(await press(page, 'either', 401), /session_missing/);
  assert.match(await press(page, 'either-bearer', 401), /token_invalid/);
  await signIn(page, dev.url, 'alice@acme.test');
  assert.match(await press(page, 'either', 200), /You came with a session/);
  const byToken = await press(page, 'either-bearer', 200);
  assert.match(byToken, /You came with an access token/);
  assert.match(byToken, /acme/);

  const bad = await call(page, '/api/either', { headers: { authorization: 'Bearer rubbish' } });
  assert.deepEqual([bad.status, bad.body.code], [401, 'token_invalid']);
  assert.deepEqual(errors, []);
  await context.close();
});

test('a sign-in just now is fresh enough for what needs a recent one', async () => {
  const { context, page, errors } = await visitor();
  await page.goto(dev.url);
  assert.match(await press(page, 'recent', 401), /session_missing/);
  await signIn(page, dev.url, 'alice@acme.test');
  assert.match(await press(page, 'recent', 200), /within the last five minutes/);
  assert.deepEqual(errors, []);
  await context.close();
});

test('bob sees protected data, and the admin endpoint refuses him', async () => {
  const { context, page, errors } = await visitor();
  await signIn(page, dev.url, 'bob@acme.test');
  assert.match(await press(page, 'protected', 200), /bob@acme\.test/);
  assert.match(await press(page, 'admin', 403), /role_missing/);
  assert.deepEqual(errors, []);
  await context.close();
});

test('carol of another tenant is told apart from the people of acme', async () => {
  const { context, page } = await visitor();
  await signIn(page, dev.url, 'carol@globex.test');
  const { body } = await call(page, '/api/protected');
  assert.equal(body.user.tenant, 'globex');
  const { body: session } = await call(page, '/auth/session');
  assert.equal(session.tenantId, 'globex');
  await context.close();
});

test('the session endpoint shows who it is and no token', async () => { // attacks: E25
  const { context, page } = await visitor();
  await page.goto(dev.url);
  assert.equal((await call(page, '/auth/session')).status, 401);
  await signIn(page, dev.url, 'alice@acme.test');
  const { status, body } = await call(page, '/auth/session?slide=false');
  assert.equal(status, 200);
  assert.deepEqual(Object.keys(body).sort(), ['expiresAt', 'logoutUrl', 'metadata', 'tenantId', 'userId']);
  assert.equal(body.logoutUrl, `${dev.url}/auth/logout`);
  assert.ok(body.expiresAt > Date.now());
  await context.close();
});

test('the back button after signing out shows nothing protected', async () => { // attacks: E22
  const { context, page } = await visitor();
  await signIn(page, dev.url, 'alice@acme.test');
  await press(page, 'protected', 200);
  await signOut(page, dev.url);
  for (let steps = 0; steps < 3; steps += 1) {
    const before = page.url();
    await page.goBack({ waitUntil: 'load' }).catch(() => undefined);
    if (new URL(page.url()).origin !== dev.url) continue;
    await page.locator('#sign-in').waitFor({ timeout: 5_000 });
    const shown = await page.locator('body').innerText();
    assert.doesNotMatch(shown, /alice@acme\.test|Alice Archer/, `back from ${before} to ${page.url()}`);
    assert.equal((await call(page, '/api/protected')).status, 401);
  }
  await context.close();
});

test('the provider page and the whole journey work without a script', async () => {
  const { context, page } = await visitor({ javaScriptEnabled: false });
  await page.goto(`${dev.url}/auth/login?return_url=/api/protected`);
  await chooseUser(page, 'bob@acme.test');
  await page.waitForURL(`${dev.url}/api/protected`);
  assert.match(await page.content(), /bob@acme\.test/);
  // A GET that did not come from our own page changes nothing: it shows a page with one POST button.
  await page.goto(`${dev.url}/auth/logout`);
  await page.goto(`${dev.url}/api/protected`);
  assert.match(await page.content(), /bob@acme\.test/);
  await page.goto(`${dev.url}/auth/logout`);
  await page.getByRole('button').click();
  const answer = await page.goto(`${dev.url}/api/protected`);
  assert.equal(answer.status(), 401);
  await context.close();
});

test('a page under another loopback name is redirected to the public one', async () => {
  const { context, page } = await visitor();
  const other = dev.url.replace('localhost', '127.0.0.1');
  await page.goto(`${other}/?from=elsewhere`);
  assert.equal(page.url(), `${dev.url}/?from=elsewhere`);
  await context.close();
});

test('two tabs that sign in at once both arrive where they started', async () => { // attacks: B7
  const { context, page: first } = await visitor();
  const second = await context.newPage();
  await first.goto(`${dev.url}/auth/login?return_url=/?tab=1`);
  await second.goto(`${dev.url}/auth/login?return_url=/?tab=2`);
  await chooseUser(second, 'alice@acme.test');
  await second.waitForURL(`${dev.url}/?tab=2`);
  await chooseUser(first, 'alice@acme.test');
  await first.waitForURL(`${dev.url}/?tab=1`);
  assert.equal((await call(first, '/api/protected')).status, 200);
  assert.equal((await call(second, '/api/protected')).status, 200);
  await context.close();
});

test('the callback opened again by the back button leaves the session as it is', async () => { // attacks: B4, B20
  const { context, page } = await visitor();
  let callback;
  page.on('request', (request) => { if (request.url().includes('/auth/callback?')) callback = request.url(); });
  await signIn(page, dev.url, 'alice@acme.test');
  const session = async () => (await context.cookies(dev.url)).find(({ name }) => name === 'doorward-session')?.value;
  const before = await session();
  await page.goto(callback);
  assert.equal(new URL(page.url()).pathname, '/', 'signed in already: home');
  assert.equal(await session(), before);
  const stranger = await browser.newContext();
  const foreign = await stranger.newPage();
  const answer = await foreign.goto(callback); // attacks: B6
  assert.equal(answer.status(), 400);
  await foreign.goto(dev.url);
  assert.equal((await call(foreign, '/api/protected')).status, 401);
  await stranger.close();
  await context.close();
});

test('server-sent events and the socket answer the own page', async () => {
  const { context, page } = await visitor();
  await signIn(page, dev.url, 'alice@acme.test');
  const tick = await page.evaluate(() => new Promise((resolve, reject) => {
    const source = new EventSource('/api/events');
    source.addEventListener('tick', (event) => { source.close(); resolve(JSON.parse(event.data)); });
    source.addEventListener('error', () => reject(new Error('the event stream broke off')));
  }));
  assert.ok('n' in tick && 'time' in tick, JSON.stringify(tick));
  assert.equal(await socketEcho(page, dev.url), 'hello');
  await context.close();
});

test('forms of other origins are refused and have no effect', async () => { // attacks: F1, F6
  const { context, page } = await visitor();
  const form = (type) => `<!doctype html><form method="post" enctype="${type}" action="${dev.url}/api/protected">
    <input name='{"forged":"' value='"}'><button>go</button></form>`;
  const pages = { '/text': form('text/plain'), '/urlencoded': form('application/x-www-form-urlencoded'), '/multipart': form('multipart/form-data') };
  // Another site gets no cookie sent; a neighbour on the same site does, and is stopped by the origin rule.
  const sites = [[await serveSite({ host: 'evil.test', pages }), [401, 403]], [await serveSite({ pages }), [403]]];
  await signIn(page, dev.url, 'alice@acme.test');
  const attacker = await context.newPage();
  for (const [site, expected] of sites) {
    for (const path of Object.keys(pages)) {
      await attacker.goto(site.url + path);
      const [answer] = await Promise.all([
        attacker.waitForResponse((response) => response.url() === `${dev.url}/api/protected`),
        attacker.getByRole('button').click(),
      ]);
      assert.ok(expected.includes(answer.status()), `${site.url}${path}: ${answer.status()}`);
      await attacker.waitForLoadState();
    }
    await site.stop();
  }
  assert.equal((await call(page, '/api/protected')).status, 200, 'the victim is still signed in');
  await context.close();
});

test('images, frames and forms of other origins sign nobody out', async () => { // attacks: F11
  const { context, page } = await visitor();
  const pages = {
    '/image': `<!doctype html><img src="${dev.url}/auth/logout"><img src="${dev.url}/auth/logout?again">`,
    '/frame': `<!doctype html><iframe src="${dev.url}/auth/logout"></iframe>`,
    '/form': `<!doctype html><form method="post" action="${dev.url}/auth/logout"><button>go</button></form>`,
    '/link': `<!doctype html><a href="${dev.url}/auth/logout">go</a>`,
  };
  const sites = [await serveSite({ host: 'evil.test', pages }), await serveSite({ pages })];
  await signIn(page, dev.url, 'alice@acme.test');
  const attacker = await context.newPage();
  for (const site of sites) {
    for (const path of Object.keys(pages)) {
      // A frame that refuses to be framed has a request but, to the browser, no response.
      const asked = attacker.waitForRequest((request) => request.url().startsWith(`${dev.url}/auth/logout`));
      await attacker.goto(site.url + path, { waitUntil: 'load' });
      if (path === '/form') await attacker.getByRole('button').click();
      if (path === '/link') await attacker.getByRole('link').click();
      const answer = await (await asked).response();
      if (path === '/form') assert.equal(answer.status(), 403, 'a cross-origin POST is refused');
      await attacker.waitForLoadState();
      assert.equal((await call(page, '/api/protected')).status, 200, `still signed in after ${site.url}${path}`);
    }
    await site.stop();
  }
  await context.close();
});

test('sockets of other origins are refused', async () => { // attacks: F13
  const { context, page } = await visitor();
  const sites = [await serveSite({ host: 'evil.test', pages: { '/': '<!doctype html>' } }), await serveSite({ pages: { '/': '<!doctype html>' } })];
  await signIn(page, dev.url, 'alice@acme.test');
  const attacker = await context.newPage();
  for (const site of sites) {
    await attacker.goto(site.url);
    assert.equal(await socketEcho(attacker, dev.url), 'refused', site.url);
    await site.stop();
  }
  await context.close();
});

test('another origin can neither read nor preflight the demo', async () => { // attacks: F10, F14
  const { context, page } = await visitor();
  const site = await serveSite({ pages: { '/': '<!doctype html>' } });
  await signIn(page, dev.url, 'alice@acme.test');
  const attacker = await context.newPage();
  await attacker.goto(site.url);
  assert.match((await call(attacker, `${dev.url}/api/protected`, { credentials: 'include' })).error ?? '', /Failed to fetch/);
  const preflighted = { method: 'POST', credentials: 'include', headers: { 'X-CSRF-TOKEN': 'x' } };
  assert.match((await call(attacker, `${dev.url}/api/protected`, preflighted)).error ?? '', /Failed to fetch/);
  await site.stop();
  await context.close();
});

test('a login started by an image or a frame of another site signs nobody in', async () => { // attacks: F12
  const willing = await startDev({ args: ['--auto-login', 'alice@acme.test'] });
  const pages = { '/': `<!doctype html><img src="${willing.url}/auth/login"><iframe src="${willing.url}/auth/login"></iframe>` };
  const site = await serveSite({ host: 'evil.test', pages });
  const { context, page } = await visitor();
  await page.goto(site.url, { waitUntil: 'networkidle' });
  await page.goto(willing.url);
  assert.equal((await call(page, '/api/protected')).status, 401);
  await page.locator('#sign-in').click();
  await page.locator('#user').filter({ hasText: 'alice@acme.test' }).waitFor();
  assert.equal((await call(page, '/api/protected')).status, 200, 'the same journey by a click signs in');
  await context.close();
  await site.stop();
  assert.equal(await willing.stop(), 0);
});

for (const colorScheme of ['light', 'dark']) {
  for (const [size, width, height] of [['wide', 1280, 900], ['narrow', 390, 844]]) {
    test(`the page fits a ${size} window in ${colorScheme} colours, signed out and in`, async () => {
      const { context, page, errors } = await visitor({ colorScheme, viewport: { width, height } });
      const shot = (state) => page.screenshot({ path: `${SCREENSHOTS}${state}-${size}-${colorScheme}.png`, fullPage: true });
      await page.goto(dev.url);
      await press(page, 'protected', 401);
      await shot('signed-out');
      await page.locator('#sign-in').click();
      await shot('provider');
      await chooseUser(page, 'alice@acme.test');
      await page.locator('#user').filter({ hasText: 'alice@acme.test' }).waitFor();
      for (const [action, status] of [['protected', 200], ['post', 200], ['post-without-token', 403], ['admin', 200]]) {
        await press(page, action, status);
      }
      await shot('signed-in');
      await page.setViewportSize({ width: 360, height: 740 });
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      assert.equal(overflow, 0, 'no horizontal scrolling at 360 pixels');
      assert.deepEqual(errors, []);
      await context.close();
    });
  }
}

test('every control of the page is named and reachable by keyboard', async () => {
  const { context, page } = await visitor();
  await signIn(page, dev.url, 'alice@acme.test');
  const nameless = await page.evaluate(() => [...document.querySelectorAll('button, a[href], input, textarea, select')]
    .filter((control) => control.checkVisibility())
    .filter((control) => !(control.textContent.trim() || control.getAttribute('aria-label') || control.labels?.length || control.title))
    .map((control) => control.outerHTML));
  assert.deepEqual(nameless, []);
  assert.equal(await page.locator('main').count(), 1);
  assert.equal(await page.locator('h1').count(), 1);
  assert.ok(await page.locator('html[lang]').count());
  const reached = new Set();
  for (let presses = 0; presses < 60; presses += 1) {
    await page.keyboard.press('Tab');
    reached.add(await page.evaluate(() => document.activeElement?.id ?? ''));
  }
  for (const id of ['call-public', 'call-protected', 'call-post', 'call-post-without-token', 'call-admin', 'sign-out']) {
    assert.ok(reached.has(id), `#${id} is reached by Tab`);
  }
  await page.locator('#call-protected').focus();
  await page.keyboard.press('Enter');
  await page.locator('#out-protected[data-status="200"]').waitFor({ state: 'attached' });
  await context.close();
});

/** Opens a socket, says hello and answers what comes back, or `refused`. */
function socketEcho(page, app) {
  return page.evaluate((url) => new Promise((resolve) => {
    const socket = new WebSocket(url);
    socket.addEventListener('open', () => socket.send('hello'));
    socket.addEventListener('message', (event) => { resolve(event.data); socket.close(); });
    socket.addEventListener('error', () => resolve('refused'));
  }), `${app.replace(/^http/, 'ws')}/api/socket`);
}
