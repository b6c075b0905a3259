// The servers that other tests start: each starts, answers, stands still, goes on, dies and comes back.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { connect } from 'node:net';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { startNginx, startPostgres, startRedis, startSentinels } from '../support/servers.js';

/** Long enough for an answer on a busy machine to have come. */
const A_WHILE_MS = 300;

const started = [];
const start = async (starting) => {
  const server = await starting;
  started.push(server);
  return server;
};
after(() => Promise.all(started.map((server) => server.stop())));

/** Whether a port refuses connections. */
const refuses = async (port) => {
  const socket = connect(port, '127.0.0.1');
  const outcome = await Promise.race([once(socket, 'connect'), once(socket, 'error').catch((error) => error)]).catch((error) => error);
  socket.destroy();
  return outcome.code === 'ECONNREFUSED';
};

/** Whether `answer` comes neither as value nor as error for a while. */
const isSilent = (answer) => Promise.race([
  answer.then(() => false, () => false),
  new Promise((resolve) => { setTimeout(resolve, A_WHILE_MS, true); }),
]);

test('Redis starts, stands still, goes on and keeps its keys over a restart', async () => {
  const server = await start(startRedis({ password: 'p@ss "word"' }));
  assert.equal(server.url, `redis://:p%40ss%20%22word%22@127.0.0.1:${server.port}`);
  assert.equal(await server.command('SET', 'key', 'value'), 'OK');
  await assert.rejects(server.command('GET'), /wrong number of arguments/);
  server.freeze();
  const answer = server.command('GET', 'key');
  assert.equal(await isSilent(answer), true);
  server.thaw();
  assert.equal(await answer, 'value');
  await server.kill();
  assert.equal(await refuses(server.port), true);
  await server.restart();
  assert.equal(await server.command('GET', 'key'), 'value');
  await server.restartEmpty();
  assert.equal(await server.command('DBSIZE'), '0');
  await server.stop();
  assert.equal(await refuses(server.port), true);
  assert.equal(existsSync(server.folder), false);
});

test('sentinels promote the replica of a killed primary', async () => {
  const primary = await start(startRedis({ password: 'pw' }));
  await primary.command('SET', 'key', 'value');
  const replica = await start(startRedis({ replicaOf: primary }));
  assert.equal(await replica.command('GET', 'key'), 'value');
  await assert.rejects(replica.command('SET', 'key', 'other'), /READONLY/);
  const sentinels = await start(startSentinels(primary));
  assert.equal(sentinels.urls.length, 3);
  await primary.kill();
  assert.equal(await sentinels.promoted(primary.port), replica.port);
  assert.equal(await replica.command('SET', 'key', 'other'), 'OK');
});

test('PostgreSQL starts, stands still, goes on and keeps its rows over a restart', async () => {
  const server = await start(startPostgres());
  await server.query('create table kept (id int); insert into kept values (7)');
  server.freeze();
  const answer = server.query('select id from kept');
  assert.equal(await isSilent(answer), true);
  server.thaw();
  assert.equal(await answer, '7');
  await server.kill();
  assert.equal(await refuses(server.port), true);
  await server.restart();
  assert.equal(await server.query('select id from kept'), '7');
  await server.restartEmpty();
  await assert.rejects(server.query('select id from kept'), /does not exist/);
  await server.stop();
  assert.equal(await refuses(server.port), true);
});

test('nginx starts, stands still, goes on and comes back', async () => {
  const server = await start(startNginx('server { listen {listen}; location / { return 200 here; } }'));
  const ask = async () => (await fetch(server.url)).text();
  assert.equal(await ask(), 'here');
  server.freeze();
  const answer = ask();
  assert.equal(await isSilent(answer), true);
  server.thaw();
  assert.equal(await answer, 'here');
  await server.kill();
  assert.equal(await refuses(server.port), true);
  await server.restart();
  assert.equal(await ask(), 'here');
});

test('a configuration that nginx refuses fails with its words', async () => {
  await assert.rejects(startNginx('server { listen {listen}; nonsense; }'), /unknown directive/);
});

test('a process that is killed leaves no server and no folder', { timeout: 20_000 }, async () => {
  const script = `
    import { startRedis } from ${JSON.stringify(fileURLToPath(new URL('../support/servers.js', import.meta.url)))};
    const { port, folder } = await startRedis();
    console.log(JSON.stringify({ port, folder }));
    setInterval(() => {}, 1000);`;
  const other = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = await once(other.stdout.setEncoding('utf8'), 'data');
  const { port, folder } = JSON.parse(line);
  assert.equal(await refuses(port), false);
  assert.equal(existsSync(folder), true);
  other.kill('SIGKILL');
  while (!await refuses(port) || existsSync(folder)) await new Promise((resolve) => { setTimeout(resolve, 20); });
});
