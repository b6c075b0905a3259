// What the compiler has to accept and to refuse. Nothing here runs: `npm run check` judges it.

import axios from 'axios';
import { install } from '../src/axios.js';
import {
  type Client, createClient, DoorwardError, type ErrorCode, getSession, getToken, onSessionChange, redirectToLogin, redirectToLogout, type ServerCode,
  type ServerCodes, type Session,
} from '../src/index.js';
import { useSession } from '../src/react.js';

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const same = <A, B>(_: Same<A, B>) => {};

export async function accepted() {
  const client: Client = createClient({ loginUrl: '/auth/login', login: 'popup', csrf: { cookieName: 'a' }, origins: ['https://a.test'] });
  // The platform's own signature, so that one can stand for the other.
  const plain: (input: string | URL | Request, init?: RequestInit) => Promise<Response> = client.fetch;
  const other: typeof client.fetch = fetch;
  createClient({ login: ({ loginUrl, error }) => { void [loginUrl.length, error?.code]; } });
  createClient({ login: async () => false });
  install(axios, client);
  install(axios.create(), client);
  redirectToLogin(client, { acrValues: ['a'], maxAge: 0 });
  redirectToLogin('/auth/login');
  same<Promise<void>, ReturnType<typeof redirectToLogout>>(true);
  same<Promise<string>, ReturnType<typeof getToken>>(true);
  const session = await getSession<{ name: string }>(client, { slide: false });
  same<Session<{ name: string }> | null, typeof session>(true);
  onSessionChange<{ name: string }>(client, (change) => {
    if (change.type === 'session') void change.session?.metadata.name.length;
    else if (change.type === 'expiring') void change.secondsLeft.toFixed();
    else void change.error.status;
  })();
  const error = new DoorwardError({ status: 403, code: 'role_missing', title: 'x' });
  // A code that a newer server brings is no type error, and the known ones are offered.
  const code: ErrorCode = error.code;
  const known: ServerCode = 'session_missing';
  same<401, ServerCodes['step_up_required']>(true);
  same<403, ServerCodes['csrf_mismatch']>(true);
  const { metadata, updateMetadata } = useSession<{ seen: boolean }>();
  updateMetadata({ seen: !metadata.seen });
  return [plain, other, code, known];
}

export async function refused(client: Client) {
  // @ts-expect-error there is no such way to sign in
  createClient({ login: 'frame' });
  // @ts-expect-error the option is called loginUrl
  createClient({ loginURL: '/auth/login' });
  // @ts-expect-error a session may be null: nobody is signed in
  void (await getSession(client)).userId;
  // @ts-expect-error the server has no such code
  const code: ServerCode = 'session_gone';
  // @ts-expect-error what a refusal says stays as it was said
  new DoorwardError({ status: 1, code: 'x', title: 'x' }).status = 2;
  // @ts-expect-error such a prompt does not exist
  redirectToLogin(client, { prompt: 'maybe' });
  // @ts-expect-error there are no seconds in this kind of change
  onSessionChange(client, (change) => change.type === 'session' && change.secondsLeft);
  return code;
}
