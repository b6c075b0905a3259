// Small web servers of other people: a page's own origin, or an attacker's.

import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer as createHttp } from 'node:http';
import { createServer as createHttps } from 'node:https';
import { certificateFor } from './certificate.js';

const TYPES = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript; charset=utf-8' };
const AXIOS = new URL('../node_modules/axios/dist/axios.min.js', import.meta.url);

/** A file of `e2e/pages`, or axios as its package ships it; undefined where there is none. */
export async function pageFile(name) {
  if (!/^[a-z-]+(\.min)?\.(html|js)$/.test(name)) return undefined;
  const url = name === 'axios.min.js' ? AXIOS : new URL(`../pages/${name}`, import.meta.url);
  const body = await readFile(url, 'utf8').catch(() => undefined);
  return body && { body, contentType: TYPES[name.slice(name.lastIndexOf('.'))] };
}

/**
 * Serves `pages` (path to HTML), or the files of `e2e/pages` where none are given, at `http(s)://host:port`.
 *
 * `seen` lists the paths asked for, so that a test can tell that an attack really left the browser.
 */
export async function serveSite({ host = 'localhost', pages, tls = false, port = 0 } = {}) {
  const seen = [];
  const answer = async (request, response) => {
    const { pathname } = new URL(request.url, 'http://site.test');
    seen.push(pathname);
    const found = pages
      ? pages[pathname] && { body: pages[pathname], contentType: TYPES['.html'] }
      : await pageFile(pathname.slice(pathname.lastIndexOf('/') + 1));
    response.writeHead(found ? 200 : 404, { 'content-type': found?.contentType ?? 'text/plain' });
    response.end(found?.body ?? 'not here');
  };
  const server = tls ? createHttps(certificateFor(host), answer) : createHttp(answer);
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `${tls ? 'https' : 'http'}://${host}:${server.address().port}`,
    seen,
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
