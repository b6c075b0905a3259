// `fetch` for hosts that only a browser finds on this machine: names under localhost, and the test domains.

import { Agent, request } from 'node:http';
import { once } from 'node:events';
import { buffer } from 'node:stream/consumers';

// A crowd of users is a crowd of connections, not a queue.
const agent = new Agent({ keepAlive: true, maxSockets: Infinity });
/** Every name is this machine. */
const lookup = (_, { all }, found) => (all ? found(null, [{ address: '127.0.0.1', family: 4 }]) : found(null, '127.0.0.1', 4));

/** One exchange over plain http; follows no redirect. */
export async function loopbackFetch(url, { method = 'GET', headers = {}, body } = {}) {
  const sent = request(url, { agent, lookup, method, headers: headersOf(headers, body) });
  sent.end(body && String(body));
  const [answer] = await once(sent, 'response');
  const received = await buffer(answer);
  const copied = new Headers();
  for (let at = 0; at < answer.rawHeaders.length; at += 2) copied.append(answer.rawHeaders[at], answer.rawHeaders[at + 1]);
  return new Response([204, 304].includes(answer.statusCode) ? null : received, { status: answer.statusCode, headers: copied });
}

function headersOf(headers, body) {
  return body instanceof URLSearchParams ? { 'content-type': 'application/x-www-form-urlencoded', ...headers } : headers;
}
