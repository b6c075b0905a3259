// A stand-in for `@wristband/react-client-auth` 3.2, written from its documented interface: same props, hooks, requests and
// redirects, its return URL encoded twice included. It is what such a frontend brings along, not how one should be written.

import { createContext, createElement, useCallback, useContext, useEffect, useMemo, useRef, useState } from 'react';
import { fetchSession, fetchToken } from './requests.js';
import { checkUrl, loginUrlOfProvider, WristbandError } from './urls.js';

export { getCsrfToken } from './requests.js';
export { redirectToLogin, redirectToLogout, WristbandError } from './urls.js';

/** How much longer a kept access token has to live. */
const TOKEN_MARGIN_MS = 30_000;

const Context = createContext(undefined);

/** Loads the session before anything is shown, and sends whoever has none to the login. */
export function WristbandAuthProvider({
  children,
  loginUrl,
  sessionUrl,
  tokenUrl = '',
  csrfCookieName = 'CSRF-TOKEN',
  csrfHeaderName = 'X-CSRF-TOKEN',
  disableRedirectOnUnauthenticated = false,
  onSessionSuccess,
  transformSessionMetadata,
}) {
  const login = useMemo(() => loginUrlOfProvider(loginUrl), [loginUrl]);
  useMemo(() => checkUrl(sessionUrl, 'INVALID_SESSION_URL'), [sessionUrl]);
  useMemo(() => tokenUrl && checkUrl(tokenUrl, 'INVALID_TOKEN_URL'), [tokenUrl]);

  const [state, setState] = useState({ authStatus: 'LOADING', authError: null, userId: '', tenantId: '', metadata: {} });
  const token = useRef({ accessToken: '', expiresAt: 0, inFlight: null });
  const csrf = useMemo(() => ({ csrfCookieName, csrfHeaderName }), [csrfCookieName, csrfHeaderName]);

  const clearToken = useCallback(() => { token.current = { accessToken: '', expiresAt: 0, inFlight: null }; }, []);
  const clearAuthData = useCallback(() => {
    clearToken();
    setState({ authStatus: 'UNAUTHENTICATED', authError: null, userId: '', tenantId: '', metadata: {} });
  }, [clearToken]);

  const validateSession = useCallback(async () => {
    try {
      const session = await fetchSession(sessionUrl, csrf, onSessionSuccess);
      const metadata = session.metadata && transformSessionMetadata ? transformSessionMetadata(session.metadata) : session.metadata;
      const { userId, tenantId } = session;
      setState({ authStatus: 'AUTHENTICATED', authError: null, userId, tenantId, metadata: metadata || {} });
    } catch (error) {
      if (error.code === 'INVALID_SESSION_RESPONSE') throw error;
      if (disableRedirectOnUnauthenticated) setState((old) => ({ ...old, authStatus: 'UNAUTHENTICATED', authError: error }));
      else window.location.href = login;
    }
  }, [sessionUrl, csrf, onSessionSuccess, transformSessionMetadata, disableRedirectOnUnauthenticated, login]);

  useEffect(() => { validateSession(); }, []);

  const isAuthenticated = state.authStatus === 'AUTHENTICATED';
  const getToken = useCallback(async () => {
    if (!tokenUrl) throw new WristbandError('INVALID_TOKEN_URL', 'there is no token URL');
    if (!isAuthenticated) throw new WristbandError('UNAUTHENTICATED', 'nobody is signed in');
    const kept = token.current;
    if (kept.accessToken && kept.expiresAt > Date.now() + TOKEN_MARGIN_MS) return kept.accessToken;
    kept.inFlight ??= fetchToken(tokenUrl, csrf)
      .then(({ accessToken, expiresAt }) => {
        token.current = { accessToken, expiresAt, inFlight: null };
        return accessToken;
      })
      .catch((error) => {
        clearToken();
        throw error;
      });
    return kept.inFlight;
  }, [tokenUrl, isAuthenticated, csrf, clearToken]);

  const updateMetadata = useCallback((part) => setState((old) => ({ ...old, metadata: { ...old.metadata, ...part } })), []);

  const value = { ...state, isAuthenticated, isLoading: state.authStatus === 'LOADING', clearAuthData, validateSession, updateMetadata, getToken, clearToken };
  return createElement(Context.Provider, { value }, children);
}

export function useWristbandAuth() {
  const { isAuthenticated, isLoading, authStatus, authError, clearAuthData, validateSession } = useContext(Context);
  return { isAuthenticated, isLoading, authStatus, authError, clearAuthData, validateSession };
}

export function useWristbandSession() {
  const { userId, tenantId, metadata, updateMetadata } = useContext(Context);
  return { userId, tenantId, metadata, updateMetadata };
}

export function useWristbandToken() {
  const { getToken, clearToken } = useContext(Context);
  return { getToken, clearToken };
}
