import { afterEach, describe, expect, test, vi } from 'vitest';
import { createClient } from '../src/index.js';
import { APP, failure, json, missing, openPage, refusal, session, settled } from './page.js';

let latest: ReturnType<typeof openPage> | undefined;
// A login that still waits would hear of the next test's.
afterEach(async () => {
  latest?.news({ type: 'login' });
  await settled();
});

/** A page whose calls are refused until somebody signed in. */
function open({ loginUrl = '/auth/login' } = {}) {
  const state = { signedIn: false };
  const page = latest = openPage();
  page.server = (request) => {
    if (request.url.includes('/auth/session')) return state.signedIn ? session(Date.now() + 3_600_000) : missing();
    return state.signedIn ? json({ fine: true }) : missing();
  };
  return { page, state, client: createClient({ login: 'popup', loginUrl, origins: [APP] }) };
}

describe('a login window', () => {
  test('opens once, and comes back to the page that says so', async () => {
    const { page, client } = open();
    for (const path of ['/a', '/b', '/c']) client.fetch(path).catch(() => {});
    await settled();
    expect(page.open).toHaveBeenCalledTimes(1);
    expect(page.open.mock.calls[0]![0]).toBe(`${APP}/auth/login?${new URLSearchParams({ return_url: `${APP}/auth/complete` })}`);
    expect(page.visits).toEqual([]);
  });

  test('of another origin is told which origin waits', async () => {
    const { page, client } = open({ loginUrl: 'https://api.test/auth/login' });
    client.fetch('/a').catch(() => {});
    await settled();
    const back = new URL(page.open.mock.calls[0]![0]).searchParams.get('return_url');
    expect(back).toBe(`https://api.test/auth/complete?opener=${encodeURIComponent(APP)}`);
  });

  test.each([
    ['the channel', '/auth/login', (page: ReturnType<typeof openPage>) => page.news({ type: 'login' })],
    ['a message of the login\'s origin', 'https://api.test/auth/login', (page: ReturnType<typeof openPage>) => page.dispatch('message', { origin: 'https://api.test', data: { type: 'doorward:login' } })],
    ['the focus', '/auth/login', (page: ReturnType<typeof openPage>) => page.dispatch('focus')],
  ])('is done with %s; safe calls are made again', async (_, loginUrl, tell) => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    const { page, state, client } = open({ loginUrl });
    const answers = Promise.allSettled([client.fetch('/a'), client.fetch('/b', { method: 'POST', body: 'x' })]);
    await settled();
    state.signedIn = true;
    tell(page);
    const [read, written] = await answers;
    expect(read).toMatchObject({ status: 'fulfilled', value: { status: 200 } });
    expect(written).toMatchObject({ status: 'rejected', reason: { code: 'session_missing' } });
    await settled();
    expect([page.listeners, page.channels, vi.getTimerCount()]).toEqual([0, 0, 0]);
  });

  test.each([
    ['a message of another origin', { origin: 'https://evil.test', data: { type: 'doorward:login' } }],
    ['a message that says something else', { origin: APP, data: { type: 'else' } }],
    ['a message without anything', { origin: APP, data: null }],
  ])('is not done with %s', async (_, message) => {
    const { page, state, client } = open();
    let ended = false;
    client.fetch('/a').finally(() => { ended = true; }).catch(() => {});
    await settled();
    state.signedIn = true;
    page.dispatch('message', message);
    page.news({ type: 'logout' });
    page.news(undefined);
    await settled();
    expect(ended).toBe(false);
  });

  test.each([
    ['a login that signed nobody in here', () => missing()],
    ['a page that is no session', () => json({})],
    ['no page at all', () => new Response('<h1>')],
  ])('is not done with the news of %s', async (_, answer) => {
    const { page, state, client } = open();
    let ended = false;
    const call = client.fetch('/a').then(() => { ended = true; });
    await settled();
    const before = page.server;
    page.server = (request, body) => (request.url.includes('session') ? answer() : before(request, body));
    page.news({ type: 'login' });
    page.dispatch('focus');
    await settled();
    expect(ended).toBe(false);
    page.server = before;
    state.signedIn = true;
    page.news({ type: 'login' });
    await call;
  });

  test('asks whether somebody is signed in where the session is, its query kept', async () => {
    const page = latest = openPage({ server: () => missing() });
    createClient({ login: 'popup', sessionUrl: '/me?of=page' }).fetch('/a').catch(() => {});
    await settled();
    page.dispatch('focus');
    await settled();
    expect(page.requests.at(-1)!.url).toBe(`${APP}/me?of=page&slide=false`);
    page.server = () => session(Date.now() + 60_000);
    page.dispatch('focus');
    await settled();
  });

  test('that is closed without anybody signed in is an error', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    const { page, client } = open();
    const error = failure(client.fetch('/a'));
    await settled();
    page.popup.closed = true;
    vi.advanceTimersByTime(500);
    expect(await error).toMatchObject({ code: 'login_cancelled', status: 401 });
    expect(vi.getTimerCount()).toBe(0);
  });

  test('that only looks closed, while its user is there, goes on', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    const { page, state, client } = open();
    page.document.hasFocus = () => false;
    const answer = client.fetch('/a');
    await settled();
    page.popup.closed = true;
    vi.advanceTimersByTime(5_000);
    await settled();
    expect(page.requests).toHaveLength(1);
    state.signedIn = true;
    page.news({ type: 'login' });
    expect((await answer).status).toBe(200);
  });

  test('that is blocked is an error, and the page stays', async () => {
    const { page, client } = open();
    page.open.mockReturnValue(null);
    expect(await failure(client.fetch('/a'))).toMatchObject({ code: 'popup_blocked', status: 401 });
    expect(await failure(client.login())).toMatchObject({ code: 'popup_blocked' });
    expect(page.visits).toEqual([]);
  });

  test('works without a channel, by the focus', async () => {
    const { page, state, client } = open();
    vi.stubGlobal('BroadcastChannel', undefined);
    latest = undefined;
    const answer = client.fetch('/a');
    await settled();
    state.signedIn = true;
    page.dispatch('focus');
    expect((await answer).status).toBe(200);
  });

  test('for a fresher sign-in waits until it is done, though somebody is signed in', async () => {
    const { page, state, client } = open();
    let fresh = false;
    page.server = (request) => {
      if (request.url.includes('session')) return session(Date.now() + 3_600_000);
      return fresh ? json({}) : refusal(401, 'step_up_required', { login_url: `${APP}/auth/login?max_age=300` });
    };
    state.signedIn = true;
    const answer = client.fetch('/recent');
    await settled();
    expect(new URL(page.open.mock.calls[0]![0]).searchParams.get('max_age')).toBe('300');
    page.dispatch('focus');
    await settled();
    expect(page.requests).toHaveLength(1);
    fresh = true;
    page.news({ type: 'login' });
    expect((await answer).status).toBe(200);
  });

  test('tells the other tabs', async () => {
    const { page, state, client } = open({ loginUrl: 'https://api.test/auth/login' });
    const heard: unknown[] = [];
    const other = new BroadcastChannel('doorward');
    other.onmessage = ({ data }) => heard.push(data);
    const answer = client.fetch('/a');
    await settled();
    state.signedIn = true;
    page.dispatch('message', { origin: 'https://api.test', data: { type: 'doorward:login' } });
    await answer;
    expect(heard).toEqual([{ type: 'login' }]);
  });
});
