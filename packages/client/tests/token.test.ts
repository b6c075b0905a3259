import { describe, expect, test, vi } from 'vitest';
import { clearToken, createClient, getSession, getToken, onSessionChange, redirectToLogout } from '../src/index.js';
import { APP, failure, from, json, missing, openPage, refusal, session, settled } from './page.js';

const NOW = Date.UTC(2026, 0, 1);
const token = (accessToken: unknown, seconds = 300, headers: Record<string, string> = {}) =>
  json({ accessToken, expiresAt: NOW + seconds * 1000 }, { headers });

/** A page at a fixed time whose server hands out one token after the other. */
function open(lifetime = 300) {
  vi.useFakeTimers({ now: NOW, toFake: ['Date', 'setTimeout', 'clearTimeout'] });
  let number = 0;
  const page = openPage();
  page.server = () => {
    number += 1;
    return json({ accessToken: `t${number}`, expiresAt: Date.now() + lifetime * 1000 });
  };
  return { page, client: createClient() };
}

describe('getToken', () => {
  test('asks once for all who ask at the same time', async () => {
    const { page, client } = open();
    expect(await Promise.all([getToken(client), getToken(client), getToken(client)])).toEqual(['t1', 't1', 't1']);
    expect(page.requests.map(({ url }) => url)).toEqual([`${APP}/auth/token`]);
  });

  test('keeps it until 30 seconds before its end, exactly', async () => {
    const { client } = open(300);
    await getToken(client);
    vi.setSystemTime(NOW + 269_999);
    expect(await getToken(client)).toBe('t1');
    vi.setSystemTime(NOW + 270_000);
    expect(await getToken(client)).toBe('t2');
  });

  test('keeps none that is about to end', async () => {
    const { client } = open(30);
    expect([await getToken(client), await getToken(client)]).toEqual(['t1', 't2']);
  });

  test('keeps none whose end is not known', async () => {
    const { page, client } = open();
    page.server = () => json({ accessToken: 't', expiresAt: null });
    await getToken(client);
    await getToken(client);
    expect(page.requests).toHaveLength(2);
  });

  test('reckons by the clock of the server', async () => {
    const { page, client } = open();
    // This machine is an hour ahead; the token lives for another minute.
    page.server = () => token('t', -3540, { date: new Date(NOW - 3_600_000).toUTCString() });
    await getToken(client);
    await getToken(client);
    expect(page.requests).toHaveLength(1);
    vi.setSystemTime(NOW + 30_000);
    await getToken(client);
    expect(page.requests).toHaveLength(2);
  });

  test('keeps one for each client', async () => {
    const { page, client } = open();
    page.server = (request) => from(request.url, json({ accessToken: request.url, expiresAt: NOW + 300_000 }));
    expect(await getToken(client)).toBe(`${APP}/auth/token`);
    expect(await getToken(createClient({ tokenUrl: '/other' }))).toBe(`${APP}/other`);
  });

  test.each([
    ['a sign-out', async (page: ReturnType<typeof open>['page'], client: ReturnType<typeof createClient>) => {
      const before = page.server;
      page.server = () => json({ logoutUrl: '/' });
      await redirectToLogout(client);
      page.server = before;
    }],
    ['a sign-out in another tab', (page: ReturnType<typeof open>['page']) => page.news({ type: 'logout' })],
    ['a sign-in in another tab', (page: ReturnType<typeof open>['page']) => page.news({ type: 'login' })],
    ['clearToken', (_: unknown, client: ReturnType<typeof createClient>) => clearToken(client)],
  ])('forgets it at %s', async (_, end) => {
    const { page, client } = open();
    await getToken(client);
    await end(page, client);
    expect(await getToken(client)).toBe('t2');
  });

  test.each([
    ['another user', { userId: 'bob' }],
    ['another tenant', { tenantId: 'globex' }],
  ])('forgets it where the session turns out to be that of %s', async (_, members) => {
    const { page, client } = open();
    const tokens = page.server;
    let who: object = {};
    page.server = (request, body) => (request.url.includes('session') ? session(NOW + 600_000, who) : tokens(request, body));
    const stop = onSessionChange(client, () => {});
    await settled();
    expect([await getToken(client), await getToken(client)]).toEqual(['t1', 't1']);
    page.dispatch('focus');
    await settled();
    expect(await getToken(client)).toBe('t1');
    who = members;
    vi.setSystemTime(NOW + 1_000);
    page.dispatch('pageshow');
    await settled();
    expect(await getToken(client)).toBe('t2');
    stop();
  });

  test('forgets it where nobody is signed in any more', async () => {
    const { page, client } = open();
    const tokens = page.server;
    await getToken(client);
    page.server = () => missing();
    await getSession(client, { slide: false });
    page.server = tokens;
    expect(await getToken(client)).toBe('t2');
  });

  test('forgets it where a call is refused for want of a session, though no login follows', async () => {
    const { page } = open();
    const client = createClient({ login: () => false });
    const tokens = page.server;
    await getToken(client);
    page.server = () => refusal(401, 'token_expired');
    await failure(client.fetch('/api'));
    page.server = tokens;
    expect(await getToken(client)).toBe('t1');
    page.server = () => missing();
    await failure(client.fetch('/api'));
    page.server = tokens;
    expect(await getToken(client)).toBe('t2');
  });

  test('leaves no listener and no channel without a kept one', async () => {
    const { page, client } = open();
    // Those of the tests before.
    page.news({ type: 'logout' });
    await getToken(client);
    expect(page.channels).toBe(1);
    clearToken(client);
    page.server = () => refusal(404, 'route_unknown');
    await failure(getToken(client));
    expect(page.channels).toBe(0);
  });

  test('does not keep what was asked for before somebody signed out', async () => {
    const { page, client } = open();
    let answer: (response: Response) => void = () => {};
    page.server = () => new Promise<Response>((resolve) => { answer = resolve; });
    const early = getToken(client);
    await settled();
    page.news({ type: 'logout' });
    answer(token('of-alice'));
    expect(await early).toBe('of-alice');
    page.server = () => token('of-bob');
    expect(await getToken(client)).toBe('of-bob');
  });

  test.each([
    ['404, switched off', () => refusal(404, 'route_unknown'), 'route_unknown'],
    ['403', () => refusal(403, 'tenant_mismatch'), 'tenant_mismatch'],
    ['500', () => new Response('', { status: 500 }), 'response_invalid'],
    ['HTML', () => new Response('<h1>'), 'response_invalid'],
    ['no token', () => json({ expiresAt: 1 }), 'response_invalid'],
    ['a blank one', () => token(''), 'response_invalid'],
    ['no answer', () => new TypeError('Failed to fetch'), 'unreachable'],
  ])('that is answered %s is a typed error, and asks anew next time', async (_, answer, code) => {
    const { page, client } = open();
    page.server = () => answer();
    expect(await failure(getToken(client))).toMatchObject({ name: 'DoorwardError', code });
    page.server = () => token('fine');
    expect(await getToken(client)).toBe('fine');
  });

  test('leads to the login where nobody is signed in', async () => {
    const { page, client } = open();
    page.server = () => missing();
    getToken(client).catch(() => {});
    await settled();
    expect(page.visits).toHaveLength(1);
  });
});
