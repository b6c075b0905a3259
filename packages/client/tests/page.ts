// A page to run the package in: addresses, cookies, storage, windows and a server, all of them made up.

import { afterEach, vi } from 'vitest';

export const APP = 'https://app.test';
export const HERE = `${APP}/orders?page=2&q=a%20b#row-7`;

type Answer = Response | Error | (() => Response | Promise<Response>);
type Server = (request: Request, body: string) => Answer | Promise<Answer>;

afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

// One for all pages of a file, as the package keeps one for as long as it is loaded.
const bus = new Set<FakeChannel>();
class FakeChannel {
  onmessage: ((event: { data: unknown }) => void) | undefined;
  constructor(readonly name: string) { bus.add(this); }
  postMessage(data: unknown) {
    for (const other of bus) if (other !== this && other.name === this.name) other.onmessage?.({ data });
  }
  close() { bus.delete(this); }
}

/** What the page sees and did. */
export function openPage({ href = HERE, cookie = '', server = () => json({}) }: { href?: string; cookie?: string; server?: Server } = {}) {
  const place = new URL(href);
  const requests: Request[] = [];
  const bodies: string[] = [];
  const events = new EventTarget();
  const storage = new Map<string, string>();
  const popup = { closed: false };
  const listening = new Map<string, number>();
  const count = (type: string, by: number) => listening.set(type, (listening.get(type) ?? 0) + by);

  const page = {
    server,
    requests,
    bodies,
    storage,
    popup,
    document: { cookie, baseURI: place.href, hidden: false, hasFocus: () => true },
    location: { href: place.href, origin: place.origin, assign: vi.fn<(url: string | URL) => void>() },
    open: vi.fn<(url: string, name: string, features: string) => typeof popup | null>(() => popup),
    /** Addresses that the page was told to go to. */
    get visits() { return page.location.assign.mock.calls.map(([url]) => `${url}`); },
    dispatch: (type: string, members: object = {}) => events.dispatchEvent(Object.assign(new Event(type), members)),
    /** What another tab says. */
    news(data: unknown) {
      const tab = new FakeChannel('doorward');
      tab.postMessage(data);
      tab.close();
    },
    /** How many listeners and channels are open. */
    get listeners() { return [...listening.values()].reduce((sum, number) => sum + number, 0); },
    get channels() { return bus.size; },
  };
  vi.stubGlobal('document', page.document);
  vi.stubGlobal('location', page.location);
  vi.stubGlobal('sessionStorage', {
    getItem: (key: string) => storage.get(key) ?? null,
    setItem: (key: string, value: string) => storage.set(key, value),
    removeItem: (key: string) => storage.delete(key),
  });
  vi.stubGlobal('open', page.open);
  vi.stubGlobal('BroadcastChannel', FakeChannel);
  vi.stubGlobal('addEventListener', (type: string, listener: EventListener, options?: AddEventListenerOptions) => {
    count(type, 1);
    options?.signal?.addEventListener('abort', () => count(type, -1));
    events.addEventListener(type, listener, options);
  });
  // As in a page, a relative address is one of the document's.
  const Real = Request;
  vi.stubGlobal('Request', class extends Real {
    constructor(input: string | URL | Request, init?: RequestInit) {
      super(input instanceof Real ? input : new URL(input, page.document.baseURI), init);
    }
    // What is cloned is the same kind of thing.
    static override [Symbol.hasInstance](value: unknown) { return Real[Symbol.hasInstance](value as object); }
  });
  vi.stubGlobal('fetch', vi.fn(async (input: string | URL | Request, init?: RequestInit) => {
    const request = new Request(input, init);
    requests.push(request);
    const body = await request.clone().text();
    bodies.push(body);
    const answer = await page.server(request, body);
    if (answer instanceof Error) throw answer;
    return typeof answer === 'function' ? answer() : answer;
  }));
  return page;
}

export const json = (body: unknown, init: ResponseInit = {}) => Response.json(body, init);

/** A refusal as the server writes it. */
export function refusal(status: number, code: string, members: object = {}, headers: Record<string, string> = {}) {
  const body = { type: `urn:doorward:error:${code}`, title: `Title of ${code}`, status, code, request_id: 'r-1', error: 'Refused', ...members };
  return new Response(JSON.stringify(body), { status, headers: { 'content-type': 'application/problem+json', ...headers } });
}

export const missing = (loginUrl = `${APP}/auth/login`) => refusal(401, 'session_missing', { login_url: loginUrl });

export const SESSION = { userId: 'alice', tenantId: 'acme', metadata: { name: 'Alice' }, logoutUrl: `${APP}/auth/logout` };
export const session = (expiresAt: number, members: object = {}) => json({ ...SESSION, expiresAt, ...members });

/** An answer that came from somewhere else than where the request went. */
export function from(url: string, response: Response) {
  Object.defineProperty(response, 'url', { value: url });
  return response;
}

/** Lets everything that is due happen, without any time going by. */
export async function settled() {
  for (let turns = 0; turns < 50; turns += 1) await new Promise((resolve) => { nextTurn(resolve); });
}
const { setImmediate: nextTurn } = globalThis as unknown as { setImmediate: (work: (value: unknown) => void) => void };

/** What a promise rejects with. */
export const failure = (promise: Promise<unknown>) => promise.then(
  (value) => { throw new Error(`resolved to ${String(value)}`); },
  (error: unknown) => error as Error & Record<string, unknown>,
);
