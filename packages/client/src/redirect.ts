// Going to the login because somebody asked for it.

import { addresses, inBrowser } from './addresses.js';
import type { Client, LoginOptions } from './types.js';

/**
 * Goes to the login and comes back to where the page is now, or to `returnUrl`. Without a page nothing happens.
 *
 * `from` is a client, or the address of the login endpoint.
 *
 * @example
 * button.onclick = () => redirectToLogin(client, { loginHint: 'alice@acme.test' });
 */
export function redirectToLogin(from?: Client | string, options?: LoginOptions): void {
  if (!inBrowser()) return;
  const at = typeof from === 'object' ? from.at : addresses(from ? { loginUrl: from } : {});
  location.assign(at.signIn(undefined, options).url);
}
