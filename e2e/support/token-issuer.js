// An issuer of access tokens in this process: metadata and keys over http on loopback, counting who fetches what.

import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';

/** A fresh key of the kind that `alg` needs. */
export function keyFor(alg, { bits = 2048 } = {}) {
  switch (alg) {
    case 'ES256': return generateKeyPairSync('ec', { namedCurve: 'P-256' });
    case 'ES384': return generateKeyPairSync('ec', { namedCurve: 'P-384' });
    case 'ES512': return generateKeyPairSync('ec', { namedCurve: 'P-521' });
    case 'ES256K': return generateKeyPairSync('ec', { namedCurve: 'secp256k1' });
    case 'EdDSA': return generateKeyPairSync('ed25519');
    default: return generateKeyPairSync('rsa', { modulusLength: bits });
  }
}

/** The public half as a JWK, with what else the set says about it. */
export const jwkOf = ({ publicKey }, members) => ({ ...publicKey.export({ format: 'jwk' }), ...members });

/**
 * Starts the issuer; `keys` is the published set and may be changed at any time.
 *
 * `fetches` has the time of every fetch by path: `{'/jwks': [ms, …]}`, paths that nobody should know included.
 */
export async function startIssuer(keys) {
  const fetches = {};
  const server = createServer((request, response) => {
    (fetches[request.url] ??= []).push(performance.now());
    const body = {
      '/.well-known/openid-configuration': () => ({
        issuer,
        authorization_endpoint: `${issuer}/authorize`,
        token_endpoint: `${issuer}/token`,
        jwks_uri: `${issuer}/jwks`,
        response_types_supported: ['code'],
        subject_types_supported: ['public'],
        id_token_signing_alg_values_supported: ['RS256'],
      }),
      '/jwks': () => ({ keys }),
    }[request.url];
    response.statusCode = body ? 200 : 404;
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify(body?.() ?? {}));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  server.unref();
  const issuer = `http://localhost:${server.address().port}`;
  return {
    issuer,
    keys,
    fetches,
    async stop() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

