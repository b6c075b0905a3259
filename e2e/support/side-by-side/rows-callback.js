// The callback: what a browser brings back, and what the platform answers then.

import { because, BROWSER_PAGE, group, NO_STORE, OUTAGE, PROBLEM, row, SESSION_COOKIES, TICKET_USED } from './rows.js';
import { EVIL } from './rows-login.js';

const change = (path, name, value) => {
  const url = new URL(path, 'https://any.example');
  if (value === undefined) url.searchParams.delete(name);
  else url.searchParams.set(name, value);
  return url.pathname + url.search;
};
/** A sign-in whose callback is changed on its way. */
const changed = (alter) => (side) => side.counting(() => side.signIn({ change: alter }));
const without = (name) => changed((path) => change(path, name));
const withError = (error) => changed((path) => change(change(path, 'code'), 'error', error));
/** A sign-in at a provider that was told to behave badly. */
const against = (settings) => async (side) => {
  await side.configure(settings);
  return side.counting(() => side.signIn());
};

const SIGNED_IN = ['302', 'session set', 'CSRF-TOKEN set'];
const REFUSED_PAGE = [NO_STORE, TICKET_USED, BROWSER_PAGE];
const MALFORMED = because('status', 'A malformed answer is 400; the SDK raises an exception (L11).');
const STAYS = because('status type location body', 'Doorward stops with a page that holds a sign-in link: only a login that took too long, or that the platform wants a sign-in for, begins anew by ' +
  'itself, and once, so that no loop can come of it. The SDK sends the browser to the login each time, without its return URL (L13).');
const NAMES = because('cookies', 'Both delete the login cookie; the names differ.');
const notCompared = (text) => because('status type location cookies body', `${text}; the SDK compares userinfo with nothing (L3).`);
const unverified = (text) => because('status type location cookies body calls',
  `${text}; nothing is asked with its tokens. The SDK neither reads nor verifies the ID token (L1).`);

export const CALLBACK = group('Callback', [
  row('no login was begun', (side) => side.counting(() => side.get('/api/auth/callback?code=c&state=s&tenant_name=acme')),
    ['302', '/api/auth/login?tenant_name=acme'], ['400', '!token (code)'], [STAYS, NO_STORE]),
  row('without `state`', (side) => side.get('/api/auth/callback?code=c&tenant_name=acme'), ['500'], ['400'], [MALFORMED, NO_STORE, BROWSER_PAGE]),
  row('`code` twice', changed((path) => `${path}&code=other`), ['500'], ['400', '!token (code)'], [MALFORMED, NO_STORE, BROWSER_PAGE]),
  row('without `code`', without('code'), ['500'], ['400', '!token (code)'], [MALFORMED, ...REFUSED_PAGE]),
  row('without `tenant_name`', without('tenant_name'), ['500'], ['302', '__Host-session set'], [
    because('status type location cookies body calls', 'Whose user it is comes from the verified ID token and userinfo, not from the query; the SDK needs the query\'s word for it (L2).'), NO_STORE,
  ]),
  row('alice of acme comes back with `tenant_name=globex`', changed((path) => change(path, 'tenant_name', 'globex')),
    SIGNED_IN, ['302', '__Host-session set'], [NO_STORE, SESSION_COOKIES]),
  row('with `tenant_custom_domain=evil.example` added', changed((path) => change(path, 'tenant_custom_domain', EVIL)),
    SIGNED_IN, ['302', '__Host-session set'], [NO_STORE, SESSION_COOKIES]),
  row('`error=access_denied`', withError('access_denied'), ['500'], ['403'], [
    because('status', 'That the platform refused somebody is 403 `login_denied`; the SDK raises an exception.'), ...REFUSED_PAGE,
  ]),
  row('`error=login_required`', withError('login_required'), ['302', '/api/auth/login?tenant_name=acme'], ['302', 'prompt=login', '!session set'], [
    because('location cookies', 'Both begin the login anew. Doorward asks the platform itself, with `prompt=login` and the return URL kept, and does so once, so that no loop can come of it; the SDK sends the browser to the login each time, without its return URL (L13).'),
    NO_STORE,
  ]),
  row('the same callback again', async (side) => {
    let path;
    await side.signIn({ change: (first) => { path = first; return first; } });
    return side.counting(() => side.get(path));
  }, ['302', '/api/auth/login?tenant_name=acme'], ['302', '!login', '!token (code)'], [
    because('location', 'Who is signed in by now, as after the browser\'s back button, goes home.'), NO_STORE,
  ]),
  row('the same callback again, with its login cookie', async (side) => {
    const path = await side.authorize(await side.login());
    const cookies = side.jar.header(side.origin);
    await side.get(path);
    return side.counting(() => side.get(path, { cookie: cookies }));
  }, ['302', 'login?tenant_name=acme', 'token (code)'], ['302', '!token (code)', '!session set'], [
    because('location calls', 'A used login is remembered: the code is sent to nobody a second time, on which a provider should revoke the first one\'s tokens (RFC 6749 §4.1.2).'),
    NAMES, NO_STORE,
  ]),
  row('a login cookie that was tampered with', async (side) => {
    const path = await side.authorize(await side.login());
    for (const name of side.jar.names(side.origin)) side.jar.set(side.origin, name, 'tampered');
    return side.counting(() => side.get(path));
  }, ['500'], ['400', '!token (code)'], [
    because('status', 'A cookie that cannot be opened counts as absent; the SDK\'s exception also meets everybody whose login was under way when the secret changed (L4).'),
    NO_STORE, BROWSER_PAGE,
  ]),
  row('the token endpoint answers 503', against({ errors: { token: { status: 503, error: 'temporarily_unavailable' } } }),
    ['500'], ['503', 'Retry-After'], [OUTAGE, ...REFUSED_PAGE]),
  row('the token endpoint answers `invalid_grant`', changed((path) => change(path, 'code', 'unknown')),
    ['302', '/api/auth/login?tenant_name=acme'], ['502', '!session set'], [
      STAYS, NAMES, NO_STORE,
    ]),
  row('the userinfo endpoint answers 503', against({ errors: { userinfo: { status: 503 } } }), ['500'], ['503', 'Retry-After'], [OUTAGE, ...REFUSED_PAGE]),
  row('userinfo names another `sub` than the ID token', against({ claims: { userinfo: { sub: 'somebody-else' } } }), SIGNED_IN, ['502', '!session set'], [
    notCompared('Userinfo about somebody else is refused (OpenID Connect Core §5.3.2)'), NO_STORE,
  ]),
  row('userinfo names another tenant than the ID token', against({ claims: { userinfo: { tnt_id: 'another-tenant' } } }), SIGNED_IN, ['502', '!session set'], [
    notCompared('Two words about the tenant are no word'), NO_STORE,
  ]),
  row('ID token with another `nonce`', against({ claims: { id_token: { nonce: 'n'.repeat(43) } } }), SIGNED_IN, ['502', '!session set'], [
    unverified('The ID token must hold the nonce of this login (OpenID Connect Core §3.1.3.7)'), NO_STORE,
  ]),
  row('ID token for another client', against({ claims: { id_token: { aud: 'another-client' } } }), SIGNED_IN, ['502', '!session set'], [
    unverified('The ID token must be meant for this client (OpenID Connect Core §3.1.3.7)'), NO_STORE,
  ]),
  row('ID token of another issuer', against({ claims: { id_token: { iss: 'https://evil.example' } } }), SIGNED_IN, ['502', '!session set'], [
    unverified('The ID token must come from the platform (OpenID Connect Core §3.1.3.7)'), NO_STORE,
  ]),
  row('the token answer has no `refresh_token`', against({ errors: { token: { omit: ['refresh_token'] } } }), ['500'], ['302', '__Host-session set'], [
    because('status type location cookies body calls', 'A refresh token is optional (RFC 6749 §5.1); without one the session ends with its access token. The SDK raises a KeyError (L14).'), NO_STORE,
  ]),
  row('HEAD', (side) => side.request('/api/auth/callback?code=c&state=s&tenant_name=acme', { method: 'HEAD' }), ['405'], ['405'], [PROBLEM, NO_STORE]),
]);
