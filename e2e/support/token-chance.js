// Tokens changed by chance, so that the table's author is not the only one who thinks of something.

import { ALGORITHMS } from './token-maker.js';

const CLAIMS = ['iss', 'aud', 'sub', 'client_id', 'jti', 'iat', 'exp', 'nbf', 'scope', 'scp', 'cnf', 'auth_time', 'acr', 'azp', 'tenant', 'roles', 'gty'];
const HEADERS = ['alg', 'kid', 'typ', 'cty', 'crit', 'b64', 'jwk', 'jku', 'zip', 'enc', 'x5c'];
const JSON_PIECES = ['"', '\\', ',', ':', '0', '}', '{', '\\u0000', 'e9', '.', '-', ' '];
const TOKEN_PIECES = ['A', '_', '-', '=', '.', '+', '/', ''];
const SPACES = [' ', '\n', '\t', '\ufeff', '\u00a0', '\u000b'];

/** `count` tokens; the same `seed` makes the same changes. */
export function changedByChance(maker, { count, seed }) {
  let state = seed;
  const chance = () => { state = (Math.imul(state, 1664525) + 1013904223) >>> 0; return state / 2 ** 32; };
  const pick = (list) => list[Math.floor(chance() * list.length)];
  const { now, issuer, audience } = maker;
  const values = [
    undefined, null, true, 0, 1, -1, -0, 0.5, 1e300, Number.MAX_SAFE_INTEGER, now, now + 600, now - 3_600, now + 0.5, String(now), '', 'x', 'é',
    '\u0000', 'a\nb', '\ud800', [], {}, ['x'], issuer, [issuer], audience, [audience], [audience, 5], 'at+jwt', 'JWT', 'ES256', 'RS256', 'none',
  ];
  const changed = (object, names, most) => {
    for (let times = Math.floor(chance() * most); times > 0; times -= 1) object[pick(names)] = pick(values);
    return JSON.stringify(object);
  };
  const spoiled = (text, pieces, odds) => {
    if (chance() >= odds) return text;
    const at = Math.floor(chance() * text.length);
    return text.slice(0, at) + pick(pieces) + text.slice(at + Math.round(chance()));
  };
  return Array.from({ length: count }, (_, index) => {
    const alg = pick(ALGORITHMS);
    let payload = spoiled(changed(maker.claims({ sub: `alice-${index}` }), CLAIMS, 2.2), JSON_PIECES, 0.1);
    if (chance() < 0.1) payload = pick(SPACES) + payload + pick(SPACES);
    const header = changed(maker.header({}, alg), HEADERS, 1.5);
    return spoiled(maker.forged({ alg, header, payload }), TOKEN_PIECES, 0.15);
  });
}
