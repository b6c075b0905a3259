// The one cookie that a page may read.

/**
 * The CSRF token, where there is one.
 *
 * The cookies are split before anything is decoded and only the one value is, so that nobody else's cookie can break
 * the reading or pass for this one.
 *
 * @example
 * fetch('/api/orders', { method: 'POST', headers: { 'X-CSRF-TOKEN': getCsrfToken() ?? '' } });
 */
export function getCsrfToken(cookieName = 'CSRF-TOKEN'): string | undefined {
  if (typeof document === 'undefined') return undefined;
  const start = `${cookieName}=`;
  for (const part of document.cookie.split(';')) {
    const pair = part.trim();
    if (!pair.startsWith(start)) continue;
    const value = pair.slice(start.length);
    try {
      return decodeURIComponent(value);
    } catch {
      return value;
    }
  }
  return undefined;
}
