// An application with the React adapter: a page for everybody, one for who is signed in, and a warning before the end.

import { AuthProvider, RequireAuth, useAuth, useClient, useSession, useToken } from '@doorward/client/react';
import { StrictMode, useState } from 'react';
import { createRoot } from 'react-dom/client';

const { required, ...options } = JSON.parse(document.documentElement.dataset.options);
window.counted = { success: 0 };

function Status() {
  const { authStatus, authError, expiring } = useAuth();
  return <p id="status">{authStatus} {authError?.code ?? authError?.message} {expiring !== null && `ends in ${expiring} s`}</p>;
}

function Orders() {
  const client = useClient();
  const { logout, validateSession } = useAuth();
  const { userId, metadata, updateMetadata } = useSession();
  const { getToken } = useToken();
  const [shown, show] = useState('');
  const run = (work) => () => work().then(show, ({ name, code, message }) => show(`${name} ${code ?? message}`));
  return (
    <>
      <p id="user">{userId} {metadata.name} {metadata.seen && 'seen'}</p>
      <button onClick={run(async () => `${(await client.fetch('/api/admin')).status}`)}>Admin</button>
      <button onClick={run(async () => (await getToken()).slice(0, 2))}>Token</button>
      <button onClick={() => updateMetadata({ seen: true })}>See</button>
      <button onClick={() => validateSession()}>Stay</button>
      <button onClick={() => logout()}>Leave</button>
      <output id="answer">{shown}</output>
    </>
  );
}

createRoot(document.getElementById('root')).render(
  <StrictMode>
    <AuthProvider
      {...options}
      onSessionSuccess={() => {
        window.counted.success += 1;
        if (options.fails) throw new Error('the application says no');
      }}
    >
      <Status />
      {required ? <RequireAuth fallback={<p id="wait">One moment</p>} otherwise={<p id="otherwise">Come back soon</p>}><Orders /></RequireAuth> : <Orders />}
    </AuthProvider>
  </StrictMode>,
);
window.app = true;
