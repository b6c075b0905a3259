// A page with a WebSocket that is kept open.

import { createClient } from '@doorward/client';
import { connect } from '@doorward/client/websocket';

const show = (text) => { document.getElementById('shown').textContent = text; };
const socket = connect(createClient(), '/api/socket', {
  onOpen: () => show('open'),
  onMessage: ({ data }) => show(`echo: ${data}`),
  onError: ({ name, code }) => show(`${name} ${code}`),
});
document.getElementById('save').addEventListener('click', () => socket.send('hello'));
window.app = true;
