// Chromium, and the few gestures every journey shares.

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { chromium } from 'playwright-core';

const CANDIDATES = [process.env.DOORWARD_CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
const ARGUMENTS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  // Test domains live on this machine; no name is ever asked of a real resolver.
  '--host-resolver-rules=MAP *.test 127.0.0.1',
];

const LIMIT_MS = 15_000;

/** One browser; each test opens contexts of its own in it. */
export async function launch() {
  const executablePath = CANDIDATES.find((path) => path && existsSync(path));
  if (!executablePath) throw new Error('Chromium was not found: install it, or set DOORWARD_CHROMIUM to its path');
  const browser = await chromium.launch({ executablePath, args: ARGUMENTS });
  const open = browser.newContext.bind(browser);
  browser.newContext = async (options) => {
    const context = await open(options);
    context.setDefaultTimeout(LIMIT_MS);
    return context;
  };
  return browser;
}

/** Presses the button of `email` on the development provider's page. */
export async function chooseUser(page, email) {
  const name = email.split('@')[0];
  await page.getByRole('button', { name: new RegExp(name, 'i') }).first().click();
}

/** Signs in from the demo's front page and waits until the page says who it is. */
export async function signIn(page, app, email) {
  await page.goto(app);
  await page.locator('#sign-in').click();
  await chooseUser(page, email);
  await page.waitForURL((url) => url.origin === new URL(app).origin && !url.pathname.startsWith('/auth/'));
  await page.locator('#user').filter({ hasText: email }).waitFor();
}

/**
 * Signs out with the page's own button and waits until the page has nobody signed in.
 *
 * A script may not hold the ID token, so its logout URL carries none, and the provider has to ask (OpenID Connect
 * RP-Initiated Logout 1.0, section 2).
 */
export async function signOut(page, app) {
  await page.locator('#sign-out').click();
  const answer = page.getByRole('button', { name: /sign.*out/i }).first();
  await page.waitForURL((url) => url.origin !== new URL(app).origin);
  await answer.click();
  await page.waitForURL((url) => url.origin === new URL(app).origin);
  await page.locator('#sign-in').waitFor();
}

/** Presses a button of the demo page and waits for the status its output shows. */
export async function press(page, action, status) {
  await page.locator(`#call-${action}`).click();
  const output = page.locator(`#out-${action}`);
  await page.locator(`#out-${action}[data-status="${status}"]`).waitFor({ state: 'attached', timeout: 10_000 }).catch(async () => {
    assert.fail(`#out-${action} shows ${await output.getAttribute('data-status')}, expected ${status}: ${await output.textContent()}`);
  });
  return output.textContent();
}

/** A call as the page's own script would make it; answers `{status, body}` or `{error}` where the browser refused. */
export function call(page, url, init = {}) {
  return page.evaluate(async ([url, init]) => {
    const { csrf, ...rest } = init;
    const headers = { ...rest.headers };
    if (csrf) {
      headers['X-CSRF-TOKEN'] = document.cookie.split('; ').find((pair) => pair.startsWith('CSRF-TOKEN='))?.slice(11) ?? '';
    }
    try {
      const answer = await fetch(url, { ...rest, headers });
      const text = await answer.text();
      let body = text;
      try { body = JSON.parse(text); } catch { /* not JSON: the text itself is the answer */ }
      return { status: answer.status, body };
    } catch (error) {
      return { error: String(error) };
    }
  }, [url, init]);
}

/** Collects what a page of `origin` complains about; `expected` patterns are what the journey provokes on purpose. */
export function complaints(page, origin, expected = []) {
  const seen = [];
  const note = (text) => { if (!expected.some((pattern) => pattern.test(text))) seen.push(text); };
  page.on('console', (message) => {
    const { url } = message.location();
    // Another provider's pages may complain as they like.
    if (url && !url.startsWith(origin)) return;
    if (message.type() === 'error' || message.type() === 'warning') note(message.text());
  });
  page.on('pageerror', (error) => note(String(error)));
  return seen;
}
