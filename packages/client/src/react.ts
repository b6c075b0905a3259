'use client';
// @doorward/client/react: who is signed in, for components.

import { createContext, createElement, type ReactNode, useCallback, useContext, useEffect, useMemo, useRef, useState } from 'react';
import { createClient } from './client.js';
import { DoorwardError } from './error.js';
import { redirectToLogout } from './logout.js';
import { getSession } from './session.js';
import { clearToken, getToken } from './token.js';
import type { Client, LoginContext, LoginMode, LoginOptions, Session } from './types.js';
import { onSessionChange } from './watch.js';

export { getCsrfToken } from './cookie.js';
export { DoorwardError } from './error.js';
export { redirectToLogin } from './redirect.js';
export { redirectToLogout } from './logout.js';

type Metadata = Record<string, unknown>;
type LoginFunction = Exclude<LoginMode, string>;
export type AuthStatus = 'LOADING' | 'AUTHENTICATED' | 'UNAUTHENTICATED';

export interface AuthProviderProps {
  children?: ReactNode;
  /** A client made elsewhere; where it is given, the addresses and names below are not read. */
  client?: Client;
  loginUrl?: string;
  sessionUrl?: string;
  tokenUrl?: string;
  csrfCookieName?: string;
  csrfHeaderName?: string;
  /** How to sign in; default `redirect`. */
  login?: LoginMode;
  /** Whether the page stays where nobody is signed in when it is opened. */
  disableRedirectOnUnauthenticated?: boolean;
  /** Called once for each user before anything protected is shown; what it throws becomes `authError`. */
  onSessionSuccess?: (session: Session) => unknown;
  /** Makes `metadata` of what the server sent. */
  transformSessionMetadata?: (raw: Metadata) => Metadata;
  /** How many seconds before its end a session counts as expiring; default 60. */
  warnBefore?: number;
}

interface State {
  authStatus: AuthStatus;
  authError: unknown;
  session: Session | null;
  /** Seconds that are left, once the session is about to end. */
  expiring: number | null;
}

interface Shared extends State {
  client: Client;
  /** Whether somebody was signed in since the page was opened, or was led to the login in vain: neither is to be led there again. */
  wasSignedIn: boolean;
  signIn: () => void;
  validateSession: () => Promise<void>;
  clearAuthData: () => void;
  updateMetadata: (part: Metadata) => void;
}

const Context = createContext<Shared | undefined>(undefined);
const NOBODY: State = { authStatus: 'UNAUTHENTICATED', authError: null, session: null, expiring: null };

/**
 * Knows who is signed in, and keeps knowing: in other tabs, on focus, and when the session ends.
 *
 * @example
 * <AuthProvider loginUrl="/auth/login"><App /></AuthProvider>
 */
export function AuthProvider(props: AuthProviderProps) {
  const { children, client: given, loginUrl, sessionUrl, tokenUrl, csrfCookieName, csrfHeaderName, login, warnBefore = 60 } = props;
  const latest = useRef(props);
  latest.current = props;
  // A function written in place is another one at each rendering; that makes no other client.
  const mode = typeof login === 'function' ? 'function' : login;
  const client = useMemo(() => given ?? createClient(defined({
    loginUrl,
    sessionUrl,
    tokenUrl,
    login: mode === 'function' ? (context: LoginContext) => (latest.current.login as LoginFunction)(context) : mode,
    csrf: defined({ cookieName: csrfCookieName, headerName: csrfHeaderName }),
  })), [given, loginUrl, sessionUrl, tokenUrl, mode, csrfCookieName, csrfHeaderName]);

  const [state, setState] = useState<State>({ ...NOBODY, authStatus: 'LOADING' });
  // Only what was begun last may say who is there: a sign-out, or somebody else, may overtake an answer or a callback.
  const turn = useRef(0);
  const admitted = useRef<{ who: string; done: Promise<unknown> } | undefined>(undefined);
  const raw = useRef('');
  // Whether the page led to the login by itself and nobody has signed in since.
  const led = useRef(false);

  const nobody = useCallback((authError: unknown = null) => {
    turn.current += 1;
    setState({ ...NOBODY, authError });
  }, []);

  const accept = useCallback(async (session: Session, mine = ++turn.current) => {
    if (mine !== turn.current) return;
    const { onSessionSuccess, transformSessionMetadata } = latest.current;
    const who = JSON.stringify([session.tenantId, session.userId]);
    const sent = who + JSON.stringify(session.metadata);
    let metadata: Metadata;
    try {
      // Not tried again where it throws: what it did may have been done. Nobody gets past it either, however often the session changes.
      if (admitted.current?.who !== who) {
        admitted.current = { who, done: (async () => onSessionSuccess?.(session))() };
        // What calls bring from now on is not for whoever was here.
        setState((before) => (before.session ? { ...NOBODY, authStatus: 'LOADING' } : before));
      }
      await admitted.current.done;
      metadata = transformSessionMetadata?.(session.metadata) ?? session.metadata;
    } catch (error) {
      if (mine === turn.current) nobody(error);
      return;
    }
    if (mine !== turn.current) return;
    const isNew = raw.current !== sent;
    raw.current = sent;
    led.current = false;
    // What the page added to the metadata stays until the server sends others.
    setState((before) => ({
      authStatus: 'AUTHENTICATED',
      authError: null,
      session: { ...session, metadata: (!isNew && before.session?.metadata) || metadata },
      expiring: null,
    }));
  }, [nobody]);

  const validateSession = useCallback(async () => {
    const mine = ++turn.current;
    try {
      const session = await getSession(client);
      if (session) await accept(session, mine);
      else if (mine === turn.current) nobody();
    } catch (error) {
      if (mine === turn.current) nobody(error);
    }
  }, [client, accept, nobody]);

  const signIn = useCallback(() => {
    const mine = ++turn.current;
    led.current = true;
    setState((before) => ({ ...before, authStatus: 'LOADING' }));
    const error = new DoorwardError({ status: 401, code: 'session_missing', title: 'Not signed in' });
    client.settle(error, { safe: true }).then(
      (done) => {
        if (done) return validateSession();
        if (mine === turn.current) nobody();
      },
      (failed) => { if (mine === turn.current) nobody(failed); },
    );
  }, [client, validateSession, nobody]);

  useEffect(() => {
    const stop = onSessionChange(client, (change) => {
      if (change.type === 'expiring') setState((before) => ({ ...before, expiring: change.secondsLeft }));
      else if (change.type === 'error' && change.ended) nobody(change.error);
      else if (change.type === 'error') setState((before) => (before.authStatus === 'LOADING' ? { ...NOBODY, authError: change.error } : before));
      else if (change.session) accept(change.session);
      else if (!admitted.current && !led.current && !latest.current.disableRedirectOnUnauthenticated) signIn();
      else nobody();
    }, { warnBefore });
    return () => {
      turn.current += 1;
      stop();
    };
  }, [client, warnBefore, accept, signIn, nobody]);

  const shared = useMemo<Shared>(() => ({
    ...state,
    client,
    wasSignedIn: !!admitted.current || led.current,
    signIn,
    validateSession,
    clearAuthData() {
      clearToken(client);
      nobody();
    },
    updateMetadata(part) {
      setState((before) => (before.session
        ? { ...before, session: { ...before.session, metadata: { ...before.session.metadata, ...part } } }
        : before));
    },
  }), [state, client, signIn, validateSession, nobody]);
  return createElement(Context.Provider, { value: shared }, children);
}

function useShared(): Shared {
  const shared = useContext(Context);
  if (!shared) throw new Error('this hook needs an <AuthProvider> around the component');
  return shared;
}

/** The client, for `client.fetch`. */
export const useClient = (): Client => useShared().client;

/**
 * Whether somebody is signed in, and what to do about it.
 *
 * @example
 * const { isAuthenticated, login, logout } = useAuth();
 */
export function useAuth() {
  const { authStatus, authError, expiring, clearAuthData, validateSession, client } = useShared();
  const login = useCallback(async (options?: LoginOptions) => {
    if (await client.login(options)) await validateSession();
  }, [client, validateSession]);
  const logout = useCallback(() => redirectToLogout(client), [client]);
  return {
    isAuthenticated: authStatus === 'AUTHENTICATED',
    isLoading: authStatus === 'LOADING',
    authStatus,
    authError,
    /** Seconds that are left, once the session is about to end; else null. `validateSession` extends it. */
    expiring,
    clearAuthData,
    validateSession,
    login,
    logout,
  };
}

/**
 * Who is signed in; empty texts where nobody is.
 *
 * @example
 * const { userId, metadata } = useSession<{ name: string }>();
 */
export function useSession<M extends Metadata = Metadata>() {
  const { session, updateMetadata } = useShared();
  return {
    userId: session?.userId ?? '',
    tenantId: session?.tenantId ?? '',
    metadata: (session?.metadata ?? {}) as M,
    expiresAt: session?.expiresAt,
    /** Changes it here only. */
    updateMetadata: updateMetadata as (part: Partial<M>) => void,
  };
}

/**
 * Access tokens for calls to somebody else.
 *
 * @example
 * const { getToken } = useToken();
 */
export function useToken() {
  const { client } = useShared();
  return useMemo(() => ({ getToken: () => getToken(client), clearToken: () => clearToken(client) }), [client]);
}

export interface RequireAuthProps {
  children?: ReactNode;
  /** Shown until it is known who is there. */
  fallback?: ReactNode;
  /** Shown where nobody is signed in any more or it cannot be told; default: a button. */
  otherwise?: ReactNode;
}

/**
 * Shows its children to whoever is signed in, and leads everybody else to the login.
 *
 * Who signs out, here or in another tab, is not sent there: the provider may still know them, and would sign them in again.
 *
 * @example
 * <RequireAuth fallback={<Spinner />}><Orders /></RequireAuth>
 */
export function RequireAuth({ children, fallback = null, otherwise }: RequireAuthProps) {
  const { authStatus, authError, wasSignedIn, signIn, client } = useShared();
  const leads = authStatus === 'UNAUTHENTICATED' && !authError && !wasSignedIn;
  useEffect(() => { if (leads) signIn(); }, [leads, signIn]);
  if (authStatus === 'AUTHENTICATED') return children;
  if (authStatus === 'LOADING' || leads) return fallback;
  return otherwise ?? createElement('button', { type: 'button', onClick: () => { client.login().catch(() => {}); } }, 'Sign in');
}

/** The same without the members that are undefined. */
function defined<T extends object>(members: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as never;
}
