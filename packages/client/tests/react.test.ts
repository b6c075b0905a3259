import { Window } from 'happy-dom';
import { act, createElement } from 'react';
import { afterEach, describe, expect, test, vi } from 'vitest';
import type { Session } from '../src/index.js';
import { AuthProvider, type AuthProviderProps, RequireAuth, useAuth, useSession } from '../src/react.js';
import { APP, HERE, json, missing, openPage, session, settled } from './page.js';

const LATER = Date.UTC(2100, 0, 1);
const as = (userId: string, members: object = {}) => () => session(LATER, { userId, metadata: { of: userId }, ...members });

// React looks for the window when it is loaded.
const screen = new Window({ url: HERE });
Object.assign(globalThis, { window: screen, document: screen.document, navigator: screen.navigator, IS_REACT_ACT_ENVIRONMENT: true });
const { createRoot } = await import('react-dom/client');

let close = async () => {};
afterEach(async () => close());

/** An application with something protected in it, and what its hooks gave last. */
async function open(server: () => Response | Error | Promise<Response>, props: AuthProviderProps = {}) {
  const page = openPage({ server });
  const hooks = {} as { auth: ReturnType<typeof useAuth>; session: ReturnType<typeof useSession> };
  const Inside = () => {
    hooks.auth = useAuth();
    hooks.session = useSession();
    return createElement(RequireAuth, { fallback: 'wait', otherwise: 'nobody' }, `secret of ${hooks.session.userId}, ${JSON.stringify(hooks.session.metadata)}`);
  };
  const container = screen.document.createElement('main');
  const root = createRoot(container as unknown as Element);
  const step = (work: () => unknown) => act(async () => {
    await work();
    await settled();
  });
  await step(() => root.render(createElement(AuthProvider, { disableRedirectOnUnauthenticated: true, ...props }, createElement(Inside))));
  close = async () => {
    close = async () => {};
    await act(async () => root.unmount());
  };
  return { page, hooks, step, shown: () => container.textContent };
}

/** A promise that somebody else settles. */
function held() {
  let release: () => void = () => {};
  let refuse: (error: Error) => void = () => {};
  const promise = new Promise<void>((resolve, reject) => {
    release = resolve;
    refuse = reject;
  });
  return { promise, release, refuse };
}

describe('what is protected', () => {
  test('is shown to whoever is signed in, and to nobody after a sign-out', async () => {
    const { page, step, shown } = await open(as('alice'));
    expect(shown()).toBe('secret of alice, {"of":"alice"}');
    await step(() => page.news({ type: 'logout' }));
    expect(shown()).toBe('nobody');
  });

  test('is not shown by a callback that a sign-out overtook', async () => {
    const gate = held();
    const { page, step, shown } = await open(as('alice'), { onSessionSuccess: () => gate.promise });
    expect(shown()).toBe('wait');
    await step(() => page.news({ type: 'logout' }));
    await step(gate.release);
    expect(shown()).not.toContain('secret');
  });

  test('is not shown by an answer that a sign-out overtook', async () => {
    const { page, hooks, step, shown } = await open(as('alice'));
    const answer = held();
    page.server = async () => {
      await answer.promise;
      return as('alice')();
    };
    await step(() => { hooks.auth.validateSession(); });
    await step(() => page.news({ type: 'logout' }));
    expect(shown()).toBe('nobody');
    // And once more, where it is known already that nobody is there.
    await step(() => { hooks.auth.validateSession(); });
    await step(() => page.news({ type: 'logout' }));
    page.server = () => missing();
    await step(answer.release);
    expect(shown()).toBe('nobody');
    expect(hooks.auth.isAuthenticated).toBe(false);
  });

  test('is not shown by a callback that clearAuthData overtook', async () => {
    const gate = held();
    const { hooks, step, shown } = await open(as('alice'), { onSessionSuccess: () => gate.promise });
    await step(() => hooks.auth.clearAuthData());
    await step(gate.release);
    expect(shown()).not.toContain('secret');
    expect(hooks.auth.authStatus).toBe('UNAUTHENTICATED');
  });

  test('is shown once the callback is done, and again after validateSession', async () => {
    const gate = held();
    const { hooks, step, shown } = await open(as('alice'), { onSessionSuccess: () => gate.promise });
    await step(gate.release);
    expect(shown()).toContain('secret of alice');
    await step(() => hooks.auth.clearAuthData());
    expect(shown()).toBe('nobody');
    await step(() => hooks.auth.validateSession());
    expect(shown()).toContain('secret of alice');
  });
});

test('two users are never mixed, whichever callback ends first', async () => {
  const gates: Record<string, ReturnType<typeof held>> = { alice: held(), bob: held() };
  const { page, hooks, step, shown } = await open(as('alice'), { onSessionSuccess: ({ userId }: Session) => gates[userId]!.promise });
  page.server = as('bob');
  await step(() => page.news({ type: 'login' }));
  await step(gates.bob!.release);
  expect(shown()).toBe('secret of bob, {"of":"bob"}');
  await step(gates.alice!.release);
  await step(() => page.dispatch('focus'));
  expect(shown()).toBe('secret of bob, {"of":"bob"}');
  expect(hooks.session.metadata).toEqual({ of: 'bob' });
});

test('what is protected goes while the next user is not let in yet', async () => {
  const gate = held();
  const { page, step, shown } = await open(as('alice'), { onSessionSuccess: ({ userId }: Session) => (userId === 'bob' ? gate.promise : undefined) });
  expect(shown()).toContain('secret of alice');
  page.server = as('bob');
  await step(() => page.news({ type: 'login' }));
  expect(shown()).toBe('wait');
  await step(() => gate.refuse(new Error('not bob')));
  expect(shown()).toBe('nobody');
});

test('what the page added to the metadata stays until the server sends others', async () => {
  const { page, hooks, step } = await open(as('alice'));
  await step(() => hooks.session.updateMetadata({ theme: 'dark' }));
  page.server = as('alice', { expiresAt: LATER + 1 });
  await step(() => hooks.auth.validateSession());
  expect(hooks.session.metadata).toEqual({ of: 'alice', theme: 'dark' });
  page.server = as('alice', { metadata: { of: 'alice', role: 'admin' } });
  await step(() => hooks.auth.validateSession());
  expect(hooks.session.metadata).toEqual({ of: 'alice', role: 'admin' });
});

describe('onSessionSuccess', () => {
  test('that throws is passed by no later change of the session, and is not called again', async () => {
    const gate = vi.fn(() => { throw new Error('not on the list'); });
    const { page, hooks, step, shown } = await open(as('alice'), { onSessionSuccess: gate });
    expect([shown(), (hooks.auth.authError as Error).message]).toEqual(['nobody', 'not on the list']);
    page.server = as('alice', { expiresAt: LATER + 1 });
    await step(() => page.dispatch('focus'));
    await step(() => hooks.auth.validateSession());
    expect([shown(), (hooks.auth.authError as Error).message]).toEqual(['nobody', 'not on the list']);
    expect(gate).toHaveBeenCalledTimes(1);
  });

  test('that is slow is passed by no later change of the session', async () => {
    const gate = held();
    const { page, step, shown } = await open(as('alice'), { onSessionSuccess: () => gate.promise });
    page.server = as('alice', { expiresAt: LATER + 1 });
    await step(() => page.dispatch('focus'));
    expect(shown()).toBe('wait');
    await step(gate.release);
    expect(shown()).toContain('secret of alice');
  });

  test('is asked about each user', async () => {
    const { page, step, shown } = await open(as('alice'), { onSessionSuccess: ({ userId }: Session) => { if (userId === 'alice') throw new Error('no'); } });
    expect(shown()).toBe('nobody');
    page.server = as('bob');
    await step(() => page.news({ type: 'login' }));
    expect(shown()).toContain('secret of bob');
  });
});

describe('RequireAuth', () => {
  test('leads to the login once', async () => {
    const { page, shown } = await open(() => missing());
    expect(page.visits).toEqual([`${APP}/auth/login?${new URLSearchParams({ return_url: HERE })}`]);
    expect(shown()).toBe('wait');
  });

  test.each([
    ['answers false', async () => false],
    ['was of no use', async () => true],
  ])('calls a login that %s once, and not without end', async (_, answer) => {
    const login = vi.fn(answer);
    const { step, shown } = await open(() => missing(), { login });
    for (let turns = 0; turns < 5; turns += 1) await step(() => {});
    expect(login).toHaveBeenCalledTimes(1);
    expect(shown()).toBe('nobody');
  });

  test('shows its children after a login on the page', async () => {
    let signedIn = false;
    const { shown } = await open(() => (signedIn ? as('alice')() : missing()), { login: async () => { signedIn = true; } });
    expect(shown()).toContain('secret of alice');
  });
});

test('what is protected goes when its session ends, though the server is silent', async () => {
  vi.useFakeTimers({ toFake: ['Date', 'setTimeout', 'clearTimeout'] });
  const { page, hooks, step, shown } = await open(() => session(Date.now() + 90_000));
  page.server = () => new TypeError('offline');
  await step(() => vi.advanceTimersByTimeAsync(89_000));
  expect(shown()).toContain('secret of alice');
  await step(() => vi.advanceTimersByTimeAsync(1_000));
  expect([shown(), hooks.auth.authError]).toMatchObject(['nobody', { code: 'unreachable' }]);
});

test('a session that cannot be told is an error, and nothing is shown', async () => {
  const { hooks, shown } = await open(() => json({}));
  expect([shown(), hooks.auth.authError]).toMatchObject(['nobody', { code: 'response_invalid' }]);
});
