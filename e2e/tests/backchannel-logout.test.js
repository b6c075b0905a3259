// The provider ends sessions over real HTTP: our development provider, and a certified one that nobody here wrote.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { signInByScript, signOutAtTheProvider, startCertifiedProvider } from '../support/certified-provider.js';
import { freePort, providerSettings, startDev } from '../support/doorward.js';
import { Jar } from '../support/jar.js';

const PROTECTED = '/api/protected';

/** Status and code of the guarded endpoint for the cookies of `jar`. */
async function standing(dev, jar) {
  const answer = await fetch(`${dev.url}${PROTECTED}`, { headers: { cookie: jar.header(dev.url) } });
  const body = await answer.json();
  return answer.status === 200 ? '200' : `${answer.status} ${body.code}`;
}

const REVOKED = '401 session_revoked';

/** An answer that is awaited without anybody being told when: asks again for five seconds. */
async function comesTo(expected, ask) {
  const until = Date.now() + 5_000;
  let last;
  do {
    last = await ask();
    if (last === expected) return;
    await new Promise((resolve) => { setTimeout(resolve, 20); });
  } while (Date.now() < until);
  assert.equal(last, expected);
}

test('our provider sends logout tokens, good ones and bad ones', async (t) => {
  const dev = await startDev();
  t.after(async () => assert.equal(await dev.stop(), 0));

  async function signIn(user) {
    await providerSettings(dev, { auto_login: user });
    const jar = new Jar();
    const { answer } = await jar.visit(`${dev.url}/auth/login?return_url=${PROTECTED}`);
    assert.equal(answer.status, 200);
    return jar;
  }
  /** The statuses that came back. */
  async function send(order) {
    const answer = await fetch(new URL('/_control/backchannel-logout', dev.providerUrl), {
      method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(order),
    });
    const { sent } = await answer.json();
    return sent.map(({ status, error }) => status ?? error);
  }

  await t.test('a token for a user ends every session of that user and nobody else\'s', async () => {
    const [alice, again, bob] = [await signIn('alice@acme.test'), await signIn('alice@acme.test'), await signIn('bob@acme.test')];
    assert.deepEqual(await send({ sub: 'alice@acme.test' }), [200]);
    assert.deepEqual([await standing(dev, alice), await standing(dev, again), await standing(dev, bob)], [REVOKED, REVOKED, '200']);
  });

  // What the specification and its conformance suite know of tokens that have to be refused.
  await t.test('what is no logout token of this provider is 400 and ends nothing', async () => { // attacks: J6
    const bob = await signIn('bob@acme.test');
    const sub = 'bob@acme.test';
    for (const order of [
      { sub, signature: 'none' },
      { sub, signature: 'broken' },
      { sub, signature: 'foreign_key' },
      { sub, omit: ['events'] },
      { sub, claims: { events: { 'http://schemas.openid.net/event/other': {} } } },
      { sub, claims: { nonce: 'n' } },
      { sub, claims: { aud: 'somebody-else' } },
      { sub, claims: { iss: 'http://localhost:1' } },
      { sub, omit: ['jti'] },
      { sub, omit: ['iat'] },
      { sub, omit: ['sub', 'sid'] },
      { sub, age: 3_600 },
      { sub, typ: 'at+jwt' },
    ]) {
      assert.deepEqual(await send(order), [400], JSON.stringify(order));
      assert.equal(await standing(dev, bob), '200', JSON.stringify(order));
    }
    assert.deepEqual(await send({ sub, copies: 3 }), [200, 400, 400], 'a token is good for one use');
    assert.equal(await standing(dev, bob), REVOKED);
  });

  await t.test('signing out at the provider signs out of the application', async () => { // attacks: J4
    const carol = await signIn('carol@globex.test');
    // Whom it signs in without asking, it signs out without asking.
    const { answer } = await carol.visit(`${dev.providerUrl}/end_session?client_id=doorward-dev`);
    assert.equal(answer.status, 200);
    await comesTo(REVOKED, () => standing(dev, carol));
  });
});

test('a certified provider ends a session by its logout token', async (t) => { // attacks: J4
  const port = await freePort();
  const provider = await startCertifiedProvider({
    appUrl: `http://localhost:${port}`,
    client: {
      backchannel_logout_uri: `http://localhost:${port}/auth/backchannel-logout`,
      backchannel_logout_session_required: true,
    },
    features: { backchannelLogout: { enabled: true } },
  });
  t.after(() => provider.stop());
  const dev = await startDev({
    listen: `127.0.0.1:${port}`,
    args: ['--issuer', provider.issuer, '--client-id', provider.clientId],
    env: { DOORWARD_CLIENT_SECRET: provider.clientSecret },
  });
  t.after(async () => assert.equal(await dev.stop(), 0));

  const alice = (await signInByScript(dev.url, 'alice')).jar;
  const elsewhere = (await signInByScript(dev.url, 'alice')).jar;
  const bob = (await signInByScript(dev.url, 'bob')).jar;
  assert.deepEqual(await Promise.all([alice, elsewhere, bob].map((jar) => standing(dev, jar))), ['200', '200', '200']);
  await signOutAtTheProvider(provider, alice);
  await comesTo(REVOKED, () => standing(dev, alice));
  assert.deepEqual(provider.counts.backchannel, { success: 1, error: 0 });
  // It names the session, so that the same user's other browser stays signed in.
  assert.deepEqual([await standing(dev, elsewhere), await standing(dev, bob)], ['200', '200']);
});
