// Header members beside `alg` and `kid`: `typ`, `cty`, `crit` and what would change the payload (RFC 7515 §4.1, RFC 9068 §2.1 and §4).

import { encode } from '../token-maker.js';
import { alone, bad, good } from './row.js';

const typ = (value) => (m) => m.forged({ header: m.header({ typ: value }) });
const header = (change) => (m) => m.forged({ header: m.header(change) });
/** The header as JSON text, changed by hand. */
const text = (change) => (m) => m.forged({ header: change(JSON.stringify(m.header())) });

export const headerRows = [
  ...['at+jwt', 'AT+JWT', 'At+Jwt', 'application/at+jwt', 'APPLICATION/AT+JWT', 'application/AT+jwt'].map((value) => good(`typ ${value}`, typ(value))),
  ...[
    'JWT', 'jwt', 'application/jwt', 'id+jwt', 'logout+jwt', 'dpop+jwt', 'token-introspection+jwt', 'secevent+jwt', 'oauth-authz-req+jwt',
    'client-authentication+jwt', 'JOSE', 'rt+jwt', '', ' at+jwt', 'at+jwt ', 'at+jwt; charset=utf-8', 'at jwt', 'at-jwt', 'at+jwts', 'xat+jwt',
    'text/at+jwt', 'application/application/at+jwt', 'application/', 'application/x-at+jwt', '/at+jwt', 'ａｔ+jwt',
  ].map((value) => bad(`typ ${JSON.stringify(value)}`, typ(value))),
  ...[null, 5, ['at+jwt'], { typ: 'at+jwt' }, false].map((value) => bad(`typ ${JSON.stringify(value)}`, typ(value))),
  bad('typ absent', typ(undefined)),
  bad('typ under another letter case', header({ typ: undefined, Typ: 'at+jwt' })),
  bad('crit exp', header({ crit: ['exp'] })),
  bad('crit of an extension that nobody knows', header({ crit: ['https://acme.test/must'], 'https://acme.test/must': true })),
  bad('crit of a header member that is known', header({ crit: ['kid'] })),
  bad('crit empty', header({ crit: [] })),
  bad('crit no list', header({ crit: 'b64' })),
  bad('crit null', header({ crit: null })),
  bad('crit b64 and b64 false', (m) => m.spelled(encode(m.header({ b64: false, crit: ['b64'] })), encode(m.claims()))),
  bad('crit b64 and b64 false, payload as it is', (m) => m.spelled(encode(m.header({ b64: false, crit: ['b64'] })), 'payload')),
  alone('crit b64 and b64 true', 'crit names an extension that we do not implement', 'RFC 7515 §4.1.11', header({ b64: true, crit: ['b64'] })),
  bad('b64 false without crit', header({ b64: false })),
  alone('b64 true without crit', 'b64 without crit, which has to name it', 'RFC 7797 §6', header({ b64: true })),
  alone('b64 no boolean', 'b64 without crit, which has to name it', 'RFC 7797 §6', header({ b64: 'false' })),
  alone('zip', 'zip belongs to encryption and would change what the payload is', 'RFC 7516 §4.1.3', header({ zip: 'DEF' })),
  alone('enc', 'enc says that it is an encrypted token', 'RFC 7516 §9', header({ enc: 'A128GCM' })),
  alone('cty JWT', 'cty JWT says that the payload is another token', 'RFC 7519 §5.2', header({ cty: 'JWT' })),
  alone('cty in small letters', 'cty JWT says that the payload is another token, in any letter case', 'RFC 7519 §5.2', header({ cty: 'jwt' })),
  alone('cty no string', 'cty is a string', 'RFC 7515 §4.1.10', header({ cty: 5 })),
  good('cty of JSON', header({ cty: 'json' })),
  good('iss and aud again in the header', (m) => m.forged({ header: m.header({ iss: 'https://elsewhere.example', aud: 'x' }) })),
  good('header members that nobody knows', header({ extra: { deep: [1, 2, 3] }, 'x.y': null })),
  good('header member __proto__', text((json) => json.replace('{', '{"__proto__":{"alg":"none"},'))),
  good('header with white space between members', (m) => m.forged({ header: JSON.stringify(m.header(), null, 2) })),
  good('header with escaped member names', text((json) => json.replace('"alg"', '"\\u0061lg"'))),
  alone('header with alg twice, the same', 'a header member stands once', 'RFC 7515 §4', text((json) => json.replace('{', '{"alg":"ES256",'))),
  alone('header with alg twice, none first', 'a header member stands once', 'RFC 7515 §4', text((json) => json.replace('{', '{"alg":"none",'))),
  bad('header with alg twice, none last', text((json) => json.replace(/}$/, ',"alg":"none"}'))),
  alone('header with kid twice, another first', 'a header member stands once', 'RFC 7515 §4', text((json) => json.replace('{', '{"kid":"nobody",'))),
  alone('header with typ twice, JWT first', 'a header member stands once', 'RFC 7515 §4', text((json) => json.replace('{', '{"typ":"JWT",'))),
  alone('header with typ twice, once escaped', 'a header member stands once, however it is spelled', 'RFC 7515 §4', text((json) => json.replace('{', '{"\\u0074yp":"JWT",'))),
  bad('header of a comment', text((json) => json.replace('{', '{/* */'))),
  bad('header with a comma at the end', text((json) => json.replace(/}$/, ',}'))),
  bad('header with something behind it', text((json) => `${json}x`)),
  bad('header with a second object behind it', text((json) => `${json}{}`)),
  alone('header with a byte order mark', 'JSON has no byte order mark', 'RFC 8259 §8.1', text((json) => `\ufeff${json}`)),
  ...['[]', '"at+jwt"', 'null', '5', ''].map((value) => bad(`header ${value || 'empty'}`, (m) => m.spelled(encode(value), encode(m.claims())))),
  bad('header that is not UTF-8', (m) => m.forged({ header: Buffer.from(JSON.stringify(m.header({ extra: '\u00ff' })), 'latin1') })),
  bad('header in UTF-16', (m) => m.forged({ header: Buffer.from(JSON.stringify(m.header()), 'utf16le') })),
  alone('header of 5,000 bytes', 'a header has at most 4 KB', 'RFC 8259 §9', header({ extra: 'x'.repeat(5_000) })),
  alone('header nested twenty levels deep', 'JSON has at most sixteen levels', 'RFC 8259 §9', text((json) => json.replace('{', `{"extra":${'['.repeat(20)}${']'.repeat(20)},`))),
];
