// What of an answer is compared, with everything masked that is random, depends on the time or on a port.

/** What is compared, in the order of the page. */
export const FACETS = ['status', 'type', 'caching', 'challenge', 'retry', 'cors', 'location', 'cookies', 'body', 'calls'];

/** Query parameters of a Location whose values are told; of others only that they are there. */
const TOLD = new Set(['tenant_name', 'tenant_custom_domain', 'login_hint', 'idp_hint', 'return_url', 'redirect_url', 'error', 'prompt', 'max_age']);
/** Members of a JSON body whose values are told; of others only their type. */
const TOLD_MEMBERS = new Set(['message', 'detail', 'code', 'error', 'tenantName']);

const NAMES_OF_CALLS = { code: 'token (code)', refresh: 'token (refresh)', userinfo: 'userinfo', domain: 'custom domain check',
  revoke: 'revoke', jwks: 'JWKS', configuration: 'configuration' };

/** Facts of one answer; what is not there is undefined. */
export function record(answer, side) {
  const { status, headers, text } = answer;
  const counted = Object.entries(answer.calls ?? {})
    .map(([name, count]) => (count === 1 ? NAMES_OF_CALLS[name] : `${NAMES_OF_CALLS[name]} × ${count}`));
  return {
    status: String(status),
    type: headers.get('content-type') ?? undefined,
    caching: [headers.get('cache-control'), headers.get('pragma') && `Pragma ${headers.get('pragma')}`]
      .filter(Boolean).join(', ') || undefined,
    challenge: challenge(headers.get('www-authenticate')),
    cors: headers.get('access-control-allow-origin') ?? undefined,
    retry: headers.get('retry-after') ? 'Retry-After' : undefined,
    location: location(headers.get('location'), side),
    cookies: headers.getSetCookie().map(cookie).sort().join('\n') || undefined,
    body: body(text, headers.get('content-type') ?? '', side),
    calls: counted.join(', ') || undefined,
  };
}

/** Host, path and parameters; the application is `/…`, hosts of the platform stand without scheme and port. */
export function location(text, side) {
  if (text === null) return undefined;
  const url = new URL(text, side.origin);
  const own = side.isOwn(url);
  const host = own ? '' : `//${url.username ? `${url.username}@` : ''}${withoutPort(url.host)}`;
  // Their order means nothing.
  const parameters = [...url.searchParams]
    .map(([name, value]) => withoutPort(TOLD.has(name) ? `${name}=${value}` : name))
    .sort();
  const query = parameters.length > 0 ? `?${parameters.join('&')}` : '';
  const path = url.pathname.length > 60 ? `${url.pathname.slice(0, 12)}…` : withoutPort(url.pathname);
  return `${host}${path}${query}${url.hash}`;
}

/** Schemes and parameters; `doorward` is the realm of all. */
function challenge(text) {
  return text?.replaceAll(' realm="doorward"', '').replaceAll('Bearer, ', 'Bearer ')
    .replaceAll(/(error_description|resource_metadata)="[^"]*"/g, '$1');
}

const withoutPort = (text) => text.replace(/(localhost):\d+/g, '$1');

function cookie(line) {
  const [pair, ...attributes] = line.split(';').map((part) => part.trim());
  const at = pair.indexOf('=');
  const name = pair.slice(0, at)
    .replace(/^login#.*$/, 'login#…')
    .replace(/^(__Host-login)\..*$/, '$1.…');
  const gone = pair.slice(at + 1).replaceAll('"', '') === '' || attributes.some((attribute) => /^max-age=0$/i.test(attribute));
  // The expiry repeats the age and names the hour.
  const lower = attributes.map((attribute) => attribute.toLowerCase()).filter((attribute) => !attribute.startsWith('expires='));
  const told = lower.filter((attribute) => !USUAL.includes(attribute) && !attribute.startsWith('max-age=')).map(spelled);
  told.push(...USUAL.filter((attribute) => !lower.includes(attribute)).map((attribute) => `not ${spelled(attribute)}`));
  const age = lower.find((attribute) => attribute.startsWith('max-age='))?.slice('max-age='.length);
  // A second may pass between both ends of a long one.
  if (age !== undefined && !gone) told.push(`${age > 60 ? Math.round(Number(age) / 10) * 10 : age} s`);
  return `${name} ${gone ? 'deleted' : 'set'}${told.length > 0 ? ` (${told.join(', ')})` : ''}`;
}

/** What every cookie has unless it is told otherwise. */
const USUAL = ['path=/', 'samesite=lax', 'secure'];
const SPELLED = { httponly: 'HttpOnly', secure: 'Secure', 'samesite=lax': 'SameSite=Lax', 'path=/': 'Path=/' };
const spelled = (attribute) => SPELLED[attribute] ?? attribute;

function body(text, type, side) {
  if (text === '') return undefined;
  if (/problem\+json/.test(type)) return problem(JSON.parse(text), side);
  if (/json/.test(type)) return shape(JSON.parse(text), side);
  if (/html/.test(type)) return `page "${/<title>([^<]*)</.exec(text)?.[1] ?? ''}"`;
  return `text "${text.slice(0, 60)}"`;
}

/** RFC 9457: a code, where all is there that belongs to it. */
function problem(value, side) {
  const { type, title, status, code, request_id: id, error, login_url: login, ...others } = value;
  const isWhole = type === `urn:doorward:error:${code}` && title && Number.isInteger(status) && id && error && Object.keys(others).length === 0;
  return isWhole ? `${code}${login ? `, login_url ${location(login, side)}` : ''}` : shape(value, side);
}

function shape(value, side) {
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  if (Array.isArray(value)) return '[…]';
  const members = Object.entries(value).map(([name, member]) => {
    if (TOLD_MEMBERS.has(name)) return `${name}: ${JSON.stringify(member)}`;
    if (typeof member === 'string' && name === 'logoutUrl') return `${name}: ${location(member, side)}`;
    return member !== null && typeof member === 'object' ? `${name}: ${shape(member, side)}` : name;
  });
  return `{${members.sort().join(', ')}}`;
}

/** The facets in which two records differ. */
export function differences(theirs, ours) {
  return FACETS.filter((facet) => theirs[facet] !== ours[facet]);
}
