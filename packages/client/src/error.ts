// What goes wrong, as one kind of error.

import { ask } from './addresses.js';
import type { ServerCode } from './codes.js';

/** Why a call failed that no server refused. */
export type ClientCode =
  /** Signing in led back here without a session, so trying again by itself would go round in circles. */
  | 'login_loop'
  /** The login window was closed before anybody signed in. */
  | 'login_cancelled'
  /** The browser did not let the login window open. */
  | 'popup_blocked'
  /** The browser keeps nothing for this page, so a circle of logins could not be noticed: none is begun by itself. */
  | 'storage_unavailable'
  /** The page was to go to the login and is still here. */
  | 'navigation_stopped'
  /** The answer is not what its endpoint answers. */
  | 'response_invalid'
  /** No answer came. */
  | 'unreachable'
  /** A refusal whose body names no code. */
  | 'refused';

/** A code of the server's table, of this package, or one that a newer server brought. */
export type ErrorCode = ServerCode | ClientCode | (string & {});

/** What a `DoorwardError` is made of. */
export interface Refusal {
  /** HTTP status; 0 where no answer came. */
  status: number;
  code: ErrorCode;
  /** One sentence for people. */
  title: string;
  /** What the server's log knows this answer by. */
  requestId?: string | undefined;
  /** Where to sign in, without a return URL; only ever on the origin of the configured `loginUrl`. */
  loginUrl?: string | undefined;
  /** Seconds after which another try may do. */
  retryAfter?: number | undefined;
  /** The answer itself, its body unread: a `Response`, or with axios its own response. */
  response?: unknown;
}

/**
 * A refusal, or what kept a call from being answered.
 *
 * @example
 * try {
 *   await client.fetch('/api/orders', { method: 'POST', body });
 * } catch (error) {
 *   if (error instanceof DoorwardError && error.code === 'role_missing') show('You may not do this.');
 *   else throw error;
 * }
 */
export class DoorwardError extends Error implements Refusal {
  declare readonly status: number;
  declare readonly code: ErrorCode;
  declare readonly title: string;
  declare readonly requestId: string | undefined;
  declare readonly loginUrl: string | undefined;
  declare readonly retryAfter: number | undefined;
  declare readonly response: unknown;

  constructor(refusal: Refusal, cause?: unknown) {
    super(refusal.title, { cause });
    Object.assign(this, refusal);
    this.name = 'DoorwardError';
  }
}

/** An error of this package itself. */
export const failure = (code: ClientCode, title: string, status = 0, cause?: unknown) =>
  new DoorwardError({ status, code, title }, cause);

const text = (value: unknown) => (typeof value === 'string' ? value : undefined);

/**
 * Reads a refusal off an answer: 401 and 403 whatever their body, 503, and every other that says it is Doorward's.
 *
 * `certain` tells whether it is thrown where nothing can be done about it; another program's 503 is not.
 */
export function readRefusal(
  status: number,
  header: (name: string) => unknown,
  body: unknown,
  login: URL,
  response: unknown,
): { error: DoorwardError; certain: boolean } | undefined {
  const problem = Object(body) as Record<string, unknown>;
  const certain = status === 401 || status === 403 || !!text(problem.type)?.startsWith('urn:doorward:error:');
  if (!certain && status !== 503) return undefined;
  // Behind a proxy the server's own address is another one: what it asks for counts, not where it leads.
  const { max_age, acr_values } = problem;
  let url = ask(login, { max_age, acr_values });
  try {
    // An answer may lead only where the application itself would have gone.
    const named = new URL(problem.login_url as string);
    if (named.origin === login.origin) url = named;
  } catch { /* none, or none that can be read */ }
  const after = text(header('retry-after')) ?? '';
  const seconds = /^\d+$/.test(after) ? +after : Math.max(0, (Date.parse(after) - Date.now()) / 1000);
  const error = new DoorwardError({
    status,
    code: text(problem.code) ?? 'refused',
    title: text(problem.title) ?? `Refused with ${status}`,
    requestId: text(problem.request_id),
    loginUrl: url.href,
    retryAfter: seconds >= 0 ? seconds : undefined,
    response,
  });
  return { error, certain };
}
