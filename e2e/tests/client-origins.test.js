// `@doorward/client` on another origin of the same site, over TLS: app.acme.test in front of api.acme.test.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { chooseUser, launch } from '../support/browser.js';
import { attempt, openClient, shows, signInAt } from '../support/client-journey.js';
import { clientPages } from '../support/client-page.js';
import { freePort, startDev } from '../support/doorward.js';
import { serveSite } from '../support/site.js';

let browser;
before(async () => { browser = await launch(); });
after(() => browser?.close());

for (const script of ['core.js', 'axios.js']) {
  describe(`${script} from another origin`, () => {
    let app;
    let dev;
    before(async () => {
      const port = await freePort();
      const options = { api: `https://api.acme.test:${port}`, loginUrl: `https://api.acme.test:${port}/auth/login` };
      app = await serveSite({
        host: 'app.acme.test', tls: true,
        pages: await clientPages(script, { '/orders': options, '/popup': { ...options, login: 'popup' }, '/watch': { ...options, watch: { warnBefore: 3 } } }),
      });
      dev = await startDev({
        listen: `127.0.0.1:${port}`,
        args: ['--tls', '--public-url', options.api, '--app-origin', app.url, '--cookie-domain', 'acme.test', '--idle-timeout', '8'],
      });
    });
    after(async () => {
      await app?.stop();
      if (dev) assert.equal(await dev.stop(), 0);
    });
    const open = () => openClient(browser, { ignoreHTTPSErrors: true });
    const signIn = (page, path) => signInAt(page, `${app.url}${path}`, 'bob@acme.test', `${dev.url}/auth/login`);

    test('a 401 leads through one login back to the very address, and changes are saved', async () => {
      const { context, page, logins, wrong } = await open();
      const address = `${app.url}/orders?page=2&q=a%20b#row`;
      await page.goto(address);
      if (script === 'core.js') await page.evaluate(() => { for (let n = 0; n < 20; n += 1) window.app.client.fetch(`${window.app.api}/api/protected`); });
      await chooseUser(page, 'bob@acme.test');
      await page.waitForURL(address);
      assert.equal(logins().length, 1);
      await page.locator('#save').click();
      await shows(page, /^200 Your change was received/);
      assert.deepEqual(wrong, []);
      await context.close();
    });

    if (script === 'axios.js') return;

    test('a login in a window tells the page by message, and the call is made again', async () => {
      const { context, page, visited, wrong } = await open();
      await page.goto(`${app.url}/popup`);
      await page.evaluate(() => {
        window.told = [];
        addEventListener('message', ({ origin, data }) => window.told.push([origin, data]));
      });
      const [popup] = await Promise.all([context.waitForEvent('page'), page.locator('#read').click()]);
      const closed = popup.waitForEvent('close');
      await chooseUser(popup, 'bob@acme.test');
      await shows(page, /^200 You are signed in/);
      await closed;
      assert.deepEqual(await page.evaluate(() => window.told), [[dev.url, { type: 'doorward:login' }]]);
      assert.equal(visited.length, 1);
      assert.deepEqual(wrong, []);
      await context.close();
    });

    test('a window of a frontend that is none of the application\'s is told nothing', async () => {
      const stranger = await serveSite({ host: 'other.acme.test', tls: true, pages: { '/': '<!doctype html>' } });
      const { context, page } = await open();
      await signIn(page, '/orders');
      await page.goto(stranger.url);
      const [popup] = await Promise.all([
        context.waitForEvent('page'),
        page.evaluate(([url, own]) => {
          window.told = [];
          addEventListener('message', ({ data }) => window.told.push(data));
          window.open(`${url}/auth/complete?opener=${encodeURIComponent(own)}`, 'x', 'popup');
        }, [dev.url, stranger.url]),
      ]);
      await popup.waitForEvent('close');
      assert.deepEqual(await page.evaluate(() => window.told), []);
      await stranger.stop();
      await context.close();
    });

    test('the warning comes by the server\'s clock and extends nothing; a sign-out is seen in the other tab', async () => {
      const { context, page, wrong } = await open();
      await signIn(page, '/watch');
      await page.waitForFunction(() => window.app.changes.at(-1)?.type === 'expiring');
      const [first, warned] = await page.evaluate(() => window.app.changes.map(({ session }) => session.expiresAt));
      assert.equal(first, warned);
      const { value: stayed } = await attempt(page, () => window.app.getSession(window.app.client));
      assert.ok(stayed.expiresAt > first);
      const other = await context.newPage();
      await other.goto(`${app.url}/watch`);
      await other.waitForFunction(() => window.app.changes.length);
      await page.evaluate(() => window.app.redirectToLogout(window.app.client));
      await page.waitForURL((url) => url.origin === new URL(dev.providerUrl).origin);
      await other.waitForFunction(() => window.app.changes.at(-1).session === null);
      assert.deepEqual(wrong, []);
      await context.close();
    });

    test('the clock of the server can be read from there', async () => {
      const { context, page } = await open();
      await signIn(page, '/orders');
      const { value } = await attempt(page, async () => {
        const answer = await fetch(`${window.app.api}/api/protected`, { credentials: 'include' });
        return answer.headers.get('date');
      });
      assert.ok(Math.abs(Date.parse(value) - Date.now()) < 5_000, `${value}`);
      await context.close();
    });
  });
}
