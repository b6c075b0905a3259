// What every page on the client goes through in a test.

import assert from 'node:assert/strict';
import { chooseUser } from './browser.js';

/** A profile with a page, the navigations it made, and what it complained about. */
export async function openClient(browser, { init, ...options } = {}) {
  const context = await browser.newContext(options);
  if (init) await context.addInitScript(init);
  const page = await context.newPage();
  const visited = [];
  page.on('request', (request) => {
    if (request.isNavigationRequest() && request.frame() === page.mainFrame()) visited.push(new URL(request.url()));
  });
  const wrong = [];
  page.on('pageerror', (error) => wrong.push(String(error)));
  return { context, page, visited, wrong, logins: () => visited.filter(({ pathname }) => pathname === '/auth/login') };
}

/** Goes to `url` and signs in there, through the login and back to the very address. */
export async function signInAt(page, url, email, loginUrl) {
  await page.goto(`${loginUrl}?return_url=${encodeURIComponent(url)}`);
  await chooseUser(page, email);
  await page.waitForURL(url);
  await page.waitForFunction(() => window.app);
}

/** Waits until the page shows `pattern`. */
export async function shows(page, pattern) {
  const shown = page.locator('#shown');
  await shown.filter({ hasText: pattern }).waitFor().catch(async () => {
    assert.fail(`the page shows "${await shown.textContent()}", expected ${pattern}`);
  });
}

/** What `work`, run in the page with `argument`, comes to: its value, or the error's members. */
export function attempt(page, work, argument) {
  return page.evaluate(async ([text, argument]) => {
    try {
      return { value: await (0, eval)(`(${text})`)(argument) };
    } catch ({ name, code, status, title, requestId, loginUrl, retryAfter }) {
      return { error: { name, code, status, title, requestId, loginUrl, retryAfter } };
    }
  }, [work.toString(), argument]);
}
