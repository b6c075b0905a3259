//! What a cache may keep, and that nobody gets another's answer out of one.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use axum::routing::get;
use doorward::{Doorward, Rule, Session};
use http::{HeaderMap, Method, StatusCode};
use http_body_util::BodyExt as _;
use tower::ServiceExt as _;

use super::support::{Place, Raw, with_app};
use crate::support::{APP, World};

/// Handlers that say something of caching, and one that says nothing.
fn cached(auth: &Doorward) -> Router {
    async fn who(session: Session) -> ([(&'static str, &'static str); 2], String) {
        let headers = [
            ("cache-control", "public, max-age=600"),
            ("cdn-cache-control", "max-age=600"),
        ];
        (headers, session.user().subject.clone())
    }
    let silent = |session: Session| async move { session.user().subject.clone() };
    let private = || async { ([("cache-control", "private, max-age=5")], "x") };
    auth.router()
        .route("/home", Rule::Public, get(|| async { "home" }))
        .route(
            "/public",
            Rule::Public,
            get(|| async { ([("cache-control", "public, max-age=600")], "asset") }),
        )
        .route("/said", Rule::Session, get(who))
        .route("/silent", Rule::Session, get(silent))
        .route("/private", Rule::Session, get(private))
        .build()
}

fn cache_control(headers: &HeaderMap) -> Vec<&str> {
    headers
        .get_all("cache-control")
        .iter()
        .map(|value| value.to_str().unwrap())
        .collect()
}

#[tokio::test]
async fn a_response_with_our_cookies_is_no_store_whatever_the_handler_said() {
    // attacks: E26
    for place in Place::BOTH {
        let world = with_app(place.world(), cached);
        world.sign_in().await;
        for target in ["/said", "/silent", "/private"] {
            world.advance(400);
            let page = world.browser.get(target).await;
            assert!(!page.set_cookies().is_empty(), "{place:?} {target}: rolled");
            assert_eq!(cache_control(&page.headers), ["no-store"], "{place:?} {target}");
            assert_eq!(
                page.header("cdn-cache-control"),
                None,
                "{target}: a cache's own header says nothing else"
            );
            // The same where the cookie is only the CSRF token.
            world.browser.forget("CSRF-TOKEN");
            let page = world.browser.get(target).await;
            assert_eq!(
                (page.set_cookies().len(), cache_control(&page.headers)),
                (1, vec!["no-store"])
            );
        }
    }
}

#[tokio::test]
async fn otherwise_the_handlers_word_stands_and_silence_is_no_store() {
    // attacks: E23
    for place in Place::BOTH {
        let world = with_app(place.world(), cached);
        world.sign_in().await;
        for (target, expected) in [
            ("/said", "public, max-age=600"),
            ("/private", "private, max-age=5"),
            ("/silent", "no-store"),
        ] {
            let page = world.browser.get(target).await;
            assert!(page.set_cookies().is_empty());
            assert_eq!(cache_control(&page.headers), [expected], "{place:?} {target}");
        }
        // A public route is no answer to an authenticated request.
        assert_eq!(
            cache_control(&world.browser.get("/home").await.headers),
            Vec::<&str>::new()
        );
        assert_eq!(
            cache_control(&world.browser.get("/public").await.headers),
            ["public, max-age=600"]
        );
    }
}

#[tokio::test]
async fn every_answer_of_our_own_endpoints_is_no_store() {
    // attacks: E22, E25
    for place in Place::BOTH {
        let world = place.world_with(|builder| builder.token_endpoint(true));
        let login = world.browser.visit("/auth/login").await;
        let provider = world.browser.follow(&login).await;
        let callback = world.browser.follow(&provider).await;
        let mut pages = vec![login, callback];
        for (method, target) in [
            (Method::GET, "/auth/session"),
            (Method::HEAD, "/auth/session"),
            (Method::GET, "/auth/session?slide=false"),
            (Method::GET, "/auth/token"),
            (Method::GET, "/auth/callback"),
            (Method::GET, "/auth/logout"),
            (Method::HEAD, "/auth/login"),
            (Method::PUT, "/auth/callback"),
            (Method::POST, "/auth/logout"),
            (Method::GET, "/auth/session"),
        ] {
            pages.push(world.browser.request(method, target).send().await);
        }
        for page in pages {
            assert_eq!(cache_control(&page.headers), ["no-store"], "{place:?} {}", page.url);
        }
    }
}

/// An answer as the cache keeps it.
type Kept = (StatusCode, HeaderMap, bytes::Bytes);

/// A cache in front that keeps what headers allow, by URL alone, as a CDN with the usual defaults does.
#[derive(Clone)]
struct Cdn {
    app: Router,
    kept: Arc<Mutex<HashMap<String, Kept>>>,
}

impl Cdn {
    async fn answer(self, request: Request) -> Response {
        let key = request.uri().to_string();
        let cacheable_method = request.method() == Method::GET;
        if let Some((status, headers, body)) = self
            .kept
            .lock()
            .unwrap()
            .get(&key)
            .cloned()
            .filter(|_| cacheable_method)
        {
            let mut response = Response::new(Body::from(body));
            (*response.status_mut(), *response.headers_mut()) = (status, headers);
            return response;
        }
        let (parts, body) = self.app.clone().oneshot(request).await.unwrap().into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let said = cache_control(&parts.headers).join(",");
        let allowed = !said.contains("no-store") && !said.contains("private");
        if cacheable_method && parts.status.is_success() && allowed {
            let copy = (parts.status, parts.headers.clone(), body.clone());
            self.kept.lock().unwrap().insert(key, copy);
        }
        Response::from_parts(parts, Body::from(body))
    }
}

#[tokio::test]
async fn behind_a_cache_bob_never_gets_alices_answer_or_cookie() {
    // attacks: E23
    for place in Place::BOTH {
        let mut world: World = with_app(place.world(), |auth| {
            let silent = |session: Session| async move { session.user().subject.clone() };
            let shared = || async { ([("cache-control", "public, max-age=600")], "the same for all") };
            auth.router()
                .route("/home", Rule::Public, get(|| async { "home" }))
                .route("/me", Rule::Session, get(silent))
                .route("/shared", Rule::Session, get(shared))
                .build()
        });
        let cdn = Cdn {
            app: world.app.clone(),
            kept: Arc::default(),
        };
        let kept = cdn.kept.clone();
        world.browser = world.browser.clone().mount(
            APP,
            Router::new().fallback(move |request: Request| cdn.clone().answer(request)),
        );
        let alice = world.browser.clone();
        world.sign_in().await;
        let bob = world.browser.stranger();
        world.provider.script(|script| script.subject = "bob".into());
        bob.visit_following("/auth/login").await;
        for seconds in [0, 10, 400, 1_000] {
            world.advance(seconds);
            for target in ["/me", "/shared", "/auth/session", "/home"] {
                let hers = alice.get(target).await;
                let his = bob.get(target).await;
                let hers_set = hers.set_cookies();
                let stolen: Vec<&str> = his
                    .set_cookies()
                    .into_iter()
                    .filter(|cookie| hers_set.contains(cookie) && !cookie.contains("Max-Age=0"))
                    .collect();
                assert_eq!(stolen, Vec::<&str>::new(), "{place:?} {target}");
                if target == "/me" {
                    assert_eq!((hers.text(), his.text()), ("alice", "bob"));
                }
                if target == "/auth/session" {
                    assert_eq!(his.json::<serde_json::Value>()["userId"], "bob");
                }
            }
        }
        let kept = kept.lock().unwrap();
        assert!(kept.values().all(|(_, headers, _)| !headers.contains_key("set-cookie")));
        assert!(
            kept.keys().any(|key| key == "/shared" || key.ends_with("/shared")),
            "the cache does keep what it may"
        );
    }
}

#[tokio::test]
async fn after_a_logout_nothing_of_a_protected_page_is_in_the_browsers_cache() {
    // attacks: E22
    let world = Place::Sealed.signed_in().await;
    let page = world.browser.visit("/page").await;
    assert_eq!(
        (page.status, cache_control(&page.headers)),
        (StatusCode::OK, vec!["no-store"])
    );
    world.browser.request(Method::POST, "/auth/logout").send().await;
    assert_eq!(world.browser.visit("/page").await.status, StatusCode::FOUND);
    assert_eq!(
        Raw::get("/api/me")
            .cookies_of(&world.browser)
            .send(&world.app)
            .await
            .status,
        StatusCode::UNAUTHORIZED
    );
}
