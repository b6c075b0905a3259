// The example `resource_server` for tests: access tokens of one issuer, and nothing else.

import { randomBytes } from 'node:crypto';
import { startExample } from './process.js';
import { AUDIENCE } from './token-maker.js';

export async function startResourceServer(issuer, env = {}) {
  const server = await startExample('resource_server', {
    ISSUER: issuer,
    AUDIENCE,
    SESSION_SECRET: randomBytes(32).toString('base64url'),
    PORT: '0',
    ...env,
  });
  // The listener is on the address; the name may resolve to another one first.
  return { ...server, me: new URL('/api/me', server.url.replace('localhost', '127.0.0.1')).href };
}
