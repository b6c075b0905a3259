// Signing in: one way at a time, however many calls ask for it.

import { type Addresses, demandPage, leave, patiently } from './addresses.js';
import { hear, say } from './channel.js';
import { type DoorwardError, failure } from './error.js';
import type { ClientOptions, LoginOptions } from './types.js';

/** A login that comes back here without a session within this time was of no use, nor was the second one in it that came back with one. */
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
  let wished: string | undefined;
  let circling = 0;

  /** Begins a login; `error` is the refusal that asks for it. */
  const begin = async (error?: DoorwardError, options?: LoginOptions): Promise<boolean> => {
    demandPage();
    const popup = mode === 'popup';
    const isStepUp = error?.code === 'step_up_required';
    const { url, wish } = at.signIn(error?.loginUrl, popup ? { ...options, returnUrl: at.complete() } : options);
    if (popup) return inWindow(url.href, isStepUp);
    if (mode !== 'redirect') return (await mode({ loginUrl: url.href, error })) !== false;
    // Somebody who asks for it may go in circles; a program may not.
    if (error) mark(isStepUp ? wish : '', error);
    return leave(url.href);
  };

  /** When the logins of the last time were begun; below zero where a session was seen afterwards. */
  const times = (wish: string) => (sessionStorage.getItem(KEY + wish) ?? '').split(' ').map(Number).filter((time) => Date.now() - Math.abs(time) < CIRCLE);
  const keep = (wish: string, all: number[]) => sessionStorage.setItem(KEY + wish, all.join(' '));

  const mark = (wish: string, error: DoorwardError) => {
    try {
      const before = times(wish);
      // A page that saw a session in between may have lost it since; one that did twice has a session that a call of it does not like,
      // which seeing it once more does not change. Once is enough for this page: what it calls later must not start the circle anew.
      circling ||= before.some((time) => time > 0) ? 1 : before[1] ? 2 : 0;
      if (!circling) keep(wish, [...before, Date.now()]);
    } catch (cause) {
      throw failure('storage_unavailable', 'The page has no storage', error.status, cause);
    }
    if (circling) throw failure('login_loop', 'Signing in was of no use', error.status, error);
  };

  const inWindow = async (url: string, stepUp: boolean) => {
    const popup = open(url, 'doorward', 'popup,width=480,height=640');
    if (!popup) throw failure('popup_blocked', 'The login window did not open', 401);
    const stop = new AbortController();
    let timer: ReturnType<typeof setInterval> | undefined;
    try {
      await new Promise<void>((resolve, reject) => {
        const look = async () => {
          // Somebody who has to prove more is signed in all the while.
          if (stepUp ? popup.closed : await isSignedIn()) resolve();
          else if (popup.closed) reject(failure('login_cancelled', 'The login window closed', 401));
        };
        const { signal } = stop;
        addEventListener('message', ({ origin, data }) => {
          if (origin === at.login().origin && data?.type === 'doorward:login') resolve();
        }, { signal });
        addEventListener('focus', look, { signal });
        // Some tab's login, which need not be this one's; where more is to be proved, nothing else can tell.
        hear((type) => { if (type === 'login') stepUp ? resolve() : look(); }, signal);
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
      // Whoever asks for something of their own gets that and not what another waits for.
      const wish = JSON.stringify(options);
      if (wish ? wish !== wished : !pending) {
        wished = wish;
        const mine = pending = begin(error, options).then((done) => {
          if (done) say('login');
          return done;
        }).finally(() => { if (pending === mine) pending = wished = undefined; });
      }
      return patiently(pending!, signal);
    },

    /** There is a session: the login that led here was of use, and one refusal more is no circle. */
    succeeded() {
      if (circling < 2) circling = 0;
      try {
        const before = times('');
        if (before[0]) keep('', before.map((time) => -Math.abs(time)));
      } catch { /* nothing was kept either */ }
    },
  };
}
