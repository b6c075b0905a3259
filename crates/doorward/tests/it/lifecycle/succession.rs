//! A new session ID at every login, and what becomes of the one before.

use axum::routing::get;
use doorward::{Rule, Session, Tenant};
use doorward_testkit::{Answer, Browser, Gate};
use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::{csrf, sign_in, standing};
use crate::attacks::support::{Place, SESSION, assert_refused, with_app};
use crate::support::World;

const PLAIN: &str = "/auth/login?return_url=/home";
const STEP_UPS: [&str; 3] = [
    "/auth/login?return_url=/home&max_age=300",
    "/auth/login?return_url=/home&acr_values=gold",
    "/auth/login?return_url=/home&prompt=login",
];
/// The seconds after which a token of 300 seconds is due, and after which it has ended.
const DUE: u64 = 245;
const ENDED: u64 = 301;

/// Signed in, with something of the application's in the session; the provider can answer every step-up.
async fn with_note(world: &World) {
    world.provider.script(|script| {
        script.token.id_token.claim("acr", "gold");
    });
    world.sign_in().await;
    assert_eq!(write(&world.browser, "kept").await, StatusCode::OK);
}

async fn write(browser: &Browser, note: &str) -> StatusCode {
    let token = csrf(browser);
    let request = browser
        .request(Method::POST, "/api/data")
        .header("x-csrf-token", &token);
    request.json(&json!({ "note": note })).send().await.status
}

async fn note(browser: &Browser) -> Value {
    browser.get("/api/data").await.json::<Value>()["note"].clone()
}

#[tokio::test]
async fn a_plain_login_ends_the_session_before_at_once_and_leaves_its_data_behind() {
    for place in Place::BOTH {
        let world = place.world();
        with_note(&world).await;
        let old = world.browser.thief();
        sign_in(&world.browser, PLAIN).await;
        assert_ne!(old.cookie(SESSION), world.browser.cookie(SESSION));
        assert_eq!(standing(&old).await, "session_revoked");
        assert_eq!(standing(&world.browser).await, "signed in");
        assert_eq!(note(&world.browser).await, Value::Null);
    }
}

#[tokio::test]
async fn a_step_up_leaves_the_session_before_ten_seconds_with_what_it_could_do() {
    for place in Place::BOTH {
        for login in STEP_UPS {
            let world = place.world();
            with_note(&world).await;
            let old = world.browser.thief();
            let old_csrf = csrf(&old);
            // Meanwhile alice is an admin no more.
            world.provider.script(|script| {
                script.claims.insert("roles".into(), json!(["auditor"]));
            });
            sign_in(&world.browser, login).await;
            assert_ne!(old.cookie(SESSION), world.browser.cookie(SESSION), "{login}");
            assert_ne!(old_csrf, csrf(&world.browser), "{login}");
            world.advance(9);
            for (browser, admin, auditor) in [
                (&old, StatusCode::OK, StatusCode::FORBIDDEN),
                (&world.browser, StatusCode::FORBIDDEN, StatusCode::OK),
            ] {
                assert_eq!(browser.get("/api/admin").await.status, admin, "{place:?} {login}");
                assert_eq!(browser.get("/api/auditor").await.status, auditor, "{place:?} {login}");
            }
            let post = async |browser: &Browser, token: &str| {
                let request = browser.request(Method::POST, "/api/me").header("x-csrf-token", token);
                request.send().await.status
            };
            assert_eq!(post(&old, &old_csrf).await, StatusCode::OK);
            assert_eq!(post(&old, &csrf(&world.browser)).await, StatusCode::FORBIDDEN);
            assert_eq!(post(&world.browser, &old_csrf).await, StatusCode::FORBIDDEN);
            assert_eq!(note(&world.browser).await, "kept", "{place:?} {login}");
            world.advance(1);
            assert_eq!(standing(&old).await, "session_revoked", "{place:?} {login}");
            assert_eq!(standing(&world.browser).await, "signed in");
        }
    }
}

#[tokio::test]
async fn a_session_that_is_replaced_is_neither_renewed_nor_written_and_sets_no_cookie() {
    for place in Place::BOTH {
        let world = place.world();
        with_note(&world).await;
        world.advance(DUE - 5);
        let old = world.browser.thief();
        sign_in(&world.browser, STEP_UPS[2]).await;
        // Its tokens are due, and so is its roll; its CSRF cookie is gone.
        world.advance(6);
        old.forget("CSRF-TOKEN");
        for target in ["/api/me", "/auth/session", "/api/token"] {
            let page = old.get(target).await;
            assert_eq!(page.status, StatusCode::OK, "{place:?} {target}");
            assert!(page.set_cookies().is_empty(), "{place:?} {target}");
        }
        assert_eq!(world.provider.token_calls("refresh_token"), 0);
    }
}

#[tokio::test]
async fn a_session_that_is_replaced_ends_with_its_access_token_if_that_is_sooner() {
    for place in Place::BOTH {
        let world = place.world();
        with_note(&world).await;
        let old = world.browser.thief();
        world.advance(ENDED - 5);
        sign_in(&world.browser, STEP_UPS[2]).await;
        assert_eq!(standing(&old).await, "signed in");
        world.advance(5);
        assert_eq!(standing(&old).await, "session_expired", "{place:?}");
        world.advance(5);
        assert_eq!(standing(&old).await, "session_revoked", "{place:?}");
        assert_eq!(world.provider.token_calls("refresh_token"), 0);
    }
}

#[tokio::test]
async fn data_for_a_session_that_is_replaced_is_refused_and_not_lost_in_silence() {
    for place in Place::BOTH {
        let world = place.world();
        with_note(&world).await;
        let old = world.browser.thief();
        sign_in(&world.browser, STEP_UPS[0]).await;
        let token = csrf(&old);
        let request = old.request(Method::POST, "/api/data").header("x-csrf-token", &token);
        let page = request.json(&json!({ "note": "late" })).send().await;
        assert_refused(&page, StatusCode::SERVICE_UNAVAILABLE, "store_unavailable");
        assert_eq!(page.header("retry-after"), Some("1"));
        assert_eq!(
            (note(&old).await, note(&world.browser).await),
            (json!("kept"), json!("kept"))
        );
        // The second try comes with the new cookies.
        assert_eq!(write(&world.browser, "late").await, StatusCode::OK);
        assert_eq!(note(&world.browser).await, "late");
        assert_eq!(note(&old).await, "kept");
    }
}

#[tokio::test]
async fn a_request_on_its_way_through_a_step_up_brings_no_old_cookie_back() {
    for place in Place::BOTH {
        let gate = Gate::closed();
        let inside = gate.clone();
        let mut world = with_app(place.world(), |auth| {
            let slow = async move |_: Session| {
                inside.pass().await;
                "done"
            };
            auth.router()
                .route("/home", Rule::Public, get(|| async { "" }))
                .route("/api/me", Rule::Session, get(|| async { "" }))
                .route("/slow", Rule::Session, get(slow))
                .build()
        });
        world.sign_in().await;
        // A tenth of the idle time has passed: the response would extend the session. (The access token lives long.)
        world.provider.script(|script| script.token.expires_in = 7_200);
        sign_in(&world.browser, PLAIN).await;
        world.advance(400);
        let tab = world.browser.clone();
        let slow = tokio::spawn(async move { tab.get("/slow").await });
        gate.arrived(1).await;
        sign_in(&world.browser, STEP_UPS[2]).await;
        let new = world.browser.cookie(SESSION);
        gate.open();
        let page = slow.await.unwrap();
        assert_eq!((page.status, page.text()), (StatusCode::OK, "done"));
        assert!(page.set_cookies().is_empty(), "{place:?}: {:?}", page.set_cookies());
        assert_eq!(world.browser.cookie(SESSION), new);
        world.advance(11);
        world.browser = world.browser.clone();
        assert_eq!(standing(&world.browser).await, "signed in", "{place:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_renewal_under_way_serves_its_request_and_its_tokens_are_taken_back() {
    for place in Place::BOTH {
        let world = place.world();
        with_note(&world).await;
        world.advance(DUE);
        let old = world.browser.thief();
        let gate = Gate::closed();
        // The provider has rotated already; only its answer is on the way.
        let answer = Answer::correct().held_after_acting(&gate);
        world.provider.script(|script| script.refresh.answer = answer);
        let waiting = tokio::spawn({
            let old = old.clone();
            async move { old.get("/api/me").await }
        });
        gate.arrived(1).await;
        sign_in(&world.browser, STEP_UPS[2]).await;
        gate.open();
        let page = waiting.await.unwrap();
        assert_eq!(page.status, StatusCode::OK, "{place:?} {}", page.text());
        assert!(page.set_cookies().is_empty(), "{place:?}");
        world.tasks.idle().await;
        assert_eq!(
            world.fetch.count("revocation"),
            2,
            "of before, and what has just arrived"
        );
        assert_eq!(world.provider.token_calls("refresh_token"), 1);
        assert_eq!(standing(&world.browser).await, "signed in");
    }
}

#[tokio::test(start_paused = true)]
async fn the_refresh_token_of_before_is_taken_back_when_the_ten_seconds_are_over() {
    for place in Place::BOTH {
        let world = place.world();
        with_note(&world).await;
        let begun = tokio::time::Instant::now();
        sign_in(&world.browser, STEP_UPS[2]).await;
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        assert_eq!(
            world.fetch.count("revocation"),
            0,
            "requests on their way still need it"
        );
        world.tasks.idle().await;
        assert_eq!(world.fetch.count("revocation"), 1);
        assert!(begun.elapsed() >= std::time::Duration::from_secs(10));
        // After a plain login there is nothing to wait for.
        let begun = tokio::time::Instant::now();
        sign_in(&world.browser, PLAIN).await;
        world.tasks.idle().await;
        assert_eq!(world.fetch.count("revocation"), 2);
        assert!(begun.elapsed() < std::time::Duration::from_secs(10));
    }
}

#[tokio::test]
async fn another_user_ends_the_session_before_at_once_and_gets_nothing_of_it() {
    for place in Place::BOTH {
        for login in STEP_UPS.into_iter().chain([PLAIN]) {
            let world = place.world();
            with_note(&world).await;
            let old = world.browser.thief();
            world.provider.script(|script| script.subject = "bob".into());
            sign_in(&world.browser, login).await;
            assert_eq!(standing(&old).await, "session_revoked", "{place:?} {login}");
            assert_eq!(note(&world.browser).await, Value::Null, "{place:?} {login}");
            let me: Value = world.browser.get("/api/me").await.json();
            assert_eq!(me["subject"], "bob");
        }
    }
}

#[tokio::test]
async fn a_planted_session_of_somebody_else_gives_nothing_to_a_step_up() {
    for place in Place::BOTH {
        let world = place.world();
        world.provider.script(|script| script.subject = "mallory".into());
        with_note(&world).await;
        let planted = world.browser.cookies();
        let victim = world.browser.stranger();
        planted.into_iter().for_each(|cookie| victim.plant(cookie));
        world.provider.script(|script| script.subject = "alice".into());
        sign_in(&victim, STEP_UPS[2]).await;
        assert_eq!(note(&victim).await, Value::Null, "{place:?}");
        assert_eq!(standing(&world.browser).await, "session_revoked", "{place:?}");
    }
}

#[tokio::test]
async fn a_switch_of_tenants_leaves_ten_seconds_and_no_data() {
    for place in Place::BOTH {
        let world = place.world_with(|builder| builder.tenants([Tenant::new("acme"), Tenant::new("globex")]));
        let login = |tenant: &str| {
            world.provider.script(|script| {
                script.token.id_token.claim("tenant", tenant);
            });
            format!("/auth/login?return_url=/home&tenant_name={tenant}")
        };
        let first = login("acme");
        sign_in(&world.browser, &first).await;
        assert_eq!(write(&world.browser, "of acme").await, StatusCode::OK);
        let old = world.browser.thief();
        let second = login("globex");
        sign_in(&world.browser, &second).await;
        let tenant = async |browser: &Browser| browser.get("/api/me").await.json::<Value>()["tenant"].clone();
        world.advance(9);
        assert_eq!(
            (tenant(&old).await, tenant(&world.browser).await),
            (json!("acme"), json!("globex"))
        );
        assert_eq!(note(&world.browser).await, Value::Null, "{place:?}");
        world.advance(1);
        assert_eq!(standing(&old).await, "session_revoked", "{place:?}");
        assert_eq!(tenant(&world.browser).await, "globex");
        // A step-up that ends in another tenant is a switch as well.
        assert_eq!(write(&world.browser, "of globex").await, StatusCode::OK);
        let third = format!("{}&prompt=login", login("acme"));
        sign_in(&world.browser, &third).await;
        assert_eq!(note(&world.browser).await, Value::Null, "{place:?}");
    }
}

#[tokio::test]
async fn a_logout_ends_a_session_that_is_being_replaced_at_once() {
    for place in Place::BOTH {
        let world = place.world();
        with_note(&world).await;
        let old = world.browser.thief();
        sign_in(&world.browser, STEP_UPS[2]).await;
        let copy = old.thief();
        assert_eq!(
            old.request(Method::POST, "/auth/logout").send().await.status,
            StatusCode::OK
        );
        assert_eq!(standing(&copy).await, "session_revoked", "{place:?}");
        assert_eq!(standing(&world.browser).await, "signed in", "{place:?}");
    }
}

#[tokio::test]
async fn a_session_that_was_replaced_is_in_no_list_and_ends_with_all_the_others() {
    let world = Place::Stored.world();
    with_note(&world).await;
    let old = world.browser.thief();
    sign_in(&world.browser, STEP_UPS[2]).await;
    assert_eq!(super::listed(&world.browser).await.len(), 1);
    let ended = super::delete(&world.browser, "/auth/sessions").await;
    assert_eq!(ended.json::<Value>(), json!({"ended": 1}));
    assert_eq!(standing(&old).await, "session_revoked");
    assert_eq!(standing(&world.browser).await, "signed in");
}

#[tokio::test]
async fn the_session_that_a_login_began_with_retires_also_where_its_cookie_does_not_come_back() {
    // A Strict cookie is not sent to a callback that another site leads to.
    let world = Place::Stored.world();
    with_note(&world).await;
    let old = world.browser.thief();
    let login = world.browser.visit(STEP_UPS[2]).await;
    let provider = world.browser.follow(&login).await;
    world.browser.forget(SESSION);
    let page = world.browser.follow(&provider).await;
    assert_eq!(page.status, StatusCode::FOUND, "{}", page.text());
    assert_eq!(note(&world.browser).await, "kept");
    assert_eq!(standing(&old).await, "signed in");
    world.advance(10);
    assert_eq!(standing(&old).await, "session_revoked");
}

#[tokio::test]
async fn the_applications_word_at_login_counts_more_than_what_was_kept_before() {
    for place in Place::BOTH {
        let world = place.world_with(|builder| {
            builder.on_login(|mut login: doorward::Login| async move {
                let before: Option<String> = login.get("note").unwrap();
                if before.as_deref() == Some("kept") {
                    login.insert("note", &"seen at login").unwrap();
                }
                Ok(login)
            })
        });
        with_note(&world).await;
        sign_in(&world.browser, STEP_UPS[2]).await;
        assert_eq!(note(&world.browser).await, "seen at login", "{place:?}");
        sign_in(&world.browser, PLAIN).await;
        assert_eq!(note(&world.browser).await, Value::Null, "{place:?}");
    }
}

#[tokio::test]
async fn a_step_up_of_nobody_is_a_login_and_an_expired_session_gives_nothing() {
    for place in Place::BOTH {
        let world = place.world();
        with_note(&world).await;
        let cookies = world.browser.cookies();
        world.advance(3_600);
        cookies.into_iter().for_each(|cookie| world.browser.plant(cookie));
        sign_in(&world.browser, STEP_UPS[2]).await;
        assert_eq!(note(&world.browser).await, Value::Null, "{place:?}");
        let stranger = world.browser.stranger();
        sign_in(&stranger, STEP_UPS[0]).await;
        assert_eq!(standing(&stranger).await, "signed in");
    }
}
