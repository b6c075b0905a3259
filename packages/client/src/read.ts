// Reading what an endpoint of ours answers.

import { DoorwardError, failure } from './error.js';
import type { Client, Trial } from './types.js';

export const isText = (value: unknown): value is string => typeof value === 'string' && value.trim() !== '';

/** The JSON of `url`, and when its `expiresAt` is by this machine's clock; anything else is a typed error. */
export async function read<T>(
  { send }: Client,
  url: URL,
  trial: Trial,
  isRight: (body: any) => boolean,
  method = 'GET',
): Promise<{ body: T; until: number }> {
  let response;
  try {
    // Who is signed in is said here and nowhere else; nor may a token be anybody's whom a redirect leads to.
    response = await send(new Request(url, { method, credentials: 'include', redirect: 'error', headers: { accept: 'application/json' } }), trial);
  } catch (error) {
    throw error instanceof DoorwardError ? error : failure('unreachable', 'The server does not answer', 0, error);
  }
  const body = response.ok && (await response.json().catch(() => {}));
  if (!body || !isRight(body)) throw failure('response_invalid', `${url.pathname} answered something else`, response.status);
  const now = Date.now();
  // An end that is none would count as long past. Clocks differ, and the server dates its answers.
  return { body, until: (Number.isFinite(body.expiresAt) ? body.expiresAt : NaN) - (Date.parse(response.headers.get('date')!) || now) + now };
}
