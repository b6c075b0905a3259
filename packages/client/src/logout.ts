// Signing out.

import { ask, demandPage } from './addresses.js';
import { say } from './channel.js';
import { createClient } from './client.js';
import { isText, read } from './read.js';
import type { Client, Farewell, LogoutOptions } from './types.js';

/**
 * Ends the session by POST, tells the other tabs, and goes where the server says: to the identity provider, which ends its own.
 *
 * Resolves when the page is on its way. `from` is a client, or the address of the logout endpoint.
 *
 * @throws {DoorwardError} where the session did not end; the page stays.
 *
 * @example
 * button.onclick = () => redirectToLogout(client).catch((error) => show(error.title));
 */
export async function redirectToLogout(from?: Client | string, options: LogoutOptions = {}): Promise<void> {
  demandPage();
  const client = typeof from === 'object' ? from : createClient(from ? { logoutUrl: from } : {});
  const { at } = client;
  const leadsAway = (url: unknown) => isText(url) && /^https?:/.test(at.absolute(url).protocol);
  const trial = { safe: true, signedIn: true };
  const { body } = await read<Farewell>(client, ask(at.logout(), options), trial, ({ logoutUrl }) => leadsAway(logoutUrl), 'POST');
  say('logout');
  location.assign(at.absolute(body.logoutUrl));
}
