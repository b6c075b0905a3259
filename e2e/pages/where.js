// Where the backend is: the page's own origin, or the one named in the page's address as `?api=`.
const API = new URLSearchParams(location.search).get('api') ?? location.origin;
const LOGIN_ENDPOINT = `${API}/auth/login`;

function redirectToLogin(endpoint) {
  location.href = `${endpoint}?return_url=${encodeURIComponent(location.href)}`;
}

function show(id, text) {
  document.getElementById(id).textContent = text;
}

function onClick(id, action) {
  document.getElementById(id).addEventListener('click', action);
}
