import { afterEach, describe, expect, test, vi } from 'vitest';
import { createClient, getSession, onSessionChange, redirectToLogout, type SessionChange } from '../src/index.js';
import { json, missing, openPage, refusal, session, settled } from './page.js';

const NOW = Date.UTC(2026, 0, 1);

let end = () => {};
afterEach(() => end());

/** A page that watches; `ends` is when the server says the session ends, undefined: nobody is signed in. */
async function watch({ ends, warnBefore }: { ends?: number | undefined; warnBefore?: number } = {}) {
  vi.useFakeTimers({ now: NOW, toFake: ['Date', 'setTimeout', 'clearTimeout'] });
  const state = { ends };
  const page = openPage({ server: () => (state.ends === undefined ? missing() : session(state.ends)) });
  const client = createClient();
  const seen: SessionChange[] = [];
  const stop = onSessionChange(client, (change) => seen.push(change), warnBefore === undefined ? {} : { warnBefore });
  end = stop;
  await settled();
  const pass = async (milliseconds: number) => {
    await vi.advanceTimersByTimeAsync(milliseconds);
    await settled();
  };
  /** What was told since the last time, in short. */
  const told = () => seen.splice(0).map((change) => {
    if (change.type === 'session') return change.session ? `${change.session.userId} until ${(change.session.expiresAt - NOW) / 1000}` : 'nobody';
    return change.type === 'expiring' ? `expiring in ${change.secondsLeft}` : change.error.code;
  });
  return { page, client, state, stop, pass, told };
}

describe('onSessionChange', () => {
  test('tells who is signed in, and only looks', async () => {
    const { page, told } = await watch({ ends: NOW + 600_000 });
    expect(told()).toEqual(['alice until 600']);
    expect(page.requests.every(({ url }) => url.endsWith('/auth/session?slide=false'))).toBe(true);
  });

  test('tells that nobody is, and leads nowhere', async () => {
    const { page, told, pass } = await watch();
    expect(told()).toEqual(['nobody']);
    await pass(3_600_000);
    expect(page.requests).toHaveLength(1);
    expect(page.visits).toEqual([]);
  });

  test('warns once before the end, then tells the end, and never extends', async () => {
    const { page, state, told, pass } = await watch({ ends: NOW + 600_000 });
    told();
    await pass(539_000);
    expect(told()).toEqual([]);
    await pass(1_000);
    expect(told()).toEqual(['expiring in 60']);
    await pass(30_000);
    page.dispatch('focus');
    await settled();
    expect(told()).toEqual([]);
    await pass(29_000);
    expect(told()).toEqual([]);
    state.ends = undefined;
    await pass(1_000);
    expect(told()).toEqual(['nobody']);
    expect(vi.getTimerCount()).toBe(0);
    expect(page.requests.every(({ url }) => url.endsWith('?slide=false'))).toBe(true);
  });

  test('warns when it is told to', async () => {
    const { told, pass } = await watch({ ends: NOW + 600_000, warnBefore: 300 });
    told();
    await pass(300_000);
    expect(told()).toEqual(['expiring in 300']);
  });

  test('does not warn where the session was extended meanwhile', async () => {
    const { state, told, pass } = await watch({ ends: NOW + 600_000 });
    told();
    state.ends = NOW + 1_200_000;
    await pass(540_000);
    expect(told()).toEqual(['alice until 1200']);
    await pass(600_000);
    expect(told()).toEqual(['expiring in 60']);
  });

  test('takes the warning back as soon as the page extends the session', async () => {
    const { client, state, told, pass } = await watch({ ends: NOW + 600_000 });
    await pass(540_000);
    told();
    state.ends = NOW + 1_140_000;
    await getSession(client);
    await settled();
    expect(told()).toEqual(['alice until 1140']);
  });

  test('reckons by the clock of the server', async () => {
    const ahead = 3_600_000;
    const { page, told, pass } = await watch();
    told();
    page.server = () => json({ userId: 'alice', tenantId: 'acme', expiresAt: NOW - ahead + 600_000 }, { headers: { date: new Date(Date.now() - ahead).toUTCString() } });
    page.dispatch('focus');
    await settled();
    told();
    await pass(539_000);
    expect(told()).toEqual([]);
    await pass(1_000);
    expect(told()).toEqual(['expiring in 60']);
  });

  test('does not ask in a frenzy where the clocks disagree', async () => {
    const { page, pass } = await watch({ ends: NOW - 3_600_000 });
    await pass(10_000);
    expect(page.requests.length).toBeLessThanOrEqual(11);
  });

  test('asks ever more rarely while the session is there though it should have ended', async () => {
    const { page, state, told, pass } = await watch({ ends: NOW - 3_600_000 });
    await pass(600_000);
    expect(page.requests.length).toBeLessThanOrEqual(26);
    // And as often as ever once it is right again.
    state.ends = NOW + 1_200_000;
    await pass(30_000);
    told();
    await pass(510_000);
    expect(told()).toEqual(['expiring in 60']);
  });

  test.each([null, undefined, '2100-01-01'])('asks no more of itself where the end is %j', async (expiresAt) => {
    const { page, pass } = await watch({ ends: NOW + 600_000 });
    page.server = () => json({ userId: 'alice', tenantId: 'acme', expiresAt });
    page.dispatch('focus');
    await settled();
    await pass(600_000);
    expect(page.requests).toHaveLength(2);
  });

  test('takes focus and visibility at once for one coming back', async () => {
    const { page, pass } = await watch({ ends: NOW + 600_000 });
    for (let turns = 1; turns < 3; turns += 1) {
      page.dispatch('visibilitychange');
      page.dispatch('focus');
      await pass(1_000);
      expect(page.requests).toHaveLength(1 + turns);
    }
  });

  test('takes no event for another that has just come', async () => {
    const { page } = await watch({ ends: NOW + 600_000 });
    for (const type of ['pageshow', 'focus', 'focus', 'pageshow', 'visibilitychange']) {
      page.dispatch(type);
      await settled();
    }
    expect(page.requests).toHaveLength(6);
  });

  test('sleeps no longer than a timer can', async () => {
    const { page, pass } = await watch({ ends: NOW + 90 * 86_400_000 });
    await pass(60_000);
    expect(page.requests).toHaveLength(1);
  });

  for (const event of ['focus', 'pageshow', 'visibilitychange']) {
    test(`looks again on ${event}`, async () => {
      const { page, state, told } = await watch({ ends: NOW + 600_000 });
      told();
      state.ends = undefined;
      page.document.hidden = true;
      page.dispatch(event);
      await settled();
      expect(told()).toEqual([]);
      page.document.hidden = false;
      page.dispatch(event);
      await settled();
      expect(told()).toEqual(['nobody']);
    });
  }

  test('hears of a sign-out in another tab without asking', async () => {
    const { page, told } = await watch({ ends: NOW + 600_000 });
    told();
    page.server = () => new TypeError('offline');
    page.news({ type: 'logout' });
    expect(told()).toEqual(['nobody']);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('hears of a sign-out of its own page', async () => {
    const { page, client, told } = await watch({ ends: NOW + 600_000 });
    told();
    page.server = () => json({ logoutUrl: '/' });
    await redirectToLogout(client);
    expect(told()).toEqual(['nobody']);
  });

  test('looks when somebody signs in in another tab', async () => {
    const { page, state, told } = await watch();
    told();
    state.ends = NOW + 600_000;
    page.news({ type: 'login' });
    await settled();
    expect(told()).toEqual(['alice until 600']);
  });

  test('is not misled by an answer that another overtook', async () => {
    const { page, told } = await watch({ ends: NOW + 600_000 });
    told();
    let late: (response: Response) => void = () => {};
    page.server = () => new Promise<Response>((resolve) => { late = resolve; });
    page.dispatch('focus');
    await settled();
    page.news({ type: 'logout' });
    late(session(NOW + 600_000));
    await settled();
    expect(told()).toEqual(['nobody']);
  });

  test.each([
    ['403', () => refusal(403, 'tenant_mismatch'), 'tenant_mismatch'],
    ['500', () => new Response('', { status: 500 }), 'response_invalid'],
    ['HTML', () => new Response('<h1>'), 'response_invalid'],
    ['no answer', () => new TypeError('offline'), 'unreachable'],
  ])('tells an answer of %s as an error, and what was known stands', async (_, answer, code) => {
    const { page, told, pass } = await watch({ ends: NOW + 600_000 });
    told();
    page.server = () => answer();
    page.dispatch('focus');
    await settled();
    expect(told()).toEqual([code]);
    page.server = () => session(NOW + 600_000);
    await pass(30_000);
    expect(told()).toEqual([]);
    expect(page.visits).toEqual([]);
  });

  test('goes on though its listener throws', async () => {
    vi.useFakeTimers({ now: NOW, toFake: ['Date', 'setTimeout', 'clearTimeout'] });
    const page = openPage({ server: () => session(NOW + 600_000) });
    const reported = vi.fn();
    vi.stubGlobal('reportError', reported);
    const stop = onSessionChange(createClient(), () => { throw new Error('of the page'); });
    await settled();
    await vi.advanceTimersByTimeAsync(540_000);
    await settled();
    expect(page.requests).toHaveLength(2);
    expect(reported).toHaveBeenCalledTimes(2);
    stop();
  });

  test('says of an error whether the session has ended by the clock, and looks again by then', async () => {
    vi.useFakeTimers({ now: NOW, toFake: ['Date', 'setTimeout', 'clearTimeout'] });
    const page = openPage({ server: () => session(NOW + 600_000) });
    const told: unknown[] = [];
    const stop = onSessionChange(createClient(), (change) => told.push(change.type === 'error' ? change.ended : change.type));
    await settled();
    page.server = () => new TypeError('offline');
    await vi.advanceTimersByTimeAsync(590_000);
    expect(told.splice(0)).toEqual(['session', false, false]);
    await vi.advanceTimersByTimeAsync(10_000);
    await settled();
    expect(told.splice(0)).toEqual([true]);
    // There all the same: the listener has to know.
    page.server = () => session(NOW + 600_000);
    page.dispatch('focus');
    await settled();
    expect(told[0]).toBe('session');
    stop();
  });

  test('leaves no timer, listener or channel', async () => {
    const { page, stop, told, pass } = await watch({ ends: NOW + 600_000 });
    told();
    stop();
    stop();
    expect([vi.getTimerCount(), page.listeners, page.channels]).toEqual([0, 0, 0]);
    page.news({ type: 'logout' });
    page.dispatch('focus');
    await pass(600_000);
    expect(told()).toEqual([]);
    expect(page.requests).toHaveLength(1);
  });

  test('may be ended by its own listener, and while it asks', async () => {
    vi.useFakeTimers({ now: NOW, toFake: ['Date', 'setTimeout', 'clearTimeout'] });
    openPage({ server: () => session(NOW + 600_000) });
    const told: string[] = [];
    const stop = onSessionChange(createClient(), ({ type }) => {
      told.push(type);
      stop();
    });
    await settled();
    onSessionChange(createClient(), ({ type }) => told.push(type))();
    await settled();
    expect(told).toEqual(['session']);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('works without a channel, by focus and time', async () => {
    vi.useFakeTimers({ now: NOW, toFake: ['Date', 'setTimeout', 'clearTimeout'] });
    const page = openPage({ server: () => session(NOW + 600_000) });
    vi.stubGlobal('BroadcastChannel', class { constructor() { throw new DOMException('denied', 'SecurityError'); } });
    const told: string[] = [];
    const stop = onSessionChange(createClient(), ({ type }) => told.push(type));
    await settled();
    page.server = () => missing();
    page.dispatch('focus');
    await settled();
    expect(told).toEqual(['session', 'session']);
    stop();
  });
});
