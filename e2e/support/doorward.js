// Starts the built binary and stops it again; keeps everything it printed.

import { spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const BINARY = process.env.DOORWARD_BIN ?? fileURLToPath(new URL('../../target/debug/doorward', import.meta.url));
const START_LIMIT_MS = 30_000;

const running = new Set();
process.on('exit', () => running.forEach((child) => child.kill('SIGKILL')));
// The test runner ends a file that takes too long with SIGTERM, which by itself would leave the children behind.
process.once('SIGTERM', () => process.exit(1));

/**
 * Starts `doorward dev` on free ports.
 *
 * Resolves once every listener has said `ready`: `url` is the app's, `providerUrl` the development provider's
 * (undefined where `--issuer` names another one).
 */
export async function startDev({ args = [], env = {}, listen = '127.0.0.1:0' } = {}) {
  const own = !args.includes('--issuer');
  const full = ['dev', '--listen', listen, ...(own ? ['--provider-listen', '127.0.0.1:0'] : []), ...args];
  const child = spawn(BINARY, full, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  running.add(child);
  const ended = once(child, 'exit').then(([code, signal]) => {
    running.delete(child);
    return code ?? signal;
  });
  const printed = { stdout: '', stderr: '' };
  child.stderr.setEncoding('utf8').on('data', (text) => { printed.stderr += text; });
  const ready = await new Promise((resolve, reject) => {
    const fail = (why) => reject(new Error(`doorward ${full.join(' ')} ${why}\n${printed.stdout}${printed.stderr}`.slice(0, 4000)));
    const timer = setTimeout(() => { child.kill('SIGKILL'); fail('did not get ready'); }, START_LIMIT_MS);
    child.on('error', fail);
    ended.then((code) => fail(`ended with ${code}`));
    child.stdout.setEncoding('utf8').on('data', (text) => {
      printed.stdout += text;
      const lines = [...printed.stdout.matchAll(/^ready (\S+)\r?\n/gm)].map((match) => match[1]);
      if (lines.length >= (own ? 2 : 1)) {
        clearTimeout(timer);
        resolve(lines);
      }
    });
  });
  return {
    url: ready[0],
    providerUrl: own ? ready[1] : undefined,
    /** Everything printed so far, both streams. */
    output: () => printed.stdout + printed.stderr,
    /** Asks it to stop as an operator would, and answers with the exit code. */
    async stop() {
      child.kill('SIGTERM');
      return ended;
    },
  };
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
