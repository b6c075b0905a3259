// `exp`, `nbf` and `iat` (RFC 7519 §2 and §4.1.4 to §4.1.6, RFC 9068 §2.2). The leeway is 60 seconds for all.
//
// Time goes on while the table is judged. What is exactly at the edge stands on the side that it stays on; what is just
// inside or outside of it keeps half a minute.

import { alone, bad, good } from './row.js';

const claims = (change) => (m) => m.token({ claims: change(m.now) });
/** A claim as JSON text: what `JSON.stringify` would not write. */
const literal = (name, value) => (m) => m.token({
  payload: JSON.stringify(m.claims({ [name]: '@' })).replace(`"${name}":"@"`, `"${name}":${value}`),
});
const WRONG_TYPES = ['1999999999', null, true, [1999999999], { at: 1999999999 }, '', '2033-05-18T03:33:19Z'];
const RULE = 'a NumericDate is a number of seconds since 1970, from 0 to 2^53, where a double still counts seconds';

export const timeRows = [
  bad('exp absent', claims(() => ({ exp: undefined }))),
  bad('exp an hour ago', claims((now) => ({ exp: now - 3_600 }))),
  bad('exp a day ago', claims((now) => ({ iat: now - 90_000, exp: now - 86_400 }))),
  bad('exp 61 s ago', claims((now) => ({ exp: now - 61 }))),
  bad('exp exactly 60 s ago', claims((now) => ({ exp: now - 60 }))),
  good('exp 30 s ago', claims((now) => ({ exp: now - 30 }))),
  good('exp now', claims((now) => ({ exp: now }))),
  good('exp in a hundred years', claims((now) => ({ exp: now + 3_155_760_000 }))),
  good('exp at 2^53', literal('exp', '9007199254740992')),
  good('exp with a fraction', claims((now) => ({ exp: now + 600.5 }))),
  good('exp with an exponent', literal('exp', '4.102444800e9')),
  good('exp with .0', literal('exp', '4102444800.0')),
  bad('exp 0', claims(() => ({ exp: 0 }))),
  bad('exp -1', claims(() => ({ exp: -1 }))),
  bad('exp -0', literal('exp', '-0')),
  ...WRONG_TYPES.map((exp) => bad(`exp ${JSON.stringify(exp)}`, claims(() => ({ exp })))),
  alone('exp 1e300', RULE, 'RFC 7519 §2', literal('exp', '1e300')),
  alone('exp 2^63', RULE, 'RFC 7519 §2', literal('exp', '9223372036854775808')),
  alone('exp in milliseconds beyond 2^53', RULE, 'RFC 7519 §2', literal('exp', '99999999999999999')),
  good('exp in milliseconds', claims((now) => ({ exp: (now + 600) * 1_000 }))),
  bad('exp 1e400', literal('exp', '1e400')),
  bad('exp NaN', literal('exp', 'NaN')),
  bad('exp Infinity', literal('exp', 'Infinity')),
  bad('exp in hexadecimal', literal('exp', '0x7fffffff')),
  bad('exp with a leading zero', literal('exp', '04102444800')),
  bad('exp with a plus sign', literal('exp', '+4102444800')),
  bad('exp under another letter case', claims((now) => ({ exp: undefined, Exp: now + 600 }))),
  good('nbf absent', claims(() => ({ nbf: undefined }))),
  good('nbf an hour ago', claims((now) => ({ nbf: now - 3_600 }))),
  good('nbf in exactly 60 s', claims((now) => ({ nbf: now + 60 }))),
  bad('nbf in 90 s', claims((now) => ({ nbf: now + 90 }))),
  bad('nbf in an hour', claims((now) => ({ nbf: now + 3_600 }))),
  bad('nbf behind exp', claims((now) => ({ nbf: now + 700 }))),
  good('nbf with a fraction', claims((now) => ({ nbf: now - 0.5 }))),
  good('nbf 0', claims(() => ({ nbf: 0 }))),
  alone('nbf -1', RULE, 'RFC 7519 §2', claims(() => ({ nbf: -1 }))),
  bad('nbf 1e300', literal('nbf', '1e300')),
  ...WRONG_TYPES.map((nbf) => bad(`nbf ${JSON.stringify(nbf)}`, claims(() => ({ nbf })))),
  bad('iat absent', claims(() => ({ iat: undefined }))),
  good('iat now', claims((now) => ({ iat: now }))),
  good('iat an hour ago', claims((now) => ({ iat: now - 3_600 }))),
  good('iat in exactly 60 s', claims((now) => ({ iat: now + 60 }))),
  bad('iat in 90 s', claims((now) => ({ iat: now + 90 }))),
  bad('iat in an hour', claims((now) => ({ iat: now + 3_600 }))),
  good('iat 365 days ago', claims((now) => ({ iat: now - 365 * 86_400 }))),
  bad('iat ten years ago', claims((now) => ({ iat: now - 3_652 * 86_400 }))),
  bad('iat 0', claims(() => ({ iat: 0 }))),
  bad('iat -1', claims(() => ({ iat: -1 }))),
  good('iat with a fraction', claims((now) => ({ iat: now - 1.25 }))),
  bad('iat 1e300', literal('iat', '1e300')),
  ...WRONG_TYPES.map((iat) => bad(`iat ${JSON.stringify(iat)}`, claims(() => ({ iat })))),
  good('iat later than exp, within the leeway', claims((now) => ({ iat: now + 30, exp: now + 10 }))),
  good('auth_time an hour ago', claims((now) => ({ auth_time: now - 3_600 }))),
  alone('auth_time in an hour', 'nobody has authenticated in the future', 'RFC 9068 §2.2.1', claims((now) => ({ auth_time: now + 3_600 }))),
  ...['1999999999', null, true].map((time) => alone(`auth_time ${JSON.stringify(time)}`, 'auth_time is a number: an age that cannot be read must not pass as none', 'RFC 9068 §2.2.1', claims(() => ({ auth_time: time })))),
];
