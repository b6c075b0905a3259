// Access tokens for calls to somebody else.

import { demandPage } from './addresses.js';
import { hear } from './channel.js';
import { isText, read } from './read.js';
import type { Client, Token } from './types.js';

/** How much longer a kept access token has to live. */
const MARGIN = 30_000;

interface Kept {
  token?: string | undefined;
  until: number;
  asking?: Promise<string> | undefined;
  /** Aborted once it is no longer to be used. */
  over: AbortController;
}
const kept = new WeakMap<Client, Kept>();

/**
 * An access token that lives for another 30 seconds at least.
 *
 * It is kept in memory until then, and however many ask at once, one request is made. A 401 leads to the login as that of
 * any other call does. The server's token endpoint has to be switched on.
 *
 * @example
 * const answer = await fetch('https://other.example.com/', { headers: { authorization: `Bearer ${await getToken(client)}` } });
 */
export async function getToken(client: Client): Promise<string> {
  demandPage();
  let mine = kept.get(client);
  if (!mine || mine.over.signal.aborted) {
    const over = new AbortController();
    kept.set(client, mine = { until: 0, over });
    // Whoever signs in next, in whichever tab, is somebody else. What listens holds neither client nor token.
    hear((news) => { if (news !== 'seen') over.abort(); }, over.signal);
  }
  if (mine.token && mine.until > Date.now() + MARGIN) return mine.token;
  return mine.asking ??= ask(client, mine);
}

async function ask(client: Client, mine: Kept) {
  try {
    const { body, until } = await read<Token>(client, client.at.token(), { safe: true }, ({ accessToken }) => isText(accessToken));
    // An end that is not known is no later than any time, so that such a token is asked for each time.
    Object.assign(mine, { token: body.accessToken, until });
    return body.accessToken;
  } catch (error) {
    mine.over.abort();
    throw error;
  } finally {
    mine.asking = undefined;
  }
}

/**
 * Forgets the kept access token; one that is being asked for is not kept.
 *
 * @example
 * clearToken(client);
 */
export function clearToken(client: Client): void {
  kept.get(client)?.over.abort();
  kept.delete(client);
}
