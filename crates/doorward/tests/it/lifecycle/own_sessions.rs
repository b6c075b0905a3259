//! `/auth/sessions`: what a user sees and ends, and that it is theirs alone.

use std::net::{Ipv4Addr, SocketAddr};

use axum::Extension;
use axum::extract::ConnectInfo;
use doorward::Sessions;
use doorward_testkit::Endpoint;
use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::{CHROME, FIREFOX, SmallPages, another_browser, csrf, delete, listed, own_id, sign_in_with, standing};
use crate::attacks::support::{Meddled, Place, Raw, SESSION, assert_refused, remount};
use crate::support::{APP, SECRET, World};
use crate::tenants::{ACME, GLOBEX, Hosted, two_tenants};

#[tokio::test]
async fn a_user_sees_their_sessions_and_which_one_is_this() {
    let mut world = Place::Stored.world();
    let peer = SocketAddr::from((Ipv4Addr::new(192, 168, 1, 7), 50_000));
    let app = world.app.clone().layer(Extension(ConnectInfo(peer)));
    remount(&mut world, app);
    sign_in_with(&world.browser, FIREFOX).await;
    let began = world.clock.seconds();
    world.advance(60);
    let phone = world.browser.stranger();
    sign_in_with(&phone, CHROME).await;

    let sessions = listed(&world.browser).await;
    let of = |at: u64| (json!(at * 1_000), json!((at + 3_600) * 1_000));
    let (created, expires) = of(began);
    let id = |index: usize| sessions[index]["id"].clone();
    assert_eq!(
        sessions[0],
        json!({
            "id": id(0), "current": true, "createdAt": created, "lastSeenAt": created, "expiresAt": expires,
            "device": "Firefox on Linux", "address": "private",
        })
    );
    let (created, expires) = of(began + 60);
    assert_eq!(
        sessions[1],
        json!({
            "id": id(1), "current": false, "createdAt": created, "lastSeenAt": created, "expiresAt": expires,
            "device": "Chrome on Android", "address": "private",
        })
    );
    assert_eq!(sessions.len(), 2);
    assert_ne!(id(0), id(1));
    // The same two from the other side.
    let other_way = listed(&phone).await;
    assert_eq!((&other_way[0]["id"], &other_way[1]["id"]), (&id(1), &id(0)));
    assert_eq!(other_way[0]["current"], true);
}

#[tokio::test]
async fn where_a_session_was_last_seen_is_written_when_it_is_written() {
    let world = Place::Stored.world();
    sign_in_with(&world.browser, FIREFOX).await;
    let began = world.clock.seconds();
    let seen = async |seconds: u64| {
        world.advance(seconds);
        let used = world
            .browser
            .request(Method::GET, "/api/me")
            .header("user-agent", CHROME);
        assert_eq!(used.send().await.status, StatusCode::OK);
        let session = listed(&world.browser).await.remove(0);
        (
            session["lastSeenAt"].as_u64().unwrap() / 1_000 - began,
            session["device"].clone(),
        )
    };
    assert_eq!(
        seen(359).await,
        (0, json!("Firefox on Linux")),
        "a tenth of the idle time has not passed"
    );
    assert_eq!(seen(1).await, (360, json!("Chrome on Android")));
    let session = listed(&world.browser).await.remove(0);
    assert_eq!(session["address"], Value::Null, "the server keeps no addresses");
}

#[tokio::test]
async fn a_name_in_the_list_is_neither_the_cookie_nor_a_key_of_the_store() {
    let store = Meddled::default();
    let world = store.world();
    world.sign_in().await;
    let id = own_id(&world.browser).await;
    assert_eq!(id.len(), 24);
    let cookie = world.browser.cookie(SESSION).unwrap();
    assert!(!cookie.contains(&id));
    for key in store.keys() {
        assert!(!key.to_hex().contains(&id));
    }
    // It opens nothing.
    for guess in [id.clone(), format!("{id}{id}").chars().take(64).collect()] {
        let answer = Raw::get("/api/me").header("cookie", &format!("{SESSION}={guess}"));
        assert_eq!(answer.send(&world.app).await.status, StatusCode::UNAUTHORIZED);
    }
    // The same for as long as the session lives, also once its record has been written anew.
    world.advance(1_000);
    assert_eq!(own_id(&world.browser).await, id);
}

#[tokio::test]
async fn a_user_ends_one_of_their_sessions_and_the_others_go_on() {
    let world = Place::Stored.signed_in().await;
    let (phone, tablet) = (another_browser(&world).await, another_browser(&world).await);
    let lost = own_id(&phone).await;
    let page = delete(&world.browser, &format!("/auth/sessions/{lost}")).await;
    assert_eq!((page.status, page.body.len()), (StatusCode::NO_CONTENT, 0));
    assert_eq!(standing(&phone).await, "session_revoked");
    assert_eq!(standing(&tablet).await, "signed in");
    assert_eq!(standing(&world.browser).await, "signed in");
    assert_eq!(listed(&world.browser).await.len(), 2);
    // Once more there is nothing of that name.
    let again = delete(&world.browser, &format!("/auth/sessions/{lost}")).await;
    assert_refused(&again, StatusCode::NOT_FOUND, "route_unknown");
    // Nothing is taken back at the provider: its refresh token is closed without the phone.
    assert_eq!(world.provider.count(Endpoint::Revocation), 0);
}

#[tokio::test]
async fn a_user_ends_all_others_or_all() {
    let world = Place::Stored.signed_in().await;
    let phone = another_browser(&world).await;
    another_browser(&world).await;
    let page = delete(&world.browser, "/auth/sessions").await;
    assert_eq!(
        (page.status, page.json::<Value>()),
        (StatusCode::OK, json!({"ended": 2}))
    );
    assert_eq!(standing(&phone).await, "session_revoked");
    assert_eq!(standing(&world.browser).await, "signed in");
    let again = delete(&world.browser, "/auth/sessions?all=false").await;
    assert_eq!(again.json::<Value>(), json!({"ended": 0}));

    let phone = another_browser(&world).await;
    let copy = world.browser.thief();
    let page = delete(&world.browser, "/auth/sessions?all=true").await;
    assert_eq!(
        (page.status, page.json::<Value>()),
        (StatusCode::OK, json!({"ended": 2}))
    );
    assert_eq!(standing(&phone).await, "session_revoked");
    assert_eq!(standing(&copy).await, "session_revoked");
    assert_eq!(world.browser.cookie(SESSION), None, "as at a logout");
    world.tasks.idle().await;
    assert_eq!(
        world.provider.count(Endpoint::Revocation),
        1,
        "this browser's refresh token is at hand"
    );
}

#[tokio::test]
async fn the_session_at_hand_is_ended_by_its_name_as_at_a_logout() {
    let world = Place::Stored.signed_in().await;
    let phone = another_browser(&world).await;
    let copy = world.browser.thief();
    let own = own_id(&world.browser).await;
    let page = delete(&world.browser, &format!("/auth/sessions/{own}")).await;
    assert_eq!(page.status, StatusCode::NO_CONTENT);
    assert_eq!(world.browser.cookie(SESSION), None);
    assert_eq!(standing(&copy).await, "session_revoked");
    assert_eq!(standing(&phone).await, "signed in");
    world.tasks.idle().await;
    assert_eq!(world.provider.count(Endpoint::Revocation), 1);
}

#[tokio::test]
async fn nobody_sees_or_ends_a_strangers_session() {
    let world = Place::Stored.signed_in().await;
    world.provider.script(|script| script.subject = "bob".into());
    let bob = another_browser(&world).await;
    let of_bob = own_id(&bob).await;
    assert_eq!(listed(&world.browser).await.len(), 1);
    let cookie = bob.cookie(SESSION).unwrap();
    for name in [
        of_bob.as_str(),
        cookie.as_str(),
        "AAAAAAAAAAAAAAAAAAAAAAAA",
        "*",
        "..",
        "%2e%2e",
        "'%20OR%201=1",
        &"x".repeat(2_000),
    ] {
        let page = delete(&world.browser, &format!("/auth/sessions/{name}")).await;
        // The same to the letter, but for the number of the request.
        assert_eq!(page.status, StatusCode::NOT_FOUND, "{name}");
        if !name.contains("..") {
            assert_refused(&page, StatusCode::NOT_FOUND, "route_unknown");
        }
    }
    assert_eq!(
        delete(&world.browser, "/auth/sessions").await.json::<Value>(),
        json!({"ended": 0})
    );
    assert_eq!(standing(&bob).await, "signed in");
}

#[tokio::test]
async fn ending_needs_the_csrf_token_and_our_origin_and_listing_a_session() {
    let world = Place::Stored.signed_in().await;
    let phone = another_browser(&world).await;
    let lost = own_id(&phone).await;
    let (token, others) = (csrf(&world.browser), csrf(&phone));
    let one = format!("/auth/sessions/{lost}");
    for target in [one.as_str(), "/auth/sessions", "/auth/sessions?all=true"] {
        for (headers, code) in [
            (&[][..], "csrf_missing"),
            (&[("x-csrf-token", "wrong")], "csrf_mismatch"),
            (&[("x-csrf-token", others.as_str())], "csrf_mismatch"),
            (
                &[("x-csrf-token", token.as_str()), ("origin", "https://evil.test")],
                "cross_origin",
            ),
            (
                &[("x-csrf-token", token.as_str()), ("sec-fetch-site", "same-site")],
                "cross_origin",
            ),
        ] {
            let mut request = Raw::new("DELETE", target).cookies_of(&world.browser);
            for (name, value) in headers {
                request = request.header(name, value);
            }
            let answer = request.send(&world.app).await;
            assert_eq!(answer.verdict(), (403, code.to_owned()), "{target} {headers:?}");
        }
        let nobody = Raw::new("DELETE", target).header("origin", APP).send(&world.app).await;
        assert_eq!(nobody.verdict(), (401, "session_missing".to_owned()));
    }
    let nobody = world.browser.stranger().get("/auth/sessions").await;
    assert_refused(&nobody, StatusCode::UNAUTHORIZED, "session_missing");
    let from_elsewhere = world
        .browser
        .request(Method::GET, "/auth/sessions")
        .from("https://evil.test");
    assert!(
        from_elsewhere.send().await.blocked.is_some(),
        "no page of another origin reads the list"
    );
    assert_eq!(standing(&phone).await, "signed in");
    assert_eq!(standing(&world.browser).await, "signed in");
}

#[tokio::test]
async fn what_is_not_understood_ends_nothing() {
    let world = Place::Stored.signed_in().await;
    let phone = another_browser(&world).await;
    for query in ["?all", "?all=", "?all=1", "?all=TRUE", "?all=true&all=true"] {
        let page = delete(&world.browser, &format!("/auth/sessions{query}")).await;
        assert_refused(&page, StatusCode::BAD_REQUEST, "request_malformed");
    }
    for (method, target, allow) in [
        ("POST", "/auth/sessions", "GET, HEAD, DELETE"),
        ("PUT", "/auth/sessions", "GET, HEAD, DELETE"),
        ("GET", "/auth/sessions/x", "DELETE"),
        ("POST", "/auth/sessions/x", "DELETE"),
    ] {
        let request = Raw::new(method, target).header("origin", APP);
        let answer = request.cookies_of(&world.browser).send(&world.app).await;
        assert_eq!(
            answer.verdict(),
            (405, "method_not_allowed".to_owned()),
            "{method} {target}"
        );
        assert_eq!(answer.header("allow"), Some(allow));
    }
    assert_eq!(standing(&phone).await, "signed in");
}

#[tokio::test]
async fn an_outage_of_the_store_is_503_and_never_an_empty_list() {
    let store = SmallPages::default();
    let world = store.world();
    world.sign_in().await;
    let own = own_id(&world.browser).await;
    store.fail_lists(true);
    let list = world.browser.get("/auth/sessions").await;
    assert_refused(&list, StatusCode::SERVICE_UNAVAILABLE, "store_unavailable");
    for target in [
        "/auth/sessions",
        "/auth/sessions?all=true",
        "/auth/sessions/AAAAAAAAAAAAAAAAAAAAAAAA",
    ] {
        let page = delete(&world.browser, target).await;
        assert_refused(&page, StatusCode::SERVICE_UNAVAILABLE, "store_unavailable");
        assert_eq!(page.header("retry-after"), Some("1"));
    }
    store.fail_lists(false);
    assert_eq!(own_id(&world.browser).await, own, "nobody lost anything");
}

#[tokio::test]
async fn where_sessions_live_in_cookies_there_is_nothing_to_list() {
    let world = Place::Sealed.signed_in().await;
    let page = world.browser.get("/auth/sessions").await;
    assert_refused(&page, StatusCode::NOT_FOUND, "route_unknown");
    for target in [
        "/auth/sessions",
        "/auth/sessions?all=true",
        "/auth/sessions/AAAAAAAAAAAAAAAAAAAAAAAA",
    ] {
        assert_refused(
            &delete(&world.browser, target).await,
            StatusCode::NOT_FOUND,
            "route_unknown",
        );
    }
    assert_eq!(standing(&world.browser).await, "signed in");
}

#[tokio::test]
async fn at_a_tenants_host_a_user_of_two_sees_and_ends_those_of_this_one() {
    // attacks: M7
    let hosted = Hosted::with(Sessions::memory(SECRET), two_tenants);
    let other_device = hosted.browser.stranger();
    for (origin, tenant) in [(ACME, "acme"), (GLOBEX, "globex")] {
        hosted.sign_in(origin, tenant).await;
        let login = format!("{origin}/auth/login?return_url=/home");
        assert_eq!(other_device.visit_following(&login).await.status, StatusCode::OK);
    }
    let sessions = |page: doorward_testkit::Page| page.json::<Value>()["sessions"].as_array().unwrap().clone();
    let at_acme = sessions(hosted.browser.get(&format!("{ACME}/auth/sessions")).await);
    let at_globex = sessions(hosted.browser.get(&format!("{GLOBEX}/auth/sessions")).await);
    assert_eq!((at_acme.len(), at_globex.len()), (2, 2));
    let token = |origin: &str| {
        let host = origin.strip_prefix("https://").unwrap();
        let cookies = hosted.browser.cookies().into_iter();
        let mut own = cookies.filter(|cookie| cookie.domain == host && cookie.name == "CSRF-TOKEN");
        own.next_back().unwrap().value
    };
    let delete = async |origin: &str, path: &str| {
        let url = format!("{origin}{path}");
        let request = hosted.browser.request(Method::DELETE, &url).from(origin);
        request.header("x-csrf-token", &token(origin)).send().await
    };
    let foreign = at_globex.iter().find(|session| session["current"] == false).unwrap();
    let page = delete(ACME, &format!("/auth/sessions/{}", foreign["id"].as_str().unwrap())).await;
    assert_eq!(
        (page.status, page.problem_code()),
        (StatusCode::NOT_FOUND, "route_unknown".into())
    );
    let page = delete(ACME, "/auth/sessions").await;
    assert_eq!(page.json::<Value>(), json!({"ended": 1}), "{}", page.text());
    let me = async |origin: &str| other_device.get(&format!("{origin}/api/me")).await.status;
    assert_eq!(
        (me(ACME).await, me(GLOBEX).await),
        (StatusCode::UNAUTHORIZED, StatusCode::OK)
    );
}

#[tokio::test]
async fn a_session_that_began_while_another_was_shown_is_in_the_next_list() {
    let world = World::build(Sessions::memory(SECRET), |builder| builder);
    world.sign_in().await;
    assert_eq!(listed(&world.browser).await.len(), 1);
    let phone = another_browser(&world).await;
    assert_eq!(listed(&world.browser).await.len(), 2);
    // One that was logged out, and one that has expired, are in none.
    phone.request(Method::POST, "/auth/logout").send().await;
    assert_eq!(listed(&world.browser).await.len(), 1);
    another_browser(&world).await;
    world.advance(3_599);
    assert_eq!(standing(&world.browser).await, "signed in");
    world.advance(1);
    assert_eq!(listed(&world.browser).await.len(), 1);
}
