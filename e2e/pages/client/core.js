// A page on the core: its buttons read and save, and what it makes is there for the tests.

import * as doorward from '@doorward/client';

const { api = location.origin, onload, watch, ...options } = JSON.parse(document.documentElement.dataset.options);
const client = doorward.createClient(options);
const show = (text) => { document.getElementById('shown').textContent = text; };

async function run(work) {
  show('…');
  try {
    const response = await work;
    show(`${response.status} ${(await response.json()).message}`);
  } catch (error) {
    show(`${error.name} ${error.status} ${error.code}`);
  }
}
const read = (path = '/api/protected') => run(client.fetch(api + path));
const save = () => run(client.fetch(`${api}/api/protected`, {
  method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"item":"tea"}',
}));

document.getElementById('read').addEventListener('click', () => read());
document.getElementById('save').addEventListener('click', save);
window.app = { ...doorward, api, client, changes: [], problems: [] };
addEventListener('unhandledrejection', ({ reason }) => window.app.problems.push(String(reason)));
if (watch) window.app.stop = doorward.onSessionChange(client, (change) => window.app.changes.push(change), watch);
if (onload) await read(onload);
