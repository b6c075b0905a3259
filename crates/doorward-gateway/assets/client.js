// @doorward/client as one file. Generated from packages/client by `npm run refresh` there; CI proves it fresh.
var DoorwardError = class extends Error {
  constructor(refusal, cause) {
    super(refusal.title, { cause });
    Object.assign(this, refusal);
    this.name = "DoorwardError";
  }
};
var failure = (code, title, status = 0, cause) => new DoorwardError({ status, code, title }, cause);
var text = (value) => typeof value === "string" ? value : void 0;
function readRefusal(status, header, body, login, response) {
  const problem = Object(body);
  const certain = status === 401 || status === 403 || !!text(problem.type)?.startsWith("urn:doorward:error:");
  if (!certain && status !== 503)
    return void 0;
  const { max_age, acr_values } = problem;
  let url = ask(login, { max_age, acr_values });
  try {
    const named = new URL(problem.login_url);
    if (named.origin === login.origin)
      url = named;
  } catch {
  }
  const after = text(header("retry-after")) ?? "";
  const seconds = /^\d+$/.test(after) ? +after : Math.max(0, (Date.parse(after) - Date.now()) / 1e3);
  const error = new DoorwardError({
    status,
    code: text(problem.code) ?? "refused",
    title: text(problem.title) ?? `Refused with ${status}`,
    requestId: text(problem.request_id),
    loginUrl: url.href,
    retryAfter: seconds >= 0 ? seconds : void 0,
    response
  });
  return { error, certain };
}

var inBrowser = () => typeof document !== "undefined";
function demandPage() {
  if (!inBrowser())
    throw failure("unreachable", "No page here");
}
function ask(url, options) {
  for (const [name, value] of Object.entries(options)) {
    if (value || value === 0)
      url.searchParams.set(name.replace(/[A-Z]/g, "_$&").toLowerCase(), [value].flat().join(" "));
  }
  return url;
}
function addresses(options) {
  const absolute = (url) => new URL(url, location.origin);
  const login = () => {
    const url = absolute(options.loginUrl ?? "/auth/login");
    if (url.origin === "null")
      throw new TypeError("loginUrl has no origin");
    return url;
  };
  const beside = (name, given) => given ? absolute(given) : new URL(name, login());
  return {
    login,
    logout: () => beside("logout", options.logoutUrl),
    /** `slide` false: only to look. */
    session(slide) {
      const url = beside("session", options.sessionUrl);
      if (slide === false)
        url.searchParams.set("slide", "false");
      return url;
    },
    token: () => beside("token", options.tokenUrl),
    absolute,
    /** Where a login window comes back to; it tells this origin where that is not its own. */
    complete() {
      const url = beside("complete", options.completeUrl);
      if (url.origin !== location.origin)
        url.searchParams.set("opener", location.origin);
      return url.href;
    },
    isOwn(url) {
      const { origin } = new URL(url, document.baseURI);
      return origin !== "null" && (options.origins?.map((own) => absolute(own).origin) ?? [location.origin, login().origin]).includes(origin);
    },
    /** The login's address; `from` is the one that a refusal named. */
    signIn(from, { returnUrl, ...rest2 } = {}) {
      const own = login();
      const url = new URL(from ?? own);
      const query = url.searchParams;
      own.searchParams.forEach((value, name) => {
        if (!query.has(name))
          query.set(name, value);
      });
      ask(url, rest2);
      const wish = url.search;
      const back = returnUrl ?? query.get("return_url");
      query.set("return_url", back ? new URL(back, location.href).href : location.href);
      return { url, wish };
    }
  };
}
var patiently = (work, signal) => new Promise((resolve, reject) => {
  const give = () => reject(signal.reason);
  if (signal?.aborted)
    give();
  signal?.addEventListener("abort", give, { once: true });
  work.then(resolve, reject).finally(() => signal?.removeEventListener("abort", give));
});
var pause = (milliseconds) => new Promise((resolve) => {
  setTimeout(resolve, milliseconds);
});
var LEAVING = 3e4;
async function leave(url) {
  location.assign(url);
  await new Promise((resolve) => {
    setTimeout(resolve, LEAVING);
    addEventListener("pageshow", ({ persisted }) => {
      if (persisted)
        resolve();
    });
  });
  throw failure("navigation_stopped", "The page is still here", 401);
}

var listeners = /* @__PURE__ */ new Set();
var channel;
function apart(work) {
  try {
    work();
  } catch (error) {
    globalThis.reportError?.(error);
  }
}
var tell = (news) => [...listeners].forEach((listener) => apart(() => listener(news)));
var open2 = () => {
  try {
    channel ??= new BroadcastChannel("doorward");
    channel.onmessage = ({ data }) => tell(data?.type);
  } catch {
  }
};
var rest = () => {
  if (listeners.size)
    return;
  channel?.close();
  channel = void 0;
};
function say(type) {
  open2();
  channel?.postMessage({ type });
  tell(type);
  rest();
}
function hear(listener, signal) {
  listeners.add(listener);
  open2();
  signal?.addEventListener("abort", () => {
    listeners.delete(listener);
    rest();
  });
}

function getCsrfToken(cookieName = "CSRF-TOKEN") {
  if (typeof document === "undefined")
    return void 0;
  const start = `${cookieName}=`;
  for (const part of document.cookie.split(";")) {
    const pair = part.trim();
    if (!pair.startsWith(start))
      continue;
    const value = pair.slice(start.length);
    try {
      return decodeURIComponent(value);
    } catch {
      return value;
    }
  }
  return void 0;
}

var CIRCLE = 6e4;
var KEY = "doorward:";
var LOOK_EVERY = 500;
function createLogin({ login: mode = "redirect" }, at, isSignedIn) {
  let pending;
  let wished;
  let circling = 0;
  const begin = async (error, options) => {
    demandPage();
    const popup = mode === "popup";
    const isStepUp = error?.code === "step_up_required";
    const { url, wish } = at.signIn(error?.loginUrl, popup ? { ...options, returnUrl: at.complete() } : options);
    if (popup)
      return inWindow(url.href, isStepUp);
    if (mode !== "redirect")
      return await mode({ loginUrl: url.href, error }) !== false;
    if (error)
      mark(isStepUp ? wish : "", error);
    return leave(url.href);
  };
  const times = (wish) => (sessionStorage.getItem(KEY + wish) ?? "").split(" ").map(Number).filter((time) => Date.now() - Math.abs(time) < CIRCLE);
  const keep = (wish, all) => sessionStorage.setItem(KEY + wish, all.join(" "));
  const mark = (wish, error) => {
    try {
      const before = times(wish);
      circling ||= before.some((time) => time > 0) ? 1 : before[1] ? 2 : 0;
      if (!circling)
        keep(wish, [...before, Date.now()]);
    } catch (cause) {
      throw failure("storage_unavailable", "The page has no storage", error.status, cause);
    }
    if (circling)
      throw failure("login_loop", "Signing in was of no use", error.status, error);
  };
  const inWindow = async (url, stepUp) => {
    const popup = open(url, "doorward", "popup,width=480,height=640");
    if (!popup)
      throw failure("popup_blocked", "The login window did not open", 401);
    const stop = new AbortController();
    let timer;
    try {
      await new Promise((resolve, reject) => {
        const look2 = async () => {
          if (stepUp ? popup.closed : await isSignedIn())
            resolve();
          else if (popup.closed)
            reject(failure("login_cancelled", "The login window closed", 401));
        };
        const { signal } = stop;
        addEventListener("message", ({ origin, data }) => {
          if (origin === at.login().origin && data?.type === "doorward:login")
            resolve();
        }, { signal });
        addEventListener("focus", look2, { signal });
        hear((type) => {
          if (type === "login")
            stepUp ? resolve() : look2();
        }, signal);
        timer = setInterval(() => {
          if (popup.closed && document.hasFocus())
            look2();
        }, LOOK_EVERY);
      });
    } finally {
      clearInterval(timer);
      stop.abort();
    }
    return true;
  };
  return {
    /** One login for all who ask while it lasts. */
    start(error, options, signal) {
      const wish = JSON.stringify(options);
      if (wish ? wish !== wished : !pending) {
        wished = wish;
        const mine = pending = begin(error, options).then((done) => {
          if (done)
            say("login");
          return done;
        }).finally(() => {
          if (pending === mine)
            pending = wished = void 0;
        });
      }
      return patiently(pending, signal);
    },
    /** There is a session: the login that led here was of use, and one refusal more is no circle. */
    succeeded() {
      if (circling < 2)
        circling = 0;
      try {
        const before = times("");
        if (before[0])
          keep("", before.map((time) => -Math.abs(time)));
      } catch {
      }
    }
  };
}

var PAUSES = 3;
var PATIENCE = 15e3;
var LEAST_PAUSE = 250;
var isJson = (headers) => headers.get("content-type")?.includes("json");
var isSafe = (method) => /^(GET|HEAD|OPTIONS)$/i.test(method);
function createClient(options = {}) {
  const at = addresses(options);
  const csrfHeader = options.csrf?.headerName ?? "X-CSRF-TOKEN";
  const csrfToken = () => getCsrfToken(options.csrf?.cookieName);
  const send = async (request, trial) => {
    for (; ; ) {
      const attempt = request.clone();
      if (!trial.safe && trial.token !== null) {
        trial.token = csrfToken();
        if (trial.token)
          attempt.headers.set(csrfHeader, trial.token);
      }
      const response = await fetch(attempt);
      if (response.status < 400 || !at.isOwn(response.url || request.url))
        return response;
      const refusal = readRefusal(
        response.status,
        (name) => response.headers.get(name),
        // Whatever else the backend says may be long, or never end.
        isJson(response.headers) ? await response.clone().json().catch(() => {
        }) : void 0,
        at.login(),
        response
      );
      if (!refusal)
        return response;
      if (await settle(refusal.error, trial))
        continue;
      if (refusal.certain)
        throw refusal.error;
      return response;
    }
  };
  const settle = async (error, trial) => {
    const { status, code, retryAfter } = error;
    const { signal } = trial;
    if (status === 503 && trial.safe && retryAfter !== void 0) {
      const wait = Math.max(retryAfter * 1e3, LEAST_PAUSE);
      trial.pauses = (trial.pauses ?? 0) + 1;
      trial.waited = (trial.waited ?? 0) + wait;
      if (trial.pauses > PAUSES || trial.waited > PATIENCE)
        return false;
      await patiently(pause(wait), signal);
      return true;
    }
    if (/^csrf_/.test(code) && trial.token !== null && !trial.renewed) {
      trial.renewed = true;
      if (csrfToken() === trial.token)
        await askSession().catch(() => {
        });
      return csrfToken() !== trial.token;
    }
    if (status === 401 && !/^token_(?!refresh_)/.test(code)) {
      tell("other");
      if (!trial.signedIn) {
        trial.signedIn = true;
        return await login.start(error, void 0, signal) && trial.safe;
      }
    }
    return false;
  };
  const askSession = (slide) => fetch(at.session(slide), { credentials: "include" });
  const login = createLogin(options, at, () => askSession(false).then((response) => response.json()).then(({ userId }) => !!userId).catch(() => false));
  return {
    async fetch(input, init) {
      if (!inBrowser())
        return fetch(input, init);
      const given = input;
      if ((init?.credentials ?? given.credentials) === "omit" || !at.isOwn(given.url ?? `${input}`)) {
        return fetch(input, init);
      }
      const request = new Request(input, { ...init, credentials: "include" });
      return send(request, {
        safe: isSafe(request.method),
        token: request.headers.has(csrfHeader) ? null : void 0,
        signal: request.signal
      });
    },
    login: (wish) => login.start(void 0, wish),
    at,
    csrfHeader,
    csrfToken,
    send,
    settle,
    succeeded: login.succeeded
  };
}

function redirectToLogin(from, options) {
  if (!inBrowser())
    return;
  const at = typeof from === "object" ? from.at : addresses(from ? { loginUrl: from } : {});
  location.assign(at.signIn(void 0, options).url);
}

var isText = (value) => typeof value === "string" && value.trim() !== "";
async function read({ send }, url, trial, isRight, method = "GET") {
  let response;
  try {
    response = await send(new Request(url, { method, credentials: "include", redirect: "error", headers: { accept: "application/json" } }), trial);
  } catch (error) {
    throw error instanceof DoorwardError ? error : failure("unreachable", "The server does not answer", 0, error);
  }
  const body = response.ok && await response.json().catch(() => {
  });
  if (!body || !isRight(body))
    throw failure("response_invalid", `${url.pathname} answered something else`, response.status);
  const now = Date.now();
  return { body, until: (Number.isFinite(body.expiresAt) ? body.expiresAt : NaN) - (Date.parse(response.headers.get("date")) || now) + now };
}

async function redirectToLogout(from, options = {}) {
  demandPage();
  const client = typeof from === "object" ? from : createClient(from ? { logoutUrl: from } : {});
  const { at } = client;
  const leadsAway = (url) => isText(url) && /^https?:/.test(at.absolute(url).protocol);
  const trial = { safe: true, signedIn: true };
  const { body } = await read(client, ask(at.logout(), options), trial, ({ logoutUrl }) => leadsAway(logoutUrl), "POST");
  say("logout");
  location.assign(at.absolute(body.logoutUrl));
}

var users = /* @__PURE__ */ new WeakMap();
var userOf = (client) => users.get(client);
function meet(client, user) {
  if (users.get(client) === user)
    return;
  users.set(client, user);
  tell("other");
}
async function look(client, slide) {
  demandPage();
  try {
    const found = await read(client, client.at.session(slide), { safe: true, signedIn: true }, ({ userId, tenantId }) => isText(userId) && isText(tenantId));
    client.succeeded();
    meet(client, JSON.stringify([found.body.tenantId, found.body.userId]));
    found.body.metadata ??= {};
    return found;
  } catch (error) {
    const { status, code } = error;
    if (status !== 401 || code === "response_invalid")
      throw error;
    meet(client, "");
    return void 0;
  }
}
async function getSession(client, { slide } = {}) {
  const found = await look(client, slide);
  if (slide !== false)
    tell("seen");
  return found?.body ?? null;
}

var MARGIN = 3e4;
var kept = /* @__PURE__ */ new WeakMap();
async function getToken(client) {
  demandPage();
  let mine = kept.get(client);
  if (!mine || mine.over.signal.aborted) {
    const over = new AbortController();
    kept.set(client, mine = { until: 0, over });
    hear((news) => {
      if (news !== "seen")
        over.abort();
    }, over.signal);
  }
  if (mine.token && mine.until > Date.now() + MARGIN)
    return mine.token;
  return mine.asking ??= ask2(client, mine);
}
async function ask2(client, mine) {
  try {
    const { body, until } = await read(client, client.at.token(), { safe: true }, ({ accessToken }) => isText(accessToken));
    Object.assign(mine, { token: body.accessToken, until });
    return body.accessToken;
  } catch (error) {
    mine.over.abort();
    throw error;
  } finally {
    mine.asking = void 0;
  }
}
function clearToken(client) {
  kept.get(client)?.over.abort();
  kept.delete(client);
}

var AGAIN = 3e4;
var SOON = 1e3;
var AT_ONCE = 200;
var LONGEST = 2 ** 31 - 1;
function onSessionChange(client, listener, { warnBefore = 60 } = {}) {
  if (!inBrowser())
    return () => {
    };
  const stop = new AbortController();
  const { signal } = stop;
  let timer;
  let last;
  let warned;
  let until = NaN;
  let late = 0;
  let back;
  let turn = 0;
  const inform = (change) => apart(() => listener(change));
  const note = (session) => {
    const now = JSON.stringify(session);
    if (now === last)
      return;
    last = now;
    inform({ type: "session", session });
  };
  const check = async () => {
    const mine = ++turn;
    let wait = AGAIN;
    const answer = await look(client, false).then((found) => ({ found }), (error) => ({ error }));
    if (mine !== turn)
      return;
    clearTimeout(timer);
    if ("error" in answer) {
      const ended = until <= Date.now();
      if (ended)
        last = void 0;
      else if (until)
        wait = Math.min(wait, until - Date.now());
      inform({ type: "error", error: answer.error, ended });
    } else {
      const { found } = answer;
      const session = found?.body ?? null;
      until = found?.until ?? NaN;
      note(session);
      if (!session || Number.isNaN(until))
        return;
      const left = until - Date.now();
      late = left > 0 ? 0 : late + 1;
      wait = left - warnBefore * 1e3;
      if (wait <= 0) {
        wait = left > 0 ? left : Math.min(SOON * 2 ** (late - 1), AGAIN);
        if (warned !== session.expiresAt) {
          warned = session.expiresAt;
          inform({ type: "expiring", session, secondsLeft: Math.max(0, Math.round(left / 1e3)) });
        }
      }
    }
    if (!signal.aborted)
      timer = setTimeout(check, Math.min(Math.max(wait, SOON), LONGEST));
  };
  hear((news) => {
    if (news === "other")
      return;
    if (news !== "logout") {
      check();
      return;
    }
    turn++;
    clearTimeout(timer);
    last = void 0;
    until = NaN;
    note(null);
  }, signal);
  for (const type of ["focus", "pageshow", "visibilitychange"]) {
    addEventListener(type, () => {
      if (document.hidden)
        return;
      const now = Date.now();
      const isSame = back && type !== "pageshow" && back[0] !== type && Math.abs(now - back[1]) < AT_ONCE;
      back = type === "pageshow" ? void 0 : [type, now];
      if (!isSame)
        check();
    }, { signal });
  }
  signal.addEventListener("abort", () => {
    turn++;
    clearTimeout(timer);
  });
  check();
  return () => stop.abort();
}

var SESSION_ENDED = 4401;
var NOT_ALLOWED = 4403;
var FIRST_PAUSE = 500;
var LONGEST_PAUSE = 3e4;
var PROVEN = 1e4;
function connect(client, url, options = {}) {
  const { protocols, onMessage, onOpen, onError, attempts = 8 } = options;
  demandPage();
  const page = new URL(url, document.baseURI);
  page.protocol = page.protocol.replace("ws", "http");
  if (!client.at.isOwn(page))
    throw new TypeError(`${page.origin} is none of the application's own origins`);
  page.protocol = page.protocol.replace("http", "ws");
  let socket;
  let over = false;
  let breaks = 0;
  let trial = { safe: true };
  let user = userOf(client);
  const stop = new AbortController();
  const finish = (error) => {
    if (over)
      return;
    over = true;
    stop.abort();
    socket?.close();
    if (error)
      onError?.(error);
  };
  hear((news) => {
    const now = userOf(client);
    const isOther = news === "other" && !!user && now !== user && (!!now || socket?.readyState === WebSocket.OPEN);
    if (news === "other")
      user ||= now;
    if (news === "logout" || isOther)
      finish(new DoorwardError({ status: 401, code: "session_revoked", title: "This session is no longer the page's" }));
  }, stop.signal);
  const open3 = () => {
    const mine = socket = new WebSocket(page, protocols);
    let since;
    mine.onopen = () => {
      since = Date.now();
      onOpen?.();
    };
    mine.onmessage = (event) => onMessage?.(event);
    mine.onclose = ({ code }) => {
      if (over)
        return;
      if (since && Date.now() - since > PROVEN) {
        breaks = 0;
        trial = { safe: true };
        client.succeeded();
      }
      again(code, !!since).then((go) => {
        if (go && !over)
          open3();
      }, finish);
    };
  };
  const again = async (code, opened) => {
    if (code === NOT_ALLOWED)
      throw new DoorwardError({ status: 403, code: "refused", title: "The connection is no longer allowed" });
    const ended = code === SESSION_ENDED || !opened && await look(client, false).catch(() => null) === void 0;
    if (ended) {
      const error = new DoorwardError({ status: 401, code: "session_expired", title: "The session has ended" });
      if (await client.settle(error, trial)) {
        user = void 0;
        return true;
      }
      throw error;
    }
    if (breaks >= attempts)
      throw failure("unreachable", `The connection broke off with ${code}`);
    await pause(Math.min(FIRST_PAUSE * 2 ** breaks++, LONGEST_PAUSE) * (0.5 + Math.random() / 2));
    return true;
  };
  open3();
  return {
    send(data) {
      if (socket?.readyState !== WebSocket.OPEN)
        return false;
      socket.send(data);
      return true;
    },
    close: () => finish()
  };
}
export {
  DoorwardError,
  NOT_ALLOWED,
  SESSION_ENDED,
  clearToken,
  connect,
  createClient,
  getCsrfToken,
  getSession,
  getToken,
  onSessionChange,
  redirectToLogin,
  redirectToLogout
};
