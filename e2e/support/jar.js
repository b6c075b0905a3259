// A scripted browser for where a real one would only be slow: keeps cookies by host, follows redirects on demand.

const NAVIGATION = { accept: 'text/html', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document', 'sec-fetch-site': 'none' };

export class Jar {
  #cookies = new Map();
  #fetch;

  /** `fetch` makes the exchanges, where another one than the runtime's is to make them. */
  constructor(fetch = globalThis.fetch) {
    this.#fetch = fetch;
  }

  /** Cookies as a real browser holds them (`context.cookies()`). */
  static from(cookies) {
    const jar = new Jar();
    for (const { domain, name, value } of cookies) jar.#store(domain.replace(/^\./, '')).set(name, value);
    return jar;
  }

  /** Value of a cookie for `url`'s host; cookies ignore ports. */
  value(url, name) {
    return this.#store(new URL(url).hostname).get(name);
  }

  names(url) {
    return [...this.#store(new URL(url).hostname).keys()];
  }

  set(url, name, value) {
    this.#store(new URL(url).hostname).set(name, value);
  }

  copy() {
    const jar = new Jar(this.#fetch);
    for (const [host, cookies] of this.#cookies) jar.#cookies.set(host, new Map(cookies));
    return jar;
  }

  header(url) {
    return [...this.#store(new URL(url).hostname)].map(([name, value]) => `${name}=${value}`).join('; ');
  }

  /** One exchange, no redirect followed; what the answer sets is kept. */
  async fetch(url, init = {}) {
    const headers = { ...init.headers };
    const cookie = this.header(url);
    if (cookie) headers.cookie = cookie;
    const answer = await this.#fetch(url, { ...init, headers, redirect: 'manual' });
    this.keep(url, answer);
    return answer;
  }

  /** A visit as a browser's address bar makes it, redirects followed; answers the last answer and every URL on the way. */
  async visit(url, init = {}) {
    const urls = [];
    let next = url;
    let first = init;
    for (let hops = 0; hops < 20; hops += 1) {
      urls.push(next);
      const answer = await this.fetch(next, { ...first, headers: { ...NAVIGATION, ...first.headers } });
      const location = answer.headers.get('location');
      if (answer.status < 300 || answer.status > 399 || !location) return { answer, urls };
      await answer.body?.cancel();
      next = new URL(location, next).href;
      first = {};
    }
    throw new Error(`too many redirects: ${urls.join(' -> ')}`);
  }

  keep(url, answer) {
    const store = this.#store(new URL(url).hostname);
    for (const line of answer.headers.getSetCookie()) {
      const [pair, ...attributes] = line.split(';').map((part) => part.trim());
      const at = pair.indexOf('=');
      const [name, value] = [pair.slice(0, at), pair.slice(at + 1)];
      const gone = attributes.some((attribute) => /^max-age=0$/i.test(attribute)) || value === '';
      if (gone) store.delete(name);
      else store.set(name, value);
    }
  }

  #store(host) {
    if (!this.#cookies.has(host)) this.#cookies.set(host, new Map());
    return this.#cookies.get(host);
  }
}
