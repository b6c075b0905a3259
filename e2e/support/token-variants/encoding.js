// Segments, base64url and size (RFC 7515 §2, §3.1 and §7.1, RFC 7516 §9).

import { CompactEncrypt, FlattenedSign } from 'jose';
import { encode } from '../token-maker.js';
import { alone, bad, good } from './row.js';

/** A good token, spelled otherwise. */
const respelled = (change) => async (m) => change(await m.token(), m);
const segment = (index, change) => respelled((token) => token.split('.').map((part, at) => (at === index ? change(part) : part)).join('.'));
/** Signed as it is spelled, so that the spelling alone is at fault. */
const signed = (header, payload) => (m) => m.spelled(header(encode(m.header()), m), payload(encode(m.claims()), m));
const same = (part) => part;

/** Another last character for the same bytes: the unused bits are set. */
function uncanonical(part) {
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  return part.slice(0, -1) + letters[letters.indexOf(part.at(-1)) | 1];
}

/** Claims whose encoding has unused bits at its end. */
const loose = (m) => {
  let padding = '';
  while (Buffer.byteLength(JSON.stringify(m.claims({ padding }))) % 3 === 0) padding += 'x';
  return encode(m.claims({ padding }));
};
const padded = (part) => part + '='.repeat((4 - (part.length % 4)) % 4);

async function encrypted(m, header, key) {
  return new CompactEncrypt(Buffer.from(await m.token())).setProtectedHeader({ cty: 'JWT', typ: 'at+jwt', ...header }).encrypt(key);
}

export const encodingRows = [
  bad('two segments', respelled((token) => token.split('.').slice(0, 2).join('.'))),
  bad('one segment', respelled((token) => token.split('.')[0])),
  bad('four segments', respelled((token) => `${token}.`)),
  bad('four segments, the first empty', respelled((token) => `.${token}`)),
  bad('four segments, the last repeated', respelled((token) => `${token}.${token.split('.')[2]}`)),
  bad('five segments', respelled((token) => `${token}..`)),
  bad('empty header', segment(0, () => '')),
  bad('empty payload', segment(1, () => '')),
  bad('empty payload, signed so', (m) => m.spelled(encode(m.header()), '')),
  bad('two dots alone', () => '..'),
  bad('five hundred dots', () => '.'.repeat(500)),
  bad('two tokens, one behind the other', respelled((token) => `${token}.${token}`)),
  ...[0, 1, 2].flatMap((index) => {
    const name = ['header', 'payload', 'signature'][index];
    return [
      bad(`${name} with a space in it`, segment(index, (part) => `${part.slice(0, 4)} ${part.slice(4)}`)),
      bad(`${name} with a tab in it`, segment(index, (part) => `${part.slice(0, 4)}\t${part.slice(4)}`)),
      bad(`${name} with a character outside the alphabet`, segment(index, (part) => `${part.slice(0, 4)}!${part.slice(5)}`)),
      bad(`${name} with a character of another alphabet`, segment(index, (part) => `${part.slice(0, 4)}~${part.slice(5)}`)),
      bad(`${name} with a percent sign`, segment(index, (part) => `${part.slice(0, 4)}%41${part.slice(5)}`)),
      bad(`${name} with one character too many`, segment(index, (part) => `${part}A`)),
      bad(`${name} with = in the middle`, segment(index, (part) => `${part.slice(0, 4)}=${part.slice(4)}`)),
      bad(`${name} with ==== at its end`, segment(index, (part) => `${part}====`)),
      bad(`${name} with a letter that is not ASCII`, segment(index, (part) => `${part.slice(0, 4)}é${part.slice(4)}`)),
    ];
  }),
  alone('payload with padding, signed so', 'base64url is without padding', 'RFC 7515 §2', signed(same, (_, m) => padded(loose(m)))),
  alone('signature with padding', 'base64url is without padding', 'RFC 7515 §2', segment(2, padded)),
  bad('payload in the standard alphabet, signed so', signed(same, (_, m) => encode(m.claims({ text: '???>>>' })).replaceAll('-', '+').replaceAll('_', '/'))),
  bad('payload with unused bits set, signed so', signed(same, (_, m) => uncanonical(loose(m)))),
  bad('signature with unused bits set', segment(2, uncanonical)),
  bad('header with unused bits set, signed so', (m) => {
    let padding = '';
    while (Buffer.byteLength(JSON.stringify(m.header({ padding }))) % 3 === 0) padding += 'x';
    return m.spelled(uncanonical(encode(m.header({ padding }))), encode(m.claims()));
  }),
  bad('detached payload', segment(1, () => '')),
  bad('JWS in JSON', async (m) => JSON.stringify(
    await new FlattenedSign(Buffer.from(JSON.stringify(m.claims()))).setProtectedHeader(m.header()).sign(m.key('ES256')),
  )),
  bad('quotation marks around it', respelled((token) => `"${token}"`)),
  bad('the word Bearer again before it', respelled((token) => `Bearer ${token}`)),
  bad('a comma and another token behind it', respelled((token) => `${token},${token}`)),
  bad('random letters', () => 'c'.repeat(60)),
  bad('a token that is itself the payload of another', async (m) => m.token({ payload: JSON.stringify(await m.token()) })),
  bad('a token that is itself the payload, with cty', async (m) => m.token({ payload: await m.token(), header: { cty: 'JWT' } })),
  // Encrypted tokens (RFC 7516): five segments, of which nothing is read.
  bad('encrypted for a key of ours', (m) => encrypted(m, { alg: 'RSA-OAEP-256', enc: 'A128GCM', kid: 'enc' }, m.pairs.enc.publicKey)),
  bad('encrypted with a key that both know', (m) => encrypted(m, { alg: 'dir', enc: 'A256GCM' }, m.secret)),
  bad('encrypted with a password that takes hours to stretch', (m) => `${encode({ alg: 'PBES2-HS256+A128KW', enc: 'A128GCM', p2c: 1e9, p2s: encode('salt-and-more') })}.${encode('key')}.${encode('iv')}.${encode(m.claims())}.${encode('tag')}`),
  good('payload of 5,000 bytes', (m) => m.token({ claims: { extra: 'x'.repeat(4_700) } })),
  alone('token of 9,000 bytes', 'a token has at most 8 KB, so that it fits into what servers read of a header', 'RFC 9110 §5.4', (m) => m.token({ claims: { extra: 'x'.repeat(6_500) } })),
];
