// One of the two servers, met as a browser meets it: the same requests, each server with its own cookies.

import { request as requestHttp } from 'node:http';
import { Jar } from '../jar.js';
import { addresses } from './servers.js';

/** Calls of one server at the provider that a row can count. */
const COUNTED = { code: ['token', 'authorization_code'], refresh: ['token', 'refresh_token'], userinfo: ['userinfo'],
  domain: ['custom_domains'], revoke: ['revoke'], jwks: ['jwks'], configuration: ['sdk_configuration'] };

const DEFAULTS = {
  access_token_ttl: 1800, refresh_token_rotation: 'on', refresh_token: true, auto_login: 'alice@acme.test',
  delays: null, errors: null,
};

export class Side {
  /** `kind` is `theirs` or `ours`; `platformOrigin` is what the tokens of the platform name as their issuer for it. */
  constructor({ kind, port, provider, platformOrigin }) {
    this.kind = kind;
    this.port = port;
    this.provider = provider;
    this.platformOrigin = platformOrigin;
    this.jar = new Jar();
    this.sessionCookie = kind === 'theirs' ? 'session' : '__Host-session';
  }

  get origin() {
    return addresses(this.port).origin;
  }

  /** True for addresses of this application, under either of its servers. */
  isOwn(url) {
    return [this, this.brief].some((side) => side !== undefined && url.origin === side.origin);
  }

  /** A fresh browser, and a provider that does nothing unusual. */
  async reset() {
    this.jar = new Jar();
    await this.configure({});
  }

  /** Provider settings for one row; `claims` are changes to the claims of tokens and userinfo. */
  async configure({ claims = {}, ...settings }) {
    const { login, callback } = addresses(this.port);
    const issuer = { iss: this.platformOrigin };
    await this.provider.settings({
      ...DEFAULTS,
      ...settings,
      platform: {
        sdk_configuration: { loginUrl: login, redirectUri: callback },
        claims: {
          access_token: { ...issuer, ...claims.access_token },
          id_token: { ...issuer, ...claims.id_token },
          userinfo: claims.userinfo ?? {},
        },
      },
    });
  }

  /** The answer of `work`, and what the server called at the provider in the meantime; keys only where a row is about them. */
  async counting(work, names = ['code', 'refresh', 'userinfo', 'domain', 'revoke']) {
    const before = await this.provider.stats();
    const answer = await work();
    const after = await this.provider.stats();
    const read = (stats, path) => path.reduce((value, member) => value[member], stats);
    const calls = Object.entries(COUNTED)
      .filter(([name]) => names.includes(name))
      .map(([name, path]) => [name, read(after, path) - read(before, path)])
      .filter(([, count]) => count > 0);
    return { ...answer, calls: Object.fromEntries(calls) };
  }

  /** One exchange with the server; no redirect is followed. */
  request(path, init = {}) {
    return this.#exchange(new URL(path, this.origin), { ...init, port: this.port });
  }

  get(path, headers) {
    return this.request(path, { headers });
  }

  post(path, headers, body) {
    return this.request(path, { method: 'POST', headers, body });
  }

  /** The header that a page of this session sends. */
  csrf() {
    return { 'x-csrf-token': this.jar.value(this.origin, 'CSRF-TOKEN') ?? '' };
  }

  /** The answer of the login endpoint. */
  login(query = 'tenant_name=acme', headers) {
    return this.get(`/api/auth/login?${query}`, headers);
  }

  /** What a browser does between login and callback; answers path and query of the callback. */
  async authorize(login) {
    let next = new URL(login.headers.get('location'));
    for (let hops = 0; hops < 5; hops += 1) {
      const answer = await this.#exchange(next, { port: this.provider.port });
      const location = answer.headers.get('location');
      if (!location) throw new Error(`the provider answered ${answer.status}: ${answer.text.slice(0, 300)}`);
      next = new URL(location, next);
      if (next.origin === this.origin) return next.pathname + next.search;
    }
    throw new Error('the provider did not send the browser back');
  }

  /** A whole sign-in; `change` may alter the callback on its way. Answers the callback's answer. */
  async signIn({ query, change = (path) => path } = {}) {
    const path = await this.authorize(await this.login(query));
    return this.get(change(path));
  }

  /** Signs in and fails if that did not make a session. */
  async signedIn(options) {
    const answer = await this.signIn(options);
    if (answer.status !== 302 || !this.jar.value(this.origin, this.sessionCookie)) {
      throw new Error(`${this.kind}: no sign-in: ${answer.status} ${answer.text.slice(0, 300)}`);
    }
    return answer;
  }

  /** The tokens of a sign-in made beside the server, by the same client. */
  async tokens(form) {
    const { clientId, clientSecret } = this.provider;
    const basic = Buffer.from(`${clientId}:${clientSecret}`).toString('base64');
    const answer = await this.#exchange(new URL(`${this.platformOrigin}/api/v1/oauth2/token`), {
      port: this.provider.port, method: 'POST', foreign: true,
      headers: { authorization: `Basic ${basic}`, 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams(form).toString(),
    });
    return JSON.parse(answer.text);
  }

  /** An access token and an ID token of alice, as a program would hold them. */
  async tokensOfAlice() {
    const verifier = 'v'.repeat(64);
    const challenge = Buffer.from(await crypto.subtle.digest('SHA-256', Buffer.from(verifier))).toString('base64url');
    const redirect = addresses(this.port).callback;
    const query = new URLSearchParams({
      client_id: this.provider.clientId, redirect_uri: redirect, response_type: 'code', state: 's'.repeat(43),
      scope: 'openid offline_access email', code_challenge: challenge, code_challenge_method: 'S256', nonce: 'n'.repeat(43),
    });
    const host = this.platformOrigin.replace('//app.', '//acme-app.');
    const fake = { headers: new Headers({ location: `${host}/api/v1/oauth2/authorize?${query}` }) };
    const code = new URLSearchParams((await this.authorize(fake)).split('?')[1]).get('code');
    return this.tokens({ grant_type: 'authorization_code', code, redirect_uri: redirect, code_verifier: verifier });
  }

  /** Every name under localhost is this machine (RFC 6761), and the Host is kept whatever the port. */
  async #exchange(url, { port, method = 'GET', headers = {}, body, foreign = false }) {
    const sent = { host: url.host, ...headers };
    const cookies = [foreign ? '' : this.jar.header(url), headers.cookie ?? ''].filter(Boolean).join('; ');
    if (cookies) sent.cookie = cookies;
    else delete sent.cookie;
    if (body !== undefined) sent['content-length'] = String(Buffer.byteLength(body));
    const answer = await new Promise((resolve, reject) => {
      const target = { host: '127.0.0.1', port, method, path: url.pathname + url.search, headers: sent, agent: false };
      const request = requestHttp(target, (response) => {
        const chunks = [];
        response.on('data', (chunk) => chunks.push(chunk)).on('error', reject);
        response.on('end', () => {
          const received = new Headers();
          for (let at = 0; at < response.rawHeaders.length; at += 2) {
            received.append(response.rawHeaders[at], response.rawHeaders[at + 1]);
          }
          resolve({ status: response.statusCode, headers: received, text: Buffer.concat(chunks).toString('utf8') });
        });
      });
      request.on('error', reject);
      request.end(body);
    });
    if (!foreign) this.jar.keep(url.href, answer);
    return answer;
  }
}
