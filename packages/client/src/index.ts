// @doorward/client: the browser's side of Doorward.

export { createClient } from './client.js';
export { getCsrfToken } from './cookie.js';
export { type ClientCode, DoorwardError, type ErrorCode, type Refusal } from './error.js';
export { redirectToLogin } from './redirect.js';
export { redirectToLogout } from './logout.js';
export { getSession } from './session.js';
export { clearToken, getToken } from './token.js';
export { onSessionChange } from './watch.js';
export type { ServerCode, ServerCodes } from './codes.js';
export type {
  Client, ClientOptions, Farewell, LoginContext, LoginMode, LoginOptions, LogoutOptions, Problem, Session, SessionChange, Token, WatchOptions,
} from './types.js';
