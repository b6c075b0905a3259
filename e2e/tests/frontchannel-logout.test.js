// The page on which the development provider tells applications in frames that a session ended.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { after, before, test } from 'node:test';
import { chooseUser, complaints, launch } from '../support/browser.js';
import { startProvider } from '../support/doorward.js';

const FRAME = '/auth/frontchannel-logout';

/** An application that notes what it is asked for; its frame answers `hangs` or at once. */
async function startApplication({ hangs = false } = {}) {
  const seen = [];
  const server = createServer((request, response) => {
    const url = new URL(request.url, 'http://localhost');
    seen.push(url);
    if (hangs && url.pathname === FRAME) return;
    response.writeHead(200, { 'content-type': 'text/html' });
    response.end(`<!doctype html><link rel="icon" href="data:,"><title>${url.pathname}</title>`);
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
