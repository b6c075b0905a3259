// The page on which the development provider tells applications in frames that a session ended.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { after, before, test } from 'node:test';
import { call, chooseUser, complaints, launch } from '../support/browser.js';
import { freePort, startDev, startProvider } from '../support/doorward.js';

const FRAME = '/auth/frontchannel-logout';

/** An application that notes what it is asked for and `shows` something; its frame answers `hangs` or at once. */
async function startApplication({ hangs = false, shows = '' } = {}) {
  const seen = [];
  const server = createServer((request, response) => {
    const url = new URL(request.url, 'http://localhost');
    seen.push(url);
    if (hangs && url.pathname === FRAME) return;
    response.writeHead(200, { 'content-type': 'text/html' });
    response.end(`<!doctype html><link rel="icon" href="data:,"><title>${url.pathname}</title>${shows}`);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://localhost:${server.address().port}`,
    frames: () => seen.filter(({ pathname }) => pathname === FRAME),
    stop() {
      server.close();
      server.closeAllConnections();
    },
  };
}

let browser;

before(async () => {
  browser = await launch();
});

after(() => browser?.close());

/** Signs alice in at an application and out again at the provider; leaves the browser at the application. */
async function signOutAtTheProvider(app, provider) {
  const context = await browser.newContext();
  const page = await context.newPage();
  const errors = complaints(page, provider.providerUrl);
  const at = (path, parameters) => `${provider.providerUrl}${path}?${new URLSearchParams(parameters)}`;
  await page.goto(at('/authorize', {
    client_id: 'web', response_type: 'code', scope: 'openid', redirect_uri: `${app.url}/callback`, state: 's',
    code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM', code_challenge_method: 'S256',
  }));
  await chooseUser(page, 'alice@acme.test');
  await page.waitForURL((url) => url.pathname === '/callback');
  await page.goto(at('/end_session', { client_id: 'web', post_logout_redirect_uri: `${app.url}/goodbye`, state: 'a&b' }));
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.waitForURL((url) => url.pathname === '/goodbye');
  const goodbye = new URL(page.url());
  await context.close();
  return { goodbye, errors };
}

function startProviderOf(app) {
  return startProvider({
    config: `[[clients]]\nclient_id = "web"\nclient_secret = "a-secret-of-this-test-and-no-other-0123"\nfrontchannel_logout_uri = "${app.url}${FRAME}?app=1"\n`,
  });
}

test('a logout frames the application with issuer and session, and the browser goes back with the state', async () => {
  const app = await startApplication();
  const provider = await startProviderOf(app);
  try {
    const { goodbye, errors } = await signOutAtTheProvider(app, provider);
    assert.deepEqual([...goodbye.searchParams], [['state', 'a&b']]);
    const frames = app.frames();
    assert.equal(frames.length, 1);
    assert.deepEqual([...frames[0].searchParams.keys()], ['app', 'iss', 'sid']);
    const { issuer } = await (await fetch(new URL('/.well-known/openid-configuration', provider.providerUrl))).json();
    assert.equal(frames[0].searchParams.get('iss'), issuer);
    assert.ok(frames[0].searchParams.get('sid').length > 10);
    assert.deepEqual(errors, []);
  } finally {
    await provider.stop();
    app.stop();
  }
});

test('an application that does not answer its frame holds nobody up', async () => {
  const app = await startApplication({ hangs: true });
  const provider = await startProviderOf(app);
  try {
    const { goodbye } = await signOutAtTheProvider(app, provider);
    assert.equal(goodbye.searchParams.get('state'), 'a&b');
    assert.equal(app.frames().length, 1);
  } finally {
    await provider.stop();
    app.stop();
  }
});

test('the frame of the application ends its session, and the provider alone may show it', async () => { // attacks: J10
  const port = await freePort();
  const secret = 'a-secret-of-this-test-and-no-other-0123';
  const frame = `http://localhost:${port}${FRAME}`;
  const provider = await startProvider({
    config: `[[clients]]\nclient_id = "web"\nclient_secret = "${secret}"\nfrontchannel_logout_uri = "${frame}"\n`,
  });
  const dev = await startDev({
    listen: `127.0.0.1:${port}`,
    args: ['--issuer', new URL(provider.providerUrl).origin, '--client-id', 'web'],
    env: { DOORWARD_CLIENT_SECRET: secret },
  });
  const stranger = await startApplication({ shows: `<iframe src="${frame}?iss=${encodeURIComponent(new URL(provider.providerUrl).origin)}&sid=of-nobody-at-all-here"></iframe>` });
  const context = await browser.newContext();
  try {
    const page = await context.newPage();
    await page.goto(dev.url);
    await page.locator('#sign-in').click();
    await chooseUser(page, 'alice@acme.test');
    await page.locator('#user').filter({ hasText: 'alice@acme.test' }).waitFor();
    // Another site that frames it gets nothing to show.
    const blocked = await context.newPage();
    const said = complaints(blocked, stranger.url);
    await blocked.goto(stranger.url);
    await blocked.waitForLoadState('networkidle');
    assert.ok(said.some((line) => line.includes('frame-ancestors')), JSON.stringify(said));
    await blocked.close();
    assert.equal((await call(page, '/api/protected')).status, 200);

    await page.goto(`${provider.providerUrl}/end_session?client_id=web&post_logout_redirect_uri=${encodeURIComponent(`${dev.url}/`)}`);
    const framed = page.waitForResponse((response) => response.url().startsWith(frame));
    await page.getByRole('button', { name: 'Sign out' }).click();
    assert.equal((await framed).status(), 200);
    await page.waitForURL((url) => url.origin === dev.url && url.pathname === '/');
    // The frame took the cookie away; a copy of it would be worth nothing either.
    const { status, body } = await call(page, '/api/protected');
    assert.deepEqual([status, body.code], [401, 'session_missing']);
  } finally {
    await context.close();
    stranger.stop();
    await dev.stop();
    await provider.stop();
  }
});
