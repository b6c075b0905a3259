// What a page and the other tabs of its origin tell each other: that something happened, never what.

/**
 * `seen`: this page extended its session, which only its own watchers want to know. `other`: it met another user than before, or
 * none; never posted, since the other tabs find out for themselves.
 */
export type News = 'login' | 'logout' | 'seen' | 'other';

const listeners = new Set<(news: News) => void>();
let channel: BroadcastChannel | undefined;

/** Does what somebody else wrote, whose error must not keep the others from their part; it is reported as any that nobody caught. */
export function apart(work: () => void) {
  try {
    work();
  } catch (error) {
    globalThis.reportError?.(error);
  }
}

/** Tells this page. */
export const tell = (news: News) => [...listeners].forEach((listener) => apart(() => listener(news)));

const open = () => {
  try {
    channel ??= new BroadcastChannel('doorward');
    channel.onmessage = ({ data }) => tell(data?.type);
  } catch { /* none in this browser or this mode of it: tabs look again when they get the focus */ }
};

const rest = () => {
  if (listeners.size) return;
  channel?.close();
  channel = undefined;
};

/** Tells every tab, this one included. */
export function say(type: 'login' | 'logout') {
  open();
  channel?.postMessage({ type });
  tell(type);
  rest();
}

/** Hears until `signal` aborts. */
export function hear(listener: (news: News) => void, signal?: AbortSignal) {
  listeners.add(listener);
  open();
  signal?.addEventListener('abort', () => {
    listeners.delete(listener);
    rest();
  });
}
