// Rendering on a server: there is no page.

import { createElement } from 'react';
import { renderToString } from 'react-dom/server';
import { expect, test, vi } from 'vitest';
import { createClient, getCsrfToken, getSession, getToken, onSessionChange, redirectToLogin, redirectToLogout } from '../src/index.js';
import { AuthProvider, RequireAuth, useAuth, useSession } from '../src/react.js';
import { connect } from '../src/websocket.js';
import { failure } from './page.js';

test('a client can be made, and its fetch is the plain one', async () => {
  const answer = new Response('x', { status: 401 });
  const plain = vi.fn(async () => answer);
  vi.stubGlobal('fetch', plain);
  const init = { method: 'POST' };
  expect(await createClient({ loginUrl: '/auth/login' }).fetch('https://api.test/x', init)).toBe(answer);
  expect(plain).toHaveBeenCalledWith('https://api.test/x', init);
});

test('what needs a page does nothing, or says so', async () => {
  const client = createClient();
  expect(getCsrfToken()).toBeUndefined();
  expect(redirectToLogin(client)).toBeUndefined();
  expect(onSessionChange(client, () => {})()).toBeUndefined();
  expect(() => connect(client, '/api/socket')).toThrow(expect.objectContaining({ code: 'unreachable' }));
  for (const work of [getSession(client), getToken(client), redirectToLogout(client), redirectToLogout(), client.login()]) {
    expect(await failure(work)).toMatchObject({ name: 'DoorwardError', code: 'unreachable' });
  }
});

test('components render as they are before it is known who is there', () => {
  function Who() {
    const { authStatus } = useAuth();
    return createElement('p', null, `${authStatus} ${useSession().userId}`);
  }
  const app = createElement(AuthProvider, { loginUrl: '/auth/login' },
    createElement(Who), createElement(RequireAuth, { fallback: 'one moment' }, 'secret'));
  expect(renderToString(app)).toBe('<p>LOADING </p>one moment');
});

test('a hook without a provider says what is missing', () => {
  function Lost() {
    useAuth();
    return null;
  }
  expect(() => renderToString(createElement(Lost))).toThrow('<AuthProvider>');
});
