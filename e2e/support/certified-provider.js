// oidc-provider, a certified OpenID provider nobody here wrote, in this process; it remembers every secret it made.

import { once } from 'node:events';
import { createServer } from 'node:http';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import Provider from 'oidc-provider';
import MemoryAdapter from 'oidc-provider/lib/adapters/memory_adapter.js';
import { Jar } from './jar.js';

const CLIENT_ID = 'doorward-e2e';

/**
 * Starts the provider for an app at `appUrl`.
 *
 * `counts.token` counts calls of the token endpoint by grant type, failed ones too, `counts.backchannel` the logout tokens it sent; `secrets` maps
 * every code, token, verifier, state and nonce that passed to what it is. `client` and `features` add to what it knows and can. `hold.before` and
 * `hold.after` are awaited before and after it does what a token call asks for; a `before` that answers `'drop'` breaks the connection instead.
 */
export async function startCertifiedProvider({ appUrl, accessTokenSeconds = 300, client = {}, features = {} }) {
  const clientSecret = randomBytes(24).toString('base64url');
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  // A test that fails before it stops this server must not keep the file from ending.
  server.unref();
  const issuer = `http://localhost:${server.address().port}`;
  // Its memory by default forgets all but the last thousand things, which a crowd of users outgrows.
  const memory = new Map();
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });

  const counts = { token: {}, tokenStatuses: [], backchannel: { success: 0, error: 0 } };
  const hold = {};
  const secrets = new Map([[clientSecret, 'client secret']]);
  const remember = (value, what) => { if (value) secrets.set(String(value), what); };

  const provider = new Provider(issuer, {
    adapter: (model) => new MemoryAdapter(model, memory),
    clients: [{
      client_id: CLIENT_ID,
      client_secret: clientSecret,
      redirect_uris: [`${appUrl}/auth/callback`],
      post_logout_redirect_uris: [`${appUrl}/`],
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      token_endpoint_auth_method: 'client_secret_basic',
      ...client,
    }],
    jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), use: 'sig', alg: 'RS256', kid: 'e2e' }] },
    cookies: { keys: [randomBytes(24).toString('base64url')] },
    // Who somebody is comes from userinfo, as the specification has it for the code flow.
    claims: { openid: ['sub', 'roles', 'tenant'], email: ['email', 'email_verified'], profile: ['name'] },
    findAccount: (_, id) => ({
      accountId: id,
      claims: () => ({ sub: id, email: `${id}@acme.test`, email_verified: true, name: id, roles: ['admin'], tenant: 'acme' }),
    }),
    // It would call nobody on this machine, where its applications are here.
    fetch: (url, { dispatcher: _, ...options }) => globalThis.fetch(url, options),
    pkce: { required: () => true },
    features: {
      devInteractions: { enabled: true },
      rpInitiatedLogout: { enabled: true },
      revocation: { enabled: true },
      userinfo: { enabled: true },
      ...features,
    },
    // offline_access wants prompt=consent there; every client that may refresh gets a token here.
    issueRefreshToken: (_, client) => client.grantTypeAllowed('refresh_token'),
    // A refresh token used twice is reuse: the whole grant is revoked.
    rotateRefreshToken: true,
    expiresWithSession: () => false,
    ttl: { AccessToken: accessTokenSeconds, AuthorizationCode: 60, IdToken: 300, RefreshToken: 3600, Grant: 3600, Session: 3600, Interaction: 600 },
  });
  provider.use(async (ctx, next) => {
    const { query } = ctx;
    for (const name of ['state', 'nonce', 'code_challenge']) remember(query[name], name);
    const isTokenCall = ctx.path === '/token';
    if (isTokenCall && await hold.before?.() === 'drop') {
      ctx.req.socket.destroy();
      return;
    }
    await next();
    if (isTokenCall) await hold.after?.();
    if (ctx.oidc?.route !== 'token') return;
    const { body = {}, params = {} } = ctx.oidc;
    const grant = body.grant_type ?? params.grant_type;
    counts.token[grant] = (counts.token[grant] ?? 0) + 1;
    counts.tokenStatuses.push(ctx.status);
    for (const name of ['code', 'code_verifier', 'refresh_token']) remember(body[name] ?? params[name], name);
    for (const name of ['access_token', 'refresh_token', 'id_token']) remember(ctx.body?.[name], name);
  });
  for (const outcome of ['success', 'error']) provider.on(`backchannel.${outcome}`, () => { counts.backchannel[outcome] += 1; });
  server.on('request', provider.callback());
  return {
    issuer,
    clientId: CLIENT_ID,
    clientSecret,
    counts,
    hold,
    secrets,
    async stop() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

/** Goes through the provider's own login and consent pages as `user`. */
export async function passInteractions(page, user) {
  await page.locator('input[name="login"]').fill(user);
  await page.locator('input[name="password"]').fill('anything');
  await page.locator('button[type="submit"]').click();
  await page.locator('input[name="prompt"][value="consent"]').waitFor({ state: 'attached' });
  await page.locator('button[type="submit"]').click();
}

/** The same without a browser: signs `user` in at `appUrl` and answers the cookie jar. */
export async function signInByScript(appUrl, user) {
  const jar = new Jar();
  let { answer, urls } = await jar.visit(`${appUrl}/auth/login?return_url=/api/protected`);
  for (const form of [{ prompt: 'login', login: user, password: 'anything' }, { prompt: 'consent' }]) {
    const page = await answer.text();
    const action = page.match(/action="([^"]+)"/)?.[1];
    if (!action) throw new Error(`no form at ${urls.at(-1)}: ${answer.status} ${page.slice(0, 300)}`);
    ({ answer, urls } = await jar.visit(new URL(action, urls.at(-1)).href, { method: 'POST', body: new URLSearchParams(form) }));
  }
  return { jar, answer };
}

/** Signs out at the provider itself, as the user of `jar`, and comes back to nobody. */
export async function signOutAtTheProvider(provider, jar) {
  const at = `${provider.issuer}/session/end?client_id=${provider.clientId}`;
  const { answer } = await jar.visit(at);
  const page = await answer.text();
  const action = page.match(/action="([^"]+)"/)?.[1];
  const xsrf = page.match(/name="xsrf" value="([^"]+)"/)?.[1];
  if (!action || !xsrf) throw new Error(`no form at ${at}: ${answer.status} ${page.slice(0, 300)}`);
  const left = await jar.fetch(new URL(action, at).href, { method: 'POST', body: new URLSearchParams({ xsrf, logout: 'yes' }) });
  await left.body?.cancel();
}
