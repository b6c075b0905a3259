// Signing in: one way at a time, however many calls ask for it.

import { type Addresses, demandPage, leave, patiently } from './addresses.js';
import { hear, say } from './channel.js';
import { type DoorwardError, failure } from './error.js';
import type { ClientOptions, LoginOptions } from './types.js';

/** A login that comes back here without a session within this time was of no use. */
const CIRCLE = 60_000;
const KEY = 'doorward:';
const LOOK_EVERY = 500;

export type Login = ReturnType<typeof createLogin>;

export function createLogin(
  { login: mode = 'redirect' }: ClientOptions,
  at: Addresses,
  isSignedIn: () => Promise<boolean>,
) {
  let pending: Promise<boolean> | undefined;
  let circling = false;

  /** Begins a login; `error` is the refusal that asks for it. */
  const begin = async (error?: DoorwardError, options?: LoginOptions): Promise<boolean> => {
    demandPage();
    const popup = mode === 'popup';
    const { url, wish } = at.signIn(error?.loginUrl, popup ? { ...options, returnUrl: at.complete() } : options);
    if (popup) return inWindow(url.href, error?.code === 'step_up_required');
    if (mode !== 'redirect') return (await mode({ loginUrl: url.href, error })) !== false;
    // Somebody who asks for it may go in circles; a program may not.
    if (error) mark(wish, error);
    return leave(url.href);
  };

  const mark = (wish: string, error: DoorwardError) => {
    let before;
    try {
      before = sessionStorage.getItem(KEY + wish);
      sessionStorage.setItem(KEY + wish, `${Date.now()}`);
    } catch (cause) {
      throw failure('storage_unavailable', 'The browser keeps nothing for this page', error.status, cause);
    }
    // Once is enough for this page: what it calls later must not start the circle anew.
    circling ||= Date.now() - Number(before) < CIRCLE;
    if (circling) throw failure('login_loop', 'Signing in led back here without a session', error.status, error);
  };

  const inWindow = async (url: string, stepUp: boolean) => {
    const popup = open(url, 'doorward', 'popup,width=480,height=640');
    if (!popup) throw failure('popup_blocked', 'The browser did not open the login window', 401);
    const stop = new AbortController();
    let timer: ReturnType<typeof setInterval> | undefined;
    try {
      await new Promise<void>((resolve, reject) => {
        const look = async () => {
          // Somebody who has to prove more is signed in all the while.
          if (stepUp ? popup.closed : await isSignedIn()) resolve();
          else if (popup.closed) reject(failure('login_cancelled', 'The login window was closed', 401));
        };
        const { signal } = stop;
        addEventListener('message', ({ origin, data }) => {
          if (origin === at.login().origin && data?.type === 'doorward:login') resolve();
        }, { signal });
        addEventListener('focus', look, { signal });
        hear((type) => { if (type === 'login') resolve(); }, signal);
        // A page that severs the windows looks closed, so only one whose user is back here counts.
        timer = setInterval(() => { if (popup.closed && document.hasFocus()) look(); }, LOOK_EVERY);
      });
    } finally {
      clearInterval(timer);
      stop.abort();
    }
    return true;
  };

  return {
    /** One login for all who ask while it lasts. */
    start(error?: DoorwardError, options?: LoginOptions, signal?: AbortSignal | null) {
      pending ??= begin(error, options).then((done) => {
        if (done) say('login');
        return done;
      }).finally(() => { pending = undefined; });
      return patiently(pending, signal);
    },

    /** There is a session: a later refusal of it is no circle. */
    succeeded() {
      circling = false;
      try {
        sessionStorage.removeItem(KEY + at.signIn().wish);
      } catch { /* nothing was kept either */ }
    },
  };
}
