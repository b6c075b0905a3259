// Two instances over one store, and a certified provider with rotating refresh tokens and reuse detection: whatever happens to an
// instance, the provider is asked once, and nobody is logged out unless the provider says so.

import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { signInByScript, startCertifiedProvider } from '../support/certified-provider.js';
import { startReplicas, tally } from '../support/replicas.js';
import { startPostgres, startRedis } from '../support/servers.js';

const TOKEN_SECONDS = 5;
const CALL_MS = 5_000;
const STORM = 500;

const STORES = { Redis: startRedis, PostgreSQL: startPostgres };

// Almost all of it is waiting, for tokens and leases to run out: both wait at the same time.
describe('a refresh by two instances', { concurrency: Object.keys(STORES).length }, () => {
  for (const [name, startStore] of Object.entries(STORES)) {
    describe(`two instances over ${name}`, { concurrency: 1 }, () => {
      let store;
      let provider;
      let replicas;

      before(async () => {
        store = await startStore();
        replicas = await startReplicas({
          storeUrl: store.url,
          provider: async (appUrl) => {
            provider = await startCertifiedProvider({ appUrl, accessTokenSeconds: TOKEN_SECONDS });
            return provider;
          },
        });
      });

      after(async () => {
        const ended = await replicas?.stop();
        await provider?.stop();
        await store?.stop();
        if (ended) assert.deepEqual(tally(ended), { 0: 2 });
      });

      afterEach(() => {
        delete provider.hold.before;
        delete provider.hold.after;
      });

      /** Signs in, and waits until the access token has ended: the provider's clock is the real one. */
      async function withExpiredToken(user) {
        const { jar, answer } = await signInByScript(replicas.url, user);
        assert.equal(answer.status, 200, await answer.text());
        await pause((TOKEN_SECONDS + 1) * 1000);
        return jar;
      }

      const refreshes = () => provider.counts.token.refresh_token ?? 0;
      const one = (jar, instance) => replicas.ask(jar, '/api/protected', { at: replicas.instances[instance].url });

      test(`${STORM} requests on both at once, and a token call of ${CALL_MS / 1000} s: one call, ${STORM} answers 200`, async (t) => {
        const jar = await withExpiredToken('storm');
        provider.hold.after = () => pause(CALL_MS);
        const before = refreshes();
        const begun = performance.now();
        const answers = await Promise.all(Array.from({ length: STORM }, (_, i) => one(jar, i % 2)));
        const took = performance.now() - begun;
        const bodies = await Promise.all(answers.map((answer) => answer.json()));
        assert.deepEqual(tally(answers.map(({ status }) => status)), { 200: STORM });
        assert.deepEqual(tally(bodies.map(({ user }) => user.email)), { 'storm@acme.test': STORM });
        assert.equal(refreshes() - before, 1);
        assert.ok(answers.every((answer) => answer.headers.getSetCookie().every((line) => !/max-age=0/i.test(line))));
        t.diagnostic(`${name}: ${STORM} answers 200 after ${(took / 1000).toFixed(2)} s, 1 token call`);
        // And again, with the rotated token: a second storm would find out a lost one.
        delete provider.hold.after;
        await pause((TOKEN_SECONDS + 1) * 1000);
        const again = await Promise.all(Array.from({ length: STORM }, (_, i) => one(jar, i % 2)));
        assert.deepEqual(tally(again.map(({ status }) => status)), { 200: STORM });
        assert.equal(refreshes() - before, 2);
      });

      test('the refreshing instance is killed before the provider rotated: one more call, and nobody is logged out', async (t) => {
        const jar = await withExpiredToken('before');
        const calls = refreshes();
        let reached;
        const held = new Promise((resolve) => { reached = resolve; });
        const gone = replicas.instances[0].running.ended;
        provider.hold.before = async () => {
          delete provider.hold.before;
          reached();
          await gone;
          return 'drop';
        };
        const lost = one(jar, 0).catch(() => 'lost');
        await held;
        await replicas.instances[0].kill();
        assert.equal(await lost, 'lost');
        const begun = performance.now();
        const answer = await until200(() => one(jar, 1));
        t.diagnostic(`${name}: 200 again ${((performance.now() - begun) / 1000).toFixed(1)} s after the kill`);
        assert.equal((await answer.json()).user.email, 'before@acme.test');
        assert.equal(refreshes() - calls, 1, 'the call that was dropped never reached the provider');
        await replicas.instances[0].startAgain();
        assert.equal((await one(jar, 0)).status, 200);
      });

      test('the refreshing instance is killed after the provider rotated: one more call, and the provider has the last word', async (t) => {
        const jar = await withExpiredToken('after');
        const calls = refreshes();
        let reached;
        const held = new Promise((resolve) => { reached = resolve; });
        const gone = replicas.instances[0].running.ended;
        provider.hold.after = async () => {
          delete provider.hold.after;
          reached();
          await gone;
        };
        const lost = one(jar, 0).catch(() => 'lost');
        await held;
        await replicas.instances[0].kill();
        assert.equal(await lost, 'lost');
        // The lease runs out, the other instance tries, and the provider, which saw the token before, takes the grant back.
        const answer = await until((reply) => reply.status !== 503, () => one(jar, 1));
        const { code } = await answer.json();
        assert.deepEqual([answer.status, code], [401, 'token_refresh_failed']);
        assert.equal(refreshes() - calls, 2);
        assert.deepEqual(provider.counts.tokenStatuses.slice(-2), [200, 400]);
        assert.deepEqual(answer.headers.getSetCookie(), [], 'a refusal deletes no cookie');
        t.diagnostic(`${name}: 2 calls, the second refused with invalid_grant`);
        await replicas.instances[0].startAgain();
        assert.equal((await (await one(jar, 0)).json()).code, 'session_revoked');
      });
    });
  }
});

const until200 = (ask) => until(({ status }) => status === 200, ask);

/** Asks until the answer is as wished: meanwhile only 503 is allowed. */
async function until(isGood, ask) {
  for (const deadline = Date.now() + 40_000; ;) {
    const answer = await ask();
    if (isGood(answer)) return answer;
    assert.equal(answer.status, 503, await answer.text());
    assert.ok(answer.headers.get('retry-after'));
    assert.ok(Date.now() < deadline, 'expected an answer within 40 s');
    await pause(200);
  }
}
