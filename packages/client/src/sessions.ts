// Who is signed in, until when, and the token for calls elsewhere.

import { type Addresses, inBrowser } from './addresses.js';
import { hear, type News, say } from './channel.js';
import { DoorwardError, failure } from './error.js';
import type { Client, Farewell, Session, SessionChange, Token, Trial } from './types.js';

/** How much longer a kept access token has to live. */
const TOKEN_MARGIN = 30_000;
/** When a watcher looks again after it learnt nothing, and the least and most that a timer waits. */
const AGAIN = 30_000;
const SOON = 1_000;
const LONGEST = 2 ** 31 - 1;

type Send = (request: Request, trial: Trial) => Promise<Response>;

const isText = (value: unknown) => typeof value === 'string' && value.trim() !== '';

export function createSessions(
  at: Addresses,
  send: Send,
  foundSession: () => void,
): Pick<Client, 'getSession' | 'getToken' | 'clearToken' | 'onSessionChange' | 'redirectToLogout'> {
  const watchers = new Set<(news?: News) => void>();
  let token: (Token & { until: number }) | undefined;
  let asking: Promise<string> | undefined;
  let listening = false;

  /** The JSON of an endpoint of ours, and when its `expiresAt` is by this machine's clock; anything else is a typed error. */
  const read = async <T>(url: URL, trial: Trial, isRight: (body: any) => unknown, method = 'GET'): Promise<{ body: T; until: number }> => {
    if (!inBrowser()) throw failure('unreachable', 'There is no page, so there is no session');
    let response;
    try {
      response = await send(new Request(url, { method, credentials: 'include', headers: { accept: 'application/json' } }), trial);
    } catch (error) {
      throw error instanceof DoorwardError ? error : failure('unreachable', 'The server does not answer', 0, error);
    }
    const body = response.ok && (await response.json().catch(() => {}));
    if (!body || !isRight(body)) throw failure('response_invalid', `${url.pathname} answered something else`, response.status);
    const now = Date.now();
    return { body, until: body.expiresAt - (Date.parse(response.headers.get('date')!) || now) + now };
  };

  /** Nobody signed in is an answer; no answer is an error. */
  const look = async (slide?: boolean) => {
    const url = at.session();
    if (slide === false) url.searchParams.set('slide', 'false');
    try {
      const found = await read<Session>(url, { safe: true, signedIn: true }, ({ userId, tenantId }) => isText(userId) && isText(tenantId));
      foundSession();
      return found;
    } catch (error) {
      if ((error as DoorwardError).status === 401) return undefined;
      throw error;
    }
  };

  const tell = (news?: News) => {
    if (news) clearToken();
    watchers.forEach((watcher) => watcher(news));
  };

  const clearToken = () => { token = asking = undefined; };

  /** Hears of other tabs from the first time it matters. */
  const listen = () => {
    if (listening) return;
    listening = true;
    hear(tell, new AbortController().signal);
  };

  return {
    clearToken,

    async getSession<M>({ slide }: { slide?: boolean } = {}) {
      const found = await look(slide);
      if (slide !== false) tell();
      return found ? (found.body as unknown as Session<M>) : null;
    },

    getToken() {
      if (inBrowser()) listen();
      if (token && token.until > Date.now() + TOKEN_MARGIN) return Promise.resolve(token.accessToken);
      return asking ??= (() => {
        const mine: Promise<string> = read<Token>(at.token(), { safe: true }, ({ accessToken }) => isText(accessToken))
          .then(({ body, until }) => {
            // Who signs out meanwhile leaves nothing behind.
            if (asking === mine) token = { ...body, until };
            return body.accessToken;
          })
          .finally(() => { if (asking === mine) asking = undefined; });
        return mine;
      })();
    },

    async redirectToLogout() {
      const goodbye = (url: unknown) => isText(url) && /^https?:/.test(at.absolute(url as string).protocol);
      const { body } = await read<Farewell>(at.logout(), { safe: true, signedIn: true, token: null }, ({ logoutUrl }) => goodbye(logoutUrl), 'POST');
      tell('logout');
      say('logout');
      location.assign(at.absolute(body.logoutUrl));
    },

    onSessionChange<M>(listener: (change: SessionChange<M>) => void, { warnBefore = 60 } = {}) {
      if (!inBrowser()) return () => {};
      const stop = new AbortController();
      const { signal } = stop;
      let timer: ReturnType<typeof setTimeout> | undefined;
      let last: string | undefined;
      let warned: number | undefined;
      let looking = 0;

      const note = (session: Session<M> | null) => {
        const now = JSON.stringify(session);
        if (now === last) return;
        last = now;
        listener({ type: 'session', session });
      };
      const check = async () => {
        const mine = ++looking;
        let wait = AGAIN;
        try {
          const found = await look(false);
          if (mine !== looking) return;
          const session = (found?.body ?? null) as Session<M> | null;
          note(session);
          const left = found ? found.until - Date.now() : NaN;
          wait = left - warnBefore * 1000;
          if (wait <= 0) {
            wait = left;
            if (session && warned !== session.expiresAt) {
              warned = session.expiresAt;
              listener({ type: 'expiring', session, secondsLeft: Math.max(0, Math.round(left / 1000)) });
            }
          }
        } catch { /* whether somebody is signed in cannot be told now: what was known stands */ }
        clearTimeout(timer);
        // Nobody is signed in, or nobody knows until when: the focus and other tabs will tell.
        if (!signal.aborted && wait === wait) timer = setTimeout(check, Math.min(Math.max(wait, SOON), LONGEST));
      };
      const watcher = (news?: News) => {
        if (news === 'logout') {
          looking++;
          clearTimeout(timer);
          note(null);
        } else check();
      };

      watchers.add(watcher);
      listen();
      for (const type of ['focus', 'pageshow', 'visibilitychange']) {
        addEventListener(type, () => { if (!document.hidden) check(); }, { signal });
      }
      signal.addEventListener('abort', () => {
        looking++;
        clearTimeout(timer);
        watchers.delete(watcher);
      });
      check();
      return () => stop.abort();
    },
  };
}
