// The development provider, the TLS front that wristband-fastapi-auth needs before it, and the two servers compared.

import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request as requestHttp } from 'node:http';
import { createServer as createHttps } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { certificateFor } from '../certificate.js';
import { freePort } from '../doorward.js';

const repository = (path) => fileURLToPath(new URL(`../../../${path}`, import.meta.url));
const BINARY = process.env.DOORWARD_BIN ?? repository('target/debug/doorward');
const EXAMPLE = join(process.env.DOORWARD_EXAMPLES ?? repository('target/debug/examples'), 'wristband');
const PYTHON = process.env.DOORWARD_PYTHON ?? repository('target/tools/python/bin/python');
const FASTAPI_APP = repository('e2e/python/fastapi_app.py');
const START_LIMIT_MS = 30_000;

const running = new Set();
process.on('exit', () => running.forEach((child) => child.kill('SIGKILL')));

/** Starts a program and waits for its `ready` line; `text` is everything that it printed, from the start. */
async function start(command, args, env, isReady) {
  const child = spawn(command, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  running.add(child);
  const ended = once(child, 'exit').then(([code, signal]) => {
    running.delete(child);
    return code ?? signal;
  });
  const program = {
    text: '',
    async stop() {
      child.kill('SIGTERM');
      return ended;
    },
  };
  await new Promise((resolve, reject) => {
    const fail = (why) => reject(new Error(`${command} ${args.join(' ')} ${why}\n${program.text}`.slice(0, 4000)));
    const timer = setTimeout(() => { child.kill('SIGKILL'); fail('did not get ready'); }, START_LIMIT_MS);
    child.on('error', fail);
    ended.then((code) => fail(`ended with ${code}`));
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text) => {
        program.text += text;
        if (isReady(program.text)) {
          clearTimeout(timer);
          resolve();
        }
      });
    }
  });
  return program;
}

/** The development provider with the platform's paths. */
export async function startPlatform() {
  const args = ['provider', '--listen', '127.0.0.1:0', '--platform', '--auto-login', 'alice@acme.test'];
  const program = await start(BINARY, args, {}, (text) => /^ready \S+$/m.test(text) && /secret +\S+$/m.test(text));
  const url = new URL(/^ready (\S+)$/m.exec(program.text)[1]);
  const control = async (path, settings) => {
    const answer = await fetch(new URL(path, url), settings && {
      method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(settings),
    });
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    return answer.json();
  };
  return {
    port: Number(url.port),
    clientId: /client +([^\s,]+)/.exec(program.text)[1],
    clientSecret: /secret +(\S+)$/m.exec(program.text)[1],
    settings: (settings) => control('/_control/settings', settings),
    stats: () => control('/_control/stats'),
    info: () => control('/_control/platform'),
    stop: program.stop,
  };
}

/** Ends TLS before the provider and keeps the Host: the SDK asks for `https://` and nothing else. */
export async function startFront(provider) {
  const certificate = certificateFor('app.localhost');
  const server = createHttps(certificate, (request, response) => {
    const { url: path, method, headers } = request;
    // A connection for each request: one that was kept may be closed by the provider at the very moment of its next use.
    const onward = requestHttp({ host: '127.0.0.1', port: provider.port, path, method, headers, agent: false }, (answer) => {
      response.writeHead(answer.statusCode, answer.rawHeaders);
      answer.on('error', () => response.destroy());
      answer.pipe(response);
    });
    onward.on('error', () => response.destroy());
    request.pipe(onward);
  });
  // Nor may this end close a connection that the SDK keeps: both would do so after the same five seconds.
  server.keepAliveTimeout = 0;
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  server.unref();
  const directory = await mkdtemp(join(tmpdir(), 'doorward-side-by-side-'));
  const authority = join(directory, 'authority.pem');
  await writeFile(authority, certificate.cert);
  return {
    port: server.address().port,
    authority,
    async stop() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** Where an application's login and callback are: known to the provider before the application starts. */
export function addresses(port) {
  const origin = `https://localhost:${port}`;
  return { origin, login: `${origin}/api/auth/login`, callback: `${origin}/api/auth/callback` };
}

const isReady = (text) => /^ready \S+$/m.test(text);
const secret = () => randomBytes(32).toString('base64url');

/** Doorward, as `crates/doorward/examples/wristband.rs` sets it up. */
export async function startDoorward({ provider, sessionSeconds }) {
  const port = await freePort();
  const { origin } = addresses(port);
  return {
    port,
    start: () => start(EXAMPLE, [], {
      ...application(provider, provider.port, port, sessionSeconds), PUBLIC_URL: origin,
    }, isReady),
  };
}

/** wristband-fastapi-auth, as its documentation sets it up. */
export async function startFastApi({ provider, front, sessionSeconds }) {
  const port = await freePort();
  return {
    port,
    start: () => start(PYTHON, [FASTAPI_APP], {
      ...application(provider, front.port, port, sessionSeconds), SSL_CERT_FILE: front.authority,
      PYTHONUNBUFFERED: '1', PYTHONDONTWRITEBYTECODE: '1',
    }, isReady),
  };
}

function application(provider, platformPort, port, sessionSeconds) {
  return {
    PORT: String(port),
    APPLICATION_VANITY_DOMAIN: `app.localhost:${platformPort}`,
    CLIENT_ID: provider.clientId,
    CLIENT_SECRET: provider.clientSecret,
    SESSION_SECRET: secret(),
    ...(sessionSeconds && { SESSION_SECONDS: String(sessionSeconds) }),
  };
}
