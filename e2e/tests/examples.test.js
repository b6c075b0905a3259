// The crate's examples as a newcomer starts them: without `RUST_LOG`, and with something that does not answer.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, test } from 'node:test';
import { freePort } from '../support/doorward.js';
import { loopbackFetch } from '../support/loopback.js';
import { startExample } from '../support/process.js';

const WARNING = /\bWARN\b.* could not be fetched/;
const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');

/** An access token of `issuer` as far as anybody can tell without its keys. */
const tokenOf = (issuer) => [
  encode({ alg: 'RS256', typ: 'at+jwt', kid: 'k' }), encode({ iss: issuer, sub: 's', aud: 'a', exp: 4_000_000_000 }), 'AAAA',
].join('.');

/** How each is set up with a provider at `port`, and the request that needs the provider. */
const EXAMPLES = {
  tenants: { env: (port) => ({ ISSUER: `http://localhost:${port}`, CLIENT_SECRET: 'x' }), tenant: 'acme.', path: '/auth/login' },
  wristband: {
    env: (port) => ({ APPLICATION_VANITY_DOMAIN: `app.localhost:${port}`, CLIENT_ID: 'doorward-dev', CLIENT_SECRET: 'x' }),
    path: '/api/auth/login',
  },
  resource_server: {
    env: (port) => ({ ISSUER: `http://localhost:${port}` }),
    path: '/api/me',
    headers: (port) => ({ authorization: `Bearer ${tokenOf(`http://localhost:${port}`)}` }),
  },
};

/** The answer of an example to the request that needs its provider, at whose address nobody answers, and everything it printed. */
async function failedRequest({ env, tenant = '', path, headers }, name, RUST_LOG) {
  const port = await freePort();
  const app = await startExample(name, { RUST_LOG, PORT: '0', SESSION_SECRET: randomBytes(32).toString('base64url'), ...env(port) });
  try {
    const { status } = await loopbackFetch(new URL(path, app.url.replace('//', `//${tenant}`)), { headers: headers?.(port) });
    return { status, printed: app.output };
  } finally {
    await app.stop();
  }
}

/** What was printed reaches this process when it does; gives up after a while, with what there is. */
async function once(printed, holds) {
  for (let tries = 0; tries < 100 && !holds.test(printed()); tries += 1) await new Promise((resolve) => { setTimeout(resolve, 50); });
  return printed();
}

describe('an example tells why a request failed', () => {
  for (const [name, example] of Object.entries(EXAMPLES)) {
    test(`${name}: in the log, though nobody set RUST_LOG`, async () => {
      const { status, printed } = await failedRequest(example, name, undefined);
      assert.equal(status, 503);
      assert.match(await once(printed, WARNING), WARNING);
    });

    test(`${name}: and not where RUST_LOG asks for less`, async () => {
      const { status, printed } = await failedRequest(example, name, 'error');
      assert.equal(status, 503);
      assert.doesNotMatch(printed(), /\b(WARN|INFO)\b/);
    });
  }
});

test('an example that lacks a setting names the variable', async () => {
  for (const name of Object.keys(EXAMPLES)) {
    await assert.rejects(startExample(name, { PORT: '0' }), /ended with 1\n.*expected [A-Z_]+ in the environment, found none/, name);
  }
});
