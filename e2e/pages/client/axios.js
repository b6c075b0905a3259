// Pattern A with the adapter: one axios instance, and nothing about logins or tokens at its calls.

import { createClient } from '@doorward/client';
import { install } from '@doorward/client/axios';
import axios from 'axios';

const { api: origin = location.origin, ...options } = JSON.parse(document.documentElement.dataset.options);
const api = axios.create({ baseURL: `${origin}/api` });
install(api, createClient(options));

const show = (text) => { document.getElementById('shown').textContent = text; };
const run = (work) => work.then(
  ({ status, data }) => show(`${status} ${data.message} ${JSON.stringify(data.received ?? null)}`),
  ({ name, status, code }) => show(`${name} ${status} ${code}`),
);
document.getElementById('save').addEventListener('click', () => run(api.post('/protected', { item: 'tea' })));
document.getElementById('read').addEventListener('click', () => run(api.get('/admin')));
window.app = true;
run(api.get('/protected'));
