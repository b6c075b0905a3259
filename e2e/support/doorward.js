// Starts the built binary and stops it again; keeps everything it printed.

import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startProcess } from './process.js';

export const BINARY = process.env.DOORWARD_BIN ?? fileURLToPath(new URL('../../target/debug/doorward', import.meta.url));

/**
 * Starts `doorward dev` on free ports.
 *
 * Resolves once every listener has said `ready`: `url` is the app's, `providerUrl` the development provider's
 * (undefined where `--issuer` names another one).
 */
export async function startDev({ args = [], env = {}, listen = '127.0.0.1:0' } = {}) {
  const own = !args.includes('--issuer');
  const full = ['dev', '--listen', listen, ...(own ? ['--provider-listen', '127.0.0.1:0'] : []), ...args];
  const { ready: [url, providerUrl], ...rest } = await startProcess(BINARY, full, { env, lines: own ? 2 : 1 });
  return { url, providerUrl, ...rest };
}

/**
 * Starts the development provider alone, with `config` (TOML) as its file if there is one.
 *
 * `clientSecret` is the one it printed for its main client.
 */
export async function startProvider({ args = [], config } = {}) {
  const folder = config && await mkdtemp(join(tmpdir(), 'doorward-provider-'));
  const file = folder && join(folder, 'provider.toml');
  if (file) await writeFile(file, config, { mode: 0o600 });
  try {
    const { ready: [providerUrl], output, stop } = await startProcess(BINARY, [
      'provider', '--listen', '127.0.0.1:0', ...(file ? ['--config', file] : []), ...args,
    ]);
    // It is printed after the line that says it is ready, and to the other stream.
    const printed = () => output().match(/^ *secret +(\S+)$/m)?.[1];
    while (!printed()) await new Promise((resolve) => { setTimeout(resolve, 10); });
    return { providerUrl, clientSecret: printed(), output, stop };
  } finally {
    if (folder) await rm(folder, { recursive: true });
  }
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
