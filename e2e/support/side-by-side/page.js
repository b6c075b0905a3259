// The table as a page for people.

import { differences, FACETS } from './record.js';

const HEAD = `# Side by side with wristband-fastapi-auth

The same requests to two servers, each of an application on the Wristband platform, before one development provider
([\`doorward provider --platform\`](provider.md)): [\`e2e/python/fastapi_app.py\`](../../e2e/python/fastapi_app.py) on PyPI's
\`wristband-fastapi-auth\` 2.1.0, written as its documentation says and with its CSRF protection switched on, and
[\`crates/doorward/examples/wristband.rs\`](../../crates/doorward/examples/wristband.rs) on Doorward. What is written here was measured by
[\`e2e/tests/side-by-side.test.js\`](../../e2e/tests/side-by-side.test.js), which fails when an answer, or a reason given here, is no longer true;
\`SIDE_BY_SIDE=write node --test e2e/tests/side-by-side.test.js\` writes this page anew.

How to read it

- Doorward's column tells the status and what differs; what is not mentioned there is the same. A dash means that the other sends it and
  Doorward does not.
- A cookie has \`Path=/; SameSite=Lax; Secure\` unless something else is told. The body of a problem document is told by its \`code\`; each also has
  \`type\`, \`title\`, \`status\`, \`request_id\` and \`error\`. Of other JSON the names of the members are told. Every challenge has the realm \`doorward\`.
- Both applications are called \`https://localhost\`, as behind a proxy that ends TLS, so cookies are those of production. Random values, times and ports are
  left out; ages of cookies are rounded to ten seconds. A Location is written without the platform's scheme and port; of its parameters only those that
  a request chose are told with their values.
- The SDK speaks to \`https://\` only, so a TLS front stands before the provider for it; Doorward speaks to the provider itself. Each is therefore given tokens
  that name its own address of the platform as their issuer.
- "Calls" are those to the platform that the request caused (token, userinfo, revocation, custom domains; keys and configuration where a row is about them).
- A letter in the last column stands for a reason that many rows share; the letters are explained at the end. Codes such as R1 or M9 name weaknesses that
  the [page about moving](wristband.md) lists, with the tests that keep Doorward from them.
`;

const LABELS = { type: 'type', caching: 'caching', challenge: 'challenge', retry: 'retry', cors: 'allows', location: 'to', cookies: 'cookies', body: 'body', calls: 'calls' };

/** The page for `results`: `{group, request, why, theirs, ours}` each, in order. */
export function render(results) {
  const letters = new Map();
  for (const { why } of results) {
    for (const reason of why.filter(({ shared }) => shared)) {
      if (!letters.has(reason)) letters.set(reason, String.fromCharCode(97 + letters.size));
    }
  }
  const groups = [...new Set(results.map(({ group }) => group))];
  const tables = groups.map((group) => {
    const rows = results.filter((result) => result.group === group).map((result) => line(result, letters));
    return `## ${group}\n\n| request | wristband-fastapi-auth 2.1.0 | Doorward | why they differ |\n|---|---|---|---|\n${rows.join('\n')}\n`;
  });
  const reasons = [...letters].map(([{ text }, letter]) => `- **${letter}** ${text}`).join('\n');
  return `${HEAD}\n${summary(results)}\n${tables.join('\n')}\n## Reasons that many rows share\n\n${reasons}\n`;
}

function summary(results) {
  const same = results.filter(({ theirs, ours }) => theirs.status === ours.status);
  const common = same.filter(({ why }) => why.every(({ shared }) => shared));
  const failures = (side) => results.filter((result) => result[side].status === '500').length;
  return `Of ${results.length} requests ${same.length} have the same status at both, ${common.length} of these without a difference beyond what many rows ` +
    `share. With 500 the SDK answers ${failures('theirs')}, Doorward ${failures('ours') || 'none'}.\n`;
}

function line({ request, why, theirs, ours }, letters) {
  const different = differences(theirs, ours);
  const left = FACETS.filter((facet) => theirs[facet] !== undefined).map((facet) => fact(facet, theirs[facet]));
  const status = different.includes('status') ? fact('status', ours.status) : `${fact('status', ours.status)}, the same except`;
  const right = [status, ...FACETS.filter((facet) => facet !== 'status' && different.includes(facet)).map((facet) => fact(facet, ours[facet]))];
  const own = why.filter(({ shared }) => !shared).map(({ text }) => text);
  const shared = why.filter(({ shared }) => shared).map((reason) => letters.get(reason)).sort();
  const reasons = [...own, ...(shared.length > 0 ? [shared.join(', ')] : [])].join('<br>');
  return `| ${request} | ${left.join('<br>')} | ${different.length === 0 ? 'same' : right.join('<br>')} | ${reasons} |`;
}

function fact(facet, value) {
  if (facet === 'status') return `**${value}**`;
  if (value === undefined) return `${LABELS[facet]}: –`;
  return `${LABELS[facet]}: ${value.split('\n').map((text) => `\`${text.replaceAll('|', '\\|')}\``).join(', ')}`;
}
