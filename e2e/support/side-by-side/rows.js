// What a row of the table is, and the reasons that many rows share.

/** Rows of one group. */
export const group = (name, rows) => rows.map((row) => ({ group: name, ...row }));

/**
 * One request. `theirs` and `ours` are what must come: the status, then texts that the record must hold (`!text`: must not).
 * `why` explains every facet in which both differ.
 */
export function row(request, run, theirs, ours, why = []) {
  return { request, run, expected: { theirs, ours }, why };
}

/** A reason of one row: every facet it names must differ. */
export const because = (facets, text) => ({ facets: facets.split(' '), text, shared: false });

const shared = (facets, text) => ({ facets: facets.split(' '), text, shared: true });

export const PROBLEM = shared('type body', `Every refusal of Doorward is a problem document (RFC 9457) with a stable \`code\`, the member \`error\` that existing
  frontends read, and \`login_url\` on a 401 ([endpoints](endpoints.md)). The SDK raises FastAPI's own exception, whose body tells the reason phrase (M24).`);
export const NO_STORE = shared('caching', `Whatever Doorward answers itself, and whatever a handler answers to an authenticated request without saying otherwise, is
  \`no-store\`. The SDK sets it on the redirects of login, callback and logout, the documentation's code on session and token; refusals have none (M24).
  \`Pragma\`, which HTTP/1.0 caches read, is left out.`);
export const CHALLENGE = shared('challenge', 'RFC 9110 §15.5.2 demands a challenge on every 401; RFC 6750 §3 and RFC 9728 say what stands in it. The SDK sends none (M24).');
export const ROLLING = shared('cookies', `The SDK seals the session anew and sets both cookies on every authenticated request (S5). Doorward writes when something has changed or a good
  part of the idle time has gone by, so that late answers cannot undo newer ones.`);
export const SESSION_COOKIES = shared('cookies', `One cookie holds everything at the SDK, for an hour from the last request and without an absolute end (S3). Doorward's has two parts, who and
  tokens, the first idle after an hour, all ended after twelve; \`__Host-\` keeps other hosts of the domain from setting it (S11). A part that is not needed is deleted.`);
export const LOGIN_COOKIE = shared('cookies', `The login cookie is good for ten minutes by its sealed content (twenty in the browser, so that a late answer is still known as ours);
  the SDK's hour is kept by the browser alone (L8).`);
export const TICKET_USED = shared('cookies', 'A login that was judged is used up, however it ended, and its cookie goes. An exception leaves the SDK\'s where it is (L9).');
export const BROWSER_PAGE = shared('type body', `People meet login and callback: Doorward answers a page with a way on. What the SDK raises there, the documented application does not
  catch; FastAPI answers 500.`);
export const SEE_OTHER = shared('status', 'Doorward answers a logout with 303, which is right after a POST as well (RFC 9110 §15.4.4).');
export const ALL_PARTS = shared('cookies', 'Doorward deletes every cookie that a session can have.');
export const OUTAGE = shared('status retry', `An outage is 503 with \`Retry-After\`: the user is still signed in, and a frontend that sends people to the login on 401 would only add to
  the trouble (M12).`);
export const ONE_CALL = shared('calls', 'The SDK repeats every failed refresh twice with a pause that blocks all other requests (M15, M16); Doorward makes one call and tells the caller when to come again.');
