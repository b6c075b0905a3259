// Pattern A: one axios instance; its response interceptor sends the user to the login on 401.
const api = axios.create({
  baseURL: API,
  withCredentials: true,
  withXSRFToken: true,
  xsrfCookieName: 'CSRF-TOKEN',
  xsrfHeaderName: 'X-CSRF-TOKEN',
});

api.interceptors.response.use(
  (response) => response,
  (error) => {
    if (error.response && error.response.status === 401) {
      redirectToLogin(LOGIN_ENDPOINT);
    }
    return Promise.reject(error);
  },
);

const failed = (error) => show('result', `${error.response.status} ${error.response.data.error} ${error.response.data.code}`);

api.get('/api/protected').then((response) => show('message', `Hello ${response.data.user.email}`)).catch(() => {});

onClick('save', () => {
  api.post('/api/protected', { item: 'tea' })
    .then((response) => show('result', `${response.status} ${response.data.received.item}`))
    .catch(failed);
});
onClick('save-without-token', () => {
  api.post('/api/protected', { item: 'tea' }, { withXSRFToken: false, xsrfCookieName: '' })
    .then((response) => show('result', `${response.status}`))
    .catch(failed);
});
onClick('admin', () => {
  api.get('/api/admin').then((response) => show('result', `${response.status}`)).catch(failed);
});
