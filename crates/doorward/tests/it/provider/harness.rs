//! One login as a row of a table: what is changed, how it must end, which calls it may make.

use doorward::Code;
use doorward_testkit::{Browser, Page, Script};
use http::{Method, StatusCode};
use serde_json::Value;
use url::Url;

use crate::support::{APP, PROVIDER, World};

/// How a login must end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ends {
    /// In a session of the right user.
    SignedIn,
    /// In a refusal with this code, and without a session.
    Refused(Code),
}

/// The calls of a login that got as far as its name says.
pub const UNTIL_METADATA: &[&str] = &["discovery"];
pub const UNTIL_TOKEN: &[&str] = &["discovery", "token"];
pub const UNTIL_KEYS: &[&str] = &["discovery", "token", "jwks"];
pub const UNTIL_REFETCH: &[&str] = &["discovery", "token", "jwks", "jwks"];
pub const COMPLETE: &[&str] = &["discovery", "token", "jwks", "userinfo"];
pub const COMPLETE_REFETCH: &[&str] = &["discovery", "token", "jwks", "jwks", "userinfo"];

/// One case.
pub struct Row {
    name: String,
    change: Box<dyn Fn(&World)>,
    ends: Ends,
    calls: &'static [&'static str],
}

/// A case that changes the world.
pub fn row(
    name: impl Into<String>,
    change: impl Fn(&World) + 'static,
    ends: Ends,
    calls: &'static [&'static str],
) -> Row {
    Row {
        name: name.into(),
        change: Box::new(change),
        ends,
        calls,
    }
}

/// A case that changes what the provider does.
pub fn scripted(
    name: impl Into<String>,
    change: impl Fn(&mut Script) + 'static,
    ends: Ends,
    calls: &'static [&'static str],
) -> Row {
    row(name, move |world| world.provider.script(&change), ends, calls)
}

/// Runs each case in a world of its own.
pub async fn check(rows: impl IntoIterator<Item = Row>) {
    check_in(World::new, rows).await;
}

/// Runs each case in a world made by `make`.
pub async fn check_in(make: impl Fn() -> World, rows: impl IntoIterator<Item = Row>) {
    for row in rows {
        let world = make();
        (row.change)(&world);
        let page = log_in(&world.browser).await;
        match row.ends {
            Ends::SignedIn => assert_signed_in(&world, &page, &row.name).await,
            Ends::Refused(code) => assert_refused(&world, &page, code, &row.name).await,
        }
        assert_eq!(labels(&world), row.calls, "{}", row.name);
    }
}

/// Goes through a whole login; forms are submitted as their pages would.
pub async fn log_in(browser: &Browser) -> Page {
    let page = browser.visit_following("/auth/login?return_url=/home").await;
    if page.status != StatusCode::OK || !page.url.as_str().starts_with(PROVIDER) {
        return page;
    }
    let page = browser.submit(&page).await;
    browser.follow_all(page).await
}

/// Begins a login and lets the provider answer: what comes back leads to our callback.
pub async fn answered(browser: &Browser, login: &str) -> Page {
    let begun = browser.visit(login).await;
    assert_eq!(begun.status, StatusCode::FOUND, "login did not begin: {}", begun.text());
    let answer = browser.follow(&begun).await;
    let is_callback = |url: Url| url.as_str().starts_with(&format!("{APP}/auth/callback"));
    assert!(
        answer.location().is_some_and(is_callback),
        "provider: {}",
        answer.text()
    );
    answer
}

/// Arrives at an address as if the provider's page had sent the browser there.
pub async fn arrive(browser: &Browser, callback: &Url) -> Page {
    let request = browser.request(Method::GET, callback.as_str());
    request.navigation().from(PROVIDER).send().await
}

/// The same address with its query changed.
pub fn with_query(callback: &Url, change: impl FnOnce(&mut Vec<(String, String)>)) -> Url {
    let mut pairs: Vec<(String, String)> = callback.query_pairs().into_owned().collect();
    change(&mut pairs);
    let mut url = callback.clone();
    url.query_pairs_mut().clear().extend_pairs(pairs);
    url
}

/// The value of a query parameter.
pub fn query(url: &Url, name: &str) -> Option<String> {
    let mut found = url.query_pairs().filter(|(other, _)| other == name);
    let value = found.next().map(|(_, value)| value.into_owned());
    assert!(found.next().is_none(), "{name} stands twice in {url}");
    value
}

/// What was asked of the provider so far, in order.
pub fn labels(world: &World) -> Vec<&'static str> {
    world.fetch.calls().iter().map(|call| call.label).collect()
}

/// The code that one of our own pages shows.
pub fn page_code(page: &Page) -> &str {
    let note = page.text().split_once("<small>").map(|(_, rest)| rest);
    let code = note.and_then(|rest| rest.split_once(" · ")).map(|(code, _)| code);
    code.unwrap_or_else(|| panic!("{} {} shows no code: {}", page.status, page.url, page.text()))
}

/// The login ended in a session of alice, on the page that was asked for.
pub async fn assert_signed_in(world: &World, page: &Page, name: &str) {
    assert_eq!(
        (page.status, page.url.path()),
        (StatusCode::OK, "/home"),
        "{name}: {} {}",
        page.url,
        page.text()
    );
    assert_is(&world.browser, "alice", name).await;
}

/// The browser's session is this user's.
pub async fn assert_is(browser: &Browser, subject: &str, name: &str) {
    let me = browser.get("/api/me").await;
    assert_eq!(me.status, StatusCode::OK, "{name}: {}", me.text());
    assert_eq!(me.json::<Value>()["subject"], subject, "{name}");
}

/// The login ended in a refusal that says what the contract says, and left nothing behind.
pub async fn assert_refused(world: &World, page: &Page, code: Code, name: &str) {
    assert_refusal_page(world, page, code, name);
    assert_no_session(world, &world.browser, name).await;
}

/// The page of a refused login: status and code as the contract says, on our own site, with nothing of the protocol on it.
pub fn assert_refusal_page(world: &World, page: &Page, code: Code, name: &str) {
    assert!(page.url.as_str().starts_with(APP), "{name} ended at {}", page.url);
    let status = match code {
        // What a login did not show is no invitation to another one.
        Code::StepUpRequired => StatusCode::FORBIDDEN,
        code => code.status(),
    };
    assert_eq!((page.status, page_code(page)), (status, code.as_str()), "{name}");
    let allowed = [400, 401, 403, 413, 502, 503];
    assert!(allowed.contains(&page.status.as_u16()), "{name}: {}", page.status);
    assert_eq!(page.location(), None, "{name}");
    assert_eq!(page.header("cache-control"), Some("no-store"), "{name}");
    let policy = page.header("content-security-policy").unwrap_or_default();
    assert!(policy.contains("default-src 'none'"), "{name}: {policy}");
    if page.status == StatusCode::SERVICE_UNAVAILABLE {
        let seconds: u64 = page.header("retry-after").expect(name).parse().expect(name);
        assert!((1..=60).contains(&seconds), "{name}: {seconds}");
    }
    for secret in world.provider.minted_secrets() {
        assert!(!page.text().contains(&secret), "{name}: the page shows a token or code");
    }
    for cookie in page.set_cookies() {
        let deletes = cookie.starts_with("__Host-login.") && cookie.contains("=; ") && cookie.contains("Max-Age=0");
        assert!(deletes, "{name}: {cookie}");
    }
}

/// The browser holds no session, and no handler takes it for somebody.
pub async fn assert_no_session(world: &World, browser: &Browser, name: &str) {
    let session = |cookie: &str| cookie.starts_with("__Host-session") || cookie == "CSRF-TOKEN";
    let found: Vec<String> = browser.cookies().into_iter().map(|cookie| cookie.name).collect();
    assert!(!found.iter().any(|cookie| session(cookie)), "{name}: {found:?}");
    let handled = world.handled();
    let me = browser.get("/api/me").await;
    assert_eq!(me.status, StatusCode::UNAUTHORIZED, "{name}");
    assert_eq!(world.handled(), handled, "{name}: a handler was called");
}
