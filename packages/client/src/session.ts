// Who is signed in.

import { demandPage } from './addresses.js';
import { tell } from './channel.js';
import type { DoorwardError } from './error.js';
import { isText, read } from './read.js';
import type { Client, Session } from './types.js';

/** The session and when it ends by this machine's clock; undefined where nobody is signed in. */
export async function look(client: Client, slide?: boolean): Promise<{ body: Session; until: number } | undefined> {
  demandPage();
  const url = client.at.session();
  if (slide === false) url.searchParams.set('slide', 'false');
  try {
    const found = await read<Session>(client, url, { safe: true, signedIn: true }, ({ userId, tenantId }) => isText(userId) && isText(tenantId));
    client.succeeded();
    found.body.metadata ??= {};
    return found;
  } catch (error) {
    // Nobody signed in is an answer, whatever leads to the login otherwise.
    if ((error as DoorwardError).status === 401) return undefined;
    throw error;
  }
}

/**
 * Who is signed in; null: nobody. It never leads to the login.
 *
 * `slide: false` only looks, where a plain call extends the session.
 *
 * @throws {DoorwardError} where that cannot be told: a refusal, no answer, or an answer that is none.
 *
 * @example
 * const session = await getSession<{ name: string }>(client, { slide: false });
 * greet(session ? session.metadata.name : 'stranger');
 */
export async function getSession<Metadata = Record<string, unknown>>(
  client: Client,
  { slide }: { slide?: boolean } = {},
): Promise<Session<Metadata> | null> {
  const found = await look(client, slide);
  if (slide !== false) tell('seen');
  return (found?.body ?? null) as Session<Metadata> | null;
}
