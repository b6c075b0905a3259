// @doorward/client: the browser's side of Doorward.

import { createClient } from './client.js';
import type { LoginOptions } from './types.js';

export { createClient } from './client.js';
export { getCsrfToken } from './cookie.js';
export { type ClientCode, DoorwardError, type ErrorCode, type Refusal } from './error.js';
export type { ServerCode, ServerCodes } from './codes.js';
export type {
  Client, ClientOptions, Farewell, LoginContext, LoginMode, LoginOptions, Problem, Session, SessionChange, Token, WatchOptions,
} from './types.js';

/**
 * Goes to the login and comes back to where the page is now.
 *
 * @example
 * redirectToLogin('/auth/login', { loginHint: 'alice@acme.test' });
 */
export function redirectToLogin(loginUrl?: string, options?: LoginOptions): void {
  createClient(loginUrl ? { loginUrl } : {}).redirectToLogin(options);
}

/**
 * Ends the session, here and at the identity provider; resolves when the page is on its way there.
 *
 * @example
 * await redirectToLogout('/auth/logout');
 */
export function redirectToLogout(logoutUrl?: string): Promise<void> {
  return createClient(logoutUrl ? { logoutUrl } : {}).redirectToLogout();
}
