// Small web servers of other people: a page's own origin, or an attacker's.

import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer as createHttp, request as requestHttp } from 'node:http';
import { createServer as createHttps } from 'node:https';
import { connect } from 'node:net';
import { extname } from 'node:path';
import { certificateFor } from './certificate.js';

const TYPES = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript; charset=utf-8' };
const AXIOS = new URL('../node_modules/axios/dist/axios.min.js', import.meta.url);

/** A file of `e2e/pages`, or axios as its package ships it; undefined where there is none. */
async function pageFile(name) {
  if (!/^[a-z-]+(\.min)?\.(html|js)$/.test(name)) return undefined;
  const url = name === 'axios.min.js' ? AXIOS : new URL(`../pages/${name}`, import.meta.url);
  const body = await readFile(url, 'utf8').catch(() => undefined);
  return body && { body, contentType: TYPES[name.slice(name.lastIndexOf('.'))] };
}

/**
 * Serves `pages` (path to HTML, or to script where the path ends so), or the files of `e2e/pages` where none are given, at `http(s)://host:port`.
 *
 * With `backend`, a function that names another server's URL, whatever is no page is passed on to it, as a frontend's
 * development server does. `keeps` says of each cookie line of the other server whether it comes through.
 */
export async function serveSite({ host = 'localhost', pages, tls = false, port = 0, backend, keeps = () => true } = {}) {
  const answer = async (request, response) => {
    const { pathname } = new URL(request.url, 'http://site.test');
    const found = pages
      ? pages[pathname] && { body: pages[pathname], contentType: TYPES[extname(pathname) || '.html'] }
      : await pageFile(pathname.slice(pathname.lastIndexOf('/') + 1));
    if (!found && backend) {
      passOn(request, response, backend(), keeps);
      return;
    }
    response.writeHead(found ? 200 : 404, { 'content-type': found?.contentType ?? 'text/plain' });
    response.end(found?.body ?? 'not here');
  };
  const server = tls ? createHttps(certificateFor(host), answer) : createHttp(answer);
  const sockets = new Set();
  if (backend) {
    server.on('upgrade', (request, socket, head) => {
      sockets.add(socket);
      socket.on('close', () => sockets.delete(socket));
      passOnUpgrade(request, socket, head, backend());
    });
  }
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  // A test that fails before it stops this server must not keep the file from ending.
  server.unref();
  return {
    url: `${tls ? 'https' : 'http'}://${host}:${server.address().port}`,
    async stop() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      // An upgraded connection is no longer the server's.
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

function passOn(request, response, target, keeps) {
  const onward = requestHttp(new URL(request.url, target), { method: request.method, headers: request.headers }, (answer) => {
    const { rawHeaders } = answer;
    const dropped = (index) => rawHeaders[index].toLowerCase() === 'set-cookie' && !keeps(rawHeaders[index + 1]);
    response.writeHead(answer.statusCode, rawHeaders.filter((_, index) => !dropped(index - (index % 2))));
    answer.pipe(response);
  });
  onward.on('error', () => response.destroy());
  request.pipe(onward);
}

/** A WebSocket's connection, byte for byte. */
function passOnUpgrade({ method, url, rawHeaders }, socket, head, target) {
  const onward = connect(new URL(target).port, '127.0.0.1', () => {
    const lines = rawHeaders.map((text, index) => (index % 2 ? `${text}\r\n` : `${text}: `)).join('');
    onward.write(`${method} ${url} HTTP/1.1\r\n${lines}\r\n`);
    onward.write(head);
    onward.pipe(socket).pipe(onward);
  });
  for (const [one, other] of [[onward, socket], [socket, onward]]) one.on('error', () => other.destroy());
  socket.on('close', () => onward.destroy());
}
