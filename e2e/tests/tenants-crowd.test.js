// 300 users of two customers sign in and call at once: every answer names its own user and tenant.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, test } from 'node:test';
import { freePort, providerSettings, providerStats, startProvider } from '../support/doorward.js';
import { Jar } from '../support/jar.js';
import { loopbackFetch } from '../support/loopback.js';
import { startExample } from '../support/process.js';

const COUNT = 300;
const TENANTS = ['acme', 'globex'];
/** Short enough that access tokens run out, and are renewed, in the middle of it. */
const ACCESS_TOKEN_SECONDS = 6;

/** Neighbours belong to different tenants, and every third one meets its tenant at the tenant's own host. */
const people = Array.from({ length: COUNT }, (_, at) => {
  const tenant = TENANTS[at % 2];
  return { tenant, other: TENANTS[(at + 1) % 2], email: `user-${at}@${tenant}.test`, role: `role-${at}`, isAtOwnHost: at % 3 === 0 };
});

let provider;
let app;
let port;
before(async () => {
  port = await freePort();
  provider = await startProvider({
    config: `access_token_ttl = ${ACCESS_TOKEN_SECONDS}\n${people.map(({ tenant, email, role }) => `
[[users]]
email = "${email}"
name = "${email}"
tenant = "${tenant}"
roles = ["${role}"]
`).join('')}`,
  });
  app = await startExample('tenants', {
    PORT: String(port),
    ISSUER: provider.providerUrl,
    CLIENT_SECRET: provider.clientSecret,
    SESSION_SECRET: randomBytes(32).toString('base64url'),
  });
});
after(async () => {
  await app?.stop();
  if (provider) assert.equal(await provider.stop(), 0);
});

const hostOf = (tenant, isAtOwnHost) => `http://${isAtOwnHost ? `portal.${tenant}` : tenant}.localhost:${port}`;

/** Signs in by the provider's own page, as a browser without script does it. */
async function signIn(jar, person) {
  const origin = hostOf(person.tenant, person.isAtOwnHost);
  const { answer, urls } = await jar.visit(`${origin}/auth/login?return_url=/hello`);
  const page = await answer.text();
  assert.equal(answer.status, 200, page.slice(0, 300));
  const hidden = [...page.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)">/g)].map(([, name, value]) => [name, plain(value)]);
  const action = new URL(page.match(/action="([^"]+)"/)[1], urls.at(-1)).href;
  const home = await jar.visit(action, { method: 'POST', body: new URLSearchParams([...hidden, ['user', person.email]]) });
  assert.equal(home.urls.at(-1), `${origin}/hello`);
  assert.equal(await home.answer.text(), `hello ${person.email} of ${person.tenant}\n`);
  return origin;
}

const plain = (text) => text.replaceAll('&quot;', '"').replaceAll('&#39;', "'").replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&');

/** One of a user's calls; `answered` has every answer and how long it took. */
async function step(jar, person, origin, index, answered) {
  const began = performance.now();
  const csrf = { 'x-csrf-token': jar.value(origin, 'CSRF-TOKEN') };
  let init = {};
  if (index === 1 || index === 4) init = { method: 'POST', headers: { ...csrf, 'sec-fetch-site': 'same-origin' } };
  const isSession = index === 3;
  const answer = await jar.fetch(`${origin}${isSession ? '/auth/session' : '/api/me'}`, init);
  const body = await answer.json();
  answered.push({ status: answer.status, ms: performance.now() - began });
  assert.equal(answer.status, 200, JSON.stringify(body));
  assert.equal(body.tenantId, person.tenant);
  if (isSession) return body.userId;
  assert.deepEqual([body.email, body.roles], [person.email, [person.role]]);
  return body.userId;
}

test('300 users of two tenants who sign in and call at once each meet themselves in every answer', { timeout: 240_000 }, async (t) => {
  const answered = [];
  const signedIn = [];
  const began = performance.now();
  const jars = people.map(() => new Jar(loopbackFetch));
  // Nobody waits for anybody: the calls of those who are in go between the sign-ins of the rest.
  const seen = await Promise.all(people.map(async (person, at) => {
    const origin = await signIn(jars[at], person);
    signedIn.push(performance.now() - began);
    const subjects = new Set();
    for (let index = 0; index < 7; index += 1) subjects.add(await step(jars[at], person, origin, index, answered));
    assert.equal(subjects.size, 1, 'one person, one subject');
    return { origin, subject: [...subjects][0] };
  }));
  const took = performance.now() - began;
  assert.equal(new Set(seen.map(({ subject }) => subject)).size, COUNT, 'no two users are taken for each other');
  assert.equal(answered.length, 7 * COUNT);

  // And again once every access token has run out: all are renewed at once, and everybody stays who they are.
  await new Promise((resolve) => { setTimeout(resolve, ACCESS_TOKEN_SECONDS * 1000); });
  await providerSettings(provider, { access_token_ttl: 300 });
  const before = (await providerStats(provider)).token.refresh_token ?? 0;
  const renewed = [];
  await Promise.all(people.map(async (person, at) => {
    const { origin, subject } = seen[at];
    const both = await Promise.all([0, 1].map((index) => step(jars[at], person, origin, index, renewed)));
    assert.deepEqual(both, [subject, subject]);
  }));
  const { token } = await providerStats(provider);
  assert.equal(token.authorization_code, COUNT, 'one code redeemed for each login');
  assert.equal(token.refresh_token - before, COUNT, 'one renewal for the two calls of each');

  // A session carried over to the other tenant's host is refused, however many try it at once.
  const refused = await Promise.all(people.map(async (person, at) => {
    const there = hostOf(person.other, person.isAtOwnHost);
    const answer = await loopbackFetch(`${there}/api/me`, { headers: { cookie: jars[at].header(seen[at].origin) } });
    return `${answer.status} ${(await answer.json()).code}`;
  }));
  assert.deepEqual([...new Set(refused)], ['403 tenant_mismatch']);

  t.diagnostic(`${COUNT} sign-ins and ${answered.length} calls among each other in ${Math.round(took)} ms, the last one in after ${Math.round(Math.max(...signedIn))} ms (calls: ${spread(answered)})`);
  t.diagnostic(`${renewed.length} calls with ended access tokens (${spread(renewed)}), ${token.refresh_token - before} renewals; ${refused.length} sessions refused at the other tenant`);
});

function spread(answers) {
  const sorted = answers.map(({ ms }) => ms).sort((a, b) => a - b);
  const at = (part) => Math.round(sorted[Math.floor(part * (sorted.length - 1))]);
  return `median ${at(0.5)} ms, 99 % under ${at(0.99)} ms`;
}
