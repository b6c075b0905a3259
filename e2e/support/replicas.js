// Several instances of the demo over one store, as a deployment has them: one public URL, one file of secrets, nginx in front.

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, startDev } from './doorward.js';
import { startNginx } from './servers.js';

/** Long enough ago for a secret to seal. */
const LONG_AGO = '2026-01-01T00:00:00Z';

/**
 * Starts `count` instances that keep their sessions in the store at `storeUrl`.
 *
 * `provider` is asked for with the public URL and answers with `{issuer, clientId, clientSecret}`. `url` is what browsers see, where
 * nginx shares requests and sockets out among the instances, one by one; each of `instances` has a `url` of its own, for asking one of them.
 */
export async function startReplicas({ count = 2, storeUrl, provider, args = [] }) {
  const folder = await mkdtemp(join(tmpdir(), 'doorward-replicas-'));
  const secretsFile = join(folder, 'secrets');
  await writeFile(secretsFile, `${LONG_AGO} ${newSecret()}\n`, { mode: 0o600 });
  const ports = [];
  for (let i = 0; i < count; i += 1) ports.push(await freePort());
  const nginx = await startNginx(`
    map $http_upgrade $connection_header { default upgrade; '' ''; }
    upstream instances {
      ${ports.map((port) => `server 127.0.0.1:${port} max_fails=0;`).join(' ')}
      keepalive 16;
    }
    server {
      listen {listen};
      location / {
        proxy_pass http://instances;
        proxy_http_version 1.1;
        proxy_set_header Upgrade $http_upgrade;
        proxy_set_header Connection $connection_header;
        proxy_set_header Host $http_host;
        proxy_next_upstream error timeout;
        proxy_connect_timeout 2s;
      }
    }`);
  const url = `http://localhost:${nginx.port}`;
  const relation = await provider(url);
  const start = async (port) => startDev({
    listen: `127.0.0.1:${port}`,
    args: [
      '--public-url', url, '--store', storeUrl, '--secrets-file', secretsFile,
      '--issuer', relation.issuer, '--client-id', relation.clientId, ...args,
    ],
    env: { DOORWARD_CLIENT_SECRET: relation.clientSecret, RUST_LOG: 'info' },
  });
  const instances = [];
  for (const port of ports) {
    const running = await start(port);
    instances.push({
      port,
      url: `http://localhost:${port}`,
      pid: running.pid,
      running,
      output: () => running.output(),
      /** Ends it at once, without a word. */
      async kill() { await this.running.stop('SIGKILL'); },
      /** Asks it to end, and starts another in its place. */
      async replace() {
        const code = await this.running.stop('SIGTERM');
        await this.startAgain();
        return code;
      },
      async startAgain() {
        this.running = await start(port);
        this.pid = this.running.pid;
      },
    });
  }
  return {
    url,
    instances,
    secretsFile,
    nginx,
    /** Asks an instance, or nginx, with the cookies that a browser keeps for the public URL. */
    ask: (jar, path, { at = url, ...init } = {}) => fetch(at + path, {
      redirect: 'manual', ...init, headers: { cookie: jar.header(url), ...init.headers },
    }),
    async stop() {
      const ended = await Promise.all(instances.map(({ running }) => running.stop()));
      await nginx.stop();
      await rm(folder, { recursive: true });
      return ended;
    },
  };
}

/** A secret as `doorward keys generate` makes it. */
export const newSecret = () => randomBytes(32).toString('base64url');

/** How often each value occurs, such as `{200: 499, 503: 1}`. */
export function tally(values) {
  const counts = {};
  for (const value of values) counts[value] = (counts[value] ?? 0) + 1;
  return counts;
}

/** What a process holds of the machine's memory, in megabytes. */
export function residentMegabytes(pid) {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(status.match(/^VmRSS:\s+(\d+) kB$/m)[1]) / 1024;
}

/** Runs `work` for each of `items`, `at` of them at a time. */
export async function each(items, at, work) {
  const results = [];
  let next = 0;
  await Promise.all(Array.from({ length: Math.min(at, items.length) }, async () => {
    while (next < items.length) {
      const index = next;
      next += 1;
      results[index] = await work(items[index], index);
    }
  }));
  return results;
}
