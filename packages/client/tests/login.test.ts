import { describe, expect, test, vi } from 'vitest';
import { createClient, getSession, redirectToLogin } from '../src/index.js';
import { APP, failure, from, HERE, json, missing, openPage, refusal, session, settled } from './page.js';

const LOGIN = `${APP}/auth/login`;
const parts = (url: string) => {
  const { origin, pathname, searchParams } = new URL(url);
  return [origin + pathname, Object.fromEntries(searchParams)];
};

describe('a 401', () => {
  test('leads to the login once, however many calls fail, and they wait', async () => {
    const page = openPage({ server: () => missing() });
    const client = createClient();
    let ended = 0;
    for (let calls = 0; calls < 20; calls += 1) client.fetch(`/api/${calls}`).finally(() => { ended += 1; });
    await settled();
    expect(page.requests).toHaveLength(20);
    expect(page.visits).toHaveLength(1);
    expect(ended).toBe(0);
  });

  test('leads back to where the page is then, encoded once', async () => {
    const page = openPage({ server: () => missing() });
    const client = createClient();
    page.location.href = HERE;
    client.fetch('/api').catch(() => {});
    await settled();
    expect(parts(page.visits[0]!)).toEqual([LOGIN, { return_url: HERE }]);
    expect(page.visits[0]).toContain('%23row');
  });

  test('whatever its body leads to the login that is configured', async () => {
    for (const answer of [() => new Response('<h1>', { status: 401 }), () => new Response(null, { status: 401 }), () => json({ login_url: 7 }, { status: 401 })]) {
      const page = openPage({ server: answer });
      createClient({ loginUrl: '/api/auth/login' }).fetch('/api').catch(() => {});
      await settled();
      expect(parts(page.visits[0]!)[0]).toBe(`${APP}/api/auth/login`);
    }
  });

  test.each([
    'https://evil.test/auth/login', '//evil.test/login', 'javascript:alert(1)', 'data:text/html,x', `${APP}.evil.test/`, `https://app.test@evil.test/`,
    'http://app.test/auth/login', `blob:${APP}/x`.replace('blob', 'filesystem'), '/auth/other', '',
  ])('with the login_url %j leads to the login that is configured', async (loginUrl) => {
    const page = openPage({ server: () => missing(loginUrl) });
    createClient().fetch('/api').catch(() => {});
    await settled();
    expect(parts(page.visits[0]!)[0]).toBe(LOGIN);
  });

  test('may lead elsewhere on the origin of the login', async () => {
    const page = openPage({ server: () => from('https://api.test/x', missing('https://api.test/base/login')) });
    createClient({ loginUrl: 'https://api.test/auth/login' }).fetch('https://api.test/x').catch(() => {});
    await settled();
    expect(parts(page.visits[0]!)).toEqual(['https://api.test/base/login', { return_url: HERE }]);
  });

  test('that asks for more keeps what it asks for', async () => {
    const page = openPage({ server: () => refusal(401, 'step_up_required', { login_url: `${LOGIN}?max_age=300&acr_values=mfa%20hwk` }) });
    createClient().fetch('/api/recent').catch(() => {});
    await settled();
    expect(parts(page.visits[0]!)).toEqual([LOGIN, { max_age: '300', acr_values: 'mfa hwk', return_url: HERE }]);
  });

  test('takes what a server behind a proxy asks for, and not where it would lead', async () => {
    for (const login_url of ['http://localhost:7101/auth/login?max_age=9&acr_values=x', 'javascript:alert(1)', undefined]) {
      const body = { login_url, max_age: 300, acr_values: 'mfa hwk' };
      const page = openPage({ server: () => refusal(401, 'step_up_required', body) });
      createClient().fetch('/api/recent').catch(() => {});
      await settled();
      expect(parts(page.visits[0]!)).toEqual([LOGIN, { max_age: '300', acr_values: 'mfa hwk', return_url: HERE }]);
    }
    const page = openPage({ server: () => refusal(401, 'session_missing', { login_url: 'http://localhost:7101/auth/login?max_age=9' }) });
    createClient().fetch('/api').catch(() => {});
    await settled();
    expect(parts(page.visits[0]!)).toEqual([LOGIN, { return_url: HERE }]);
  });

  test('keeps the query that the configured login has', async () => {
    const page = openPage({ server: () => refusal(401, 'step_up_required', { login_url: `${LOGIN}?max_age=300` }) });
    createClient({ loginUrl: '/auth/login?tenant_name=acme&max_age=9' }).fetch('/api').catch(() => {});
    await settled();
    expect(parts(page.visits[0]!)).toEqual([LOGIN, { max_age: '300', tenant_name: 'acme', return_url: HERE }]);
    expect(new URL(page.visits[0]!).searchParams.getAll('max_age')).toEqual(['300']);
  });

  test('lets the calls end with an error where the page stays all the same', async () => {
    vi.useFakeTimers();
    const page = openPage({ server: () => missing() });
    const error = failure(createClient().fetch('/api'));
    await vi.advanceTimersByTimeAsync(29_000);
    expect(page.visits).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(2_000);
    expect(await error).toMatchObject({ code: 'navigation_stopped' });
    expect(vi.getTimerCount()).toBe(0);
  });
});

test('a page that the back button brings back lets its calls end at once', async () => {
  const page = openPage({ server: () => missing() });
  const client = createClient();
  const error = failure(client.fetch('/api'));
  await settled();
  let ended = false;
  error.then(() => { ended = true; });
  page.dispatch('pageshow', { persisted: false });
  await settled();
  expect(ended).toBe(false);
  page.dispatch('pageshow', { persisted: true });
  expect(await error).toMatchObject({ code: 'navigation_stopped' });
  // And whoever went back is not sent there again by the next call.
  expect(await failure(client.fetch('/api'))).toMatchObject({ code: 'login_loop' });
  expect(page.visits).toHaveLength(1);
});

describe('a login that comes back without a session', () => {
  /** The same tab after the login: what was kept is kept. */
  const again = (storage: Map<string, string>, server = () => missing()) => {
    const page = openPage({ server });
    for (const [key, value] of storage) page.storage.set(key, value);
    return page;
  };

  test('ends with an error, for every later call of the page, too', async () => {
    const first = openPage({ server: () => missing() });
    createClient().fetch('/api').catch(() => {});
    await settled();
    const page = again(first.storage);
    const client = createClient();
    expect(await failure(client.fetch('/api'))).toMatchObject({ code: 'login_loop', status: 401, cause: { code: 'session_missing' } });
    expect(await failure(client.fetch('/other'))).toMatchObject({ code: 'login_loop' });
    expect(page.visits).toEqual([]);
    // Somebody who presses a button is no circle.
    redirectToLogin(client);
    expect(page.visits).toHaveLength(1);
  });

  test('is not begun again by the same page, however long it waits', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    const first = openPage({ server: () => missing() });
    createClient().fetch('/api').catch(() => {});
    await settled();
    again(first.storage);
    const client = createClient();
    for (let minutes = 0; minutes < 4; minutes += 2) {
      expect(await failure(client.fetch('/api'))).toMatchObject({ code: 'login_loop' });
      vi.setSystemTime(Date.now() + 120_000);
    }
  });

  test('counts only where the page itself began it', async () => {
    const page = openPage({ server: () => missing() });
    createClient().login().catch(() => {});
    redirectToLogin();
    await settled();
    expect(page.visits).toHaveLength(2);
    expect(page.storage.size).toBe(0);
  });

  test('also where it came back for more', async () => {
    const ask = () => refusal(401, 'step_up_required', { login_url: `${LOGIN}?max_age=300` });
    const first = openPage({ server: ask });
    createClient().fetch('/api').catch(() => {});
    await settled();
    const page = again(first.storage, ask);
    const client = createClient();
    page.server = (request) => (request.url.includes('session') ? session(Date.now() + 60_000) : ask());
    await getSession(client);
    expect(await failure(client.fetch('/api'))).toMatchObject({ code: 'login_loop' });
  });

  test('is another matter than asking for more afterwards', async () => {
    const first = openPage({ server: () => missing() });
    createClient().fetch('/api').catch(() => {});
    await settled();
    const page = again(first.storage, () => refusal(401, 'step_up_required', { login_url: `${LOGIN}?max_age=300` }));
    createClient().fetch('/api/recent').catch(() => {});
    await settled();
    expect(page.visits).toHaveLength(1);
  });

  /** The page after a login that gave a session, while a call is refused all the same. */
  const signedIn = async (storage: Map<string, string>) => {
    const page = again(storage);
    page.server = (request) => (request.url.includes('session') ? session(Date.now() + 60_000) : missing(`${LOGIN}?tenant_name=acme`));
    const client = createClient();
    await getSession(client);
    return { page, client };
  };

  test('is no circle where a session was seen and ended honestly within the minute', async () => {
    const first = openPage({ server: () => missing() });
    createClient().fetch('/api').catch(() => {});
    await settled();
    const { page, client } = await signedIn(first.storage);
    client.fetch('/api').catch(() => {});
    await settled();
    expect(page.visits).toHaveLength(1);
  });

  test('is a circle where a session is seen each time and one call is refused each time', async () => {
    const first = openPage({ server: () => missing() });
    createClient().fetch('/api').catch(() => {});
    await settled();
    const second = await signedIn(first.storage);
    second.client.fetch('/api').catch(() => {});
    await settled();
    expect(second.page.visits).toHaveLength(1);
    const { page, client } = await signedIn(second.page.storage);
    expect(await failure(client.fetch('/api'))).toMatchObject({ code: 'login_loop' });
    // Seeing the session once more, however late, does not let it begin anew.
    vi.useFakeTimers({ toFake: ['Date'] });
    vi.setSystemTime(Date.now() + 120_000);
    await getSession(client);
    expect(await failure(client.fetch('/api'))).toMatchObject({ code: 'login_loop' });
    expect(page.visits).toEqual([]);
  });

  test('is no circle after a session that was found elsewhere meanwhile', async () => {
    const first = openPage({ server: () => missing() });
    createClient().fetch('/api').catch(() => {});
    await settled();
    const page = again(first.storage);
    const client = createClient();
    expect(await failure(client.fetch('/api'))).toMatchObject({ code: 'login_loop' });
    page.server = (request) => (request.url.includes('session') ? session(Date.now() + 60_000) : missing());
    await getSession(client);
    client.fetch('/api').catch(() => {});
    await settled();
    expect(page.visits).toHaveLength(1);
  });

  test('is no circle a good while later', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    const first = openPage({ server: () => missing() });
    createClient().fetch('/api').catch(() => {});
    await settled();
    vi.setSystemTime(Date.now() + 61_000);
    const page = again(first.storage);
    createClient().fetch('/api').catch(() => {});
    await settled();
    expect(page.visits).toHaveLength(1);
  });

  test('cannot be noticed without storage, so none is begun', async () => {
    const page = openPage({ server: () => missing() });
    vi.stubGlobal('sessionStorage', undefined);
    expect(await failure(createClient().fetch('/api'))).toMatchObject({ code: 'storage_unavailable', status: 401 });
    Object.defineProperty(globalThis, 'sessionStorage', { configurable: true, get() { throw new DOMException('denied', 'SecurityError'); } });
    expect(await failure(createClient().fetch('/api'))).toMatchObject({ code: 'storage_unavailable', cause: { name: 'SecurityError' } });
    Object.defineProperty(globalThis, 'sessionStorage', { configurable: true, writable: true, value: undefined });
    expect(page.visits).toEqual([]);
    redirectToLogin();
    expect(page.visits).toHaveLength(1);
  });
});

describe('a login of one\'s own', () => {
  test('is called once for all, and safe calls are made again', async () => {
    let signedIn = false;
    const page = openPage({ server: () => (signedIn ? json({ fine: true }) : missing()) });
    const login = vi.fn(async () => { signedIn = true; });
    const client = createClient({ login });
    const answers = await Promise.allSettled([client.fetch('/a'), client.fetch('/b'), client.fetch('/c', { method: 'POST' })]);
    expect(answers.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected']);
    expect((answers[2] as PromiseRejectedResult).reason).toMatchObject({ code: 'session_missing' });
    expect(login).toHaveBeenCalledTimes(1);
    expect(login).toHaveBeenCalledWith({ loginUrl: `${LOGIN}?${new URLSearchParams({ return_url: HERE })}`, error: expect.objectContaining({ code: 'session_missing' }) });
    expect(page.requests.map(({ url }) => url.slice(APP.length))).toEqual(['/a', '/b', '/c', '/a', '/b']);
    expect(page.visits).toEqual([]);
  });

  test('that was of no use is not called again for the same call', async () => {
    openPage({ server: () => missing() });
    const login = vi.fn(() => {});
    expect(await failure(createClient({ login }).fetch('/api'))).toMatchObject({ code: 'session_missing' });
    expect(login).toHaveBeenCalledTimes(1);
  });

  test('that answers false ends the call with what the server said', async () => {
    const page = openPage({ server: () => missing() });
    expect(await failure(createClient({ login: () => false }).fetch('/api'))).toMatchObject({ code: 'session_missing' });
    expect(page.requests).toHaveLength(1);
  });

  test('that fails ends the call with its own error, and the next one begins anew', async () => {
    openPage({ server: () => missing() });
    const login = vi.fn(async () => { throw new Error('closed'); });
    const client = createClient({ login });
    expect((await failure(client.fetch('/api'))).message).toBe('closed');
    expect((await failure(client.fetch('/api'))).message).toBe('closed');
    expect(login).toHaveBeenCalledTimes(2);
  });
});

describe('a login that is asked for', () => {
  test('is one with those that ask for the same, and another than one that is under way for less', async () => {
    const page = openPage({ server: () => missing() });
    const login = vi.fn(async (_: { loginUrl: string }) => { await settled(); });
    const client = createClient({ login });
    await Promise.allSettled([
      client.fetch('/api'), client.login(), client.login({ maxAge: 0 }), client.login({ maxAge: 0 }), client.fetch('/b'), client.login({ acrValues: 'mfa' }),
    ]);
    expect(login.mock.calls.map(([{ loginUrl }]) => [...new URL(loginUrl).searchParams].map(([name, value]) => (name === 'return_url' ? name : `${name}=${value}`)))).toEqual([
      ['return_url'], ['max_age=0', 'return_url'], ['acr_values=mfa', 'return_url'],
    ].map((names) => expect.arrayContaining(names)));
    expect(login).toHaveBeenCalledTimes(3);
    await client.login({ acrValues: 'mfa' });
    expect(login).toHaveBeenCalledTimes(4);
    expect(page.visits).toEqual([]);
  });
});

describe('redirectToLogin', () => {
  test.each(['javascript:alert(1)', 'data:text/html,x', 'file:///etc'])('goes nowhere for %j, nor does a call', async (loginUrl) => {
    const page = openPage({ server: () => missing(loginUrl) });
    expect(() => redirectToLogin(loginUrl)).toThrow(TypeError);
    expect(await failure(createClient({ loginUrl }).fetch('/api'))).toBeInstanceOf(TypeError);
    expect(page.visits).toEqual([]);
  });

  test('takes what the login endpoint takes', () => {
    const page = openPage();
    redirectToLogin('/auth/login?kept=1', {
      returnUrl: '/home#x', loginHint: 'alice@acme.test', idpHint: 'google', tenantName: 'acme', tenantCustomDomain: 'id.acme.test',
      prompt: 'login', maxAge: 300, acrValues: ['mfa', 'hwk'], uiLocales: 'de',
    });
    expect(parts(page.visits[0]!)).toEqual([LOGIN, {
      kept: '1', return_url: `${APP}/home#x`, login_hint: 'alice@acme.test', idp_hint: 'google', tenant_name: 'acme',
      tenant_custom_domain: 'id.acme.test', prompt: 'login', max_age: '300', acr_values: 'mfa hwk', ui_locales: 'de',
    }]);
  });

  test('never gives a parameter twice', () => {
    const page = openPage();
    redirectToLogin('/auth/login?idp_hint=one&login_hint=x&return_url=%2Fa', { idpHint: 'two', loginHint: undefined, returnUrl: '/b' });
    const { searchParams } = new URL(page.visits[0]!);
    expect([...searchParams]).toEqual([['idp_hint', 'two'], ['login_hint', 'x'], ['return_url', `${APP}/b`]]);
  });

  test('leads to the page where nothing else is said, or to where the login itself says', () => {
    const page = openPage();
    redirectToLogin();
    redirectToLogin('/auth/login?return_url=%2Fhome');
    expect(page.visits.map((url) => new URL(url).searchParams.get('return_url'))).toEqual([HERE, `${APP}/home`]);
  });

  test('asks for a sign-in of this moment with a max age of zero', () => {
    const page = openPage();
    redirectToLogin('/auth/login', { maxAge: 0 });
    expect(new URL(page.visits[0]!).searchParams.get('max_age')).toBe('0');
  });
});
