import { describe, expect, test, vi } from 'vitest';
import { createClient, DoorwardError } from '../src/index.js';
import { APP, failure, from, json, missing, openPage, refusal, settled } from './page.js';

describe('a call to an own origin', () => {
  test('carries credentials, and the token where it changes something', async () => {
    const page = openPage({ cookie: 'CSRF-TOKEN=abc' });
    const client = createClient();
    for (const method of ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE']) {
      expect((await client.fetch('/api/orders', { method })).status).toBe(200);
    }
    expect(page.requests.map(({ credentials }) => credentials)).toEqual(Array(6).fill('include'));
    expect(page.requests.map(({ method, headers }) => [method, headers.get('x-csrf-token')])).toEqual([
      ['GET', null], ['HEAD', null], ['POST', 'abc'], ['PUT', 'abc'], ['PATCH', 'abc'], ['DELETE', 'abc'],
    ]);
  });

  test('takes a text, a URL and a Request, as the platform does', async () => {
    const page = openPage({ cookie: 'CSRF-TOKEN=abc' });
    const client = createClient();
    await client.fetch('/a', { method: 'POST', body: 'one' });
    await client.fetch(new URL(`${APP}/b`), { method: 'POST', body: 'two' });
    await client.fetch(new Request('/c', { method: 'POST', body: 'three', headers: { 'x-mine': '1' } }));
    expect(page.requests.map(({ url }) => url)).toEqual([`${APP}/a`, `${APP}/b`, `${APP}/c`]);
    expect(page.bodies).toEqual(['one', 'two', 'three']);
    expect(page.requests[2]!.headers.get('x-mine')).toBe('1');
    expect(page.requests[2]!.headers.get('x-csrf-token')).toBe('abc');
  });

  test('uses the names it is given', async () => {
    const page = openPage({ cookie: 'mine=abc; CSRF-TOKEN=other' });
    await createClient({ csrf: { cookieName: 'mine', headerName: 'X-Mine' } }).fetch('/a', { method: 'POST' });
    expect(page.requests[0]!.headers.get('x-mine')).toBe('abc');
    expect(page.requests[0]!.headers.has('x-csrf-token')).toBe(false);
  });

  test('counts the origin of the login as own, and others that are named', async () => {
    const page = openPage();
    const client = createClient({ loginUrl: 'https://api.test/auth/login' });
    await client.fetch('https://api.test/x');
    await createClient({ origins: ['https://one.test/'] }).fetch('https://one.test/x');
    await createClient({ origins: ['https://one.test'] }).fetch(`${APP}/x`);
    expect(page.requests.map(({ credentials }) => credentials)).toEqual(['include', 'include', 'same-origin']);
  });

  test('answers what the backend itself says, untouched', async () => {
    const page = openPage();
    const client = createClient();
    for (const status of [200, 204, 404, 409, 422, 500, 502]) {
      page.server = () => new Response(status === 204 ? null : 'its own', { status });
      const response = await client.fetch('/api');
      expect([response.status, await response.text()]).toEqual([status, status === 204 ? '' : 'its own']);
    }
  });

  test('hands over an error page before it is all there', async () => {
    const endless = new ReadableStream({ start: (stream) => stream.enqueue(new TextEncoder().encode('<h1>')) });
    openPage({ server: () => new Response(endless, { status: 404, headers: { 'content-type': 'text/html' } }) });
    expect((await createClient().fetch('/api')).status).toBe(404);
  });

  test('fails as fetch fails where no answer comes', async () => {
    openPage({ server: () => new TypeError('Failed to fetch') });
    expect(await failure(createClient().fetch('/api'))).toBeInstanceOf(TypeError);
  });

  test('that is not a URL fails as fetch does', async () => {
    openPage();
    expect(await failure(createClient().fetch('https://['))).toBeInstanceOf(TypeError);
  });
});

describe('a call to somebody else', () => {
  test('gets no credentials, no token, and its 401 and 403 are its own', async () => {
    const page = openPage({ cookie: 'CSRF-TOKEN=abc' });
    const client = createClient();
    for (const status of [401, 403, 503]) {
      page.server = () => refusal(status, 'session_missing', { login_url: 'https://evil.test/login' }, { 'retry-after': '0' });
      const response = await client.fetch('https://evil.test/api', { method: 'POST', body: 'x' });
      expect(response.status).toBe(status);
    }
    expect(page.requests).toHaveLength(3);
    expect(page.requests[0]!.credentials).toBe('same-origin');
    expect(page.requests[0]!.headers.has('x-csrf-token')).toBe(false);
    expect(page.visits).toEqual([]);
  });

  test('is passed on as it came, its body unread', async () => {
    openPage();
    const request = new Request('https://other.test/', { method: 'POST', body: 'x' });
    const init = { headers: { a: 'b' } };
    await createClient().fetch(request, init);
    expect(vi.mocked(fetch).mock.calls[0]).toEqual([request, init]);
  });

  test('counts where a redirect led there, too', async () => {
    const page = openPage({ server: () => from('https://evil.test/', missing('https://evil.test/login')) });
    expect((await createClient().fetch('/moved')).status).toBe(401);
    expect(page.visits).toEqual([]);
  });

  test('looks foreign from a document without an origin', async () => {
    const page = openPage({ server: () => missing() });
    page.location.origin = 'null';
    const client = createClient({ loginUrl: `${APP}/auth/login` });
    expect((await client.fetch('data:text/plain,x')).status).toBe(401);
    expect(page.visits).toEqual([]);
  });
});

test('a request of a frame is an own one or somebody else\'s by its address', async () => {
  const page = openPage({ cookie: 'CSRF-TOKEN=abc', server: (request) => (request.url.includes('other') ? from(request.url, missing()) : json({})) });
  const client = createClient();
  // Its class is the frame's, so that nothing here is an instance of ours.
  const foreign = new Request('https://other.test/x', { method: 'POST', body: '1' });
  const own = new Request(`${APP}/x`, { method: 'POST', body: '1' });
  const Ours = Request;
  vi.stubGlobal('Request', class extends Ours { static override [Symbol.hasInstance]() { return false; } });
  expect((await client.fetch(foreign)).status).toBe(401);
  await client.fetch(own);
  expect(page.requests.map(({ credentials, headers }) => [credentials, headers.get('x-csrf-token')])).toEqual([['same-origin', null], ['include', 'abc']]);
  expect(page.visits).toEqual([]);
});

describe('a call without credentials', () => {
  test('is left alone', async () => {
    const page = openPage({ cookie: 'CSRF-TOKEN=abc', server: () => refusal(401, 'token_invalid') });
    const response = await createClient().fetch('/api', { method: 'POST', credentials: 'omit' });
    expect(response.status).toBe(401);
    await createClient().fetch(new Request('/api', { credentials: 'omit' }));
    expect(page.requests.map(({ credentials, headers }) => [credentials, headers.has('x-csrf-token')])).toEqual([['omit', false], ['omit', false]]);
  });
});

describe('a refusal', () => {
  test('is a typed error with what the server said, its answer unread', async () => {
    openPage({ server: () => refusal(403, 'role_missing') });
    const error = await failure(createClient().fetch('/api/admin')) as unknown as DoorwardError;
    expect(error).toBeInstanceOf(DoorwardError);
    expect(error).toMatchObject({ name: 'DoorwardError', status: 403, code: 'role_missing', title: 'Title of role_missing', message: 'Title of role_missing', requestId: 'r-1' });
    expect(await (error.response as Response).json()).toMatchObject({ code: 'role_missing' });
  });

  test.each([
    ['HTML', () => new Response('<h1>no</h1>', { status: 403, headers: { 'content-type': 'text/html' } })],
    ['nothing', () => new Response(null, { status: 403 })],
    ['JSON of another shape', () => json({ code: 7, title: ['x'], type: {}, request_id: 1 }, { status: 403 })],
    ['JSON null', () => new Response('null', { status: 403 })],
    ['a list', () => json([], { status: 403 })],
  ])('whose body is %s has the code "refused"', async (_, answer) => {
    openPage({ server: answer });
    expect(await failure(createClient().fetch('/api'))).toMatchObject({ status: 403, code: 'refused', title: 'Refused with 403', requestId: undefined });
  });

  test('of Doorward with any status is thrown', async () => {
    openPage({ server: () => refusal(404, 'route_unknown') });
    expect(await failure(createClient().fetch('/api'))).toMatchObject({ status: 404, code: 'route_unknown' });
  });

  test('of an access token leads to no login', async () => {
    for (const code of ['token_missing', 'token_invalid', 'token_expired']) {
      const page = openPage({ server: () => refusal(401, code) });
      expect(await failure(createClient().fetch('/api'))).toMatchObject({ code });
      expect(page.visits).toEqual([]);
    }
  });
});

describe('a stale CSRF token', () => {
  for (const code of ['csrf_missing', 'csrf_mismatch']) {
    test(`is read again on ${code}, and the call with its body made once more`, async () => {
      const page = openPage({ cookie: 'CSRF-TOKEN=old' });
      page.server = (request) => {
        if (request.headers.get('x-csrf-token') === 'new') return json({ saved: true });
        page.document.cookie = 'CSRF-TOKEN=new';
        return refusal(403, code);
      };
      const response = await createClient().fetch('/api', { method: 'POST', body: 'tea' });
      expect(await response.json()).toEqual({ saved: true });
      expect(page.bodies).toEqual(['tea', 'tea']);
    });
  }

  test('that is lost is had from the session endpoint', async () => {
    const page = openPage();
    page.server = (request) => {
      if (request.url.endsWith('/auth/session')) page.document.cookie = 'CSRF-TOKEN=set';
      return request.headers.has('x-csrf-token') || request.method === 'GET' ? json({}) : refusal(403, 'csrf_missing');
    };
    expect((await createClient().fetch('/api', { method: 'POST' })).status).toBe(200);
    expect(page.requests.map(({ url }) => url)).toEqual([`${APP}/api`, `${APP}/auth/session`, `${APP}/api`]);
  });

  test('that stays the same is an error after one look', async () => {
    const page = openPage({ cookie: 'CSRF-TOKEN=same', server: (request) => (request.method === 'GET' ? json({}) : refusal(403, 'csrf_mismatch')) });
    expect(await failure(createClient().fetch('/api', { method: 'POST' }))).toMatchObject({ code: 'csrf_mismatch' });
    expect(page.requests).toHaveLength(2);
  });

  test('that changes for ever is tried once', async () => {
    let turn = 0;
    const page = openPage();
    page.server = () => {
      turn += 1;
      page.document.cookie = `CSRF-TOKEN=${turn}`;
      return refusal(403, 'csrf_mismatch');
    };
    expect(await failure(createClient().fetch('/api', { method: 'POST' }))).toMatchObject({ code: 'csrf_mismatch' });
    expect(page.requests).toHaveLength(2);
  });

  test('of the caller is left to the caller', async () => {
    const page = openPage({ cookie: 'CSRF-TOKEN=abc', server: () => refusal(403, 'csrf_mismatch') });
    expect(await failure(createClient().fetch('/api', { method: 'POST', headers: { 'X-CSRF-Token': 'mine' } }))).toMatchObject({ code: 'csrf_mismatch' });
    expect(page.requests.map(({ headers }) => headers.get('x-csrf-token'))).toEqual(['mine']);
  });
});

describe('a server that asks for patience', () => {
  test('is asked again after that time, for a safe call', async () => {
    vi.useFakeTimers();
    let turn = 0;
    const page = openPage({ server: () => (turn++ < 2 ? refusal(503, 'store_unavailable', {}, { 'retry-after': '2' }) : json({ fine: true })) });
    const answer = createClient().fetch('/api');
    await vi.advanceTimersByTimeAsync(1_999);
    expect(page.requests).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(page.requests).toHaveLength(2);
    await vi.advanceTimersByTimeAsync(2_000);
    expect(await (await answer).json()).toEqual({ fine: true });
  });

  test('that names a date is understood', async () => {
    vi.useFakeTimers({ now: Date.UTC(2026, 0, 1) });
    let turn = 0;
    const page = openPage({ server: () => (turn++ ? json({}) : refusal(503, 'store_unavailable', {}, { 'retry-after': 'Thu, 01 Jan 2026 00:00:03 GMT' })) });
    const answer = createClient().fetch('/api');
    await vi.advanceTimersByTimeAsync(2_999);
    expect(page.requests).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(1);
    expect((await answer).status).toBe(200);
  });

  test.each([
    ['for longer than the budget', '16', 1],
    ['again and again', '1', 4],
    ['without saying how much', undefined, 1],
    ['in words nobody knows', 'soon', 1],
  ])('%s ends in an error', async (_, after, calls) => {
    vi.useFakeTimers();
    const page = openPage({ server: () => refusal(503, 'provider_unavailable', {}, after ? { 'retry-after': after } : {}) });
    const error = failure(createClient().fetch('/api'));
    await vi.advanceTimersByTimeAsync(60_000);
    expect(await error).toMatchObject({ status: 503, code: 'provider_unavailable', retryAfter: after && after !== 'soon' ? Number(after) : undefined });
    expect(page.requests).toHaveLength(calls);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('is not asked again for a call that changes something', async () => {
    const page = openPage({ server: () => refusal(503, 'store_unavailable', {}, { 'retry-after': '1' }) });
    expect(await failure(createClient().fetch('/api', { method: 'POST' }))).toMatchObject({ status: 503, retryAfter: 1 });
    expect(page.requests).toHaveLength(1);
  });

  test('and is another program: its answer is handed over in the end', async () => {
    vi.useFakeTimers();
    const page = openPage({ server: () => new Response('busy', { status: 503, headers: { 'retry-after': '0' } }) });
    const answer = createClient().fetch('/api');
    await vi.advanceTimersByTimeAsync(10_000);
    expect(await (await answer).text()).toBe('busy');
    expect(page.requests).toHaveLength(4);
  });

  test('is not waited for by a call that was given up', async () => {
    vi.useFakeTimers();
    openPage({ server: () => refusal(503, 'store_unavailable', {}, { 'retry-after': '5' }) });
    const stop = new AbortController();
    const error = failure(createClient().fetch('/api', { signal: stop.signal }));
    await vi.advanceTimersByTimeAsync(100);
    stop.abort();
    expect(await error).toMatchObject({ name: 'AbortError' });
  });
});

test('a call that was given up before the login hears so at once', async () => {
  openPage({ server: () => missing() });
  const stop = new AbortController();
  const error = failure(createClient().fetch('/api', { signal: stop.signal }));
  await settled();
  stop.abort();
  expect(await error).toMatchObject({ name: 'AbortError' });
});
