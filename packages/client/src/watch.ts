// Watching the session without extending it.

import { inBrowser } from './addresses.js';
import { apart, hear, type News } from './channel.js';
import type { DoorwardError } from './error.js';
import { look } from './session.js';
import type { Client, Session, SessionChange, WatchOptions } from './types.js';

/** When a watcher looks again that learnt nothing, and the least and most that a timer waits; focus and visibility so close are one. */
const AGAIN = 30_000;
const SOON = 1_000;
const AT_ONCE = 200;
const LONGEST = 2 ** 31 - 1;

/**
 * Tells who is signed in, at once and whenever it changes: in another tab, by time, or by the server; and that the session
 * is about to end. It looks on focus and when something is due, and never extends the session by it.
 *
 * Returns what ends the watching; no timer and no listener is left then.
 *
 * @example
 * const stop = onSessionChange(client, (change) => {
 *   if (change.type === 'expiring') banner.textContent = `You will be signed out in ${change.secondsLeft} s`;
 *   else banner.textContent = change.session ? '' : 'You are signed out';
 * });
 */
export function onSessionChange<Metadata = Record<string, unknown>>(
  client: Client,
  listener: (change: SessionChange<Metadata>) => void,
  { warnBefore = 60 }: WatchOptions = {},
): () => void {
  if (!inBrowser()) return () => {};
  const stop = new AbortController();
  const { signal } = stop;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let last: string | undefined;
  let warned: number | undefined;
  // When the session ends, as far as is known.
  let until = NaN;
  // How often in a row it was there though its end had passed, and how and when the page last came back.
  let late = 0;
  let back: [type: string, time: number] | undefined;
  // Only the latest look counts.
  let turn = 0;

  const inform = (change: SessionChange<Metadata>) => apart(() => listener(change));

  const note = (session: Session<Metadata> | null) => {
    const now = JSON.stringify(session);
    if (now === last) return;
    last = now;
    inform({ type: 'session', session });
  };

  const check = async () => {
    const mine = ++turn;
    let wait = AGAIN;
    const answer = await look(client, false).then((found) => ({ found }), (error: DoorwardError) => ({ error }));
    if (mine !== turn) return;
    clearTimeout(timer);
    if ('error' in answer) {
      const ended = until <= Date.now();
      // Should it be there all the same, that is news again.
      if (ended) last = undefined;
      else if (until) wait = Math.min(wait, until - Date.now());
      inform({ type: 'error', error: answer.error, ended });
    } else {
      const { found } = answer;
      const session = (found?.body ?? null) as Session<Metadata> | null;
      until = found?.until ?? NaN;
      note(session);
      // The focus and other tabs tell when somebody signs in; nothing is due before.
      if (!session || Number.isNaN(until)) return;
      const left = until - Date.now();
      late = left > 0 ? 0 : late + 1;
      wait = left - warnBefore * 1000;
      if (wait <= 0) {
        wait = left > 0 ? left : Math.min(SOON * 2 ** (late - 1), AGAIN);
        if (warned !== session.expiresAt) {
          warned = session.expiresAt;
          inform({ type: 'expiring', session, secondsLeft: Math.max(0, Math.round(left / 1000)) });
        }
      }
    }
    // The listener may have ended it.
    if (!signal.aborted) timer = setTimeout(check, Math.min(Math.max(wait, SOON), LONGEST));
  };

  hear((news: News) => {
    // It learnt of that itself, or a call did and its login will tell.
    if (news === 'other') return;
    if (news !== 'logout') {
      check();
      return;
    }
    turn++;
    clearTimeout(timer);
    // Told even to whoever knows: an answer from before may be on its way to them.
    last = undefined;
    until = NaN;
    note(null);
  }, signal);
  for (const type of ['focus', 'pageshow', 'visibilitychange']) {
    addEventListener(type, () => {
      if (document.hidden) return;
      const now = Date.now();
      const isSame = back && type !== 'pageshow' && back[0] !== type && Math.abs(now - back[1]) < AT_ONCE;
      // A page that is being loaded shows itself, too, and whatever comes after that is news.
      back = type === 'pageshow' ? undefined : [type, now];
      if (!isSame) check();
    }, { signal });
  }
  signal.addEventListener('abort', () => {
    turn++;
    clearTimeout(timer);
  });
  check();
  return () => stop.abort();
}
