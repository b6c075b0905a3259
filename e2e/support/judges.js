// Three judges of one token: our server, jose and PyJWT. Each answers `{subject}` where it accepts, `{reason}` where it refuses.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { request } from 'node:http';
import { fileURLToPath } from 'node:url';
import { createLocalJWKSet, errors, jwtVerify } from 'jose';
import { ALGORITHMS, AUDIENCE } from './token-maker.js';

const PYTHON = process.env.DOORWARD_PYTHON ?? fileURLToPath(new URL('../../target/tools/python/bin/python', import.meta.url));
const SCRIPT = fileURLToPath(new URL('../python/judge_tokens.py', import.meta.url));

/** The settings that all three have in common; `maxAge` is ours, and PyJWT has none. */
export const settings = (issuer) => ({
  issuer,
  audience: AUDIENCE,
  algorithms: ALGORITHMS,
  typ: 'at+jwt',
  leeway: 60,
  maxAge: 366 * 86_400,
  // RFC 9068 §2.2.
  required: ['iss', 'exp', 'aud', 'sub', 'client_id', 'iat', 'jti'],
});

/** Sends a token as a client would; header values are bytes, and a token may hold any. */
export async function askServer(url, token, { agent } = {}) {
  const authorization = Buffer.from(`Bearer ${token}`).toString('latin1');
  const sent = request(url, { agent, headers: { authorization } });
  sent.end();
  const [response] = await once(sent, 'response');
  let text = '';
  for await (const piece of response.setEncoding('utf8')) text += piece;
  return { status: response.statusCode, headers: response.headers, text };
}

export async function judgeByServer(url, token) {
  const answer = await askServer(url, token);
  return answer.status === 200 ? { subject: JSON.parse(answer.text).subject, answer } : { reason: answer.status, answer };
}

export function joseJudge(jwks, { issuer, audience, algorithms, typ, leeway, maxAge, required }) {
  const keys = createLocalJWKSet(jwks);
  const options = { issuer, audience, algorithms, typ, clockTolerance: leeway, maxTokenAge: maxAge, requiredClaims: required };
  return async (token) => {
    try {
      return { subject: (await verifyWithEach(token, keys, options)).payload.sub };
    } catch (error) {
      return { reason: `${error.code ?? error.name}: ${error.message}` };
    }
  };
}

/** As jose's documentation has it for a token that several keys may have signed. */
async function verifyWithEach(token, keys, options) {
  try {
    return await jwtVerify(token, keys, options);
  } catch (error) {
    if (error?.code !== 'ERR_JWKS_MULTIPLE_MATCHING_KEYS') throw error;
    for await (const key of error) {
      try {
        return await jwtVerify(token, key, options);
      } catch (inner) {
        if (inner?.code !== 'ERR_JWS_SIGNATURE_VERIFICATION_FAILED') throw inner;
      }
    }
    throw new errors.JWSSignatureVerificationFailed();
  }
}

/** One process for all tokens. */
export async function judgeByPython(jwks, { issuer, audience, algorithms, typ, leeway, required }, tokens) {
  const child = spawn(PYTHON, [SCRIPT], { stdio: ['pipe', 'pipe', 'inherit'] });
  child.stdin.end(JSON.stringify({ jwks, settings: { issuer, audience, algorithms, typ, leeway, required }, tokens }));
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (piece) => { text += piece; });
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`${SCRIPT} ended with ${code}; \`cargo xtask test --install\` installs what it needs`);
  return JSON.parse(text);
}
