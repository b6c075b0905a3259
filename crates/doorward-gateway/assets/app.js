// The Doorward demo page: plain JavaScript, no build step, readable from top to bottom. What a session needs is done by
// `@doorward/client`, which `client.js` holds as one file.
//
//   1. call       one request to the backend, through the client
//   2. answers    what the page shows, and does, for 200, 401, 403 and 503
//   3. session    who is signed in and how long for
//   4. sign-out   end the session here, then at the provider
//   5. live       server-sent events and a WebSocket
//   6. start      wires the buttons

import { connect, createClient, DoorwardError, getSession, getToken, onSessionChange, redirectToLogout } from "./client.js";

const $ = (id) => document.getElementById(id);

/** Makes an element; strings become text, never markup. */
function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

// --- 1. call -----------------------------------------------------------------------------------

/**
 * By itself the client goes to the login on 401. This page shows what was answered and offers the way instead: `false` says that
 * nobody signed in.
 */
const client = createClient({
  login({ loginUrl, error }) {
    offerSignIn(loginUrl, error?.code);
    return false;
  },
});

/** Sends one request; resolves to what came back and rejects only when nothing did. */
async function call(path, { method = "GET", json, token = true, bearer = false } = {}) {
  const headers = { Accept: "application/json" };
  if (bearer) headers.Authorization = `Bearer ${await accessToken()}`;
  if (json !== undefined) headers["Content-Type"] = "application/json";
  const init = { method, headers, body: json === undefined ? undefined : JSON.stringify(json) };

  const started = performance.now();
  const response = await send(path, init, { token, bearer });
  const text = await response.text();
  let body = null;
  try {
    body = text ? JSON.parse(text) : null;
  } catch {
    body = text;
  }
  return { status: response.status, body, milliseconds: Math.round(performance.now() - started) };
}

/** The client adds credentials and CSRF token; what shows a program, or a forgotten token, does without it. */
async function send(path, init, { token, bearer }) {
  if (bearer || !token) return fetch(path, { ...init, credentials: bearer ? "omit" : "include" });
  try {
    return await client.fetch(path, init);
  } catch (error) {
    if (error instanceof DoorwardError && error.response) return error.response;
    throw error;
  }
}

/** An access token for a call as a program makes it; a rubbish one where nobody is signed in. */
const accessToken = () => getToken(client).catch(() => "nobody-is-signed-in");

// --- 2. answers --------------------------------------------------------------------------------

const REASONS = {
  csrf_missing: "The session cookie came along by itself, the token did not. A form on another site gets exactly this far.",
  csrf_mismatch: "A token was sent, but not the one of this session.",
  cross_origin: "The request came from another site.",
  role_missing: "You are signed in, so signing in again would not help: this needs a role you do not have.",
  session_missing: "Nobody is signed in here. The page may offer to sign in, and does.",
  session_expired: "The session came to its end. Sign in again to go on.",
  session_revoked: "The session was ended, in another tab perhaps. Sign in again to go on.",
  step_up_required: "You are signed in, but not freshly enough for this. Sign in again, and the same call answers 200.",
  token_invalid: "A token was sent, and it is not one of ours. A good cookie beside it would not help.",
  provider_unavailable: "The identity provider is out of reach. You are still signed in; try again in a moment.",
};

/** Shows one answer: status, code, body, and a word on what it means. */
function show(out, method, path, answer) {
  const { status, body, milliseconds } = answer;
  const kind = status < 300 ? "good" : status === 401 || status === 403 ? "bad" : "warn";
  const line = el("p", { class: "answer-line", role: "status" },
    el("span", { class: "pill" }, `${status}${status < 300 ? " OK" : ""}`),
    ...(body?.code ? [el("code", {}, body.code)] : []),
    el("span", { class: "muted" }, `${milliseconds} ms`));
  const answered = el("div", { class: "answer", "data-kind": kind }, line);
  const why = REASONS[body?.code];
  if (why) answered.append(el("p", { class: "why" }, why));
  if (body !== null) {
    const pre = el("pre", { tabindex: "0", role: "region", "aria-label": `Body of the answer to ${method} ${path}` });
    pre.append(...(typeof body === "string" ? [body] : highlight(pretty(body))));
    answered.append(pre);
  }
  out.replaceChildren(answered);
  if (body?.code) out.dataset.code = body.code;
  else delete out.dataset.code;
  out.dataset.status = String(status);
}

/** JSON as people write it: short lists stay on one line. */
function pretty(value) {
  const list = /\[\n\s+([^[\]{}]*?)\n\s+\]/g;
  return JSON.stringify(value, null, 2).replace(list, (_, items) => `[${items.replace(/,\n\s+/g, ", ")}]`);
}

/** Colours JSON; every piece stays text. */
function highlight(json) {
  const token = /("(?:[^"\\]|\\.)*")(\s*:)?|\b(?:true|false|null)\b|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;
  const parts = [];
  let end = 0;
  for (const match of json.matchAll(token)) {
    parts.push(json.slice(end, match.index));
    const [whole, string, colon] = match;
    const kind = string === undefined ? "j-number" : colon === undefined ? "j-text" : "j-key";
    parts.push(el("span", { class: kind }, string ?? whole), colon ?? "");
    end = match.index + whole.length;
  }
  return [...parts, json.slice(end)];
}

/** Runs the call of one button and shows what came of it. */
async function run(button, out, path, options = {}) {
  if (button.getAttribute("aria-disabled") === "true") return;
  button.setAttribute("aria-disabled", "true");
  delete out.dataset.status;
  let answer;
  try {
    answer = await call(path, options);
  } catch {
    out.replaceChildren(el("p", { class: "answer", role: "status" }, "No answer: the backend is out of reach."));
    out.dataset.status = "0";
    return;
  } finally {
    button.removeAttribute("aria-disabled");
  }
  show(out, options.method ?? "GET", path, answer);
  if (answer.status !== 401 && state() === "signed-in") await readSession();
}

/** What the page does about a 401: offer the sign-in that leads back here. */
function offerSignIn(url, code) {
  $("sign-in").href = url;
  $("sign-in-return").href = url;
  $("return-url").textContent = url;
  $("return").hidden = false;
  if (state() === "signed-in" && code !== "step_up_required") showSignedOut("Your session has ended. Sign in to go on where you were.");
}

// --- 3. session --------------------------------------------------------------------------------

let session = null;
/** Whether the end of the session is of the user's own making. */
let leaving = false;

const state = () => document.documentElement.dataset.state;

/** Asks who is signed in. Unless it is told to, it only looks and does not extend the session. */
async function readSession({ extend = false } = {}) {
  try {
    showSession(await getSession(client, { slide: extend }));
  } catch (error) {
    cannotTell(error);
  }
}

/** Shows who is signed in, if anybody is. */
function showSession(found) {
  document.documentElement.dataset.asked = "true";
  if (found) return showSignedIn(found);
  showSignedOut(state() === "signed-in" && !leaving ? "Your session has ended. Sign in to go on where you were." : "");
}

function cannotTell({ code }) {
  document.documentElement.dataset.asked = "true";
  notice(code === "unreachable" ? "The server does not answer." : "Whether you are signed in cannot be told right now. Try again in a moment.");
}

function notice(text) {
  $("notice").textContent = text;
  $("notice").hidden = !text;
}

function showSignedIn(answer) {
  const { name, email, roles = [] } = answer.metadata ?? {};
  const shownName = name || email || "Someone";
  session = answer;
  notice("");
  $("title").textContent = `Come in, ${shownName.split(" ")[0]}`;
  $("lead").textContent = "The door is open: the same calls now answer 200 where you may, and 403 where you may not.";
  $("state").replaceChildren(el("span", { class: "wide" }, "Signed in as\u00a0"), email || shownName);
  $("user-name").textContent = shownName;
  $("user-email").textContent = email ?? "";
  $("user-initials").textContent = initials(shownName);
  $("user-tenant").textContent = answer.tenantId;
  $("user-id").textContent = answer.userId;
  $("user-roles").replaceChildren(...(roles.length ? roles.map((role) => el("span", { class: "chip" }, role)) : ["none"]));
  document.documentElement.dataset.state = "signed-in";
  tick();
}

function showSignedOut(text) {
  session = null;
  stopLive();
  forget();
  notice(text);
  $("title").textContent = "Who is at the door?";
  $("lead").textContent = "This small app has a backend with guarded endpoints. Without a session they stay shut: try them below, then sign in and try again.";
  $("state").textContent = "Signed out";
  document.documentElement.dataset.state = "signed-out";
}

/** Takes what was shown to the one who was signed in off the page. */
function forget() {
  for (const out of document.querySelectorAll(".out")) {
    if (out.dataset.status === "401") continue;
    out.replaceChildren();
    delete out.dataset.status;
    delete out.dataset.code;
  }
  for (const id of ["user-email", "user-initials", "user-tenant", "user-id", "user-roles"]) $(id).replaceChildren();
  $("user-name").textContent = "Nobody";
}

function initials(name) {
  const words = name.split(/[\s@._-]+/).filter(Boolean);
  return words.slice(0, 2).map((word) => [...word][0].toUpperCase()).join("");
}

/** Moves the clock on. That the end is there is told by the client. */
function tick() {
  if (!session) return;
  const left = Math.max(0, session.expiresAt - Date.now());
  const seconds = Math.ceil(left / 1000);
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  const two = (number) => String(number).padStart(2, "0");
  $("session-left").textContent = `${hours ? `${hours}:` : ""}${two(minutes)}:${two(seconds % 60)}`;
  const full = (session.metadata?.idleTimeoutSeconds ?? 3600) * 1000;
  $("session-bar").value = Math.min(1, left / full);
  const end = new Date(session.expiresAt);
  $("session-end").textContent = end.toLocaleTimeString();
  $("session-end").dateTime = end.toISOString();
}

// --- 4. sign-out -------------------------------------------------------------------------------

/** Ends the session here, then goes to the provider to end it there. Without this script the form does both. */
async function signOut(event) {
  event.preventDefault();
  leaving = true;
  try {
    await redirectToLogout(client);
  } catch ({ status, code }) {
    leaving = false;
    notice(code === "unreachable" ? "Signing out failed: the server does not answer." : `Signing out failed with ${status}. Try again.`);
  }
}

// --- 5. live -----------------------------------------------------------------------------------

let events = null;
let socket = null;

function toggleEvents() {
  if (events) return stopEvents("Not listening.");
  $("call-events").textContent = "Stop";
  $("call-events").setAttribute("aria-pressed", "true");
  $("out-events").textContent = "Connecting…";
  events = new EventSource("/api/events");
  events.addEventListener("tick", (event) => {
    const { n, time } = JSON.parse(event.data);
    $("out-events").textContent = `tick ${n} at ${time}`;
    $("out-events").dataset.n = String(n);
  });
  events.addEventListener("error", () => {
    stopEvents("The stream has ended.");
    readSession();
  });
}

function stopEvents(text) {
  events?.close();
  events = null;
  $("call-events").textContent = "Listen";
  $("call-events").setAttribute("aria-pressed", "false");
  $("out-events").textContent = text;
}

function echo(event) {
  event.preventDefault();
  const text = $("socket-text").value;
  if (socket) return void socket.send(text);
  const opened = connect(client, "/api/socket", {
    onOpen: () => opened.send($("socket-text").value),
    onMessage: ({ data }) => {
      $("out-socket").textContent = `echo: ${data}`;
    },
    onError: ({ status, title }) => {
      if (socket !== opened) return;
      socket = null;
      $("out-socket").textContent = status === 401 ? "Closed: the session has ended (4401)." : `Closed: ${title}.`;
    },
  });
  socket = opened;
}

function stopLive() {
  if (events) stopEvents("Not listening.");
  const opened = socket;
  socket = null;
  opened?.close();
  $("out-socket").textContent = "No message yet.";
}

// --- 6. start ----------------------------------------------------------------------------------

const write = { method: "POST", json: { note: "written from the demo page" } };
const calls = {
  protected: ["/api/protected"],
  post: ["/api/protected", write],
  "post-without-token": ["/api/protected", { ...write, token: false }],
  admin: ["/api/admin"],
  recent: ["/api/recent"],
  either: ["/api/either", write],
  "either-bearer": ["/api/either", { ...write, bearer: true }],
  public: ["/api/public"],
};
for (const [name, [path, options]] of Object.entries(calls)) {
  const button = $(`call-${name}`);
  button.addEventListener("click", () => run(button, $(`out-${name}`), path, options));
}
$("sign-out-form").addEventListener("submit", signOut);
$("session-extend").addEventListener("click", () => readSession({ extend: true }));
$("call-events").addEventListener("click", toggleEvents);
$("socket-form").addEventListener("submit", echo);
setInterval(tick, 1000);
// The back button may bring this page back as it was, signed in or not: ask before showing any of it.
addEventListener("pageshow", (event) => {
  if (!event.persisted) return;
  leaving = false;
  document.documentElement.dataset.state = "unknown";
  forget();
  readSession();
});

// After a sign-out the provider sends its `state` back with the visitor; nothing here needs it.
const here = new URL(location.href);
if (here.searchParams.has("state")) {
  here.searchParams.delete("state");
  history.replaceState(null, "", here);
}
await readSession();
// From now on: other tabs, the focus, and the session's end.
onSessionChange(client, (change) => {
  if (change.type === "session") showSession(change.session);
  if (change.type === "error") cannotTell(change.error);
});
// The first thing a visitor sees is a guarded call and its answer.
await run($("call-protected"), $("out-protected"), "/api/protected");
document.documentElement.dataset.ready = "true";
