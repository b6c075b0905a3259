// @doorward/client/websocket: a WebSocket that knows why it was closed.

import { demandPage, pause } from './addresses.js';
import { hear } from './channel.js';
import { DoorwardError, failure } from './error.js';
import { look, userOf } from './session.js';
import type { Client, Trial } from './types.js';

/** The server closes with these when the session ended, and when it is no longer allowed. */
export const SESSION_ENDED = 4401;
export const NOT_ALLOWED = 4403;

const FIRST_PAUSE = 500;
const LONGEST_PAUSE = 30_000;
/** A connection that lived so long was a good one: what was tried before is forgotten. */
const PROVEN = 10_000;

export interface SocketOptions {
  protocols?: string | string[];
  onMessage?: (event: MessageEvent) => void;
  /** Each time it is connected, the first time and after a break. */
  onOpen?: () => void;
  /** It is over: not allowed, nobody signed in, or out of reach. Without it the error is dropped. */
  onError?: (error: DoorwardError) => void;
  /** How often in a row it connects anew after a break; default 8. */
  attempts?: number;
}

export interface Connection {
  /** Sends if it is connected now, and tells whether. */
  send(data: Parameters<WebSocket['send']>[0]): boolean;
  close(): void;
}

/**
 * Opens a WebSocket of the application's own origins and keeps it open.
 *
 * Closed with 4401, or refused because nobody is signed in, it signs in the client's way and connects again; closed with 4403 it
 * ends with an error; a break is mended with growing pauses. When somebody signs out here or in another tab, or the client meets
 * another user, it is closed with `session_revoked`: the server may not notice.
 *
 * @example
 * const socket = connect(client, '/api/socket', { onMessage: ({ data }) => show(data), onError: ({ title }) => show(title) });
 * socket.send('hello');
 */
export function connect(client: Client, url: string | URL, options: SocketOptions = {}): Connection {
  const { protocols, onMessage, onOpen, onError, attempts = 8 } = options;
  demandPage();
  const page = new URL(url, document.baseURI);
  page.protocol = page.protocol.replace('ws', 'http');
  if (!client.at.isOwn(page)) throw new TypeError(`${page.origin} is none of the application's own origins`);
  page.protocol = page.protocol.replace('http', 'ws');

  let socket: WebSocket | undefined;
  let over = false;
  let breaks = 0;
  let trial: Trial = { safe: true };
  // Whose connection it is; unknown until the client met somebody.
  let user = userOf(client);
  const stop = new AbortController();

  /** Whoever closed it wants to hear nothing more. */
  const finish = (error?: DoorwardError) => {
    if (over) return;
    over = true;
    stop.abort();
    socket?.close();
    if (error) onError?.(error);
  };

  hear((news) => {
    const now = userOf(client);
    // Whom a handshake or a close has just found missing may sign in; an open connection is somebody's.
    const isOther = news === 'other' && !!user && now !== user && (!!now || socket?.readyState === WebSocket.OPEN);
    if (news === 'other') user ||= now;
    if (news === 'logout' || isOther) finish(new DoorwardError({ status: 401, code: 'session_revoked', title: 'This session is no longer the page\'s' }));
  }, stop.signal);

  const open = () => {
    const mine = socket = new WebSocket(page, protocols);
    let since: number | undefined;
    mine.onopen = () => {
      since = Date.now();
      onOpen?.();
    };
    mine.onmessage = (event) => onMessage?.(event);
    mine.onclose = ({ code }) => {
      if (over) return;
      if (since && Date.now() - since > PROVEN) {
        breaks = 0;
        trial = { safe: true };
        client.succeeded();
      }
      again(code, !!since).then(
        (go) => { if (go && !over) open(); },
        finish,
      );
    };
  };

  /** Whether to connect again; rejects with what ends it. */
  const again = async (code: number, opened: boolean): Promise<boolean> => {
    if (code === NOT_ALLOWED) throw new DoorwardError({ status: 403, code: 'refused', title: 'The connection is no longer allowed' });
    // A handshake that was refused looks like one that failed; the session tells them apart.
    const ended = code === SESSION_ENDED || (!opened && (await look(client, false).catch(() => null)) === undefined);
    if (ended) {
      const error = new DoorwardError({ status: 401, code: 'session_expired', title: 'The session has ended' });
      if (await client.settle(error, trial)) {
        // Whoever signed in need not be who was here.
        user = undefined;
        return true;
      }
      throw error;
    }
    if (breaks >= attempts) throw failure('unreachable', `The connection broke off with ${code}`);
    await pause(Math.min(FIRST_PAUSE * 2 ** breaks++, LONGEST_PAUSE) * (0.5 + Math.random() / 2));
    return true;
  };

  open();
  return {
    send(data) {
      if (socket?.readyState !== WebSocket.OPEN) return false;
      socket.send(data);
      return true;
    },
    close: () => finish(),
  };
}
