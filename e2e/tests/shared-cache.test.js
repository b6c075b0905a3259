// A cache between browsers and app that keeps whatever it is not forbidden to keep.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startCache } from '../support/cache.js';
import { providerSettings, startDev } from '../support/doorward.js';
import { Jar } from '../support/jar.js';

let dev;
let cache;
before(async () => {
  dev = await startDev({ args: ['--auto-login', 'alice@acme.test'] });
  cache = await startCache(dev.url);
});
after(async () => {
  await cache?.stop();
  if (dev) assert.equal(await dev.stop(), 0);
});

async function signIn(user) {
  await providerSettings(dev, { auto_login: user });
  const jar = new Jar();
  await jar.visit(`${dev.url}/auth/login`);
  return jar;
}

test('what one user loads through a shared cache never reaches another', async () => { // attacks: E23
  const alice = await signIn('alice@acme.test');
  const bob = await signIn('bob@acme.test');
  const pages = ['/', '/app.js', '/api/public', '/api/protected', '/api/admin', '/auth/session', '/auth/session?slide=false', '/auth/token'];
  for (const page of pages) await alice.copy().fetch(cache.url + page);
  for (const page of pages) {
    for (const [who, jar] of [['bob', bob.copy()], ['nobody', new Jar()]]) {
      const answer = await jar.fetch(cache.url + page);
      const text = await answer.text();
      assert.doesNotMatch(text, /alice@acme\.test/, `${who} at ${page}`);
      for (const name of alice.names(dev.url)) {
        assert.ok(!answer.headers.getSetCookie().some((line) => line.includes(alice.value(dev.url, name))), `${who} gets no cookie of alice at ${page}`);
      }
    }
  }
  assert.equal((await new Jar().fetch(`${cache.url}/api/protected`)).status, 401);
  const token = async (jar) => (await (await jar.fetch(`${cache.url}/auth/token`)).json()).accessToken;
  assert.notEqual(await token(alice), await token(bob));
  assert.ok(!cache.hits.some((url) => /^\/(api\/(protected|admin)|auth\/)/.test(url)), `nothing personal was kept: ${cache.hits}`);
});

test('a response that sets a cookie is never kept', async () => { // attacks: E23
  const jar = await signIn('alice@acme.test');
  // Without its CSRF cookie a browser gets it again, on whatever it asks for first.
  const bare = new Jar();
  for (const name of jar.names(dev.url).filter((name) => name !== 'CSRF-TOKEN')) bare.set(dev.url, name, jar.value(dev.url, name));
  const answer = await bare.fetch(`${dev.url}/api/protected`);
  assert.ok(answer.headers.getSetCookie().some((line) => line.startsWith('CSRF-TOKEN=')));
  assert.match(answer.headers.get('cache-control') ?? '', /no-store/);
});
