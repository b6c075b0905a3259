// Where everything is. Read when it is needed: on a server there is no page to resolve against.

import { failure } from './error.js';
import type { ClientOptions, LoginOptions } from './types.js';

/** Whether there is a page; without one the package stands aside. */
export const inBrowser = () => typeof document !== 'undefined';

/** Refuses where there is no page. */
export function demandPage() {
  if (!inBrowser()) throw failure('unreachable', 'No page here');
}

/** Puts options into the query, each under the server's name for it and once. */
export function ask(url: URL, options: object) {
  for (const [name, value] of Object.entries(options)) {
    if (value || value === 0) url.searchParams.set(name.replace(/[A-Z]/g, '_$&').toLowerCase(), [value].flat().join(' '));
  }
  return url;
}

export type Addresses = ReturnType<typeof addresses>;

export function addresses(options: ClientOptions) {
  const absolute = (url: string | URL) => new URL(url, location.origin);
  const login = () => {
    const url = absolute(options.loginUrl ?? '/auth/login');
    // An address that came from elsewhere must not become a script.
    if (url.origin === 'null') throw new TypeError('loginUrl has no origin');
    return url;
  };
  const beside = (name: string, given?: string) => (given ? absolute(given) : new URL(name, login()));

  return {
    login,
    logout: () => beside('logout', options.logoutUrl),
    /** `slide` false: only to look. */
    session(slide?: boolean) {
      const url = beside('session', options.sessionUrl);
      if (slide === false) url.searchParams.set('slide', 'false');
      return url;
    },
    token: () => beside('token', options.tokenUrl),
    absolute,

    /** Where a login window comes back to; it tells this origin where that is not its own. */
    complete() {
      const url = beside('complete', options.completeUrl);
      if (url.origin !== location.origin) url.searchParams.set('opener', location.origin);
      return url.href;
    },

    isOwn(url: string | URL) {
      const { origin } = new URL(url, document.baseURI);
      // `null` is the origin of everything that has none, a foreign document included.
      return origin !== 'null'
        && (options.origins?.map((own) => absolute(own).origin) ?? [location.origin, login().origin]).includes(origin);
    },

    /** The login's address; `from` is the one that a refusal named. */
    signIn(from?: string, { returnUrl, ...rest }: LoginOptions = {}) {
      const own = login();
      const url = new URL(from ?? own);
      const query = url.searchParams;
      own.searchParams.forEach((value, name) => { if (!query.has(name)) query.set(name, value); });
      ask(url, rest);
      // What is asked for, apart from where it leads back to.
      const wish = url.search;
      const back = returnUrl ?? query.get('return_url');
      query.set('return_url', back ? new URL(back, location.href).href : location.href);
      return { url, wish };
    },
  };
}

/** Waits, or gives up with the call it is for. */
export const patiently = <T>(work: Promise<T>, signal?: AbortSignal | null) => new Promise<T>((resolve, reject) => {
  const give = () => reject(signal!.reason);
  if (signal?.aborted) give();
  signal?.addEventListener('abort', give, { once: true });
  work.then(resolve, reject).finally(() => signal?.removeEventListener('abort', give));
});

export const pause = (milliseconds: number) => new Promise<void>((resolve) => { setTimeout(resolve, milliseconds); });

/** How long a page that is to be left may take to go; calls wait so long rather than show an error that nobody reads. */
const LEAVING = 30_000;

/** Goes to `url`. Nothing that waits for it goes on, unless the page stays. */
export async function leave(url: string): Promise<never> {
  location.assign(url);
  await new Promise<void>((resolve) => {
    setTimeout(resolve, LEAVING);
    // The back button may bring the page back as it was.
    addEventListener('pageshow', ({ persisted }) => { if (persisted) resolve(); });
  });
  throw failure('navigation_stopped', 'The page is still here', 401);
}
