// What the tabs of one origin tell each other: that somebody signed in or out, never who.

export type News = 'login' | 'logout';

const NAME = 'doorward';

/** Tells every tab, this one included; `BroadcastChannel` itself spares only the channel that speaks. */
export function say(type: News) {
  try {
    const channel = new BroadcastChannel(NAME);
    channel.postMessage({ type });
    channel.close();
  } catch { /* no channel in this browser or this mode of it: tabs look again when they get the focus */ }
}

/** Hears until `signal` aborts. */
export function hear(listener: (type: News) => void, signal: AbortSignal) {
  try {
    const channel = new BroadcastChannel(NAME);
    channel.onmessage = ({ data }) => listener(data?.type);
    signal.addEventListener('abort', () => channel.close());
  } catch { /* as above */ }
}
