import { beforeEach, describe, expect, test, vi } from 'vitest';
import { createClient, type DoorwardError, getSession } from '../src/index.js';
import { connect } from '../src/websocket.js';
import { APP, missing, openPage, session, settled } from './page.js';

class FakeSocket {
  static readonly OPEN = 1;
  static made: FakeSocket[] = [];
  readyState = 0;
  sent: unknown[] = [];
  onopen?: () => void;
  onmessage?: (event: { data: unknown }) => void;
  onclose?: (event: { code: number }) => void;
  constructor(readonly url: string | URL, readonly protocols?: string | string[]) { FakeSocket.made.push(this); }
  send(data: unknown) { this.sent.push(data); }
  close() { this.end(1005); }
  begin() {
    this.readyState = FakeSocket.OPEN;
    this.onopen?.();
  }
  end(code: number) {
    this.readyState = 3;
    this.onclose?.({ code });
  }
}
beforeEach(() => { FakeSocket.made = []; });

function open({ login, signedIn = true, attempts = 8 }: { login?: () => Promise<boolean | void>; signedIn?: boolean; attempts?: number } = {}) {
  vi.useFakeTimers({ toFake: ['Date', 'setTimeout', 'clearTimeout'] });
  const page = openPage({ server: () => (signedIn ? session(Date.now() + 60_000) : missing()) });
  vi.stubGlobal('WebSocket', FakeSocket);
  const errors: DoorwardError[] = [];
  const messages: unknown[] = [];
  const client = createClient(login ? { login } : {});
  const connection = connect(client, '/api/socket', {
    attempts, onError: (error) => errors.push(error), onMessage: ({ data }) => messages.push(data),
  });
  const pass = async (milliseconds: number) => {
    await vi.advanceTimersByTimeAsync(milliseconds);
    await settled();
  };
  return { page, client, connection, errors, messages, pass, last: () => FakeSocket.made.at(-1)! };
}

describe('a connection', () => {
  test('is a socket of the own origin, and carries messages both ways', () => {
    const { connection, messages, last } = open();
    expect(`${last().url}`).toBe('wss://app.test/api/socket');
    expect(connection.send('early')).toBe(false);
    last().begin();
    expect(connection.send('hello')).toBe(true);
    last().onmessage!({ data: 'echo' });
    expect([last().sent, messages]).toEqual([['hello'], ['echo']]);
  });

  test('is not opened to somebody else', () => {
    openPage();
    vi.stubGlobal('WebSocket', FakeSocket);
    const client = createClient();
    for (const url of ['wss://evil.test/', 'https://evil.test/', 'ws://app.test/']) expect(() => connect(client, url)).toThrow(TypeError);
    connect(client, 'wss://app.test/x');
    connect(client, `${APP}/y`);
    expect(FakeSocket.made.map(({ url }) => `${url}`)).toEqual(['wss://app.test/x', 'wss://app.test/y']);
  });

  test('whose session ended leads to the login', async () => {
    const { page, errors, last } = open();
    last().begin();
    last().end(4401);
    await settled();
    expect(page.visits).toHaveLength(1);
    expect(errors).toEqual([]);
  });

  test('whose session ended is made again after a login on the page', async () => {
    const login = vi.fn(async () => {});
    const { errors, last } = open({ login });
    last().begin();
    last().end(4401);
    await settled();
    expect([FakeSocket.made.length, login.mock.calls.length]).toEqual([2, 1]);
    // A login that is of no use is not begun over and over.
    last().begin();
    last().end(4401);
    await settled();
    expect(errors).toMatchObject([{ status: 401, code: 'session_expired' }]);
    expect([FakeSocket.made.length, login.mock.calls.length]).toEqual([2, 1]);
  });

  test('that proved good may have its session end again', async () => {
    const login = vi.fn(async () => {});
    const { pass, last } = open({ login });
    for (let turn = 0; turn < 3; turn += 1) {
      last().begin();
      await pass(11_000);
      last().end(4401);
      await settled();
    }
    expect(login).toHaveBeenCalledTimes(3);
  });

  test('that proved good leads to the login when its session ends, though it came from there', async () => {
    const { page, pass, last } = open({ signedIn: false });
    last().end(1006);
    await settled();
    // The page as it is after the login, a moment later.
    const { page: next, pass: wait, last: latest } = open();
    for (const [key, value] of page.storage) next.storage.set(key, value);
    latest().begin();
    await wait(11_000);
    latest().end(4401);
    await settled();
    expect([page.visits.length, next.visits.length]).toEqual([1, 1]);
    await pass(0);
  });

  test('that was refused leads to the login where nobody is signed in', async () => {
    const { page, last } = open({ signedIn: false });
    last().end(1006);
    await settled();
    expect(page.visits).toHaveLength(1);
  });

  test('that is no longer allowed ends with an error', async () => {
    const { page, errors, pass, last } = open();
    last().begin();
    last().end(4403);
    await pass(60_000);
    expect(errors).toMatchObject([{ status: 403 }]);
    expect([FakeSocket.made.length, page.visits.length]).toEqual([1, 0]);
  });

  test('that breaks off is mended with growing pauses, and given up in the end', async () => {
    const { errors, pass, last } = open({ attempts: 3 });
    last().begin();
    for (let turn = 0; turn < 4; turn += 1) {
      last().end(1006);
      await settled();
      const made = FakeSocket.made.length;
      await pass(249 * 2 ** turn);
      expect(FakeSocket.made.length).toBe(made);
      await pass(251 * 2 ** turn);
    }
    expect(errors).toMatchObject([{ code: 'unreachable' }]);
    expect(FakeSocket.made).toHaveLength(4);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('is closed at a sign-out, and stays so', async () => {
    const { page, errors, pass, last } = open();
    last().begin();
    page.news({ type: 'login' });
    expect(last().readyState).toBe(1);
    page.news({ type: 'logout' });
    page.news({ type: 'logout' });
    await pass(60_000);
    expect(errors).toMatchObject([{ status: 401, code: 'session_revoked' }]);
    expect([last().readyState, FakeSocket.made.length, page.visits.length]).toEqual([3, 1, 0]);
  });

  test.each([
    ['another user is met', () => session(Date.now() + 60_000, { userId: 'bob' })],
    ['nobody is met', () => missing()],
  ])('is closed where %s, and not before', async (_, server) => {
    const { page, client, errors, last } = open();
    last().begin();
    await getSession(client);
    await getSession(client);
    expect([last().readyState, errors]).toEqual([1, []]);
    page.server = server;
    await getSession(client);
    expect([last().readyState, errors]).toMatchObject([3, [{ code: 'session_revoked' }]]);
  });

  test('is the next user\'s after a login on the page', async () => {
    const { page, client, errors, last } = open({ login: async () => {} });
    await getSession(client);
    last().begin();
    last().end(4401);
    await settled();
    last().begin();
    page.server = () => session(Date.now() + 60_000, { userId: 'bob' });
    await getSession(client);
    expect([FakeSocket.made.length, last().readyState, errors]).toEqual([2, 1, []]);
  });

  test('that was closed here stays closed', async () => {
    const { connection, errors, pass, last } = open();
    last().begin();
    connection.close();
    await pass(60_000);
    expect([FakeSocket.made.length, errors]).toEqual([1, []]);
  });

  test('that was closed here while it was being mended stays closed', async () => {
    const { connection, errors, pass, last } = open();
    last().begin();
    last().end(1006);
    await settled();
    connection.close();
    await pass(60_000);
    expect([FakeSocket.made.length, errors]).toEqual([1, []]);
  });
});
