// The two requests of the stand-in: session and token.

import { ApiError, WristbandError } from './urls.js';

const ATTEMPTS = 3;
const BETWEEN_ATTEMPTS_MS = 100;

/** The value of the CSRF cookie, for those who make their own calls. */
export function getCsrfToken(cookieName = 'CSRF-TOKEN') {
  const pair = document.cookie.split(';').map((text) => text.trim()).find((text) => text.startsWith(`${cookieName}=`));
  return pair && decodeURIComponent(pair.slice(cookieName.length + 1));
}

async function get(url, { csrfCookieName, csrfHeaderName }) {
  const csrf = getCsrfToken(csrfCookieName);
  const answer = await fetch(url, {
    credentials: 'include',
    headers: { Accept: 'application/json', 'Content-Type': 'application/json', ...(csrf && { [csrfHeaderName]: csrf }) },
  });
  if (!answer.ok) throw new ApiError(answer);
  return answer.json();
}

/** Tries again what may pass: a 4xx does not. */
async function persistently(work, code) {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work();
    } catch (error) {
      if (error instanceof WristbandError) throw error;
      if (error.status === 401) throw new WristbandError('UNAUTHENTICATED', 'nobody is signed in', error);
      if ((error.status >= 400 && error.status < 500) || attempt === ATTEMPTS) throw new WristbandError(code, 'the request failed', error);
      await new Promise((resolve) => { setTimeout(resolve, BETWEEN_ATTEMPTS_MS); });
    }
  }
}

const isText = (value) => typeof value === 'string' && value.trim() !== '';

export function fetchSession(url, csrf, onSuccess) {
  return persistently(async () => {
    const session = await get(url, csrf);
    if (!isText(session.userId) || !isText(session.tenantId)) {
      throw new WristbandError('INVALID_SESSION_RESPONSE', 'the session has no userId or no tenantId');
    }
    await onSuccess?.(session);
    return session;
  }, 'SESSION_FETCH_FAILED');
}

export function fetchToken(url, csrf) {
  return persistently(async () => {
    const token = await get(url, csrf);
    if (!isText(token.accessToken) || !(token.expiresAt >= 0)) {
      throw new WristbandError('INVALID_TOKEN_RESPONSE', 'the token has no accessToken or no expiresAt');
    }
    return token;
  }, 'TOKEN_FETCH_FAILED');
}
