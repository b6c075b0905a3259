// Where the stand-in sends the browser, and its errors.

export class WristbandError extends Error {
  constructor(code, message, originalError) {
    super(message);
    Object.assign(this, { name: 'WristbandError', code, originalError });
  }
}

export class ApiError extends Error {
  constructor(response) {
    super(`${response.status} ${response.statusText}`);
    Object.assign(this, { name: 'ApiError', status: response.status, statusText: response.statusText, response });
  }
}

/** `url` resolved against the page's origin. */
export function checkUrl(url, code, reserved = []) {
  let resolved;
  try {
    if (!url?.trim()) throw new TypeError('it is blank');
    resolved = new URL(url, window.location.origin);
  } catch (error) {
    throw new WristbandError(code, `not a URL: ${url}`, error);
  }
  const taken = reserved.find((name) => resolved.searchParams.has(name));
  if (taken) throw new WristbandError(code, `the URL already holds ${taken}`);
  return resolved;
}

/** The login URL of the provider, with the page's address as it is when the provider is mounted. */
export function loginUrlOfProvider(loginUrl) {
  const url = checkUrl(loginUrl, 'INVALID_LOGIN_URL');
  // Encoded twice, as the original does: `encodeURI` here, and once more as a form's value.
  if (!url.searchParams.has('return_url')) url.searchParams.append('return_url', encodeURI(window.location.href));
  return url.toString();
}

function redirect(url, parameters) {
  for (const [name, value] of Object.entries(parameters)) if (value) url.searchParams.append(name, value);
  window.location.href = url.toString();
}

export function redirectToLogin(loginUrl, { idpHint, loginHint, returnUrl, tenantName, tenantCustomDomain } = {}) {
  const url = checkUrl(loginUrl, 'INVALID_LOGIN_URL', ['login_hint', 'return_url', 'tenant_name', 'tenant_custom_domain']);
  redirect(url, {
    idp_hint: idpHint,
    login_hint: loginHint,
    return_url: returnUrl && encodeURI(returnUrl),
    tenant_name: tenantName,
    tenant_custom_domain: tenantCustomDomain,
  });
}

export function redirectToLogout(logoutUrl, { tenantName, tenantCustomDomain } = {}) {
  const url = checkUrl(logoutUrl, 'INVALID_LOGOUT_URL', ['tenant_name', 'tenant_custom_domain']);
  redirect(url, { tenant_name: tenantName, tenant_custom_domain: tenantCustomDomain });
}
