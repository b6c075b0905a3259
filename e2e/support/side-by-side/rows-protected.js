// Protected endpoints: without a session, and with bearer tokens.

import { randomBytes } from 'node:crypto';
import { because, CHALLENGE, group, NO_STORE, OUTAGE, PROBLEM, row } from './rows.js';

export const HELLO = '/api/v1/hello-world';
const ME = '/api/v1/me';
const REFUSAL = [PROBLEM, NO_STORE, CHALLENGE];

const bearer = (token) => ({ authorization: `Bearer ${token}` });
const withHeader = (token, change) => {
  const [header, ...rest] = token.split('.');
  const changed = { ...JSON.parse(Buffer.from(header, 'base64url')), ...change };
  return [Buffer.from(JSON.stringify(changed)).toString('base64url'), ...rest].join('.');
};
/** GET hello-world with an access token of alice some of whose claims are changed before it is signed. */
const withClaims = (claims) => async (side) => {
  await side.configure({ claims: { access_token: claims() } });
  return side.get(HELLO, bearer((await side.tokensOfAlice()).access_token));
};

const nobody = group('Nobody signed in', [
  row('GET hello-world', (side) => side.get(HELLO), ['401'], ['401', 'session_missing'], REFUSAL),
  row('POST hello-world', (side) => side.post(HELLO), ['401'], ['401', 'session_missing'], REFUSAL),
  row('HEAD hello-world', (side) => side.request(HELLO, { method: 'HEAD' }), ['405'], ['401', 'Session'], [
    because('status', 'HEAD is what GET is, without the body (RFC 9110 §9.3.2); FastAPI routes it only where told to.'), ...REFUSAL,
  ]),
  row('GET me, which takes a session only', (side) => side.get(ME), ['401'], ['401', 'session_missing'], REFUSAL),
  row('GET hello-world as a navigation', (side) => side.get(HELLO, {
    accept: 'text/html', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document',
  }), ['401'], ['401', 'session_missing'], REFUSAL),
  row('GET hello-world with garbage for a session cookie', (side) => side.get(HELLO, { cookie: `${side.sessionCookie}=garbage` }),
    ['401', '!cookies'], ['401', 'session_invalid'], REFUSAL),
  row('GET hello-world with a malformed foreign cookie', (side) => side.get(HELLO, { cookie: 'other=%zz; "broken; =; a,b=1' }),
    ['401'], ['401', 'session_missing'], REFUSAL),
  row('GET session', (side) => side.get('/api/auth/session'), ['401'], ['401', 'session_missing'], REFUSAL),
  row('GET token', (side) => side.get('/api/auth/token'), ['401'], ['401', 'session_missing'], REFUSAL),
  row('OPTIONS hello-world, a preflight from another origin', (side) => side.request(HELLO, {
    method: 'OPTIONS', headers: { origin: 'https://evil.example', 'access-control-request-method': 'POST' },
  }), ['405'], ['204'], [
    because('status type body', 'Doorward never refuses a preflight and allows nothing in it to an origin that was not named; ' +
      'the browser then sends nothing. FastAPI has no OPTIONS without its CORS middleware.'),
    NO_STORE,
  ]),
]);

const tokens = group('Bearer tokens', [
  row('`Authorization: Bearer` and no token', (side) => side.get(HELLO, { authorization: 'Bearer' }), ['500'], ['401', 'token_invalid'], [
    because('status type body', 'A malformed header is a missing credential, not a fault of the server (M2).'), NO_STORE, CHALLENGE,
  ]),
  row('`Authorization: Basic …`', (side) => side.get(HELLO, { authorization: 'Basic dTpw' }), ['500'], ['401', 'session_missing'], [
    because('status type body', 'Another scheme is none of ours and counts as no credential (M2).'), NO_STORE, CHALLENGE,
  ]),
  row('`Bearer not.a.token`', (side) => side.get(HELLO, bearer('not.a.token')), ['401'], ['401', 'token_invalid'], REFUSAL),
  row('access token of alice, GET', async (side) => side.get(HELLO, bearer((await side.tokensOfAlice()).access_token)),
    ['200', 'Hello'], ['200', 'Hello'], [NO_STORE]),
  row('access token of alice, POST', async (side) => side.post(HELLO, bearer((await side.tokensOfAlice()).access_token)),
    ['200', 'Hello'], ['200', 'Hello'], [NO_STORE]),
  row('access token of alice, scheme written `bearer`', async (side) =>
    side.get(HELLO, { authorization: `bearer ${(await side.tokensOfAlice()).access_token}` }), ['500'], ['200', 'Hello'], [
    because('status type body', 'The scheme is case-insensitive (RFC 9110 §11.1); what the SDK takes for malformed is an exception (M2).'), NO_STORE,
  ]),
  row('access token of alice at me, which takes a session only', async (side) => side.get(ME, bearer((await side.tokensOfAlice()).access_token)),
    ['401'], ['401', 'session_missing'], REFUSAL),
  row('two `Authorization` headers, the first with an access token of alice', async (side) => {
    const { authorization } = bearer((await side.tokensOfAlice()).access_token);
    return side.get(HELLO, { authorization: [authorization, 'Bearer other'] });
  }, ['200', 'Hello'], ['400'], [
    because('status type challenge body', 'Two credentials are one too many (RFC 6750 §2 and §3.1, `invalid_request`); FastAPI reads the first.'), NO_STORE,
  ]),
  row('access token of another issuer', withClaims(() => ({ iss: 'https://evil.example' })), ['401'], ['401', 'token_invalid'], REFUSAL),
  row('access token that has ended', withClaims(() => ({ exp: Math.floor(Date.now() / 1000) - 3600 })), ['401'], ['401', 'token_expired'], REFUSAL),
  row('access token without `exp`', withClaims(() => ({ exp: null })), ['200', 'Hello'], ['401', 'token_invalid'], [
    because('status type body', '`exp` is required (RFC 9068 §2.2); the SDK checks it where it is there (J2).'), NO_STORE, CHALLENGE,
  ]),
  row('access token with `alg: none` and no signature', async (side) => {
    const token = withHeader((await side.tokensOfAlice()).access_token, { alg: 'none' });
    return side.get(HELLO, bearer(`${token.slice(0, token.lastIndexOf('.'))}.`));
  }, ['401'], ['401', 'token_invalid'], REFUSAL),
  row('ID token of alice', async (side) => side.get(HELLO, bearer((await side.tokensOfAlice()).id_token)), ['200', 'Hello'], ['401', 'token_invalid'], [
    because('status type body', 'An ID token tells a client who somebody is and opens nothing: an access token says `at+jwt` in its header (RFC 9068 §4); the SDK looks at no `typ` and no `aud` (J1).'),
    NO_STORE, CHALLENGE,
  ]),
  row('access token that another client got', withClaims(() => ({ client_id: 'another-client' })), ['200', 'Hello'], ['401', 'token_invalid'], [
    because('status type body', 'The platform\'s access tokens name no audience, so Doorward\'s application names the clients whose tokens it takes; the SDK has no such setting (J3).'),
    NO_STORE, CHALLENGE,
  ]),
  row('access token of the application itself (client credentials)', async (side) =>
    side.get(HELLO, bearer((await side.tokens({ grant_type: 'client_credentials' })).access_token)), ['200', 'Hello'], ['200', 'Hello'], [NO_STORE]),
  row('ten access tokens, each with a `kid` that nobody knows', async (side) => {
    const { access_token: token } = await side.tokensOfAlice();
    return side.counting(async () => {
      let answer;
      for (let count = 0; count < 10; count += 1) {
        answer = await side.get(HELLO, bearer(withHeader(token, { kid: randomBytes(9).toString('hex') })));
      }
      return answer;
    }, ['jwks']);
  }, ['401', 'JWKS × 10'], ['401', '!JWKS ×'], [
    because('calls', 'Unknown keys are asked for once in thirty seconds at most, however many tokens name them (J4).'), ...REFUSAL,
  ]),
  row('a bad token together with a good session', async (side) => {
    await side.signedIn();
    return side.get(HELLO, { ...bearer('not.a.token'), ...side.csrf() });
  }, ['200', 'Hello'], ['401', 'token_invalid'], [
    because('status type body cookies', 'Where a route takes bearer tokens, the header alone decides and no cookie is read; the SDK asks the strategies in turn until one passes.'),
    NO_STORE, CHALLENGE,
  ]),
  row('access token of alice while the keys were never fetched and cannot be', async ({ brief: side }) => {
    await side.configure({ errors: { jwks: { status: 503 } } });
    return side.get(HELLO, bearer((await side.tokensOfAlice()).access_token));
  }, ['401'], ['503', 'Retry-After', 'provider_unavailable'], [OUTAGE, PROBLEM, NO_STORE]),
]);

export const PROTECTED = [...nobody, ...tokens];
