// What the package takes and gives.

import type { Addresses } from './addresses.js';
import type { DoorwardError } from './error.js';

/** Who is signed in: the answer of the session endpoint. */
export interface Session<Metadata = Record<string, unknown>> {
  userId: string;
  tenantId: string;
  metadata: Metadata;
  /** When the session ends, in milliseconds since 1970. */
  expiresAt: number;
  /** The server's own logout endpoint. */
  logoutUrl: string;
}

/** The answer of the token endpoint. */
export interface Token {
  accessToken: string;
  /** When the token ends, in milliseconds since 1970; null where the provider does not say. */
  expiresAt: number | null;
}

/** The answer of the logout endpoint to a script. */
export interface Farewell {
  /** Where the browser says goodbye to the identity provider. */
  logoutUrl: string;
}

/** The body of every refusal (RFC 9457). */
export interface Problem<Code extends string = string> {
  type: `urn:doorward:error:${Code}`;
  title: string;
  status: number;
  code: Code;
  request_id: string;
  error: string;
  login_url?: string;
  max_age?: number;
  acr_values?: string;
}

/** What the login endpoint is asked for; each becomes the parameter of the same name (`returnUrl`: `return_url`). */
export interface LoginOptions {
  /** Where to go afterwards; default: the page's address at that moment. */
  returnUrl?: string | undefined;
  loginHint?: string | undefined;
  idpHint?: string | undefined;
  tenantName?: string | undefined;
  tenantCustomDomain?: string | undefined;
  prompt?: 'login' | 'none' | 'create' | undefined;
  /** The user must have signed in within so many seconds. */
  maxAge?: number | undefined;
  acrValues?: string | readonly string[] | undefined;
  uiLocales?: string | readonly string[] | undefined;
}

/** What the logout endpoint is asked for, where the session itself does not say. */
export type LogoutOptions = Pick<LoginOptions, 'tenantName' | 'tenantCustomDomain'>;

/** What a login of your own making is told. */
export interface LoginContext {
  /** Where to sign in, with this page as return URL. */
  loginUrl: string;
  /** The refusal that asks for it; undefined where `client.login()` does. */
  error: DoorwardError | undefined;
}

/**
 * How somebody signs in when a call answers 401.
 *
 * `redirect`: the page goes to the login and comes back. `popup`: a window does, and the page stays. A function: whatever
 * it does; calls wait for it, and a safe one is made again unless it resolves to false.
 */
export type LoginMode = 'redirect' | 'popup' | ((context: LoginContext) => Promise<boolean | void> | boolean | void);

export interface ClientOptions {
  /** Default `/auth/login`; it may be on another origin and may hold a query, which is kept. */
  loginUrl?: string;
  /** Default: `logout` beside `loginUrl`; likewise `sessionUrl`, `tokenUrl` and `completeUrl`. */
  logoutUrl?: string;
  sessionUrl?: string;
  tokenUrl?: string;
  /** The page on which a popup login ends. */
  completeUrl?: string;
  csrf?: { cookieName?: string; headerName?: string };
  /** Origins that get credentials and CSRF token and whose refusals count; default: the page's and that of `loginUrl`. */
  origins?: readonly string[];
  /** Default `redirect`. */
  login?: LoginMode;
}

/** What `onSessionChange` tells. */
export type SessionChange<Metadata = Record<string, unknown>> =
  /** Who is signed in now; null: nobody. Told once at the start and then whenever it changed. */
  | { type: 'session'; session: Session<Metadata> | null }
  /** The session is about to end if nothing is done. */
  | { type: 'expiring'; session: Session<Metadata>; secondsLeft: number }
  /** Whether somebody is signed in cannot be told now; what was told before stands, unless that session has `ended` by the clock. */
  | { type: 'error'; error: DoorwardError; ended: boolean };

export interface WatchOptions {
  /** How many seconds before its end a session counts as expiring; default 60. */
  warnBefore?: number;
}

/** @internal What has been done about one call so far. */
export interface Trial {
  /** Whether the call may be made again without harm. */
  safe: boolean;
  /** The CSRF token that was sent; null where the caller brought a header of their own. */
  token?: string | null | undefined;
  signal?: AbortSignal | null | undefined;
  renewed?: boolean;
  signedIn?: boolean;
  pauses?: number;
  waited?: number;
}

export interface Client {
  /** `fetch` with the platform's signature; for the application's own origins with everything that a session needs. */
  fetch(input: string | URL | Request, init?: RequestInit): Promise<Response>;
  /** Signs in the configured way; resolves to whether it may have worked. In redirect mode the page leaves. */
  login(options?: LoginOptions): Promise<boolean>;

  /** @internal Where everything is. */
  readonly at: Addresses;
  /** @internal Name and current value of the CSRF header. */
  readonly csrfHeader: string;
  csrfToken(): string | undefined;
  /** @internal Sends until the answer stands. */
  send(request: Request, trial: Trial): Promise<Response>;
  /** @internal Does what can be done about a refusal; true: make the call again. */
  settle(error: DoorwardError, trial: Trial): Promise<boolean>;
  /** @internal There is a session, so a later refusal is no circle of logins. */
  succeeded(): void;
}
