// Login, and where it leads.

import { because, BROWSER_PAGE, group, LOGIN_COOKIE, NO_STORE, OUTAGE, PROBLEM, row, SESSION_COOKIES } from './rows.js';

export const EVIL = 'evil.example';
const query = (parameters) => new URLSearchParams(parameters).toString();
const BEGUN = [NO_STORE, LOGIN_COOKIE];
const AT_ACME = ['302', '//acme-app.localhost/api/v1/oauth2/authorize', 'code_challenge', 'nonce', 'state'];

const duplicate = (name, text) => row(`\`${name}\` twice`, (side) => side.login(text), ['500'], ['400', 'Sign-in did not work'], [
  because('status', 'A parameter given twice is the caller\'s fault and 400; the SDK raises an exception (L11).'), BROWSER_PAGE, NO_STORE,
]);
const evilName = (text, theirs) => row(`\`tenant_name=${text}\``, (side) => side.login(query({ tenant_name: text })), ['302', theirs], ['404', '!evil'], [
  because('status type location cookies body', 'A tenant\'s name is a DNS label, or it is nobody\'s; the SDK puts the text before its host as it is (R3).'), NO_STORE,
]);
/** A sign-in with that return URL. */
const landing = (name, returnUrl, theirs, ours, why) =>
  row(name, (side) => side.signIn({ query: query({ tenant_name: 'acme', return_url: returnUrl }) }), theirs, ours, [...why, NO_STORE, SESSION_COOKIES]);
const UNSAFE = because('location', 'A return URL on another origin is dropped; the SDK hands it back as it came and the documented application goes there (R1).');

const login = group('Login', [
  row('GET login?tenant_name=acme', (side) => side.login(), AT_ACME, AT_ACME, BEGUN),
  row('with `login_hint` and `idp_hint`', (side) =>
    side.login(query({ tenant_name: 'acme', login_hint: 'alice@acme.test', idp_hint: 'google' })),
  [...AT_ACME, 'login_hint=alice@acme.test', 'idp_hint=google'], [...AT_ACME, 'login_hint=alice@acme.test', 'idp_hint=google'], BEGUN),
  row('with `prompt=login` and `max_age=60`', (side) => side.login(query({ tenant_name: 'acme', prompt: 'login', max_age: '60' })),
    [...AT_ACME, '!prompt', '!max_age'], [...AT_ACME, 'prompt=login', 'max_age=60'], [
      because('location', 'Both are passed on, and what they ask for is checked in the answer; the SDK passes on its two hints only.'), ...BEGUN,
    ]),
  row('without a tenant', (side) => side.login(''), ['302', '//app.localhost/login?client_id'], ['302', '//app.localhost/login?client_id'], [NO_STORE]),
  row('without a tenant, `return_url=/orders`', (side) => side.login('return_url=/orders'),
    ['302', '//app.localhost/login?client_id&state'], ['302', '//app.localhost/login?client_id&state'], [NO_STORE]),
  duplicate('tenant_name', 'tenant_name=acme&tenant_name=globex'),
  duplicate('return_url', 'tenant_name=acme&return_url=/a&return_url=/b'),
  duplicate('login_hint', 'tenant_name=acme&login_hint=a&login_hint=b'),
  evilName(`${EVIL}/`, '//evil.example/-app.localhost'),
  evilName(`${EVIL}?`, '//evil.example/?'),
  row('`tenant_custom_domain=evil.localhost`, which nobody has', (side) => side.counting(() =>
    side.login(query({ tenant_name: 'acme', tenant_custom_domain: 'evil.localhost' }))),
  ['302', '//evil.localhost/api/v1/oauth2/authorize'], [...AT_ACME, 'custom domain check', '!evil'], [
    because('location calls', 'The platform is asked whose domain it is; one that it does not vouch for is left out. This version of the SDK goes to any host it is told (R2).'),
    ...BEGUN,
  ]),
  row('`tenant_custom_domain` of acme', async (side) => {
    const { tenants } = await side.provider.info();
    const domain = tenants.find(({ name }) => name === 'acme').custom_domain;
    return side.counting(() => side.login(query({ tenant_custom_domain: domain })));
  }, ['302', '//login-acme.localhost/api/v1/oauth2/authorize'], ['302', '//login-acme.localhost/api/v1/oauth2/authorize', 'custom domain check'], [
    because('calls', 'The platform vouched for it, and is believed for a while (R2).'), ...BEGUN,
  ]),
  row('the first login of all, while the platform does not answer for its configuration', async ({ brief: side }) => {
    await side.configure({ errors: { sdk_configuration: { status: 503 } } });
    return side.counting(() => side.login(), ['configuration']);
  }, ['500', 'configuration × 3'], ['503', 'Retry-After', 'configuration × 3'], [OUTAGE, BROWSER_PAGE, NO_STORE]),
  row('with a malformed foreign cookie', (side) => side.login('tenant_name=acme', { cookie: 'other=%zz; "broken' }), AT_ACME, AT_ACME, BEGUN),
  row('HEAD', (side) => side.request('/api/auth/login?tenant_name=acme', { method: 'HEAD' }), ['405'], ['405'], [PROBLEM, NO_STORE]),
  row('a fourth login in one browser', async (side) => {
    for (let count = 0; count < 3; count += 1) {
      await side.login();
      // The SDK tells logins apart by the millisecond.
      await new Promise((resolve) => { setTimeout(resolve, 5); });
    }
    return side.login();
  }, [...AT_ACME, 'login#… deleted'], [...AT_ACME, '!deleted'], [
    because('cookies', 'Eight logins may be under way in one browser, three at the SDK: the fourth tab ends the first one\'s.'), ...BEGUN,
  ]),
]);

const after = group('After the login, where to', [
  row('alice signs in', (side) => side.counting(() => side.signIn()), ['302', 'token (code), userinfo', 'session set'],
    ['302', 'token (code), userinfo', '__Host-session set'], [NO_STORE, SESSION_COOKIES]),
  landing('`return_url=/orders?page=2`', '/orders?page=2', ['302', '/orders?page'], ['302', '/orders?page'], []),
  landing('`return_url` of 500 characters', `/${'a'.repeat(499)}`, ['302', '!aaaa'], ['302', '/aaaaaaaaaaa…'], [
    because('location', 'Up to 2,000 bytes are kept, 450 characters at the SDK; longer ones are dropped.'),
  ]),
  landing('`return_url=https://evil.example/`', `https://${EVIL}/`, ['302', '//evil.example/'], ['302', '!evil'], [UNSAFE]),
  landing('`return_url=//evil.example/`', `//${EVIL}/`, ['302', '//evil.example/'], ['302', '!evil'], [UNSAFE]),
  landing('`return_url=/\\evil.example/`', `/\\${EVIL}/`, ['302', '/%5Cevil.example/'], ['302', '!evil'], [
    because('location', 'A backslash, which browsers take for a slash, makes a return URL unsafe; here FastAPI\'s redirect encodes it, so that it does no harm.'),
  ]),
]);

export const LOGIN = [...login, ...after];
