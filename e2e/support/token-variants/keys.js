// Which key counts: by `kid`, `use`, `key_ops`, `alg` and size (RFC 7517 §4, RFC 7518 §3, RFC 8725 §3.5), never one the token brings.

import { generateKeyPairSync, createHash } from 'node:crypto';
import { ALGORITHMS, LONG_KID, encode } from '../token-maker.js';
import { alone, bad, good } from './row.js';

/** The padded digest, which with the exponent 1 is its own signature. */
function padded(message) {
  const info = Buffer.from('3031300d060960864801650304020105000420', 'hex');
  const tail = Buffer.concat([Buffer.from([0]), info, createHash('sha256').update(message).digest()]);
  return Buffer.concat([Buffer.from([0, 1]), Buffer.alloc(256 - 2 - tail.length, 0xff), tail]);
}

const by = (kid, key, alg = 'ES256') => (m) => m.forged({ alg, key, header: m.header({ kid }, alg) });
/** Signed by `signer`; the header carries what `members` makes of that key. */
const bringing = (signer, members, alg = 'ES256') => (m) => {
  const jwk = m.pairs[signer].publicKey.export({ format: 'jwk' });
  return m.forged({ alg, key: signer, header: m.header(members(jwk, m), alg) });
};

export const keyRows = [
  ...ALGORITHMS.map((alg) => good(`${alg} without kid`, (m) => m.token({ alg, header: { kid: undefined } }))),
  ...['foreignRS256', 'foreignES256', 'foreignEdDSA'].flatMap((key) => {
    const alg = key.slice('foreign'.length);
    return [
      bad(`${alg} of a foreign key under our kid`, (m) => m.token({ alg, key })),
      bad(`${alg} of a foreign key without kid`, (m) => m.token({ alg, key, header: { kid: undefined } })),
      bad(`${alg} of a foreign key under a kid of its own`, (m) => m.token({ alg, key, header: { kid: 'foreign' } })),
    ];
  }),
  bad('kid of nobody', (m) => m.token({ header: { kid: 'nobody' } })),
  bad('kid in other letter case', (m) => m.token({ header: { kid: 'es256' } })),
  bad('kid with a space behind it', (m) => m.token({ header: { kid: 'ES256 ' } })),
  bad('kid with a zero byte behind it', (m) => m.token({ header: { kid: 'ES256\u0000' } })),
  bad('kid of another key of the same kind', (m) => m.token({ header: { kid: 'open-ec' } })),
  bad('kid that climbs out of a folder', by('../../../../dev/null', 'ES256')),
  bad('kid with a quotation mark and SQL', by("x' OR '1'='1", 'ES256')),
  bad('kid that is a URL', by('https://elsewhere.example/keys.json', 'ES256')),
  bad('kid __proto__', by('__proto__', 'ES256')),
  ...[5, null, ['ES256'], { kid: 'ES256' }, true].map((kid) => bad(`kid ${JSON.stringify(kid)}`, (m) => m.forged({ header: m.header({ kid }) }))),
  good('kid with the characters of a path, published so', by('../../keys/main.pem', 'path')),
  good('kid that is not ASCII, published so', by('schlüssel', 'unicode')),
  good('kid that is empty, published so', by('', 'empty')),
  bad('kid that is empty, key of another', by('', 'ES256')),
  alone('kid of 300 characters, published so', 'a kid has at most 256 characters: it is read before anything is verified', 'RFC 8725 §3.10, RFC 8259 §9', by(LONG_KID, 'long')),
  bad('kid of 3,000 characters', by('k'.repeat(3_000), 'ES256')),
  good('RS256 by a key without algorithm', by('open', 'open', 'RS256')),
  good('PS256 by a key without algorithm', by('open', 'open', 'PS256')),
  good('ES256 by a key without algorithm', by('open-ec', 'openEc')),
  good('key whose key_ops hold verify', by('verify-too', 'verifyToo')),
  bad('key whose key_ops lack verify, without kid', by(undefined, 'encryptOnly')),
  bad('key for encryption', by('enc', 'enc', 'RS256')),
  bad('key for encryption, without kid', by(undefined, 'enc', 'RS256')),
  bad('key published for an algorithm of another kind', by('mismatched', 'mismatched', 'RS256')),
  bad('key published for an algorithm of another kind, without kid', by(undefined, 'mismatched', 'RS256')),
  bad('RSA key of 1,024 bits', by('small', 'small', 'RS256')),
  bad('RSA key of 1,024 bits, without kid', by(undefined, 'small', 'RS256')),
  bad('RSA key with the exponent 1', (m) => {
    const message = `${encode(m.header({ kid: 'exponent-one' }, 'RS256'))}.${encode(m.claims())}`;
    return `${message}.${encode(padded(message))}`;
  }),
  bad('point off the curve', by('off-curve', 'ES256')),
  good('one kid on two keys of different kinds, RSA', by('twin', 'twinRsa', 'RS256')),
  good('one kid on two keys of different kinds, EC', by('twin', 'twinEc')),
  good('one kid on two keys of one kind, the first', by('pair', 'pairFirst')),
  good('one kid on two keys of one kind, the second', by('pair', 'pairSecond')),
  bad('one kid on two keys of one kind, neither', by('pair', 'foreignES256')),
  good('key without kid, token without kid', by(undefined, 'nameless', 'ES384')),
  bad('key without kid, token with one', by('nameless', 'nameless', 'ES384')),
  bad('key published with its private half', by('leaked', 'leaked')),
  // The header brings a key or says where one is.
  bad('jwk in the header, signed by it', bringing('foreignES256', (jwk) => ({ jwk, kid: undefined }))),
  bad('jwk in the header, signed by it, under our kid', bringing('foreignES256', (jwk) => ({ jwk }))),
  bad('jwk in the header with our kid inside', bringing('foreignES256', (jwk) => ({ jwk: { ...jwk, kid: 'ES256', alg: 'ES256', use: 'sig' } }))),
  bad('jku in the header, kid of nobody', bringing('foreignES256', (_, m) => ({ jku: `${m.issuer}/evil/jwks`, kid: 'evil' }))),
  bad('jku in the header, our kid', bringing('foreignES256', (_, m) => ({ jku: `${m.issuer}/evil/jwks` }))),
  bad('x5u in the header', bringing('foreignES256', (_, m) => ({ x5u: `${m.issuer}/evil/certificate`, kid: undefined }))),
  bad('x5c in the header', bringing('foreignES256', (jwk) => ({ x5c: [encode(JSON.stringify(jwk))], kid: undefined }))),
  good('jwk of a stranger in the header, signed by our key', (m) => m.forged({ header: m.header({ jwk: generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' }) }) })),
  good('jku of a stranger in the header, signed by our key', (m) => m.forged({ header: m.header({ jku: `${m.issuer}/evil/jwks` }) })),
  good('x5u and x5t in the header, signed by our key', (m) => m.forged({ header: m.header({ x5u: `${m.issuer}/evil/certificate`, x5t: 'AAAA' }) })),
];
