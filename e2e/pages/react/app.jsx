// An application as its users write it: the provider around it, axios for the calls, 401 leads to the login.

import axios from 'axios';
import { useState } from 'react';
import { createRoot } from 'react-dom/client';
import {
  getCsrfToken, redirectToLogin, redirectToLogout, useWristbandAuth, useWristbandSession, useWristbandToken, WristbandAuthProvider,
} from './client-auth.js';

const LOGIN = '/api/auth/login';
const isPublic = window.location.pathname === '/welcome';

const api = axios.create({ baseURL: '/api/v1', withXSRFToken: true, xsrfCookieName: 'CSRF-TOKEN', xsrfHeaderName: 'X-CSRF-TOKEN' });
api.interceptors.response.use(undefined, (error) => {
  if ([401, 403].includes(error.response?.status)) redirectToLogin(LOGIN, { returnUrl: window.location.href });
  return Promise.reject(error);
});

function App() {
  const { authStatus, authError, isLoading } = useWristbandAuth();
  if (isLoading) return <p id="status">{authStatus}</p>;
  return (
    <>
      <h1>Orders</h1>
      <p id="status">{authStatus}</p>
      {authStatus === 'AUTHENTICATED' ? <Orders /> : <Welcome error={authError} />}
    </>
  );
}

/** For whoever is not signed in, where the page does not send them away. */
function Welcome({ error }) {
  return (
    <>
      <p id="error">{error?.code}</p>
      <button onClick={() => redirectToLogin(LOGIN, { tenantName: 'globex', loginHint: 'carol@globex.test', returnUrl: `${window.location.origin}/orders` })}>
        Sign in at Globex
      </button>
      <button onClick={() => redirectToLogin(LOGIN, { tenantCustomDomain: 'login-globex.localhost', idpHint: 'google', returnUrl: `${window.location.origin}/orders` })}>
        Sign in at the domain of Globex
      </button>
    </>
  );
}

function Orders() {
  const { clearAuthData, validateSession } = useWristbandAuth();
  const { userId, tenantId, metadata, updateMetadata } = useWristbandSession();
  const { getToken, clearToken } = useWristbandToken();
  const [shown, show] = useState('');
  const call = (work) => () => work().then(show, (error) => show(`${error.code ?? ''} ${error.message}`));
  const data = ({ status, data: { message, tenantId: tenant } }) => `${status} ${message} (${tenant})`;
  return (
    <>
      <dl>
        <dt>User</dt><dd id="user">{userId}</dd>
        <dt>Tenant</dt><dd id="tenant">{tenantId}</dd>
        <dt>Metadata</dt><dd id="metadata">{JSON.stringify(metadata)}</dd>
      </dl>
      <button onClick={call(() => api.get('/hello-world').then(data))}>Read</button>
      <button onClick={call(() => api.post('/hello-world', {}).then(data))}>Save</button>
      <button onClick={call(() => post())}>Save without the token</button>
      <button onClick={call(() => post({ 'X-CSRF-TOKEN': getCsrfToken() }))}>Save by fetch</button>
      <button onClick={call(async () => (await Promise.all([getToken(), getToken()])).join(' '))}>Token</button>
      <button onClick={call(async () => { clearToken(); return 'forgotten'; })}>Forget the token</button>
      <button onClick={call(withBearer)}>Read with the token</button>
      <button onClick={() => updateMetadata({ seen: true })}>Update metadata</button>
      <button onClick={call(async () => { await validateSession(); return 'validated'; })}>Validate</button>
      <button onClick={clearAuthData}>Forget</button>
      <button onClick={() => redirectToLogout('/api/auth/logout')}>Sign out</button>
      <output id="shown">{shown}</output>
    </>
  );

  /** A call as a program makes it that holds nothing but the token. */
  async function withBearer() {
    const answer = await fetch('/api/v1/hello-world', { credentials: 'omit', headers: { Authorization: `Bearer ${await getToken()}` } });
    return `${answer.status} ${(await answer.json()).userId}`;
  }
}

async function post(headers) {
  const answer = await fetch('/api/v1/hello-world', { method: 'POST', credentials: 'include', headers });
  const { error, code, message } = await answer.json();
  return [answer.status, error, code, message].filter(Boolean).join(' ');
}

createRoot(document.getElementById('root')).render(
  <WristbandAuthProvider
    loginUrl={LOGIN}
    sessionUrl="/api/auth/session"
    tokenUrl="/api/auth/token"
    disableRedirectOnUnauthenticated={isPublic}
    transformSessionMetadata={(raw) => ({ ...raw, transformed: true })}
    onSessionSuccess={({ userId }) => { window.sessionStorage.setItem('onSessionSuccess', userId); }}
  >
    <App />
  </WristbandAuthProvider>,
);
