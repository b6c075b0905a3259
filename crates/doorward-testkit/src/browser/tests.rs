//! The browser's own rules, by tables: what it takes, keeps, sends, and says about itself.

use axum::Router;
use axum::extract::Request;
use axum::response::{IntoResponse, Redirect};
use axum::routing::{any, get, post};
use http::{HeaderMap, Method, StatusCode};
use serde_json::{Value, json};

use super::*;
use crate::FixedClock;

const APP: &str = "https://app.example.com";

/// Answers with what it got.
async fn echo(request: Request) -> axum::Json<Value> {
    let headers: serde_json::Map<String, Value> = request
        .headers()
        .iter()
        .map(|(name, value)| (name.to_string(), value.to_str().unwrap().into()))
        .collect();
    axum::Json(json!({
        "method": request.method().as_str(),
        "target": request.uri().to_string(),
        "headers": headers,
    }))
}

fn echoing(origins: &[&str]) -> Browser {
    let router = Router::new().fallback(any(echo));
    let browser = Browser::new(origins[0]);
    origins
        .iter()
        .fold(browser, |browser, origin| browser.mount(origin, router.clone()))
}

#[test]
fn cookies_are_taken_or_refused_as_the_draft_says() {
    use CookieRefused as R;
    let https = "https://app.example.com/a/b";
    let http = "http://app.example.com/a/b";
    for (url, header, expected) in [
        (https, "a=b", Ok(())),
        (https, "a=b; Domain=example.com", Ok(())),
        (https, "a=b; Domain=app.example.com", Ok(())),
        (https, "a=b; Domain=other.example.com", Err(R::ForeignDomain)),
        (https, "a=b; Domain=x.app.example.com", Err(R::ForeignDomain)),
        (https, "a=b; Domain=ample.com", Err(R::ForeignDomain)),
        (https, "a=b; Domain=com", Err(R::ForeignDomain)),
        (http, "a=b; Secure", Err(R::SecureOverHttp)),
        (http, "a=b", Ok(())),
        (https, "__Secure-a=b; Secure", Ok(())),
        (https, "__Secure-a=b", Err(R::SecurePrefix)),
        (https, "__secure-a=b", Err(R::SecurePrefix)),
        (http, "__Secure-a=b", Err(R::SecurePrefix)),
        (https, "__Host-a=b; Secure; Path=/", Ok(())),
        (https, "__Host-a=b; Secure", Err(R::HostPrefix)),
        (https, "__Host-a=b; Path=/", Err(R::HostPrefix)),
        (https, "__Host-a=b; Secure; Path=/a", Err(R::HostPrefix)),
        (
            https,
            "__Host-a=b; Secure; Path=/; Domain=app.example.com",
            Err(R::HostPrefix),
        ),
        (
            https,
            "__HOST-a=b; Secure; Path=/; Domain=example.com",
            Err(R::HostPrefix),
        ),
        (https, "=__Host-a=b; Secure; Path=/", Err(R::HostPrefix)),
        (https, "__Host-a; Secure; Path=/", Err(R::HostPrefix)),
        (https, "a=b; SameSite=None", Err(R::NoneWithoutSecure)),
        (https, "a=b; SameSite=None; Secure", Ok(())),
        (https, "a\u{7}=b", Err(R::ControlCharacter)),
    ] {
        assert_eq!(
            Browser::new(APP).set_cookie_from(url, header),
            expected,
            "{url} {header}"
        );
    }
}

#[test]
fn cookies_are_sent_where_they_belong() {
    for (set_at, header, sent_to, expected) in [
        (APP, "a=b; Path=/", "https://app.example.com/x", "a=b"),
        (APP, "a=b; Path=/", "https://sub.app.example.com/", ""),
        (
            APP,
            "a=b; Domain=example.com; Path=/",
            "https://other.example.com/",
            "a=b",
        ),
        (APP, "a=b; Domain=example.com; Path=/", "https://badexample.com/", ""),
        (APP, "a=b; Secure; Path=/", "http://app.example.com/", ""),
        (APP, "a=b; Secure; Path=/", "https://app.example.com:444/", "a=b"),
        (APP, "a=b; Path=/auth", "https://app.example.com/auth", "a=b"),
        (APP, "a=b; Path=/auth", "https://app.example.com/auth/x", "a=b"),
        (APP, "a=b; Path=/auth", "https://app.example.com/authority", ""),
        (
            "https://app.example.com/x/y",
            "a=b",
            "https://app.example.com/x/z",
            "a=b",
        ),
        ("https://app.example.com/x/y", "a=b", "https://app.example.com/z", ""),
        ("http://127.0.0.1:80/", "a=b", "http://127.0.0.1:81/", "a=b"),
    ] {
        let browser = Browser::new(APP);
        browser.set_cookie_from(set_at, header).unwrap();
        let url: Url = sent_to.parse().unwrap();
        let own = Context {
            script: false,
            ..Context::SCRIPT
        };
        assert_eq!(browser.cookie_line(&url, own), expected, "{header} at {sent_to}");
    }
}

#[test]
fn longer_paths_and_older_cookies_come_first() {
    let browser = Browser::new(APP);
    for header in ["b=1; Path=/", "a=2; Path=/", "c=3; Path=/x", "b=4; Path=/"] {
        browser.set_cookie(header).unwrap();
    }
    assert_eq!(browser.cookie_header("/x"), "c=3; b=4; a=2");
}

#[test]
fn a_cookie_ends_by_deletion_and_by_its_time() {
    let clock = FixedClock::default();
    let browser = Browser::new(APP).with_clock(clock.clone());
    browser.set_cookie("short=1; Max-Age=60; Path=/").unwrap();
    browser.set_cookie("gone=1; Path=/").unwrap();
    browser.set_cookie("gone=; Max-Age=0; Path=/").unwrap();
    browser.set_cookie("old=1; Path=/").unwrap();
    browser
        .set_cookie("old=; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Path=/")
        .unwrap();
    assert_eq!(browser.cookie_header("/"), "short=1");
    clock.advance(Duration::from_secs(59));
    assert_eq!(browser.cookie_header("/"), "short=1");
    clock.advance(Duration::from_secs(1));
    assert_eq!(browser.cookie_header("/"), "");
    // Deletion takes the same name, domain and path.
    browser.set_cookie("kept=1; Path=/").unwrap();
    browser.set_cookie("kept=; Max-Age=0; Path=/x").unwrap();
    browser
        .set_cookie("kept=; Max-Age=0; Path=/; Domain=app.example.com")
        .unwrap();
    assert_eq!(browser.cookie_header("/"), "kept=1");
}

// attacks: E10
#[test]
fn neither_a_sibling_nor_plain_http_can_plant_a_host_cookie() {
    let browser = Browser::new(APP);
    browser
        .set_cookie("__Host-session=right; Secure; Path=/; HttpOnly")
        .unwrap();
    for (url, header) in [
        (
            "https://evil.example.com",
            "__Host-session=evil; Secure; Path=/; Domain=example.com",
        ),
        ("http://app.example.com", "__Host-session=evil; Path=/"),
        ("http://app.example.com", "__Host-session=evil; Secure; Path=/"),
    ] {
        assert!(browser.set_cookie_from(url, header).is_err(), "{header}");
    }
    assert_eq!(
        browser.set_document_cookie("__Host-session=evil; Secure; Path=/"),
        Err(CookieRefused::HttpOnlyFromScript)
    );
    assert_eq!(browser.cookie_header("/"), "__Host-session=right");
    // Only a jar that is filled by force holds it.
    browser.plant(Cookie::planted("__Host-session", "evil", "app.example.com"));
    assert_eq!(browser.cookie_header("/"), "__Host-session=right; __Host-session=evil");
}

#[test]
fn plain_http_cannot_cover_a_secure_cookie() {
    let browser = Browser::new(APP);
    browser.set_cookie("a=right; Secure; Path=/").unwrap();
    let refused = browser.set_cookie_from("http://app.example.com/x", "a=evil; Path=/x");
    assert_eq!(refused, Err(CookieRefused::WouldOverwriteSecure));
}

#[test]
fn scripts_see_what_is_not_http_only() {
    let browser = Browser::new(APP);
    browser.set_cookie("CSRF-TOKEN=t; Secure; Path=/").unwrap();
    browser
        .set_cookie("__Host-session=s; Secure; Path=/; HttpOnly")
        .unwrap();
    assert_eq!(browser.document_cookie(), "CSRF-TOKEN=t");
    assert_eq!(browser.script_cookie("CSRF-TOKEN").as_deref(), Some("t"));
    assert_eq!(browser.script_cookie("__Host-session"), None);
    assert_eq!(browser.cookie("__Host-session").as_deref(), Some("s"));
}

#[tokio::test]
async fn same_site_decides_which_cookies_leave_another_site() {
    let browser = echoing(&[APP, "https://id.example.net"]);
    browser.set_cookie("strict=1; SameSite=Strict; Path=/").unwrap();
    browser.set_cookie("lax=1; SameSite=Lax; Path=/").unwrap();
    browser.set_cookie("none=1; SameSite=None; Secure; Path=/").unwrap();
    let (all, lax, none) = ("strict=1; lax=1; none=1", "lax=1; none=1", "none=1");
    let evil = "https://id.example.net";
    let sibling = "https://www.example.com";
    use RequestKind::{Fetch, Frame, Image, Navigation, WebSocket};
    for (from, method, kind, expected) in [
        (APP, Method::GET, Fetch, all),
        (sibling, Method::GET, Fetch, all),
        ("http://app.example.com", Method::GET, Fetch, none),
        (evil, Method::GET, Navigation, lax),
        (evil, Method::POST, Navigation, none),
        (evil, Method::GET, Fetch, none),
        (evil, Method::GET, Frame, none),
        (evil, Method::GET, Image, none),
        (evil, Method::GET, WebSocket, none),
        (sibling, Method::POST, Navigation, all),
    ] {
        let request = browser.request(method.clone(), "/").kind(kind).from(from);
        let got: Value = request.send().await.json();
        assert_eq!(got["headers"]["cookie"], expected, "{method} {kind:?} from {from}");
    }
}

#[tokio::test]
async fn fetch_metadata_says_who_asks() {
    let browser = echoing(&[APP, "http://app.example.com", "http://localhost:6001"]);
    let cases = [
        (APP, "https://evil.net", "cross-site"),
        (APP, "https://www.example.com", "same-site"),
        (APP, "https://app.example.com:444", "same-site"),
        (APP, "http://app.example.com", "cross-site"),
        (APP, APP, "same-origin"),
        ("http://localhost:6001", "http://localhost:6002", "same-site"),
    ];
    for (to, from, expected) in cases {
        let got: Value = browser.request(Method::GET, to).from(from).send().await.json();
        assert_eq!(got["headers"]["sec-fetch-site"], expected, "{from} to {to}");
        assert_eq!(got["headers"]["sec-fetch-mode"], "cors");
    }
    let typed: Value = browser.visit("/x?y").await.json();
    assert_eq!(typed["headers"]["sec-fetch-site"], "none");
    assert_eq!(typed["headers"]["sec-fetch-mode"], "navigate");
    assert_eq!(typed["headers"]["sec-fetch-dest"], "document");
    assert_eq!(typed["headers"]["host"], "app.example.com");
    assert_eq!(typed["target"], "/x?y");
    let plain: Value = browser.visit("http://app.example.com/").await.json();
    assert_eq!(plain["headers"]["sec-fetch-site"], Value::Null);
    let old = browser.request(Method::POST, "/").without_fetch_metadata();
    let old: Value = old.send().await.json();
    assert_eq!(old["headers"]["sec-fetch-site"], Value::Null);
    assert_eq!(old["headers"]["origin"], APP);
}

#[tokio::test]
async fn origin_goes_with_unsafe_and_cross_origin_requests() {
    let browser = echoing(&[APP]);
    use RequestKind::{Fetch, Navigation, WebSocket};
    for (from, method, kind, expected) in [
        (APP, Method::GET, Fetch, Value::Null),
        (APP, Method::POST, Fetch, APP.into()),
        (APP, Method::DELETE, Fetch, APP.into()),
        ("https://evil.net", Method::GET, Fetch, "https://evil.net".into()),
        ("https://evil.net", Method::GET, Navigation, Value::Null),
        ("https://evil.net", Method::POST, Navigation, "https://evil.net".into()),
        (APP, Method::GET, WebSocket, APP.into()),
    ] {
        let got: Value = browser
            .request(method.clone(), "/")
            .kind(kind)
            .from(from)
            .send()
            .await
            .json();
        assert_eq!(got["headers"]["origin"], expected, "{method} {kind:?} from {from}");
    }
}

#[tokio::test]
async fn a_header_of_the_test_replaces_the_browsers_own() {
    let browser = echoing(&[APP]);
    let request = browser.request(Method::GET, "/").header("Host", "evil.test");
    let got: Value = request.header("sec-fetch-site", "cross-site").send().await.json();
    assert_eq!(got["headers"]["host"], "evil.test");
    assert_eq!(got["headers"]["sec-fetch-site"], "cross-site");
}

fn cors_app(allow: &'static str) -> Router {
    let allowing = move || async move {
        [
            ("access-control-allow-origin", allow),
            ("access-control-allow-credentials", "true"),
            ("access-control-allow-headers", "X-CSRF-TOKEN, Content-Type"),
            ("access-control-allow-methods", "DELETE"),
        ]
    };
    Router::new().route("/", any(allowing))
}

#[tokio::test]
async fn scripts_of_other_origins_read_only_what_cors_shows_them() {
    let spa = "https://spa.example.com";
    for (allow, expected) in [
        ("https://spa.example.com", None),
        ("https://spa.example.com/", Some(Blocked::Response)),
        ("*", Some(Blocked::Response)),
        ("null", Some(Blocked::Response)),
    ] {
        let browser = Browser::new(spa).mount(APP, cors_app(allow));
        assert_eq!(browser.get(APP).await.blocked, expected, "{allow}");
    }
    let browser = Browser::new(spa).mount(APP, cors_app(spa));
    for (method, header, expected) in [
        (Method::POST, "x-csrf-token", None),
        (Method::DELETE, "x-csrf-token", None),
        (Method::PUT, "x-csrf-token", Some(Blocked::Preflight)),
        (Method::GET, "x-other", Some(Blocked::Preflight)),
    ] {
        let page = browser.request(method.clone(), APP).header(header, "1").send().await;
        assert_eq!(page.blocked, expected, "{method} {header}");
    }
}

#[tokio::test]
async fn redirects_keep_or_change_the_method_as_browsers_do() {
    let answer = |status: StatusCode| move || async move { (status, [("location", "https://id.example.net/end")]) };
    let app = Router::new()
        .route("/302", any(answer(StatusCode::FOUND)))
        .route("/303", any(answer(StatusCode::SEE_OTHER)))
        .route("/307", any(answer(StatusCode::TEMPORARY_REDIRECT)));
    let browser = echoing(&["https://id.example.net"]).mount(APP, app);
    let browser = Browser {
        origin: APP.parse().unwrap(),
        ..browser
    };
    for (path, method) in [("/302", "GET"), ("/303", "GET"), ("/307", "POST")] {
        let request = browser.request(Method::POST, path).navigation().form(&[("a", "b")]);
        let page = request.send().await;
        let got: Value = browser.follow(&page).await.json();
        assert_eq!(got["method"], method, "{path}");
        assert_eq!(got["headers"]["sec-fetch-site"], "cross-site");
    }
}

#[tokio::test]
async fn a_loop_of_redirects_fails_the_test() {
    let app = Router::new().route("/", get(|| async { Redirect::to("/") }));
    let browser = Browser::new(APP).mount(APP, app);
    let visit = tokio::spawn(async move { browser.visit_following("/").await });
    assert!(visit.await.is_err());
}

#[tokio::test]
async fn a_form_is_submitted_from_the_page_that_holds_it() {
    let html = r#"<!doctype html><form id=f method="POST" action="https://app.example.com/callback">
        <input type="hidden" name="state" value="a&amp;b&quot;"><input name=code value='c'/>
        <noscript><button>Go on</button></noscript></form>"#;
    let provider = Router::new().route("/", get(move || async move { axum::response::Html(html) }));
    let callback = |headers: HeaderMap, body: String| async move {
        let origin = headers["origin"].to_str().unwrap().to_owned();
        format!("{origin} {body}").into_response()
    };
    let app = Router::new().route("/callback", post(callback));
    let browser = Browser::new(APP)
        .mount(APP, app)
        .mount("https://id.example.net", provider);
    let page = browser.visit("https://id.example.net/").await;
    let answer = browser.submit(&page).await;
    assert_eq!(answer.text(), "https://id.example.net state=a%26b%22&code=c");
}

#[tokio::test]
async fn a_thief_has_the_cookies_and_a_stranger_has_none() {
    let browser = Browser::new(APP);
    browser
        .set_cookie("__Host-session=s; Secure; Path=/; HttpOnly")
        .unwrap();
    assert_eq!(browser.stranger().cookie_header("/"), "");
    let thief = browser.thief();
    browser.clear_cookies();
    assert_eq!(thief.cookie_header("/"), "__Host-session=s");
}
