// Tells whoever waits that a sign-in ended here, and closes the window. It says that something happened and not what: whoever hears it
// reads the session for themselves.
const { opener } = document.currentScript.dataset;
try {
  new BroadcastChannel('doorward').postMessage({ type: 'login' });
} catch {
  // No channel in this browser or this mode of it: the waiting page looks again when it gets the focus.
}
if (opener && window.opener) window.opener.postMessage({ type: 'doorward:login' }, opener);
window.close();
