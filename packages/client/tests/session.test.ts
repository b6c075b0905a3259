import { describe, expect, test, vi } from 'vitest';
import { createClient, getSession, getToken, onSessionChange, redirectToLogout } from '../src/index.js';
import { APP, failure, from, json, missing, openPage, refusal, session, SESSION, settled } from './page.js';

describe('getSession', () => {
  test('says who is signed in, and only looks where it is told so', async () => {
    const page = openPage({ server: () => session(5) });
    const client = createClient();
    expect(await getSession(client)).toEqual({ ...SESSION, expiresAt: 5 });
    await getSession(client, { slide: false });
    await getSession(client, { slide: true });
    expect(page.requests.map(({ url, credentials }) => [url.slice(APP.length), credentials])).toEqual([
      ['/auth/session', 'include'], ['/auth/session?slide=false', 'include'], ['/auth/session', 'include'],
    ]);
  });

  test('stands beside the login, or where it is said to', async () => {
    const page = openPage({ server: (request) => from(request.url, session(5)) });
    await getSession(createClient({ loginUrl: 'https://api.test/base/login?tenant_name=acme' }));
    await getSession(createClient({ sessionUrl: '/me?x=1' }), { slide: false });
    expect(page.requests.map(({ url }) => url)).toEqual(['https://api.test/base/session', `${APP}/me?x=1&slide=false`]);
  });

  test('is null where nobody is, and leads nowhere', async () => {
    for (const code of ['session_missing', 'session_expired', 'session_revoked', 'step_up_required']) {
      const page = openPage({ server: () => refusal(401, code) });
      expect(await getSession(createClient())).toBeNull();
      expect(page.visits).toEqual([]);
    }
  });

  test.each([
    ['403', () => refusal(403, 'tenant_mismatch'), { status: 403, code: 'tenant_mismatch' }],
    ['500', () => new Response('oops', { status: 500 }), { status: 500, code: 'response_invalid' }],
    ['503', () => refusal(503, 'store_unavailable'), { status: 503, code: 'store_unavailable' }],
    ['404 in HTML', () => new Response('<h1>', { status: 404 }), { status: 404, code: 'response_invalid' }],
    ['200 in HTML', () => new Response('<!doctype html>', { headers: { 'content-type': 'text/html' } }), { status: 200, code: 'response_invalid' }],
    ['another shape', () => json({ user: 'alice' }), { status: 200, code: 'response_invalid' }],
    ['a blank user', () => json({ ...SESSION, userId: ' ' }), { code: 'response_invalid' }],
    ['a number for a user', () => json({ ...SESSION, userId: 7 }), { code: 'response_invalid' }],
    ['no tenant', () => json({ ...SESSION, tenantId: undefined }), { code: 'response_invalid' }],
    ['null', () => json(null), { code: 'response_invalid' }],
    ['a text', () => json('alice'), { code: 'response_invalid' }],
    ['nothing', () => new Response(null, { status: 204 }), { status: 204, code: 'response_invalid' }],
    ['no answer', () => new TypeError('Failed to fetch'), { status: 0, code: 'unreachable', cause: { message: 'Failed to fetch' } }],
  ])('that answers %s is a typed error, and leads nowhere', async (_, answer, expected) => {
    const page = openPage({ server: () => answer() });
    expect(await failure(getSession(createClient()))).toMatchObject({ name: 'DoorwardError', ...expected });
    expect(page.visits).toEqual([]);
    expect(page.requests).toHaveLength(1);
  });

  test('is not null by a 401 that a foreign server gave', async () => {
    openPage({ server: () => from('https://evil.test/', missing()) });
    expect(await failure(getSession(createClient()))).toMatchObject({ code: 'response_invalid', status: 401 });
  });

  test('is asked where it is and nowhere that a redirect leads to; so are token and logout', async () => {
    const page = openPage({ server: (request) => (request.url.endsWith('session') ? session(5) : json({ accessToken: 't', logoutUrl: '/' })) });
    const client = createClient();
    await getSession(client);
    await getToken(client);
    await redirectToLogout(client);
    expect(page.requests.map(({ url, redirect }) => [url.slice(APP.length), redirect])).toEqual([
      ['/auth/session', 'error'], ['/auth/token', 'error'], ['/auth/logout', 'error'],
    ]);
  });

  test('has metadata, if empty ones', async () => {
    openPage({ server: () => session(5, { metadata: null }) });
    expect((await getSession(createClient()))!.metadata).toEqual({});
  });
});

describe('redirectToLogout', () => {
  const AWAY = 'https://id.test/end?state=x';

  test('posts, tells the other tabs, and goes where the server says', async () => {
    const page = openPage({ server: () => json({ logoutUrl: AWAY }) });
    const heard: unknown[] = [];
    new BroadcastChannel('doorward').onmessage = ({ data }) => heard.push(data);
    await redirectToLogout(createClient());
    expect(page.requests.map(({ method, url, credentials }) => [method, url, credentials])).toEqual([['POST', `${APP}/auth/logout`, 'include']]);
    expect(heard).toEqual([{ type: 'logout' }]);
    expect(page.visits).toEqual([AWAY]);
  });

  test('takes an address, and one on the own origin to go to', async () => {
    const page = openPage({ server: () => json({ logoutUrl: '/goodbye' }) });
    await redirectToLogout('/api/auth/logout?kept=1', { tenantName: 'acme', tenantCustomDomain: undefined });
    expect(page.requests[0]!.url).toBe(`${APP}/api/auth/logout?kept=1&tenant_name=acme`);
    expect(page.visits).toEqual([`${APP}/goodbye`]);
  });

  test.each([
    ['403', () => refusal(403, 'cross_origin'), 'cross_origin'],
    ['503', () => refusal(503, 'store_unavailable', {}, { 'retry-after': '60' }), 'store_unavailable'],
    ['HTML', () => new Response('<h1>'), 'response_invalid'],
    ['no address', () => json({}), 'response_invalid'],
    ['a script for an address', () => json({ logoutUrl: 'javascript:alert(1)' }), 'response_invalid'],
    ['no answer', () => new TypeError('Failed to fetch'), 'unreachable'],
  ])('that answers %s is an error: the page stays, and no tab believes it', async (_, answer, code) => {
    const page = openPage({ server: () => answer() });
    const heard: unknown[] = [];
    new BroadcastChannel('doorward').onmessage = ({ data }) => heard.push(data);
    expect(await failure(redirectToLogout(createClient()))).toMatchObject({ code });
    expect([page.visits, heard]).toEqual([[], []]);
  });

  test('is done though a listener throws, which is reported', async () => {
    const page = openPage({ server: () => missing() });
    const reported = vi.fn();
    vi.stubGlobal('reportError', reported);
    const client = createClient();
    const told: unknown[] = [];
    const error = new Error('the page\'s own');
    const stops = [onSessionChange(client, () => { throw error; }), onSessionChange(client, ({ type }) => told.push(type))];
    await settled();
    expect([reported.mock.calls, told]).toEqual([[[error]], ['session']]);
    const heard: unknown[] = [];
    new BroadcastChannel('doorward').onmessage = ({ data }) => heard.push(data);
    page.server = () => json({ logoutUrl: AWAY });
    await redirectToLogout(client);
    expect([reported.mock.calls, told, heard, page.visits]).toEqual([[[error], [error]], ['session', 'session'], [{ type: 'logout' }], [AWAY]]);
    for (const stop of stops) stop();
  });

  test('works without a channel', async () => {
    const page = openPage({ server: () => json({ logoutUrl: AWAY }) });
    Object.assign(globalThis, { BroadcastChannel: undefined });
    await redirectToLogout(createClient());
    expect(page.visits).toEqual([AWAY]);
  });
});

test('a 401 of the session endpoint leaves other calls their login', async () => {
  const page = openPage({ server: () => missing() });
  const client = createClient();
  expect(await getSession(client)).toBeNull();
  client.fetch('/api').catch(() => {});
  await settled();
  expect(page.visits).toHaveLength(1);
});
