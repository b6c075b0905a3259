// Session secrets in a file: rotated twice while a session is used all along, and broken; nobody is signed out.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { BINARY, startDev } from '../support/doorward.js';
import { Jar } from '../support/jar.js';

const run = promisify(execFile);
const SESSION = 'doorward-session';

let folder;
before(async () => { folder = await mkdtemp(join(tmpdir(), 'doorward-rotation-')); });
after(() => rm(folder, { recursive: true }));

/** The file as `doorward keys rotate` leaves it, with every secret made an hour earlier than it was: nobody waits ten minutes. */
async function rotateBackdated(file) {
  await run(BINARY, ['keys', 'rotate', file]);
  const lines = (await readFile(file, 'utf8')).trimEnd().split('\n');
  const at = new Date(Date.now() - 3_600_000 + lines.length * 1_000).toISOString().replace(/\.\d+Z$/, 'Z');
  lines.push(`${at} ${lines.pop().split(' ')[1]}`);
  await writeFile(file, `${lines.join('\n')}\n`);
}

/** The key ID that a sealed cookie bears in front, in the clear: version (1 byte), ID (4). */
const keyOf = (jar, url) => Buffer.from(jar.value(url, SESSION), 'base64url').subarray(1, 5).toString('hex');

/** A signed-in page: reads and writes without end, and keeps every status that was not 200. */
class User {
  answers = 0;
  failures = [];
  #running = true;

  constructor(url, jar) {
    this.url = url;
    this.jar = jar;
    this.done = this.#work();
  }

  async #work() {
    while (this.#running) {
      await this.ask();
      await new Promise((resolve) => { setTimeout(resolve, 20); });
    }
  }

  async ask() {
    const csrf = this.jar.value(this.url, 'CSRF-TOKEN');
    for (const init of [{}, { method: 'POST', headers: { 'x-csrf-token': csrf, 'content-type': 'application/json' }, body: '{}' }]) {
      const answer = await this.jar.fetch(`${this.url}/api/protected`, init);
      const body = await answer.text();
      this.answers += 1;
      if (answer.status !== 200) this.failures.push(`${init.method ?? 'GET'} ${answer.status} ${body}`);
    }
  }

  async stop() {
    this.#running = false;
    await this.done;
  }
}

/** Waits for a condition, half a minute at most; the file is read every five seconds. */
async function until(what, condition) {
  const end = Date.now() + 30_000;
  while (!await condition()) {
    assert.ok(Date.now() < end, `${what} within half a minute`);
    await new Promise((resolve) => { setTimeout(resolve, 50); });
  }
}

async function signIn(dev) {
  const jar = new Jar();
  const { answer } = await jar.visit(`${dev.url}/auth/login`);
  assert.equal(answer.status, 200);
  assert.ok(jar.value(dev.url, SESSION), 'signed in');
  return jar;
}

test('secrets rotated twice under load sign nobody out, and a broken file changes nothing', { timeout: 180_000 }, async () => {
  // attacks: K10
  const file = join(folder, 'secrets');
  await rotateBackdated(file);
  const dev = await startDev({ args: ['--secrets-file', file, '--auto-login', 'alice@acme.test'] });
  const users = [];
  for (let count = 0; count < 3; count += 1) users.push(new User(dev.url, await signIn(dev)));
  const [user] = users;
  const keys = [keyOf(user.jar, dev.url)];

  // A to B to C: each time every session is sealed anew, and goes on.
  for (let step = 0; step < 2; step += 1) {
    await rotateBackdated(file);
    await until('every session sealed by the next secret', () => users.every(({ jar }) => !keys.includes(keyOf(jar, dev.url))));
    keys.push(keyOf(user.jar, dev.url));
    assert.ok(users.every(({ jar }) => keyOf(jar, dev.url) === keys.at(-1)), 'all by the same');
  }
  assert.equal(new Set(keys).size, 3);

  // A fresh secret opens at once and does not seal yet.
  await run(BINARY, ['keys', 'rotate', file]);
  await until('four secrets', () => /"secrets":4|secrets=4/.test(dev.output()));
  for (const each of users) await each.ask();
  assert.ok(users.every(({ jar }) => keyOf(jar, dev.url) === keys.at(-1)));

  // Broken, and gone: told once, and the secrets at hand stay.
  const good = await readFile(file, 'utf8');
  await writeFile(file, `${good}just some words\n`);
  await until('the log tells of the line', () => /is not \\?"<created, RFC 3339> <secret>/.test(dev.output()));
  await rm(file);
  await until('the log tells of the missing file', () => /cannot be read: No such file/.test(dev.output()));
  for (const each of users) await each.ask();
  const newcomer = new User(dev.url, await signIn(dev));
  users.push(newcomer);
  assert.equal(keyOf(newcomer.jar, dev.url), keys.at(-1));

  // A and B taken away: whoever was here meanwhile has nothing of theirs any more.
  await writeFile(file, `${good.split('\n').slice(2).join('\n')}`);
  await until('two secrets', () => /"secrets":2|secrets=2/.test(dev.output().split('No such file').at(-1)));
  for (const each of users) await each.ask();
  const token = await user.jar.fetch(`${dev.url}/auth/token`);
  assert.equal(token.status, 200, 'the tokens came along');
  await token.body.cancel();

  for (const each of users) await each.stop();
  const failures = users.flatMap((each) => each.failures);
  const answers = users.reduce((sum, each) => sum + each.answers, 0);
  assert.deepEqual(failures, []);
  assert.ok(answers > 300, `${answers} answers`);
  assert.equal(await dev.stop(), 0);
  const log = dev.output();
  assert.equal(log.match(/could not be read again/g).length, 2, 'each trouble once');
  for (const secret of good.trim().split('\n').map((line) => line.split(' ')[1])) {
    assert.ok(!log.includes(secret), 'no secret is in the log');
  }
  console.log(`rotation A to B to C by file: ${answers} answers, all of them 200`);
});

test('a secrets file that cannot be used is refused at start with its line', async () => {
  const file = join(folder, 'unfit');
  for (const [text, told] of [
    ['', /expected at least one secret/],
    ['2026-01-01T00:00:00Z changeme\n', /line 1/],
  ]) {
    await writeFile(file, text);
    const refused = await run(BINARY, ['dev', '--listen', '127.0.0.1:0', '--secrets-file', file]).then(() => null, (error) => error);
    assert.equal(refused?.code, 2);
    assert.match(refused.stderr, told);
    assert.doesNotMatch(refused.stderr, /changeme/);
    assert.match(refused.stderr, /keys rotate/);
  }
});
