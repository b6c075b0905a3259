// Who is signed in.

import { demandPage } from './addresses.js';
import { tell } from './channel.js';
import type { DoorwardError } from './error.js';
import { isText, read } from './read.js';
import type { Client, Session } from './types.js';

/** Whom each client met last; an empty text: nobody. */
const users = new WeakMap<Client, string>();
export const userOf = (client: Client) => users.get(client);

/** Tells it if that is somebody else than before: what was kept for them is no longer anybody's. */
function meet(client: Client, user: string) {
  if (users.get(client) === user) return;
  users.set(client, user);
  tell('other');
}

/** The session and when it ends by this machine's clock; undefined where nobody is signed in. */
export async function look(client: Client, slide?: boolean): Promise<{ body: Session; until: number } | undefined> {
  demandPage();
  try {
    const found = await read<Session>(client, client.at.session(slide), { safe: true, signedIn: true }, ({ userId, tenantId }) => isText(userId) && isText(tenantId));
    client.succeeded();
    meet(client, JSON.stringify([found.body.tenantId, found.body.userId]));
    found.body.metadata ??= {};
    return found;
  } catch (error) {
    // Nobody signed in is an answer, whatever leads to the login otherwise.
    const { status, code } = error as DoorwardError;
    // A 401 that a foreign server gave says nothing about us.
    if (status !== 401 || code === 'response_invalid') throw error;
    meet(client, '');
    return undefined;
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
