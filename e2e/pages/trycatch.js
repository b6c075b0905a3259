// Pattern B: every call has its own try/catch; 401 goes to the login, anything else is shown.
axios.defaults.withCredentials = true;
axios.defaults.withXSRFToken = true;
axios.defaults.xsrfCookieName = 'CSRF-TOKEN';
axios.defaults.xsrfHeaderName = 'X-CSRF-TOKEN';

function handle(error) {
  if (error.response?.status === 401) {
    redirectToLogin(LOGIN_ENDPOINT);
    return;
  }
  show('result', `${error.response?.status} ${error.response?.data.error} ${error.response?.data.code}`);
}

async function load() {
  try {
    const response = await axios.get(`${API}/api/protected`);
    show('message', `Hello ${response.data.user.email}`);
  } catch (error) {
    handle(error);
  }
}

onClick('save', async () => {
  try {
    const response = await axios.post(`${API}/api/protected`, { item: 'tea' });
    show('result', `${response.status} ${response.data.received.item}`);
  } catch (error) {
    handle(error);
  }
});

onClick('save-without-token', async () => {
  try {
    const response = await axios.post(`${API}/api/protected`, { item: 'tea' }, { withXSRFToken: false, xsrfCookieName: '' });
    show('result', `${response.status}`);
  } catch (error) {
    handle(error);
  }
});

onClick('admin', async () => {
  try {
    const response = await axios.get(`${API}/api/admin`);
    show('result', `${response.status}`);
  } catch (error) {
    handle(error);
  }
});

load();
