// Pattern C: fetch with the CSRF cookie's value in a header; 401 and 403 go to the login, other failures are thrown.
function csrfToken() {
  const pair = document.cookie.split('; ').find((cookie) => cookie.startsWith('CSRF-TOKEN='));
  return pair ? decodeURIComponent(pair.split('=')[1]) : '';
}

async function request(path, { method = 'GET', body, token = csrfToken() } = {}) {
  const response = await fetch(`${API}${path}`, {
    method,
    credentials: 'include',
    headers: { 'Content-Type': 'application/json', 'X-CSRF-TOKEN': token },
    body: body && JSON.stringify(body),
  });
  if (response.status === 401 || response.status === 403) {
    sessionStorage.setItem('last', `${response.status} ${(await response.json()).code}`);
    redirectToLogin(LOGIN_ENDPOINT);
    return undefined;
  }
  if (!response.ok) {
    throw new Error(`${response.status}: ${await response.text()}`);
  }
  return response.json();
}

request('/api/protected').then((data) => { if (data) show('message', `Hello ${data.user.email}`); });

onClick('save', async () => {
  const data = await request('/api/protected', { method: 'POST', body: { item: 'tea' } });
  if (data) show('result', `200 ${data.received.item}`);
});
onClick('save-without-token', () => request('/api/protected', { method: 'POST', body: { item: 'tea' }, token: '' }));
onClick('missing', () => request('/api/nothing-here').catch((error) => show('result', error.message)));
