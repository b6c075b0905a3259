import axios, { AxiosError, type AxiosAdapter, type AxiosResponse, AxiosHeaders, type InternalAxiosRequestConfig } from 'axios';
import { describe, expect, test, vi } from 'vitest';
import { install } from '../src/axios.js';
import { createClient, DoorwardError } from '../src/index.js';
import { APP, failure, HERE, openPage, settled } from './page.js';

type Answer = { status: number; data?: unknown; headers?: Record<string, string>; url?: string | null };

/** An instance whose requests a function answers, and what it was asked. */
function open(answer: (config: InternalAxiosRequestConfig) => Answer, options = {}, instance = {}) {
  const page = openPage({ cookie: 'CSRF-TOKEN=abc' });
  const asked: InternalAxiosRequestConfig[] = [];
  const adapter: AxiosAdapter = async (config) => {
    asked.push(structuredCloneOf(config));
    const { status, data = {}, headers = {}, url = axios.getUri(config) } = answer(config);
    const response: AxiosResponse = { status, statusText: '', data, headers: new AxiosHeaders(headers), config, request: url === null ? {} : { responseURL: url } };
    if (config.validateStatus!(status)) return response;
    throw new AxiosError(`status ${status}`, 'ERR', config, response.request, response);
  };
  const api = axios.create({ baseURL: `${APP}/api`, adapter, ...instance });
  const client = createClient(options);
  const remove = install(api, client);
  return { page, api, asked, remove };
}
const structuredCloneOf = (config: InternalAxiosRequestConfig) => ({ ...config, headers: new AxiosHeaders(config.headers) });
const refused = (status: number, code: string, members = {}): Answer => ({ status, data: { type: `urn:doorward:error:${code}`, code, title: code, ...members } });

describe('an axios instance', () => {
  test('gets credentials and the token for own origins only', async () => {
    const { api, asked } = open(() => ({ status: 200 }));
    await api.get('/orders');
    await api.post('/orders', { a: 1 });
    await api.post('https://other.test/', {});
    expect(asked.map(({ withCredentials, headers }) => [withCredentials, headers.get('x-csrf-token') ?? null])).toEqual([
      [true, null], [true, 'abc'], [undefined, null],
    ]);
  });

  test('leads to the login once on 401, and the calls wait', async () => {
    const { page, api } = open(() => refused(401, 'session_missing', { login_url: `${APP}/auth/login` }));
    let ended = 0;
    for (let calls = 0; calls < 5; calls += 1) api.get('/orders').catch(() => {}).finally(() => { ended += 1; });
    await settled();
    expect(page.visits).toEqual([`${APP}/auth/login?${new URLSearchParams({ return_url: HERE })}`]);
    expect(ended).toBe(0);
  });

  test('makes a safe call again after a login that stayed on the page, and rejects the other', async () => {
    let signedIn = false;
    const { api, asked } = open(() => (signedIn ? { status: 200, data: 'fine' } : refused(401, 'session_missing')), { login: async () => { signedIn = true; } });
    const [read, written] = await Promise.allSettled([api.get('/a', { params: { page: 2 } }), api.post('/b', {})]);
    expect(read).toMatchObject({ value: { data: 'fine' } });
    expect(written).toMatchObject({ reason: { code: 'session_missing' } });
    expect(asked.map(({ url, params }) => [url, params])).toEqual([['/a', { page: 2 }], ['/b', undefined], ['/a', { page: 2 }]]);
  });

  test('tries once more with a new token and the same body', async () => {
    const { page, api, asked } = open((config) => {
      if (config.headers.get('x-csrf-token') === 'new') return { status: 200 };
      page.document.cookie = 'CSRF-TOKEN=new';
      return refused(403, 'csrf_mismatch');
    });
    await api.post('/orders', { tea: 'green' });
    expect(asked.map(({ data, headers }) => [data, headers.get('x-csrf-token')])).toEqual([['{"tea":"green"}', 'abc'], ['{"tea":"green"}', 'new']]);
  });

  test('rejects with the typed error, axios\'s own within', async () => {
    const { api } = open(() => refused(403, 'role_missing', { request_id: 'r' }));
    const error = await failure(api.get('/admin'));
    expect(error).toBeInstanceOf(DoorwardError);
    expect(error).toMatchObject({ status: 403, code: 'role_missing', requestId: 'r', response: { status: 403 }, cause: { isAxiosError: true } });
  });

  test.each([
    ['text', JSON.stringify({ code: 'role_missing' })],
    ['a buffer', new TextEncoder().encode('{"code":"role_missing"}').buffer],
    ['a blob', new Blob(['{"code":"role_missing"}'])],
  ])('reads a refusal that came as %s', async (_, data) => {
    const { api } = open(() => ({ status: 403, data }), {}, { transformResponse: (value: unknown) => value });
    expect(await failure(api.get('/admin'))).toMatchObject({ code: 'role_missing' });
  });

  test('tells a refusal without a code as refused', async () => {
    const { api } = open(() => ({ status: 403, data: '<h1>' }));
    expect(await failure(api.get('/admin'))).toMatchObject({ code: 'refused', status: 403 });
  });

  test('keeps its own errors for the backend\'s answers and for none', async () => {
    const { api } = open(() => ({ status: 404 }));
    expect(await failure(api.get('/x'))).toMatchObject({ isAxiosError: true, response: { status: 404 } });
    const broken = axios.create({ adapter: async (config) => { throw new AxiosError('offline', 'ERR_NETWORK', config); } });
    install(broken, createClient());
    expect(await failure(broken.get(`${APP}/x`))).toMatchObject({ code: 'ERR_NETWORK' });
  });

  test('leaves a foreign 401 alone, and one that a redirect led to', async () => {
    const { page, api } = open(() => ({ ...refused(401, 'session_missing', { login_url: 'https://evil.test/' }), url: 'https://evil.test/x' }));
    expect(await failure(api.get('https://evil.test/x'))).toMatchObject({ isAxiosError: true });
    expect(await failure(api.get('/moved'))).toMatchObject({ isAxiosError: true });
    expect(page.visits).toEqual([]);
  });

  test('acts without the address that answered only on what the server itself would say', async () => {
    const { page, api } = open(({ url }) => ({ ...(url === '/other' ? { status: 401, data: { code: 'session_missing' } } : refused(401, 'session_missing')), url: null }));
    expect(await failure(api.get('/other'))).toMatchObject({ isAxiosError: true });
    expect(page.visits).toEqual([]);
    api.get('/own').catch(() => {});
    await settled();
    expect(page.visits).toHaveLength(1);
  });

  test('leaves a call without credentials alone', async () => {
    const { page, api, asked } = open(() => refused(401, 'session_missing'));
    expect(await failure(api.post('/x', {}, { withCredentials: false }))).toMatchObject({ isAxiosError: true });
    expect(asked[0]!.headers.has('x-csrf-token')).toBe(false);
    expect(page.visits).toEqual([]);
  });

  test('gives nothing to a foreign call that an interceptor made of an own one', async () => {
    const page = openPage({ cookie: 'CSRF-TOKEN=abc' });
    const asked: InternalAxiosRequestConfig[] = [];
    const api = axios.create({
      adapter: async (config) => {
        asked.push(structuredCloneOf(config));
        throw new AxiosError('refused', 'ERR', config, {}, { status: 401, statusText: '', data: {}, headers: {}, config, request: { responseURL: config.url } });
      },
    });
    api.interceptors.request.use((config) => Object.assign(config, { url: 'https://other.test/x' }));
    install(api, createClient());
    expect(await failure(api.post(`${APP}/x`, {}))).toMatchObject({ isAxiosError: true });
    expect([asked[0]!.withCredentials, asked[0]!.headers.has('x-csrf-token')]).toEqual([undefined, false]);
    expect(page.visits).toEqual([]);
  });

  test('takes back what an own call got when its configuration is used for a foreign one', async () => {
    const { api, asked } = open(() => ({ status: 200 }));
    const { config } = await api.post('/x', {});
    await api.request({ ...config, url: 'https://other.test/x' });
    await api.request({ ...config, url: '/y' });
    expect(asked.map(({ withCredentials, headers }) => [withCredentials, headers.get('x-csrf-token') ?? null])).toEqual([
      [true, 'abc'], [undefined, null], [true, 'abc'],
    ]);
  });

  test('waits for a server that asks for patience', async () => {
    vi.useFakeTimers();
    let turn = 0;
    const { api, asked } = open(() => (turn++ ? { status: 200 } : { ...refused(503, 'store_unavailable'), headers: { 'retry-after': '1' } }));
    const answer = api.get('/x');
    await vi.advanceTimersByTimeAsync(1_000);
    expect((await answer).status).toBe(200);
    expect(asked).toHaveLength(2);
  });

  test('gives up with the call', async () => {
    const stop = new AbortController();
    const { api } = open(() => refused(401, 'session_missing'));
    const error = failure(api.get('/x', { signal: stop.signal }));
    await settled();
    stop.abort();
    expect(await error).toMatchObject({ name: 'AbortError' });
  });

  test('is as before once it is taken off', async () => {
    const { page, api, asked, remove } = open(() => refused(401, 'session_missing'));
    remove();
    expect(await failure(api.get('/x'))).toMatchObject({ isAxiosError: true });
    expect(asked[0]!.withCredentials).toBeUndefined();
    expect(page.visits).toEqual([]);
  });
});
