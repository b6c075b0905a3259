// What a signed-in browser meets, and what happens when the access token ends.

import { because, CHALLENGE, group, NO_STORE, ONE_CALL, OUTAGE, PROBLEM, ROLLING, row } from './rows.js';
import { HELLO } from './rows-protected.js';

/** An access token that has ended when the next request comes. */
const SHORT = { access_token_ttl: 1 };
export const pause = (milliseconds) => new Promise((resolve) => { setTimeout(resolve, milliseconds); });
const past = () => pause(1600);

/** Signs alice in and makes a request; `headers` gets the side. */
const signedIn = (method, path, headers = () => ({})) => async (side) => {
  await side.signedIn();
  return side.request(path, { method, headers: headers(side) });
};
const csrf = (side) => side.csrf();

/** Signs in, lets the access token end with `trouble` at the provider, and asks for hello-world. */
const ended = (trouble = {}, settings = {}) => async (side) => {
  await side.configure({ ...SHORT, ...settings });
  await side.signedIn();
  await past();
  await side.configure({ ...settings, ...trouble });
  return side.counting(() => side.get(HELLO, side.csrf()));
};

const GREETED = ['200', 'Hello'];
const ANY_GET = 'Reading changes nothing and needs no CSRF token, or links, images and event streams could not be used; the SDK asks for it on every method (M7)';
const LAST_WORD = ' and, where bearer tokens are accepted too, answers 401 in the end, because the last strategy\'s refusal counts (M3)';
const KEPT = because('cookies calls', 'Rotated tokens are written; userinfo is asked again because the refreshed ID token says anew who it is.');

const session = group('With a session', [
  row('GET hello-world with the CSRF token', signedIn('GET', HELLO, csrf), GREETED, GREETED, [NO_STORE, ROLLING]),
  row('GET hello-world without it', signedIn('GET', HELLO), ['401'], GREETED, [because('status body', `${ANY_GET}${LAST_WORD}.`), NO_STORE]),
  row('HEAD hello-world with it', signedIn('HEAD', HELLO, csrf), ['405'], ['200'], [
    because('status', 'HEAD is what GET is, without the body (RFC 9110 §9.3.2); FastAPI routes it only where told to.'), NO_STORE,
  ]),
  row('GET me with it', signedIn('GET', '/api/v1/me', csrf), ['200', 'tenantName: "acme"'], ['200', 'email'], [
    because('body', 'Each application tells what its session holds.'), NO_STORE, ROLLING,
  ]),
  row('GET session with it', signedIn('GET', '/api/auth/session', csrf), ['200', '{metadata: {}, tenantId, userId}'], ['200', 'metadata: {email, roles: […]}, tenantId, userId'], [
    because('body', 'Doorward adds when the session ends and where to sign out; frontends ignore what they do not know. Its example fills `metadata`.'), NO_STORE, ROLLING,
  ]),
  row('GET session without it', signedIn('GET', '/api/auth/session'), ['403'], ['200', 'userId'], [because('status body', `${ANY_GET}.`), NO_STORE]),
  row('GET token with it', signedIn('GET', '/api/auth/token', csrf), ['200', '{accessToken, expiresAt}'], ['200', '{accessToken, expiresAt}'], [NO_STORE, ROLLING]),
  row('POST hello-world with it', signedIn('POST', HELLO, csrf), GREETED, GREETED, [NO_STORE, ROLLING]),
  row('POST hello-world without it', signedIn('POST', HELLO), ['401'], ['403', 'csrf_missing'], [
    because('status', `A CSRF failure is 403 and says so; the SDK asks the next strategy${LAST_WORD}.`), PROBLEM, NO_STORE,
  ]),
  row('POST hello-world with a wrong one', signedIn('POST', HELLO, () => ({ 'x-csrf-token': 'f'.repeat(32) })), ['401'], ['403', 'csrf_mismatch'], [
    because('status', `A CSRF failure is 403 and says so; the SDK asks the next strategy${LAST_WORD}.`), PROBLEM, NO_STORE,
  ]),
  row('POST hello-world with it, `Sec-Fetch-Site: cross-site`', signedIn('POST', HELLO, (side) => ({
    ...side.csrf(), 'sec-fetch-site': 'cross-site', origin: 'https://evil.example',
  })), GREETED, ['403', 'cross_origin'], [
    because('status type body cookies', 'What the browser says of the origin is a second layer: a token that leaked does not help another site. The SDK looks at neither header (M7).'), NO_STORE,
  ]),
  row('POST hello-world with it, `Origin` of another site', signedIn('POST', HELLO, (side) => ({ ...side.csrf(), origin: 'https://evil.example' })),
    GREETED, ['403', 'cross_origin'], [because('status type body cookies', 'The same, for browsers without `Sec-Fetch-Site` (M7).'), NO_STORE]),
  row('GET hello-world with it, and a malformed foreign cookie', signedIn('GET', HELLO, (side) => ({ ...side.csrf(), cookie: 'other=%zz; "broken' })),
    GREETED, GREETED, [NO_STORE, ROLLING]),
  row('GET me after a callback with `tenant_name=globex`', async (side) => {
    await side.signIn({ change: (path) => path.replace('tenant_name=acme', 'tenant_name=globex') });
    return side.get('/api/v1/me', side.csrf());
  }, ['200', 'tenantName: "globex"'], ['200', '!globex'], [
    because('body', 'The SDK\'s session calls alice\'s tenant what the query called it, beside the right `tenantId` (L2); Doorward\'s knows the verified tenant only.'),
    NO_STORE, ROLLING,
  ]),
]);

const outage = (name, trouble) => row(name, ended({ errors: { token: trouble } }), ['401', 'token (refresh) × 3'],
  ['503', 'Retry-After', 'provider_unavailable', '!token (refresh) ×'], [OUTAGE, PROBLEM, NO_STORE, ONE_CALL]);

const tokenEnds = group('The access token ends', [
  row('it has ended, refresh works', ended(), [...GREETED, 'token (refresh)'], [...GREETED, 'token (refresh)', '__Host-session.0 set'], [KEPT, NO_STORE]),
  row('the request after that', async (side) => {
    await ended()(side);
    return side.counting(() => side.get(HELLO, side.csrf()));
  }, [...GREETED, '!token (refresh)'], [...GREETED, '!token (refresh)'], [NO_STORE, ROLLING]),
  outage('it has ended, the token endpoint answers 503', { status: 503 }),
  outage('it has ended, the token endpoint cuts the connection', { body: 'reset' }),
  outage('it has ended, the token endpoint answers 429', { status: 429, error: 'slow_down', retry_after: 3 }),
  row('it has ended, the token endpoint answers `invalid_grant`', ended({ errors: { token: { status: 400, error: 'invalid_grant' } } }),
    ['401', '!token (refresh) ×'], ['401', 'token_refresh_failed', '!token (refresh) ×'], [PROBLEM, NO_STORE, CHALLENGE]),
  row('it has ended, the refresh answer has no `refresh_token`',
    ended({ errors: { token: { omit: ['refresh_token'] } } }, { refresh_token_rotation: 'off' }), ['401', 'token (refresh) × 3'], [...GREETED, '__Host-session.0 set'], [
      because('status body cookies calls', 'Without a new one the refresh token stays as it is (RFC 6749 §6); the SDK raises a KeyError, tries twice more and signs the user out (M28).'), NO_STORE,
    ]),
  row('it has ended, the refresh answer has no `id_token`',
    ended({ errors: { token: { omit: ['id_token'] } } }, { refresh_token_rotation: 'off' }), ['401', 'token (refresh) × 3'], [...GREETED, '__Host-session.0 set'], [
      because('status body cookies calls', 'An ID token is optional in a refresh (OpenID Connect Core §12.2); to the SDK it is a KeyError as well (M28).'), NO_STORE,
    ]),
  row('it lives for 50 s more, the token endpoint answers 503', async (side) => {
    await side.configure({ access_token_ttl: 50 });
    await side.signedIn();
    await side.configure({ access_token_ttl: 50, errors: { token: { status: 503 } } });
    return side.counting(() => side.get(HELLO, side.csrf()));
  }, ['401', 'token (refresh) × 3'], [...GREETED, '!token (refresh)'], [
    because('status body calls', 'A token that is still good is used; the SDK takes it for ended 60 s before its end, from the start where it lives no longer than that (M12, L15).'), NO_STORE,
  ]),
  row('it has ended, five requests at once, each refresh token may be used once', async (side) => {
    const settings = { refresh_token_rotation: 'reuse_detection' };
    await side.configure({ ...SHORT, ...settings });
    await side.signedIn();
    await past();
    await side.configure(settings);
    const headers = side.csrf();
    return side.counting(async () => {
      const answers = await Promise.all(Array.from({ length: 5 }, () => side.get(HELLO, headers)));
      const statuses = answers.map(({ status }) => status).sort();
      const counts = [...new Set(statuses)].map((status) => `${status} × ${statuses.filter((one) => one === status).length}`);
      // Which of them is first is chance; how many pass is not.
      return { status: counts.join(', '), headers: new Headers(), text: '' };
    });
  }, ['200 × 1, 401 × 4', 'token (refresh) × 5'], ['200 × 5', '!token (refresh) ×'], [
    because('status calls', 'However many requests meet an ended token, one call is made and all wait for it. At the SDK each makes its own: ' +
      'all but one use a refresh token that is used up, and the provider takes the whole family back (M11).'),
  ]),
]);

export const SESSION = [...session, ...tokenEnds];
