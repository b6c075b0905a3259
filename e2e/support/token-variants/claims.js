// The payload as JSON, and claims beside the registered ones (RFC 7519 §4, RFC 8259, RFC 9068 §2.2.1 to §2.2.3).

import { encode } from '../token-maker.js';
import { alone, bad, good } from './row.js';

const claims = (change) => (m) => m.token({ claims: typeof change === 'function' ? change(m) : change });
const text = (change) => (m) => m.token({ payload: change(JSON.stringify(m.claims()), m) });
const bytes = (change) => (m) => m.forged({ payload: change(Buffer.from(JSON.stringify(m.claims())), m) });
const before = (member) => text((json) => json.replace('{', `{${member},`));
const behind = (member) => text((json) => json.replace(/}$/, `,${member}}`));
const ONCE = 'a claim stands once: of two, one reader takes the first and another the last';
const BOUND = 'a token that is bound to a key is worth nothing without the proof of that key';
const SCOPE = 'scope is a text';

export const claimRows = [
  ...['[]', 'null', 'true', '5', '"alice"', '', ' ', '{', '{}x', "{'sub':'alice'}"].map((value) => bad(`payload ${value || 'empty'}`, (m) => m.token({ payload: value }))),
  bad('payload an empty object', (m) => m.token({ payload: '{}' })),
  bad('payload in a list', text((json) => `[${json}]`)),
  bad('payload with something behind it', text((json) => `${json}x`)),
  bad('payload with a second object behind it', text((json) => `${json}{}`)),
  bad('payload with a comma at its end', text((json) => json.replace(/}$/, ',}'))),
  bad('payload with a comment', text((json) => json.replace('{', '{/* */'))),
  bad('payload with a line break within a text', text((json) => json.replace('orders:read', 'orders:\nread'))),
  bad('payload with a zero byte behind it', bytes((json) => Buffer.concat([json, Buffer.alloc(1)]))),
  alone('payload with a byte order mark', 'JSON has no byte order mark', 'RFC 8259 §8.1', text((json) => `\ufeff${json}`)),
  bad('payload in UTF-16', bytes((json) => Buffer.from(json.toString(), 'utf16le'))),
  bad('payload that is not UTF-8', (m) => m.forged({ payload: Buffer.from(JSON.stringify(m.claims({ name: '\u00e4' })), 'latin1') })),
  bad('payload with an overlong slash', bytes((json) => Buffer.from(json.toString('latin1').replace('orders:read', '\u00c0\u00af'), 'latin1'))),
  bad('payload with a half character in bytes', bytes((json) => Buffer.from(json.toString('latin1').replace('orders:read', '\u00ed\u00a0\u0080'), 'latin1'))),
  alone('payload with half a character, escaped', 'a text is made of whole characters', 'RFC 8259 §8.2', behind('"name":"\\ud83d"')),
  good('payload with a character outside the plane, escaped', behind('"name":"\\ud83d\\ude00"')),
  good('payload with claims that are not ASCII', claims({ name: 'Zoë 漢字 😀', 'schlüssel': 'ß' })),
  good('payload with escaped zero byte in a claim of no meaning', behind('"name":"\\u0000"')),
  good('payload with white space', (m) => m.token({ payload: JSON.stringify(m.claims(), null, '\t') })),
  good('payload with white space around it', text((json) => ` \r\n\t${json} \n`)),
  good('payload with escaped member names', text((json) => json.replace('"sub"', '"\\u0073ub"').replace('"aud"', '"a\\u0075d"'))),
  good('payload with a member __proto__', before('"__proto__":{"sub":"bob","exp":1}')),
  good('payload with a member constructor', before('"constructor":{"prototype":{"sub":"bob"}}')),
  good('payload with an empty member name', before('"":"x"')),
  alone('sub twice, another first', ONCE, 'RFC 7519 §4', before('"sub":"bob"')),
  alone('sub twice, another last', ONCE, 'RFC 7519 §4', behind('"sub":"bob"')),
  alone('sub twice, the same', ONCE, 'RFC 7519 §4', (m) => m.token({ payload: JSON.stringify(m.claims()).replace('{', `{"sub":"${m.subject}",`) })),
  alone('sub twice, once escaped', ONCE, 'RFC 7519 §4', before('"\\u0073ub":"bob"')),
  alone('exp twice, expired first', ONCE, 'RFC 7519 §4', before('"exp":1')),
  bad('exp twice, expired last', behind('"exp":1')),
  alone('iss twice, another first', ONCE, 'RFC 7519 §4', before('"iss":"https://elsewhere.example"')),
  bad('iss twice, another last', behind('"iss":"https://elsewhere.example"')),
  alone('aud twice, another first', ONCE, 'RFC 7519 §4', before('"aud":"https://other.acme.test"')),
  bad('aud twice, another last', behind('"aud":"https://other.acme.test"')),
  alone('scope twice, less first', ONCE, 'RFC 7519 §4', before('"scope":"none"')),
  alone('a claim of no meaning twice', ONCE, 'RFC 7519 §4', before('"x":1,"x":1')),
  alone('a member twice, deep inside', ONCE, 'RFC 7519 §4', before('"x":{"y":[{"z":1,"z":2}]}')),
  good('payload nested ten levels deep', before(`"x":${'['.repeat(10)}${']'.repeat(10)}`)),
  alone('payload nested twenty levels deep', 'JSON has at most sixteen levels', 'RFC 8259 §9', before(`"x":${'['.repeat(20)}${']'.repeat(20)}`)),
  bad('payload nested two thousand levels deep', before(`"x":${'['.repeat(2_000)}${']'.repeat(2_000)}`)),
  alone('a number beyond all bounds', 'a number that is out of range is no value', 'RFC 8259 §6', before('"x":1e400')),
  bad('a number that is NaN', before('"x":NaN')),
  bad('a number with a leading zero', before('"x":01')),
  good('a number with a hundred digits', before(`"x":${'9'.repeat(100)}`)),
  good('a claim that is null', claims({ nickname: null })),
  good('two hundred claims', claims(Object.fromEntries(Array.from({ length: 200 }, (_, index) => [`claim_${index}`, index])))),

  alone('bound by DPoP', BOUND, 'RFC 9449 §7.2', claims({ cnf: { jkt: encode(Buffer.alloc(32, 7)) } })),
  alone('bound to a certificate', BOUND, 'RFC 8705 §3', claims({ cnf: { 'x5t#S256': encode(Buffer.alloc(32, 7)) } })),
  alone('bound to a key that is named', BOUND, 'RFC 7800 §3', claims({ cnf: { kid: 'ES256' } })),
  alone('bound to nothing', BOUND, 'RFC 7800 §3.1', claims({ cnf: {} })),
  alone('bound to null', BOUND, 'RFC 7800 §3.1', claims({ cnf: null })),

  good('scope absent', claims({ scope: undefined })),
  good('scope empty', claims({ scope: '' })),
  good('scope with doubled spaces', claims({ scope: ' orders:read   x ' })),
  good('scope with a quotation mark', claims({ scope: 'orders:read "x"' })),
  ...[['orders:read'], null, 5, { read: true }].map((scope) => alone(`scope ${JSON.stringify(scope)}`, SCOPE, 'RFC 9068 §2.2.3 (RFC 8693 §4.2)', claims({ scope }))),
  good('scp in a list', claims({ scope: undefined, scp: ['orders:read'] })),
  alone('scp in a list with a number', 'scp, read in place of an absent scope, is a text or a list of texts', 'RFC 9068 §2.2.3', claims({ scope: undefined, scp: ['orders:read', 5] })),

  good('acr', claims({ acr: 'urn:mace:incommon:iap:silver' })),
  ...[5, null, ['silver'], ''].map((acr) => alone(`acr ${JSON.stringify(acr)}`, 'acr is a text: one that cannot be read must not pass as none', 'RFC 9068 §2.2.1', claims({ acr }))),
  good('amr', claims({ amr: ['pwd', 'otp'] })),
  good('roles in a list', claims({ roles: ['admin'] })),
  good('roles that are no text', claims({ roles: [5, null, { admin: true }] })),
  good('groups and entitlements', claims({ groups: ['a'], entitlements: ['b'] })),
  good('tenant', claims({ tenant: 'acme' })),
  good('tenant null', claims({ tenant: null })),
  ...[5, ['acme'], 'x'.repeat(300)].map((tenant) => alone(`tenant ${JSON.stringify(tenant).slice(0, 20)}`, 'a tenant that cannot be read must not pass as none: tenants would meet', 'RFC 7519 §4', claims({ tenant }))),
  good('act of another party', claims({ act: { sub: 'worker' } })),
  good('nonce and at_hash beside typ at+jwt', claims({ nonce: 'n', at_hash: 'h' })),
  good('events beside typ at+jwt', claims({ events: { 'http://schemas.openid.net/event/backchannel-logout': {} } })),
  good('token_use id beside typ at+jwt', claims({ token_use: 'id' })),
  good('sub_kind', claims({ sub_kind: 'user' })),
  good('gty', claims({ gty: 'client-credentials' })),
  ...['sub_kind', 'gty', 'idtyp', 'azp'].map((name) => alone(`${name} a number`, 'a claim that is read has its type: what tells people from machines, or names a client, must not pass as none', 'RFC 7519 §4', claims({ [name]: 5 }))),
];
