// A shared cache as greedy as the rules allow (RFC 9111): keeps every 200 that does not forbid it, for everybody.

import { once } from 'node:events';
import { createServer } from 'node:http';

/** Starts the cache in front of `origin`; `hits` lists what it answered from its store. */
export async function startCache(origin) {
  const kept = new Map();
  const hits = [];
  const server = createServer(async (request, response) => {
    const found = request.method === 'GET' && kept.get(request.url);
    if (found) {
      hits.push(request.url);
      response.writeHead(200, found.headers);
      response.end(found.body);
      return;
    }
    const { host, connection, ...headers } = request.headers;
    const answer = await fetch(new URL(request.url, origin), { method: request.method, headers, redirect: 'manual' });
    const body = Buffer.from(await answer.arrayBuffer());
    const { 'content-encoding': _, 'content-length': __, 'transfer-encoding': ___, ...copied } = Object.fromEntries(answer.headers);
    const cookies = answer.headers.getSetCookie();
    if (cookies.length) copied['set-cookie'] = cookies;
    const control = answer.headers.get('cache-control') ?? '';
    if (request.method === 'GET' && answer.status === 200 && !/no-store|private|no-cache/i.test(control)) {
      kept.set(request.url, { headers: copied, body });
    }
    response.writeHead(answer.status, copied);
    response.end(body);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  // A test that fails before it stops this server must not keep the file from ending.
  server.unref();
  return {
    url: `http://localhost:${server.address().port}`,
    hits,
    async stop() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
