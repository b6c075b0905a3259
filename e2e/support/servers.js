// Real servers from the system's packages, each a test's own: in a temporary folder, on a port that the kernel gave.
//
// Each has `url`, `port`, `output()`, `freeze()` (connections stay open, nothing is answered), `thaw()`, `kill()`, `restart()`
// (what it stored is still there), `restartEmpty()` where it stores anything, and `stop()`, after which it is gone with its
// folder. Whoever does not stop one leaves nothing either: a watchdog kills it when this process ends, however it ends.

import { execFile, spawn } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { mkdir, mkdtemp, rm, unlink, writeFile } from 'node:fs/promises';
import { get } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freePort } from './doorward.js';
import { freezeAll, killAll, thawAll } from './process-tree.js';
import { startProcess } from './process.js';

const LIMIT_MS = 20_000;
const PAUSE_MS = 20;
/** Another process may take a port between the moment the kernel names it and the moment the server binds it. */
const PORTS_TRIED = 5;
const INSTALL = 'install it with `cargo xtask test --install`, or on Debian: apt-get install redis-server postgresql nginx-light';
/** The account with which this module commands a Redis server. */
const KEEPER = 'testkit';
/** The account that Debian's package makes; PostgreSQL refuses to run as root. */
const POSTGRES_ACCOUNT = 'postgres';
const MASTER_NAME = 'doorward';

const isRoot = process.getuid?.() === 0;

class Server {
  #launch;
  #process;
  #watchdog;
  #printed = '';

  /** `launch(onStart)` starts the program and resolves once it answers; `signal` asks it to end. */
  constructor({ folder, port, signal = 'SIGTERM', launch }) {
    Object.assign(this, { folder, port, signal });
    this.#launch = launch;
  }

  async start() {
    try {
      this.#process = await this.#launch((pid) => { this.#watchdog = watch(pid, this.folder); });
    } catch (error) {
      this.#watchdog?.kill('SIGKILL');
      throw error;
    }
  }

  /** Everything printed so far, by those before a restart too. */
  output() { return this.#printed + (this.#process?.output() ?? ''); }

  freeze() { freezeAll(this.#running().pid); }

  thaw() { thawAll(this.#running().pid); }

  async kill() {
    if (!this.#process) return;
    killAll(this.#process.pid);
    await this.#end();
  }

  async restart() {
    await this.#askToEnd();
    await this.#startAgain();
  }

  async restartEmpty() {
    await this.kill();
    await rm(join(this.folder, 'data'), { recursive: true });
    await this.#startAgain();
  }

  async stop() {
    await this.#askToEnd();
    await rm(this.folder, { recursive: true, force: true });
  }

  async #askToEnd() {
    if (!this.#process) return;
    this.thaw();
    const timer = setTimeout(() => killAll(this.#process.pid), LIMIT_MS);
    await this.#process.stop(this.signal);
    clearTimeout(timer);
    await this.#end();
  }

  async #end() {
    await this.#process.ended;
    this.#watchdog.kill('SIGKILL');
    this.#printed = this.output();
    this.#process = undefined;
  }

  /** Waits for whoever took the port meanwhile. */
  async #startAgain() {
    for (const deadline = Date.now() + LIMIT_MS; ;) {
      try {
        return await this.start();
      } catch (error) {
        if (!isTaken(error) || Date.now() > deadline) throw error;
        await pause();
      }
    }
  }

  #running() {
    if (!this.#process) throw new Error('expected a running server, found none');
    return this.#process;
  }
}

/**
 * Starts a Redis server, open to everybody or with a `password` for the default user; `replicaOf` is the primary it copies.
 *
 * `command(...words)` runs one command with all rights and answers with what redis-cli prints.
 */
export async function startRedis({ replicaOf, password = replicaOf?.password } = {}) {
  return onFreePort('redis', async (folder, port) => {
    const socket = join(folder, 'redis.sock');
    await writeFile(join(folder, 'redis.conf'), [
      'bind 127.0.0.1', `port ${port}`, `unixsocket ${socket}`, `dir ${join(folder, 'data')}`,
      // Kept without waiting for the disk: a killed process loses nothing that it answered.
      'appendonly yes', 'appendfsync no', 'save ""', 'repl-diskless-sync-delay 0', 'repl-ping-replica-period 1',
      `user ${KEEPER} on >${KEEPER} ~* &* +@all`, `masteruser ${KEEPER}`, `masterauth ${KEEPER}`,
      ...(password ? [`requirepass ${JSON.stringify(password)}`] : []),
      ...(replicaOf ? [`replicaof 127.0.0.1 ${replicaOf.port}`] : []),
    ].join('\n'));
    const command = (...words) => redisCli(socket, ['--user', KEEPER, '--pass', KEEPER, '--no-auth-warning', ...words]);
    const server = new Server({
      folder,
      port,
      launch: async (onStart) => {
        await mkdir(join(folder, 'data'), { recursive: true });
        return startServer(program('redis-server', 'valkey-server'), [join(folder, 'redis.conf')], async () => {
          const role = (await command('ROLE')).split('\n');
          if (role[0] === 'slave' && role[3] !== 'connected') throw new Error(`a replica that is ${role[3]}`);
        }, onStart);
      },
    });
    const secret = password ? `:${encodeURIComponent(password)}@` : '';
    return Object.assign(server, { url: `redis://${secret}127.0.0.1:${port}`, password, command });
  });
}

/**
 * Starts `count` sentinels over a primary with a replica; resolves once they know each other and the replica.
 *
 * They promote the replica a second after the primary fell silent; `promoted(port)` resolves with the new primary's port
 * once all of them take another one than `port` for it.
 */
export async function startSentinels(primary, count = 3) {
  const quorum = Math.floor(count / 2) + 1;
  const sentinels = await Promise.all(Array.from({ length: count }, () => startSentinel(primary, quorum)));
  await Promise.all(sentinels.map(({ command }) => until('a sentinel that knows all', async () => {
    const words = (await command('SENTINEL', 'MASTER', MASTER_NAME)).split('\n');
    const value = (name) => Number(words[words.indexOf(name) + 1]);
    const [others, replicas] = [value('num-other-sentinels'), value('num-slaves')];
    if (others !== count - 1 || replicas < 1) throw new Error(`${others} others and ${replicas} replicas`);
  })));
  const primaryPorts = async () => new Set(await Promise.all(sentinels.map(async ({ command }) => (
    Number((await command('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', MASTER_NAME)).split('\n')[1])
  ))));
  return {
    urls: sentinels.map(({ url }) => url),
    masterName: MASTER_NAME,
    sentinels,
    promoted: (old) => until('a replica to be promoted', async () => {
      const [port, ...others] = await primaryPorts();
      if (port === old || others.length > 0) throw new Error(`primaries at ${[port, ...others]}`);
      return port;
    }),
    stop: () => Promise.all(sentinels.map((sentinel) => sentinel.stop())),
  };
}

async function startSentinel(primary, quorum) {
  return onFreePort('sentinel', async (folder, port) => {
    const socket = join(folder, 'sentinel.sock');
    const config = join(folder, 'sentinel.conf');
    await writeFile(config, [
      'bind 127.0.0.1', `port ${port}`, `unixsocket ${socket}`, `dir ${folder}`,
      `sentinel monitor ${MASTER_NAME} 127.0.0.1 ${primary.port} ${quorum}`,
      `sentinel auth-user ${MASTER_NAME} ${KEEPER}`, `sentinel auth-pass ${MASTER_NAME} ${KEEPER}`,
      `sentinel down-after-milliseconds ${MASTER_NAME} 1000`, `sentinel failover-timeout ${MASTER_NAME} 4000`,
    ].join('\n'));
    const command = (...words) => redisCli(socket, words);
    // They look around every two and every ten seconds, for which no test has the time. Older ones cannot be told.
    const hurry = ['SENTINEL', 'DEBUG', 'INFO-PERIOD', '300', 'PUBLISH-PERIOD', '300', 'ASK-PERIOD', '300'];
    const server = new Server({
      folder,
      port,
      launch: async (onStart) => {
        const answers = () => command('PING');
        const started = await startServer(program('redis-server', 'valkey-server'), [config, '--sentinel'], answers, onStart);
        await command(...hurry).catch(() => {});
        return started;
      },
    });
    return Object.assign(server, { url: `redis://127.0.0.1:${port}`, command });
  });
}

/** Starts a PostgreSQL server with an empty database; `query(sql)` answers with rows as lines, columns parted by `|`. */
export async function startPostgres() {
  return onFreePort('postgres', async (folder, port) => {
    const [user, password, database] = ['doorward', 'testkit', 'postgres'];
    await writeFile(join(folder, 'password'), password);
    if (isRoot) await run('chown', ['--recursive', POSTGRES_ACCOUNT, folder]);
    // As the account that the files belong to.
    const asAccount = (name, args) => (isRoot
      ? ['setpriv', ['--reuid', POSTGRES_ACCOUNT, '--regid', POSTGRES_ACCOUNT, '--init-groups', name, ...args]]
      : [name, args]);
    const query = async (sql) => (await run(postgresProgram('psql'), [
      '--no-psqlrc', '--quiet', '--no-align', '--tuples-only', '--set=ON_ERROR_STOP=1',
      '--host', folder, '--port', port, '--username', user, '--dbname', database, '--command', sql,
    ], { PGPASSWORD: password })).trimEnd();
    const data = join(folder, 'data');
    // A killed process loses nothing by these; only a machine that loses power would.
    const settings = ['fsync=off', 'full_page_writes=off', 'shared_buffers=16MB'];
    const server = new Server({
      folder,
      port,
      // Without waiting for its clients.
      signal: 'SIGINT',
      launch: async (onStart) => {
        if (!existsSync(data)) {
          await run(...asAccount(postgresProgram('initdb'), [
            '--no-sync', '--no-instructions', '--no-locale', '--encoding=UTF8', '--auth=scram-sha-256',
            '--username', user, '--pwfile', join(folder, 'password'), data,
          ]));
        }
        const set = [`listen_addresses=127.0.0.1`, `port=${port}`, `unix_socket_directories=${folder}`, ...settings];
        const args = ['-D', data, ...set.flatMap((setting) => ['-c', setting])];
        return startServer(...asAccount(postgresProgram('postgres'), args), () => query('select 1'), onStart);
      },
    });
    return Object.assign(server, { url: `postgres://${user}:${password}@127.0.0.1:${port}/${database}`, query });
  });
}

/** Starts nginx with `http` as what stands in its block `http`, where `{listen}` is the address and `{folder}` a folder of its own. */
export async function startNginx(http) {
  if (!http.includes('{listen}')) throw new Error('expected {listen} in the configuration of nginx, found none');
  return onFreePort('nginx', async (folder, port) => {
    const socketPath = join(folder, 'ready.sock');
    const config = join(folder, 'nginx.conf');
    await writeFile(config, `
      daemon off;
      worker_processes 1;
      ${/* Workers of a nginx that root starts would be nobody, who may not enter the folder. */ isRoot ? 'user root;' : ''}
      pid ${folder}/nginx.pid;
      error_log stderr warn;
      events { worker_connections 512; }
      http {
        access_log off;
        ${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((kind) => `${kind}_temp_path ${folder}/${kind};`).join('\n')}
        server { listen unix:${socketPath}; return 204; }
        ${http.replaceAll('{listen}', `127.0.0.1:${port}`).replaceAll('{folder}', folder)}
      }`);
    // At a socket of its own, so that nothing under test counts a request too many.
    const answers = () => new Promise((resolve, reject) => {
      get({ socketPath, agent: false }, (answer) => { answer.resume(); resolve(); }).on('error', reject);
    });
    const server = new Server({
      folder,
      port,
      launch: async (onStart) => {
        // One that was killed leaves its socket, and nginx takes that for an address in use.
        await unlink(socketPath).catch(() => {});
        return startServer(program('nginx', '/usr/sbin/nginx'), ['-e', 'stderr', '-c', config, '-p', folder], answers, onStart);
      },
    });
    return Object.assign(server, { url: `http://127.0.0.1:${port}` });
  });
}

/** Starts what `make` makes on a free port, on another one where somebody was faster. */
async function onFreePort(name, make) {
  for (let tried = 1; ; tried += 1) {
    const folder = await mkdtemp(join(tmpdir(), `doorward-${name}-`));
    try {
      const server = await make(folder, await freePort());
      await server.start();
      return server;
    } catch (error) {
      await rm(folder, { recursive: true, force: true });
      if (!isTaken(error) || tried === PORTS_TRIED) throw error;
    }
  }
}

const startServer = (binary, args, answers, onStart) => startProcess(binary, args, { answers, onStart, ownGroup: true });

const isTaken = (error) => /ddress already in use/.test(error.message);

/** A shell that holds a pipe from this process, and kills the server's group when the pipe closes. */
function watch(group, folder) {
  const script = 'read -r nothing; kill -s KILL -- "-$1"; sleep 1; rm -rf -- "$2"';
  const watchdog = spawn('sh', ['-c', script, 'sh', String(group), folder], { detached: true, stdio: ['pipe', 'ignore', 'ignore'] });
  watchdog.unref();
  watchdog.stdin.on('error', () => {}).unref();
  return watchdog;
}

/** Asks until the answer is no error; the last error says what was met instead. */
async function until(expected, ask) {
  for (const deadline = Date.now() + LIMIT_MS; ; await pause()) {
    try {
      return await ask();
    } catch (error) {
      if (Date.now() > deadline) throw new Error(`expected ${expected} within ${LIMIT_MS / 1000} s, found ${error.message}`);
    }
  }
}

const pause = () => new Promise((resolve) => { setTimeout(resolve, PAUSE_MS); });

const redisCli = async (socket, words) => (await run('redis-cli', ['-e', '-s', socket, ...words])).trimEnd();

async function run(binary, args, env = {}) {
  const options = { env: { ...process.env, ...env }, timeout: LIMIT_MS, killSignal: 'SIGKILL' };
  try {
    return (await promisify(execFile)(binary, args.map(String), options)).stdout;
  } catch (error) {
    if (error.code === 'ENOENT') throw new Error(`expected the program \`${binary}\`, found none: ${INSTALL}`);
    throw new Error(`expected \`${binary}\` to succeed, found ${error.code ?? error.signal}: ${error.stdout}${error.stderr}`);
  }
}

/** The first of `names` that is a file or on the search path. */
function program(...names) {
  const folders = ['', ...(process.env.PATH ?? '').split(':')];
  const found = names.flatMap((name) => folders.map((folder) => (folder ? join(folder, name) : name)))
    .find((path) => path.startsWith('/') && existsSync(path));
  if (!found) throw new Error(`expected the program \`${names.join('` or `')}\`, found none: ${INSTALL}`);
  return found;
}

/** The newest that Debian's packages installed, else what is on the search path. */
function postgresProgram(name) {
  const versions = existsSync('/usr/lib/postgresql') ? readdirSync('/usr/lib/postgresql') : [];
  const [newest] = versions.filter((version) => existsSync(`/usr/lib/postgresql/${version}/bin/postgres`)).sort((one, other) => other - one);
  return newest ? `/usr/lib/postgresql/${newest}/bin/${name}` : program(name);
}
