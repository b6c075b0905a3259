// Logout, and cookies that outlive their session.

import { ALL_PARTS, because, CHALLENGE, group, NO_STORE, PROBLEM, row, SEE_OTHER } from './rows.js';
import { HELLO } from './rows-protected.js';
import { pause } from './rows-session.js';

const LOGOUT = '/api/auth/logout';
const navigation = (site) => ({ accept: 'text/html', 'sec-fetch-site': site, 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' });
/** Signs in and calls logout. */
const logout = (method, headers, query = '') => async (side) => {
  await side.signedIn();
  return side.counting(() => side.request(LOGOUT + query, { method, headers }));
};
const stranger = (query) => (side) => side.counting(() => side.get(LOGOUT + query, navigation('same-origin')));

const AT_ACME = '//acme-app.localhost/api/v1/logout?client_id';
const OUT = [SEE_OTHER, NO_STORE, ALL_PARTS];
const ONLY_GET = 'Doorward takes a POST, which no link and no image can make; the documented endpoint takes GET alone.';

export const ENDS = group('The session ends', [
  row('GET logout, a link on another site', logout('GET', navigation('cross-site')), ['302', AT_ACME, 'session deleted', 'revoke'], ['200', 'Sign out?', '!revoke'], [
    because('status type location cookies body calls', 'No other site can sign anybody out: the answer is a page with one button, and nothing has changed (S14).'), NO_STORE,
  ]),
  row('GET hello-world after that', async (side) => {
    await side.signedIn();
    const csrf = side.csrf();
    await side.get(LOGOUT, navigation('cross-site'));
    return side.get(HELLO, csrf);
  }, ['401'], ['200', 'Hello'], [because('status body', 'See above (S14).'), NO_STORE]),
  row('GET logout, a link of our own page', logout('GET', navigation('same-origin')), ['302', AT_ACME, 'revoke'], ['303', AT_ACME, 'revoke'], OUT),
  row('POST logout, a form of our own page', logout('POST', navigation('same-origin')), ['405'], ['303', AT_ACME, 'revoke', '__Host-session deleted'], [
    because('status type location cookies body calls', ONLY_GET), NO_STORE,
  ]),
  row('POST logout, a script of our own page', logout('POST', { 'sec-fetch-site': 'same-origin', 'sec-fetch-mode': 'cors' }),
    ['405'], ['200', AT_ACME, 'revoke', '__Host-session deleted'], [because('status cookies body calls', `${ONLY_GET} A script is told where to go.`), NO_STORE]),
  row('POST logout from another site', logout('POST', { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' }), ['405'], ['403', 'cross_origin', '!revoke'], [
    because('status', `${ONLY_GET} From another site it changes nothing (S14).`), PROBLEM, NO_STORE,
  ]),
  row('HEAD logout', logout('HEAD'), ['405'], ['405'], [PROBLEM, NO_STORE]),
  row('GET logout, revocation answers 503', async (side) => {
    await side.signedIn();
    await side.configure({ errors: { revoke: { status: 503 } } });
    return side.get(LOGOUT, navigation('same-origin'));
  }, ['302', AT_ACME, 'session deleted'], ['303', AT_ACME, '__Host-session deleted'], OUT),
  row('GET logout after a callback with `tenant_name=globex`', async (side) => {
    await side.signIn({ change: (path) => path.replace('tenant_name=acme', 'tenant_name=globex') });
    return side.get(LOGOUT, navigation('same-origin'));
  }, ['302', '//globex-app.localhost/'], ['303', AT_ACME], [
    because('location', 'Alice is signed out where she signed in; the SDK signs her out of the tenant that the callback\'s query named (L2), and her session at acme goes on.'), ...OUT,
  ]),
  row('GET logout without a session', stranger(''), ['302', '//app.localhost/login?client_id'], ['303', '//app.localhost/login?client_id'], OUT),
  row('GET logout?tenant_name=globex without a session', stranger('?tenant_name=globex'),
    ['302', '//globex-app.localhost/api/v1/logout'], ['303', '//globex-app.localhost/api/v1/logout'], OUT),
  row('GET logout?tenant_name=evil.example/ without a session', stranger('?tenant_name=evil.example/'), ['302', '//evil.example/'], ['303', '//app.localhost/', '!evil'], [
    because('location', 'As at the login: a name that is no DNS label is nobody\'s (R3).'), ...OUT,
  ]),
  row('GET logout?tenant_custom_domain=evil.localhost without a session', stranger('?tenant_custom_domain=evil.localhost'),
    ['302', '//evil.localhost/'], ['303', '//app.localhost/', '!evil'], [
      because('location', 'As at the login: a domain counts once the platform has vouched for it (R2).'), ...OUT,
    ]),
  row('GET logout?redirect_url=https://evil.example/', logout('GET', navigation('same-origin'), '?redirect_url=https://evil.example/'),
    ['302', AT_ACME, '!evil'], ['303', AT_ACME, '!evil'], OUT),
  row('GET hello-world after logout', async (side) => {
    await side.signedIn();
    const csrf = side.csrf();
    await side.get(LOGOUT, navigation('same-origin'));
    return side.get(HELLO, csrf);
  }, ['401'], ['401', 'session_missing'], [PROBLEM, NO_STORE, CHALLENGE]),
  row('GET hello-world after logout, with cookies that somebody kept', async (side) => {
    await side.signedIn();
    const headers = { ...side.csrf(), cookie: side.jar.header(side.origin) };
    await side.get(LOGOUT, navigation('same-origin'));
    return side.get(HELLO, headers);
  }, ['200', 'Hello', 'session set'], ['401', 'session_revoked'], [
    because('status type body cookies', 'The process remembers which sessions ended (with a store, all of them do); the SDK keeps nothing on its side, so that a copied cookie outlives the logout (S1).'),
    NO_STORE, CHALLENGE,
  ]),
  row('GET hello-world with cookies kept beyond their age, sessions of 2 s', async ({ brief: side }) => {
    await side.reset();
    await side.signedIn();
    const headers = { ...side.csrf(), cookie: side.jar.header(side.origin) };
    await pause(2600);
    return side.get(HELLO, headers);
  }, ['200', 'Hello', ', 2 s)'], ['401', 'session_expired'], [
    because('status type body cookies', 'The end stands in the seal; at the SDK the browser alone keeps it (S2).'), NO_STORE, CHALLENGE,
  ]),
]);
