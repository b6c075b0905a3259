//! Names and attributes of our cookies, in every flow and under every setting.

use std::collections::BTreeSet;

use doorward::{Builder, Doorward, Provider, ResponseMode, SameSite, Sessions, UnixTime};
use doorward_testkit::{
    Browser, CLIENT_ID, CLIENT_SECRET, FixedClock, Page, RouterFetch, ScriptedProvider, SeededRandom, TokioTestTasks,
};
use http::{Method, StatusCode};

use super::support::{Place, SESSION};
use crate::support::{PROVIDER, World, application};

/// A world under another public URL.
fn world_at(public_url: &str, sessions: Sessions, change: impl FnOnce(Builder) -> Builder) -> World {
    let clock = FixedClock::new(UnixTime::from_seconds(1_790_000_000));
    let provider = ScriptedProvider::new(PROVIDER, clock.clone());
    let fetch = RouterFetch::unreachable().mount("id.example.net", provider.router());
    let tasks = TokioTestTasks::new();
    let builder = Doorward::builder()
        .public_url(public_url)
        .provider(Provider::oidc(PROVIDER, CLIENT_ID, CLIENT_SECRET))
        .session(sessions)
        .fetch(fetch.clone())
        .tasks(tasks.clone())
        .clock(clock.clone())
        .danger_random(SeededRandom::new(7));
    let auth = change(builder).build().unwrap();
    let calls = std::sync::Arc::default();
    let app = application(&auth, &calls);
    let browser = Browser::new(public_url)
        .mount(public_url, app.clone())
        .mount(PROVIDER, provider.router())
        .with_clock(clock.clone());
    World {
        auth,
        app,
        browser,
        provider,
        fetch,
        clock,
        tasks,
        calls,
    }
}

/// Every `Set-Cookie` of login, callback, use, refresh and logout, by the cookie's name.
async fn every_set_cookie(world: &World) -> Vec<(String, String)> {
    let browser = &world.browser;
    let login = browser.visit("/auth/login?return_url=/home").await;
    let provider = browser.follow(&login).await;
    let callback = match provider.form() {
        Some(_) => browser.submit(&provider).await,
        None => browser.follow(&provider).await,
    };
    assert!(
        callback.status.is_redirection() || callback.status.is_success(),
        "{}",
        callback.text()
    );
    browser.forget("CSRF-TOKEN");
    let reset = browser.get("/api/me").await;
    assert_eq!(reset.status, StatusCode::OK);
    world.advance(290);
    let refreshed = browser.get("/api/me").await;
    world.advance(400);
    let rolled = browser.get("/api/me").await;
    let logout = browser.request(Method::POST, "/auth/logout").send().await;
    assert_eq!(logout.status, StatusCode::OK);
    let pages = [login, callback, reset, refreshed, rolled, logout];
    for page in &pages {
        assert!(page.refused_cookies.is_empty(), "{:?}", page.refused_cookies);
        let no_store = page.header("cache-control") == Some("no-store");
        assert!(page.set_cookies().is_empty() || no_store, "{}", page.url);
    }
    let all = pages.iter().flat_map(Page::set_cookies).map(|header| {
        let name = header.split('=').next().unwrap();
        (name.to_owned(), header.to_owned())
    });
    all.collect()
}

fn attributes(header: &str) -> BTreeSet<String> {
    let attributes = header.split("; ").skip(1);
    let plain = attributes.filter(|attribute| !attribute.starts_with("Max-Age=") && !attribute.starts_with("Expires="));
    plain.map(str::to_owned).collect()
}

fn expected(list: &str) -> BTreeSet<String> {
    list.split("; ")
        .filter(|attribute| !attribute.is_empty())
        .map(str::to_owned)
        .collect()
}

struct Case {
    public_url: &'static str,
    settings: fn(Sessions) -> Sessions,
    names: [&'static str; 3],
    session: &'static str,
    csrf: &'static str,
    login: &'static str,
}

// weakness: L19, S11
#[tokio::test]
async fn every_set_cookie_of_every_flow_has_the_names_and_attributes_of_the_contract() {
    // attacks: E16
    let cases = [
        Case {
            public_url: "https://app.example.com",
            settings: |sessions| sessions,
            names: ["__Host-session", "CSRF-TOKEN", "__Host-login."],
            session: "Path=/; Secure; HttpOnly; SameSite=Lax",
            csrf: "Path=/; Secure; SameSite=Lax",
            login: "Path=/; Secure; HttpOnly; SameSite=Lax",
        },
        Case {
            public_url: "http://localhost:6001",
            settings: |sessions| sessions,
            names: ["doorward-session", "CSRF-TOKEN", "doorward-login."],
            session: "Path=/; HttpOnly; SameSite=Lax",
            csrf: "Path=/; SameSite=Lax",
            login: "Path=/; HttpOnly; SameSite=Lax",
        },
        Case {
            public_url: "https://api.acme.test:7443",
            settings: |sessions| sessions.cookie_domain("acme.test"),
            names: ["__Secure-session", "CSRF-TOKEN", "__Secure-login."],
            session: "Path=/; Domain=acme.test; Secure; HttpOnly; SameSite=Lax",
            csrf: "Path=/; Domain=acme.test; Secure; SameSite=Lax",
            login: "Path=/; Secure; HttpOnly; SameSite=Lax",
        },
        Case {
            public_url: "https://app.example.com",
            settings: |sessions| sessions.same_site(SameSite::None),
            names: ["__Host-session", "CSRF-TOKEN", "__Host-login."],
            session: "Path=/; Secure; HttpOnly; SameSite=None",
            csrf: "Path=/; Secure; SameSite=None",
            login: "Path=/; Secure; HttpOnly; SameSite=Lax",
        },
        Case {
            public_url: "https://app.example.com",
            settings: |sessions| sessions.same_site(SameSite::Strict),
            names: ["__Host-session", "CSRF-TOKEN", "__Host-login."],
            session: "Path=/; Secure; HttpOnly; SameSite=Strict",
            csrf: "Path=/; Secure; SameSite=Lax",
            login: "Path=/; Secure; HttpOnly; SameSite=Lax",
        },
        Case {
            public_url: "https://app.example.com",
            settings: |sessions| sessions.cookie_name("__Host-mine").csrf_cookie_name("XSRF"),
            names: ["__Host-mine", "XSRF", "__Host-login."],
            session: "Path=/; Secure; HttpOnly; SameSite=Lax",
            csrf: "Path=/; Secure; SameSite=Lax",
            login: "Path=/; Secure; HttpOnly; SameSite=Lax",
        },
    ];
    for place in Place::BOTH {
        for case in &cases {
            let world = world_at(case.public_url, (case.settings)(place.sessions()), |builder| builder);
            let [session, csrf, login] = case.names;
            let mut seen = BTreeSet::new();
            for (name, header) in every_set_cookie(&world).await {
                let pair = header.split(';').next().unwrap();
                assert!(pair.len() <= 4_096, "{name}");
                let (kind, wanted) = if name == session || name.starts_with(&format!("{session}.")) {
                    ("session", case.session)
                } else if name == csrf {
                    ("csrf", case.csrf)
                } else {
                    assert!(name.starts_with(login), "{place:?} {}: {name}", case.public_url);
                    ("login", case.login)
                };
                assert_eq!(
                    attributes(&header),
                    expected(wanted),
                    "{place:?} {} {header}",
                    case.public_url
                );
                assert!(header.contains("; Max-Age="), "{header}");
                seen.insert(kind);
            }
            assert_eq!(seen.len(), 3, "{place:?} {}", case.public_url);
            // Deletion removes: nothing of ours is left in the jar.
            let left: Vec<String> = world.browser.cookies().into_iter().map(|cookie| cookie.name).collect();
            assert_eq!(left, Vec::<String>::new(), "{place:?} {}", case.public_url);
        }
    }
}

#[tokio::test]
async fn form_post_makes_the_login_cookie_alone_none() {
    // attacks: E16
    for place in Place::BOTH {
        let provider = Provider::oidc(PROVIDER, CLIENT_ID, CLIENT_SECRET).response_mode(ResponseMode::FormPost);
        let world = place.world_with(|builder| builder.provider(provider));
        for (name, header) in every_set_cookie(&world).await {
            let wanted = if name.starts_with("__Host-login.") {
                "SameSite=None"
            } else {
                "SameSite=Lax"
            };
            assert!(header.ends_with(wanted), "{header}");
            assert!(header.contains("; Secure"));
        }
    }
}

fn max_age(page: &Page, name: &str) -> u64 {
    let headers = page.set_cookie(name);
    assert_eq!(headers.len(), 1, "{name}: {headers:?}");
    let age = headers[0]
        .split("; ")
        .find_map(|attribute| attribute.strip_prefix("Max-Age="));
    age.unwrap().parse().unwrap()
}

async fn callback_page(world: &World) -> Page {
    let login = world.browser.visit("/auth/login").await;
    let provider = world.browser.follow(&login).await;
    world.browser.follow(&provider).await
}

#[tokio::test]
async fn cookies_live_as_long_as_what_they_hold() {
    // attacks: E16
    for place in Place::BOTH {
        let world = place.world();
        let page = callback_page(&world).await;
        assert_eq!(max_age(&page, SESSION), 3_600, "idle end");
        assert_eq!(max_age(&page, "CSRF-TOKEN"), 12 * 3_600, "absolute end");
        let short = place.sessions().absolute_timeout(std::time::Duration::from_secs(600));
        let world = World::build(short, |builder| builder);
        let page = callback_page(&world).await;
        assert_eq!(max_age(&page, SESSION), 600, "the earlier of both");
        let login = world.browser.visit("/auth/login").await;
        let name = login.set_cookies()[0].split('=').next().unwrap().to_owned();
        assert_eq!(
            max_age(&login, &name),
            1_200,
            "the ticket's ten minutes, and as long for a late answer"
        );
    }
    let world = World::new();
    let page = callback_page(&world).await;
    assert_eq!(
        max_age(&page, "__Host-session.0"),
        12 * 3_600,
        "token part: absolute end"
    );
}

#[tokio::test]
async fn a_stored_session_has_one_cookie_of_64_characters() {
    let world = Place::Stored.signed_in().await;
    let names: BTreeSet<String> = world.browser.cookies().into_iter().map(|cookie| cookie.name).collect();
    assert_eq!(names, BTreeSet::from([SESSION.to_owned(), "CSRF-TOKEN".to_owned()]));
    assert_eq!(world.browser.cookie(SESSION).unwrap().len(), 64);
}

#[tokio::test]
async fn a_safe_request_with_a_missing_or_other_csrf_cookie_gets_it_set_again() {
    for place in Place::BOTH {
        let world = place.signed_in().await;
        let right = world.csrf();
        assert!(
            world.browser.get("/api/me").await.set_cookies().is_empty(),
            "nothing to set"
        );
        world.browser.forget("CSRF-TOKEN");
        let page = world.browser.get("/api/me").await;
        assert_eq!(page.set_cookies().len(), 1);
        assert_eq!(world.csrf(), right, "{place:?}: the session's token, not a new one");
        world
            .browser
            .set_document_cookie("CSRF-TOKEN=other; Secure; Path=/")
            .unwrap();
        world.browser.get("/api/me").await;
        assert_eq!(world.csrf(), right);
        // Not on unsafe methods, not without a session, not on public routes.
        world.browser.forget("CSRF-TOKEN");
        let page = world
            .browser
            .request(Method::POST, "/api/me")
            .header("x-csrf-token", &right)
            .send()
            .await;
        assert_eq!((page.status, page.set_cookies().len()), (StatusCode::OK, 0));
        assert!(world.browser.get("/home").await.set_cookies().is_empty());
        assert!(world.browser.stranger().get("/api/me").await.set_cookies().is_empty());
    }
}

#[tokio::test]
async fn the_csrf_token_is_new_at_each_login() {
    // attacks: F18
    for place in Place::BOTH {
        let world = place.signed_in().await;
        let before = world.csrf();
        world.sign_in().await;
        assert_ne!(world.csrf(), before);
        let page = world
            .browser
            .request(Method::POST, "/api/me")
            .header("x-csrf-token", &before)
            .send()
            .await;
        assert_eq!(
            (page.status, page.problem_code().as_str()),
            (StatusCode::FORBIDDEN, "csrf_mismatch")
        );
    }
}

#[tokio::test]
async fn under_strict_the_callback_answers_a_page_that_moves_on() {
    for place in Place::BOTH {
        let world = World::build(place.sessions().same_site(SameSite::Strict), |builder| builder);
        let login = world.browser.visit("/auth/login?return_url=/api/me").await;
        let provider = world.browser.follow(&login).await;
        let page = world.browser.follow(&provider).await;
        assert_eq!(page.status, StatusCode::OK);
        assert_eq!(page.header("location"), None);
        assert!(
            page.text()
                .contains("content=\"0; url=https://app.example.com/api/me\"")
        );
        assert!(
            page.header("content-security-policy")
                .unwrap()
                .contains("default-src 'none'")
        );
        assert_eq!(page.header("cache-control"), Some("no-store"));
        // What the page begins is a request of our own site: the Strict cookie goes along.
        let arrived = world.browser.request(Method::GET, "/api/me").navigation().send().await;
        assert_eq!(arrived.status, StatusCode::OK);
        // A link on another site does not carry it.
        let linked = world
            .browser
            .request(Method::GET, "/api/me")
            .navigation()
            .from("https://evil.test")
            .send()
            .await;
        assert_eq!(linked.status, StatusCode::UNAUTHORIZED);
    }
}
