// Algorithms and signatures (RFC 7515 §5.2, RFC 7518 §3, RFC 8725 §3.1).

import { ALGORITHMS, encode, signature } from '../token-maker.js';
import { bad, good } from './row.js';

const P256_ORDER = Buffer.from('ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551', 'hex');
const ED25519_ORDER = 2n ** 252n + 27742317777372353535851937790883648493n;

const number = (bytes) => BigInt(`0x${bytes.toString('hex') || '0'}`);
const bytesOf = (value, length) => Buffer.from(value.toString(16).padStart(length * 2, '0'), 'hex');

function flipped(bytes, at = 5) {
  bytes[at] ^= 1;
  return bytes;
}

/** The other of the two signatures that ECDSA allows: (r, n - s). */
function mirrored(bytes) {
  const order = number(P256_ORDER);
  return Buffer.concat([bytes.subarray(0, 32), bytesOf(order - number(bytes.subarray(32)), 32)]);
}

/** S + L: the same equation, which RFC 8032 §5.1.7 forbids. */
function overflowing(bytes) {
  const s = number(Buffer.from(bytes.subarray(32)).reverse()) + ED25519_ORDER;
  return Buffer.concat([bytes.subarray(0, 32), bytesOf(s, 32).reverse()]);
}

const each = (list, row) => list.map(row);

export const signatureRows = [
  ...each(ALGORITHMS, (alg) => good(`${alg}`, (m) => m.token({ alg }))),
  ...each(ALGORITHMS, (alg) => good(`${alg}, made by hand`, (m) => m.forged({ alg }))),
  ...each(ALGORITHMS, (alg) => bad(`${alg} with a bit of the signature flipped`, (m) => m.resigned(alg, flipped))),
  ...each(ALGORITHMS, (alg) => bad(`${alg} with the last byte of the signature cut off`, (m) => m.resigned(alg, (bytes) => bytes.subarray(0, -1)))),
  ...each(ALGORITHMS, (alg) => bad(`${alg} with a zero byte before the signature`, (m) => m.resigned(alg, (bytes) => Buffer.concat([Buffer.alloc(1), bytes])))),
  ...each(ALGORITHMS, (alg) => bad(`${alg} with a byte after the signature`, (m) => m.resigned(alg, (bytes) => Buffer.concat([bytes, Buffer.alloc(1)])))),
  ...each(ALGORITHMS, (alg) => bad(`${alg} with a signature of zeros`, (m) => m.resigned(alg, (bytes) => Buffer.alloc(bytes.length)))),
  ...each(ALGORITHMS, (alg) => bad(`${alg} with an empty signature`, (m) => m.resigned(alg, () => Buffer.alloc(0)))),
  ...each(ALGORITHMS, (alg) => bad(`${alg} with another payload`, async (m) => {
    const [header, , signed] = (await m.token({ alg })).split('.');
    return `${header}.${encode(m.claims({ sub: 'bob' }))}.${signed}`;
  })),
  ...each(ALGORITHMS, (alg) => bad(`${alg} with another header`, async (m) => {
    const [, payload, signed] = (await m.token({ alg })).split('.');
    return `${encode(m.header({ extra: true }, alg))}.${payload}.${signed}`;
  })),
  // One key, said to be for another algorithm: neither header nor key alone decides.
  ...ALGORITHMS.flatMap((alg) => ALGORITHMS.filter((other) => other !== alg).map((other) => bad(
    `header says ${other}, key and signature are ${alg}`,
    (m) => m.forged({ alg, header: m.header({ alg: other, kid: alg }) }),
  ))),
  bad('RS256 key that signs PS256', (m) => m.forged({ alg: 'PS256', key: 'RS256', header: m.header({ alg: 'PS256', kid: 'RS256' }) })),
  bad('PS256 key that signs RS256', (m) => m.forged({ alg: 'RS256', key: 'PS256', header: m.header({ alg: 'RS256', kid: 'PS256' }) })),
  bad('RS512 by the RS256 key', (m) => m.forged({ alg: 'RS512', key: 'RS256', header: m.header({ alg: 'RS512', kid: 'RS256' }) })),
  bad('RS384 by a key without algorithm', (m) => m.forged({ alg: 'RS384', key: 'open', header: m.header({ alg: 'RS384', kid: 'open' }) })),
  bad('PS512 by a key without algorithm', (m) => m.forged({ alg: 'PS512', key: 'open', header: m.header({ alg: 'PS512', kid: 'open' }) })),
  bad('RS512 by a key published for it', (m) => m.forged({ alg: 'RS512', header: m.header({ alg: 'RS512', kid: 'rs512' }) })),
  bad('ES512 by a key published for it', (m) => m.forged({ alg: 'ES512', header: m.header({ alg: 'ES512', kid: 'es512' }) })),
  bad('ES256K by a key published for it', (m) => m.forged({ alg: 'ES256K', header: m.header({ alg: 'ES256K', kid: 'es256k' }) })),
  bad('ES256 by a key on secp256k1', (m) => m.forged({ alg: 'ES256', key: 'ES256K', header: m.header({ kid: 'es256k' }) })),
  bad('Ed25519 as RFC 9864 names it', (m) => m.forged({ alg: 'Ed25519', key: 'EdDSA', header: m.header({ alg: 'Ed25519', kid: 'EdDSA' }) })),
  bad('PS256 with a salt of 20 bytes', (m) => m.forged({ alg: 'PS256', salt: 20 })),
  bad('PS256 without salt', (m) => m.forged({ alg: 'PS256', salt: 0 })),
  bad('ES256 signature in DER', (m) => m.forged({ alg: 'ES256', der: true })),
  bad('ES384 signature in DER', (m) => m.forged({ alg: 'ES384', der: true })),
  bad('ES256 with r = n', (m) => m.resigned('ES256', (bytes) => Buffer.concat([P256_ORDER, bytes.subarray(32)]))),
  bad('ES256 with s = n', (m) => m.resigned('ES256', (bytes) => Buffer.concat([bytes.subarray(0, 32), P256_ORDER]))),
  bad('ES256 with r = 0', (m) => m.resigned('ES256', (bytes) => Buffer.concat([Buffer.alloc(32), bytes.subarray(32)]))),
  bad('ES256 with s = 0', (m) => m.resigned('ES256', (bytes) => Buffer.concat([bytes.subarray(0, 32), Buffer.alloc(32)]))),
  good('ES256 with the other s', (m) => m.resigned('ES256', mirrored)),
  bad('EdDSA with S beyond the order', (m) => m.resigned('EdDSA', overflowing)),
  ...each(['none', 'None', 'NONE', 'nOnE', ''], (alg) => bad(`alg ${JSON.stringify(alg)} without signature`, (m) => `${encode(m.header({ alg, kid: undefined }))}.${encode(m.claims())}.`)),
  bad('alg none with a signature', (m) => m.forged({ header: m.header({ alg: 'none' }) })),
  bad('alg none with the kid of a key', (m) => `${encode(m.header({ alg: 'none' }))}.${encode(m.claims())}.`),
  bad('alg absent', (m) => m.forged({ header: m.header({ alg: undefined }) })),
  ...each([null, 5, ['ES256'], { name: 'ES256' }, true], (alg) => bad(`alg ${JSON.stringify(alg)}`, (m) => m.forged({ header: m.header({ alg }) }))),
  ...each(['es256', 'ES256 ', ' ES256', 'ES-256', 'ES256\u0000'], (alg) => bad(`alg ${JSON.stringify(alg)}`, (m) => m.forged({ header: m.header({ alg }) }))),
  bad('HS256 with the public key in PEM as the secret', (m) => m.hmac(m.header({ alg: 'HS256', kid: 'RS256' }), m.pairs.RS256.publicKey.export({ format: 'pem', type: 'spki' }))),
  bad('HS256 with the public key in DER as the secret', (m) => m.hmac(m.header({ alg: 'HS256', kid: 'RS256' }), m.pairs.RS256.publicKey.export({ format: 'der', type: 'spki' }))),
  bad('HS256 with the modulus as the secret', (m) => m.hmac(m.header({ alg: 'HS256', kid: 'RS256' }), Buffer.from(m.pairs.RS256.publicKey.export({ format: 'jwk' }).n, 'base64url'))),
  bad('HS256 with an empty secret', (m) => m.hmac(m.header({ alg: 'HS256', kid: undefined }), '')),
  bad('HS256 with a secret that the issuer publishes', (m) => m.hmac(m.header({ alg: 'HS256', kid: 'hmac' }), m.secret)),
  bad('ES256 in the header over an HMAC', (m) => m.hmac(m.header(), m.secret)),
  bad('ES256 over the payload alone', (m) => {
    const payload = encode(m.claims());
    return `${encode(m.header())}.${payload}.${encode(signature('ES256', m.key('ES256'), payload))}`;
  }),
];
