// The client: what happens to a call, and what everything shares.

import { addresses, inBrowser, patiently, pause } from './addresses.js';
import { tell } from './channel.js';
import { getCsrfToken } from './cookie.js';
import { type DoorwardError, readRefusal } from './error.js';
import { createLogin } from './login.js';
import type { Client, ClientOptions, Trial } from './types.js';

/** How often, and for how many milliseconds in all, one call waits for a server that asks for patience. */
const PAUSES = 3;
const PATIENCE = 15_000;
const LEAST_PAUSE = 250;

const isJson = (headers: Headers) => headers.get('content-type')?.includes('json');

/** Whether a method changes nothing (RFC 9110 §9.2.1). */
export const isSafe = (method: string) => /^(GET|HEAD|OPTIONS)$/i.test(method);

/**
 * Makes the one object an application needs.
 *
 * Nothing happens before its first call; it can be made while rendering on a server, where `fetch` is the plain one.
 *
 * @example
 * export const client = createClient({ loginUrl: 'https://api.example.com/auth/login' });
 * const orders = await client.fetch('/api/orders').then((response) => response.json());
 */
export function createClient(options: ClientOptions = {}): Client {
  const at = addresses(options);
  const csrfHeader = options.csrf?.headerName ?? 'X-CSRF-TOKEN';
  const csrfToken = () => getCsrfToken(options.csrf?.cookieName);

  /** Sends until the answer stands. */
  const send = async (request: Request, trial: Trial): Promise<Response> => {
    for (;;) {
      const attempt = request.clone();
      if (!trial.safe && trial.token !== null) {
        trial.token = csrfToken();
        if (trial.token) attempt.headers.set(csrfHeader, trial.token);
      }
      const response = await fetch(attempt);
      // A redirect may have led to somebody else, whose refusal is none of ours.
      if (response.status < 400 || !at.isOwn(response.url || request.url)) return response;
      const refusal = readRefusal(
        response.status,
        (name) => response.headers.get(name),
        // Whatever else the backend says may be long, or never end.
        isJson(response.headers) ? await response.clone().json().catch(() => {}) : undefined,
        at.login(),
        response,
      );
      if (!refusal) return response;
      if (await settle(refusal.error, trial)) continue;
      if (refusal.certain) throw refusal.error;
      return response;
    }
  };

  const settle = async (error: DoorwardError, trial: Trial): Promise<boolean> => {
    const { status, code, retryAfter } = error;
    const { signal } = trial;
    if (status === 503 && trial.safe && retryAfter !== undefined) {
      const wait = Math.max(retryAfter * 1000, LEAST_PAUSE);
      trial.pauses = (trial.pauses ?? 0) + 1;
      trial.waited = (trial.waited ?? 0) + wait;
      if (trial.pauses > PAUSES || trial.waited > PATIENCE) return false;
      await patiently(pause(wait), signal);
      return true;
    }
    if (/^csrf_/.test(code) && trial.token !== null && !trial.renewed) {
      trial.renewed = true;
      // Another tab's login may have changed the cookie; where it did not, the server sets a lost one again.
      if (csrfToken() === trial.token) await askSession().catch(() => {});
      return csrfToken() !== trial.token;
    }
    // A bad access token is the caller's: no login makes it good. What could not be refreshed is the session's.
    if (status === 401 && !/^token_(?!refresh_)/.test(code)) {
      // Whoever signs in now need not be who was here.
      tell('other');
      if (!trial.signedIn) {
        trial.signedIn = true;
        return (await login.start(error, undefined, signal)) && trial.safe;
      }
    }
    return false;
  };

  const askSession = (slide?: boolean) => fetch(at.session(slide), { credentials: 'include' });
  // Any page may answer with a 200; a session has a user.
  const login = createLogin(options, at, () => askSession(false).then((response) => response.json()).then(({ userId }) => !!userId).catch(() => false));

  return {
    async fetch(input, init) {
      if (!inBrowser()) return fetch(input, init);
      // Not by its class: one of a frame's is a request, too.
      const given = input as Partial<Request>;
      if ((init?.credentials ?? given.credentials) === 'omit' || !at.isOwn(given.url ?? `${input as string | URL}`)) {
        return fetch(input, init);
      }
      const request = new Request(input, { ...init, credentials: 'include' });
      return send(request, {
        safe: isSafe(request.method),
        token: request.headers.has(csrfHeader) ? null : undefined,
        signal: request.signal,
      });
    },
    login: (wish) => login.start(undefined, wish),
    at,
    csrfHeader,
    csrfToken,
    send,
    settle,
    succeeded: login.succeeded,
  };
}
