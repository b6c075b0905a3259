// Makes access tokens, good and bad: with jose wherever jose would make such a token, else by hand.

import { constants, createHmac, randomBytes, sign } from 'node:crypto';
import { CompactSign } from 'jose';
import { jwkOf, keyFor } from './token-issuer.js';

export const AUDIENCE = 'https://api.acme.test';
export const ALGORITHMS = ['RS256', 'PS256', 'ES256', 'ES384', 'EdDSA'];
/** A kid longer than ours may be. */
export const LONG_KID = 'k'.repeat(300);

export const encode = (value) => Buffer.from(
  typeof value === 'string' || value instanceof Uint8Array ? value : JSON.stringify(value),
).toString('base64url');

/** A signature as RFC 7518 §3 has it, without asking whether the key suits. */
export function signature(alg, privateKey, message, { salt = 32, der = false } = {}) {
  const digest = { 256: 'sha256', 384: 'sha384', 512: 'sha512' }[alg.slice(2, 5)];
  if (alg === 'EdDSA' || alg === 'Ed25519') return sign(null, Buffer.from(message), privateKey);
  if (alg.startsWith('PS')) {
    return sign(digest, Buffer.from(message), { key: privateKey, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: salt });
  }
  return sign(digest, Buffer.from(message), { key: privateKey, dsaEncoding: der ? 'der' : 'ieee-p1363' });
}

/** Every key of the tests, and which of them the issuer publishes, as what. */
export function makeKeys() {
  const pairs = Object.fromEntries(ALGORITHMS.map((alg) => [alg, keyFor(alg)]));
  const extra = {
    open: keyFor('RS256'),
    openEc: keyFor('ES256'),
    enc: keyFor('RS256'),
    encryptOnly: keyFor('ES256'),
    verifyToo: keyFor('ES256'),
    small: keyFor('RS256', { bits: 1024 }),
    mismatched: keyFor('RS256'),
    RS512: keyFor('RS256'),
    ES512: keyFor('ES512'),
    ES256K: keyFor('ES256K'),
    twinRsa: keyFor('RS256'),
    twinEc: keyFor('ES256'),
    pairFirst: keyFor('ES256'),
    pairSecond: keyFor('ES256'),
    nameless: keyFor('ES384'),
    unicode: keyFor('ES256'),
    path: keyFor('ES256'),
    empty: keyFor('ES256'),
    long: keyFor('ES256'),
    leaked: keyFor('ES256'),
    foreignRS256: keyFor('RS256'),
    foreignES256: keyFor('ES256'),
    foreignEdDSA: keyFor('EdDSA'),
  };
  const secret = randomBytes(32);
  const exponentOne = { kty: 'RSA', n: jwkOf(keyFor('RS256')).n, e: 'AQ', kid: 'exponent-one', alg: 'RS256', use: 'sig' };
  const offCurve = { ...jwkOf(keyFor('ES256')), y: encode(randomBytes(32)), kid: 'off-curve', alg: 'ES256' };
  const named = (name, kid, members = {}) => jwkOf(extra[name], { kid, ...members });
  const published = [
    ...ALGORITHMS.map((alg) => jwkOf(pairs[alg], { kid: alg, alg, use: 'sig' })),
    named('open', 'open'),
    named('openEc', 'open-ec'),
    named('enc', 'enc', { use: 'enc' }),
    named('encryptOnly', 'encrypt-only', { alg: 'ES256', key_ops: ['encrypt'] }),
    named('verifyToo', 'verify-too', { alg: 'ES256', key_ops: ['verify'] }),
    named('small', 'small', { alg: 'RS256' }),
    named('mismatched', 'mismatched', { alg: 'ES256' }),
    named('RS512', 'rs512', { alg: 'RS512' }),
    named('ES512', 'es512', { alg: 'ES512' }),
    named('ES256K', 'es256k', { alg: 'ES256K' }),
    named('twinRsa', 'twin', { alg: 'RS256' }),
    named('twinEc', 'twin', { alg: 'ES256' }),
    named('pairFirst', 'pair', { alg: 'ES256' }),
    named('pairSecond', 'pair', { alg: 'ES256' }),
    jwkOf(extra.nameless, { alg: 'ES384' }),
    named('unicode', 'schlüssel', { alg: 'ES256' }),
    named('path', '../../keys/main.pem', { alg: 'ES256' }),
    named('empty', '', { alg: 'ES256' }),
    named('long', LONG_KID, { alg: 'ES256' }),
    { ...extra.leaked.privateKey.export({ format: 'jwk' }), kid: 'leaked', alg: 'ES256' },
    { kty: 'oct', k: encode(secret), kid: 'hmac', alg: 'HS256' },
    exponentOne,
    offCurve,
  ];
  return { pairs: { ...pairs, ...extra }, secret, published, exponentOne };
}

export class Maker {
  constructor({ issuer, keys, now = Math.floor(Date.now() / 1000) }) {
    Object.assign(this, { issuer, now, audience: AUDIENCE });
    Object.assign(this, keys);
    this.subject = 'alice';
  }

  /** The claims of a good token of RFC 9068, changed; a claim that is `undefined` is left out. */
  claims(change = {}) {
    return {
      iss: this.issuer,
      aud: this.audience,
      sub: this.subject,
      client_id: 'web',
      jti: `token-${this.subject}`,
      iat: this.now,
      exp: this.now + 600,
      scope: 'orders:read',
      ...change,
    };
  }

  header(change = {}, alg = 'ES256') {
    return { alg, kid: alg, typ: 'at+jwt', ...change };
  }

  key(name) {
    return this.pairs[name].privateKey;
  }

  /** What jose makes: a token with these claims, this header, signed by the key of that name. */
  async token({ claims, header, alg = 'ES256', key = alg, payload = JSON.stringify(this.claims(claims)) } = {}) {
    return new CompactSign(Buffer.from(payload))
      .setProtectedHeader(JSON.parse(JSON.stringify(this.header(header, alg))))
      .sign(this.key(key));
  }

  /** What jose would not make: `header` and `payload` as they are (text, bytes or a value), signed whatever they say. */
  forged({ header, payload, alg = 'ES256', key = alg, ...how } = {}) {
    const message = `${encode(header ?? this.header({}, alg))}.${encode(payload ?? this.claims())}`;
    return `${message}.${encode(signature(alg, this.key(key), message, how))}`;
  }

  /** Segments as they are, the third the signature of the first two as they stand. */
  spelled(header, payload, alg = 'ES256') {
    const message = `${header}.${payload}`;
    return `${message}.${encode(signature(alg, this.key(alg), message))}`;
  }

  /** The claims as JSON text, changed by hand: for what no JSON writer writes. */
  text(change) {
    return change(JSON.stringify(this.claims()));
  }

  hmac(header, secret) {
    const message = `${encode(header)}.${encode(this.claims())}`;
    return `${message}.${createHmac('sha256', secret).update(message).digest('base64url')}`;
  }

  /** A good token with its signature's bytes changed. */
  async resigned(alg, change) {
    const [header, payload, signed] = (await this.token({ alg })).split('.');
    return `${header}.${payload}.${encode(change(Buffer.from(signed, 'base64url')))}`;
  }
}
