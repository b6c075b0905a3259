// Starts the built binary and stops it again; keeps everything it printed.

import { spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const BINARY = process.env.DOORWARD_BIN ?? fileURLToPath(new URL('../../target/debug/doorward', import.meta.url));
const EXAMPLES = process.env.DOORWARD_EXAMPLES ?? fileURLToPath(new URL('../../target/debug/examples', import.meta.url));
const START_LIMIT_MS = 30_000;

const running = new Set();
process.on('exit', () => running.forEach((child) => child.kill('SIGKILL')));
// The test runner ends a file that takes too long with SIGTERM, which by itself would leave the children behind.
process.once('SIGTERM', () => process.exit(1));

/**
 * Starts a program that says `ready URL` once per listener, and resolves once it has said so `listeners` times.
 *
 * `urls` are the listeners', in the order they got ready.
 */
async function start(binary, args, { env = {}, listeners = 1 } = {}) {
  const child = spawn(binary, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  running.add(child);
  const ended = once(child, 'exit').then(([code, signal]) => {
    running.delete(child);
    return code ?? signal;
  });
  const printed = { stdout: '', stderr: '' };
  child.stderr.setEncoding('utf8').on('data', (text) => { printed.stderr += text; });
  const urls = await new Promise((resolve, reject) => {
    const fail = (why) => reject(new Error(`${basename(binary)} ${args.join(' ')} ${why}\n${printed.stdout}${printed.stderr}`.slice(0, 4000)));
    const timer = setTimeout(() => { child.kill('SIGKILL'); fail('did not get ready'); }, START_LIMIT_MS);
    child.on('error', fail);
    ended.then((code) => fail(`ended with ${code}`));
    child.stdout.setEncoding('utf8').on('data', (text) => {
      printed.stdout += text;
      const lines = [...printed.stdout.matchAll(/^ready (\S+)\r?\n/gm)].map((match) => match[1]);
      if (lines.length >= listeners) {
        clearTimeout(timer);
        resolve(lines);
      }
    });
  });
  return {
    urls,
    /** Everything printed so far, both streams. */
    output: () => printed.stdout + printed.stderr,
    /** Asks it to stop as an operator would, and answers with the exit code or the signal that ended it. */
    async stop() {
      child.kill('SIGTERM');
      return ended;
    },
  };
}

/**
 * Starts `doorward dev` on free ports.
 *
 * Resolves once every listener has said `ready`: `url` is the app's, `providerUrl` the development provider's
 * (undefined where `--issuer` names another one).
 */
export async function startDev({ args = [], env = {}, listen = '127.0.0.1:0' } = {}) {
  const own = !args.includes('--issuer');
  const full = ['dev', '--listen', listen, ...(own ? ['--provider-listen', '127.0.0.1:0'] : []), ...args];
  const { urls: [url, providerUrl], ...dev } = await start(BINARY, full, { env, listeners: own ? 2 : 1 });
  return { url, providerUrl: own ? providerUrl : undefined, ...dev };
}

/**
 * Starts the development provider alone, with `config` (TOML) as its file if there is one.
 *
 * `clientSecret` is the one it printed for its main client.
 */
export async function startProvider({ args = [], config } = {}) {
  const folder = config && await mkdtemp(join(tmpdir(), 'doorward-provider-'));
  const file = folder && join(folder, 'provider.toml');
  try {
    if (file) await writeFile(file, config, { mode: 0o600 });
    const full = ['provider', '--listen', '127.0.0.1:0', ...(file ? ['--config', file] : []), ...args];
    const { urls: [providerUrl], ...provider } = await start(BINARY, full);
    // It is printed after the line that says it is ready, and to the other stream.
    const printed = () => provider.output().match(/^ *secret +(\S+)$/m)?.[1];
    while (!printed()) await new Promise((resolve) => { setTimeout(resolve, 10); });
    return { providerUrl, clientSecret: printed(), ...provider };
  } finally {
    if (folder) await rm(folder, { recursive: true });
  }
}

/** Starts an example of the library by its name; `env` sets it up. */
export async function startExample(name, env) {
  const { urls: [url], ...example } = await start(join(EXAMPLES, name), [], { env });
  return { url, ...example };
}

/** What the development provider counted, such as `{authorize, token: {authorization_code, refresh_token}, …}`. */
export async function providerStats(dev) {
  const answer = await fetch(new URL('/_control/stats', dev.providerUrl));
  return answer.json();
}

/** Changes how the development provider behaves from now on. */
export async function providerSettings(dev, settings) {
  const answer = await fetch(new URL('/_control/settings', dev.providerUrl), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(settings),
  });
  if (!answer.ok) throw new Error(`provider settings: ${answer.status} ${await answer.text()}`);
}

/** A port that was free a moment ago, for where both sides must know it before either starts. */
export async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}
