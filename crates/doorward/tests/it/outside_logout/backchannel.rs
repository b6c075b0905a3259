//! Whom a logout token ends, and what a request must look like.

use doorward::{Code, Doorward, MemoryStore, Provider, Sessions};
use doorward_testkit::{Answer, CLIENT_ID, CLIENT_SECRET, Gate};
use http::StatusCode;
use serde_json::json;

use super::{BACK, Ends, FORM, REVOKED, assert_invalid, sign_in, stands, tell, token};
use crate::attacks::support::Raw;
use crate::support::{APP, PROVIDER, SECRET, World};

#[tokio::test]
async fn a_logout_token_ends_whom_it_names_and_nobody_else() {
    // attacks: J4
    for ends in Ends::BOTH {
        let (world, _) = ends.world();
        let (first, first_sid) = sign_in(&world, "alice").await;
        let (second, second_sid) = sign_in(&world, "alice").await;
        let (third, _) = sign_in(&world, "alice").await;
        let (bob, bob_sid) = sign_in(&world, "bob").await;
        let all = [&first, &second, &third, &bob];
        let standing = async || {
            let mut standing = Vec::new();
            for browser in all {
                standing.push(stands(browser).await);
            }
            standing
        };
        // Nobody: an unknown session, an unknown user, somebody's session under another's name.
        for meant in [
            json!({"sid": "nobody-has-this-session"}),
            json!({"sub": "mallory"}),
            json!({"sid": bob_sid, "sub": "alice"}),
        ] {
            let answer = tell(&world, &token(&world, meant.clone())).await;
            assert_eq!(answer.status, StatusCode::OK, "{meant}");
            assert!(answer.body.is_empty());
            assert_eq!(standing().await, ["200"; 4], "{ends:?} {meant}");
        }
        tell(&world, &token(&world, json!({"sid": first_sid}))).await;
        assert_eq!(standing().await, [REVOKED, "200", "200", "200"], "{ends:?}");
        tell(&world, &token(&world, json!({"sid": second_sid, "sub": "alice"}))).await;
        assert_eq!(standing().await, [REVOKED, REVOKED, "200", "200"], "{ends:?}");
        tell(&world, &token(&world, json!({"sub": "alice"}))).await;
        assert_eq!(standing().await, [REVOKED, REVOKED, REVOKED, "200"], "{ends:?}");
    }
}

#[tokio::test]
async fn a_user_with_three_sessions_is_signed_out_of_all_by_one_token() {
    // attacks: J4
    for ends in Ends::BOTH {
        let (world, _) = ends.world();
        let (one, _) = sign_in(&world, "alice").await;
        let (two, _) = sign_in(&world, "alice").await;
        let (three, _) = sign_in(&world, "alice").await;
        let (bob, _) = sign_in(&world, "bob").await;
        let answer = tell(&world, &token(&world, json!({"sub": "alice"}))).await;
        assert_eq!(answer.status, StatusCode::OK);
        for browser in [&one, &two, &three] {
            assert_eq!(stands(browser).await, REVOKED, "{ends:?}");
        }
        assert_eq!(stands(&bob).await, "200", "{ends:?}");
    }
}

#[tokio::test]
async fn only_a_posted_form_with_one_token_is_read() {
    // attacks: J6
    for ends in Ends::BOTH {
        let (world, store) = ends.world();
        let (browser, sid) = sign_in(&world, "alice").await;
        let token = token(&world, json!({"sid": sid}));
        let form = format!("logout_token={token}");
        let before = store.calls();
        for method in ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH"] {
            let target = format!("{BACK}?{form}");
            let answer = Raw::new(method, &target)
                .body(FORM, form.clone())
                .send(&world.app)
                .await;
            assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{method}");
            assert_eq!(answer.header("allow"), Some("POST"), "{method}");
            assert_eq!(answer.header("cache-control"), Some("no-store"));
        }
        let post = || Raw::post(BACK);
        let multipart = format!("--x\r\ncontent-disposition: form-data; name=\"logout_token\"\r\n\r\n{token}\r\n--x--");
        for (what, request) in [
            ("no body", post()),
            ("an empty form", post().body(FORM, "")),
            (
                "JSON",
                post().body("application/json", json!({"logout_token": token}).to_string()),
            ),
            ("multipart", post().body("multipart/form-data; boundary=x", multipart)),
            ("text", post().body("text/plain", form.clone())),
            (
                "two content types",
                post().body(FORM, form.clone()).header("content-type", "text/plain"),
            ),
            ("two tokens", post().body(FORM, format!("{form}&{form}"))),
            (
                "two tokens, one empty",
                post().body(FORM, format!("{form}&logout_token=")),
            ),
            ("an empty token", post().body(FORM, "logout_token=")),
            ("another name", post().body(FORM, format!("token={token}"))),
            ("a list", post().body(FORM, format!("logout_token[]={token}"))),
            ("a broken escape", post().body(FORM, format!("{form}%zz"))),
            (
                "bytes that are no text",
                post().body(FORM, b"logout_token=\xff".to_vec()),
            ),
            (
                "the query",
                Raw::post(&format!("{BACK}?{form}")).body(FORM, "logout_token="),
            ),
            ("a header", post().header("authorization", &format!("Bearer {token}"))),
            ("no token", post().body(FORM, "logout_token=not.a.token")),
            (
                "a token of 9 KB",
                post().body(FORM, format!("logout_token={}", "a".repeat(9_000))),
            ),
        ] {
            let answer = request.send(&world.app).await;
            assert_invalid(&answer, what);
            assert_eq!(answer.header("cache-control"), Some("no-store"), "{what}");
        }
        for length in [20_000, 1024 * 1024] {
            let large = format!("{form}&padding={}", "a".repeat(length));
            let answer = Raw::post(BACK).body(FORM, large).send(&world.app).await;
            assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
            assert_eq!(answer.header("cache-control"), Some("no-store"));
        }
        assert_eq!(store.calls(), before, "nothing of it reached the store");
        assert_eq!(stands(&browser).await, "200", "{ends:?}");
        let with_charset = format!("{FORM}; charset=UTF-8");
        let answer = Raw::post(BACK).body(&with_charset, form).send(&world.app).await;
        assert_eq!(answer.status, StatusCode::OK, "and that form is read");
        assert_eq!(stands(&browser).await, REVOKED, "{ends:?}");
    }
}

#[tokio::test]
async fn neither_origin_nor_cookies_nor_a_csrf_token_matter_to_it() {
    for ends in Ends::BOTH {
        let (world, _) = ends.world();
        let (alice, _) = sign_in(&world, "alice").await;
        let (bob, _) = sign_in(&world, "bob").await;
        let form = format!("logout_token={}", token(&world, json!({"sub": "alice"})));
        let answer = Raw::post(BACK)
            .cookies_of(&bob)
            .header("origin", "https://evil.test")
            .header("sec-fetch-site", "cross-site")
            .body(FORM, form)
            .send(&world.app)
            .await;
        assert_eq!(answer.status, StatusCode::OK);
        assert!(answer.all("set-cookie").is_empty());
        assert_eq!(stands(&alice).await, REVOKED, "{ends:?}");
        assert_eq!(stands(&bob).await, "200", "{ends:?}: the cookie that came was not read");
    }
}

#[tokio::test]
async fn a_token_that_has_done_its_work_is_refused_when_it_comes_again() {
    for ends in Ends::BOTH {
        let (world, _) = ends.world();
        let (alice, _) = sign_in(&world, "alice").await;
        let captured = token(&world, json!({"sub": "alice"}));
        assert_eq!(tell(&world, &captured).await.status, StatusCode::OK);
        assert_eq!(stands(&alice).await, REVOKED);
        world.advance(1);
        let (again, _) = sign_in(&world, "alice").await;
        for seconds in [0, 60, 60, 60, 600] {
            world.advance(seconds);
            assert_invalid(&tell(&world, &captured).await, "a replay");
            assert_eq!(stands(&again).await, "200", "{ends:?}");
        }
        // The same jti of another token is as used.
        let mut claims = super::claims(&world, json!({"sub": "alice"}));
        claims["jti"] = json!("the-same");
        let one = world.provider.sign("logout+jwt", &claims);
        claims["sub"] = json!("bob");
        let other = world.provider.sign("logout+jwt", &claims);
        assert_eq!(tell(&world, &one).await.status, StatusCode::OK);
        assert_invalid(&tell(&world, &other).await, "a jti that was used");
    }
}

#[tokio::test]
async fn a_token_sent_many_times_at_once_ends_its_sessions_once() {
    for ends in Ends::BOTH {
        let (world, store) = ends.world();
        let (alice, _) = sign_in(&world, "alice").await;
        let token = token(&world, json!({"sub": "alice"}));
        let before = store.writes();
        let mut calls = tokio::task::JoinSet::new();
        for _ in 0..50 {
            let (app, form) = (world.app.clone(), format!("logout_token={token}"));
            calls.spawn(async move { Raw::post(BACK).body(FORM, form).send(&app).await });
        }
        let answers = calls.join_all().await;
        let told = answers.iter().filter(|answer| answer.status == StatusCode::OK).count();
        assert!(told >= 1);
        assert!(
            answers
                .iter()
                .all(|answer| matches!(answer.status, StatusCode::OK | StatusCode::BAD_REQUEST))
        );
        assert_eq!(store.writes() - before, 2, "the end and the token's use");
        assert_eq!(stands(&alice).await, REVOKED, "{ends:?}");
    }
}

#[tokio::test]
async fn a_session_that_began_after_the_logout_is_none_of_it() {
    // attacks: J8
    for ends in Ends::BOTH {
        let (world, _) = ends.world();
        let (old, _) = sign_in(&world, "alice").await;
        // A login is under way while the logout comes.
        let late = world.browser.stranger();
        let begun = late.visit("/auth/login?return_url=/home").await;
        let at_provider = late.follow(&begun).await;
        tell(&world, &token(&world, json!({"sub": "alice"}))).await;
        world.advance(1);
        late.follow_all(late.follow(&at_provider).await).await;
        let (new, _) = sign_in(&world, "alice").await;
        assert_eq!(stands(&old).await, REVOKED, "{ends:?}");
        assert_eq!(stands(&late).await, "200", "{ends:?}: finished after the logout");
        assert_eq!(stands(&new).await, "200", "{ends:?}");

        // One that was on its way for minutes means those of when it was issued.
        let slow = token(&world, json!({"sub": "alice"}));
        world.advance(119);
        let (newest, _) = sign_in(&world, "alice").await;
        world.advance(1);
        assert_eq!(tell(&world, &slow).await.status, StatusCode::OK);
        assert_eq!(stands(&late).await, REVOKED, "{ends:?}");
        assert_eq!(stands(&new).await, REVOKED, "{ends:?}");
        assert_eq!(stands(&newest).await, "200", "{ends:?}");
    }
}

#[tokio::test]
async fn a_provider_whose_clock_is_behind_ends_sessions_all_the_same() {
    for ends in Ends::BOTH {
        let (world, _) = ends.world();
        let (alice, _) = sign_in(&world, "alice").await;
        let mut claims = super::claims(&world, json!({"sub": "alice"}));
        let behind = world.clock.seconds() - 59;
        (claims["iat"], claims["exp"]) = (json!(behind), json!(behind + 120));
        let answer = tell(&world, &world.provider.sign("logout+jwt", &claims)).await;
        assert_eq!(answer.status, StatusCode::OK);
        assert_eq!(stands(&alice).await, REVOKED, "{ends:?}");
    }
}

#[tokio::test]
async fn of_a_logout_token_and_a_refresh_on_its_way_the_logout_wins() {
    // attacks: J13
    for ends in Ends::BOTH {
        let (world, _) = ends.world();
        let (alice, sid) = sign_in(&world, "alice").await;
        world.advance(301);
        let gate = Gate::closed();
        let answer = Answer::correct().held_after_acting(&gate);
        world.provider.script(|script| script.refresh.answer = answer);
        let tab = alice.clone();
        let waiting = tokio::spawn(async move { tab.get("/api/me").await });
        gate.arrived(1).await;
        assert_eq!(
            tell(&world, &token(&world, json!({"sid": sid}))).await.status,
            StatusCode::OK
        );
        gate.open();
        let page = waiting.await.unwrap();
        assert_eq!(page.problem_code(), REVOKED, "{ends:?}");
        assert!(page.set_cookies().is_empty(), "a late response brings nothing back");
        assert_eq!(stands(&alice).await, REVOKED, "{ends:?}");
        while world.fetch.count("revocation") == 0 {
            tokio::task::yield_now().await;
        }
        assert_eq!(
            world.fetch.count("revocation"),
            1,
            "{ends:?}: what arrived is taken back"
        );
    }
}

#[tokio::test]
async fn the_endpoints_do_not_exist_unless_switched_on() {
    let world = World::build(Sessions::memory(SECRET), |builder| builder);
    let (alice, sid) = sign_in(&world, "alice").await;
    let form = format!("logout_token={}", token(&world, json!({"sid": sid})));
    let answer = Raw::post(BACK).body(FORM, form).send(&world.app).await;
    assert_eq!(answer.verdict(), (404, "route_unknown".to_owned()));
    let frame = format!("/auth/frontchannel-logout?iss={PROVIDER}&sid={sid}");
    let answer = Raw::get(&frame).send(&world.app).await;
    assert_eq!(answer.verdict(), (404, "route_unknown".to_owned()));
    assert_eq!(stands(&alice).await, "200");
    assert_eq!(Code::RouteUnknown.status(), StatusCode::NOT_FOUND);
}

#[test]
fn without_anything_to_end_sessions_in_it_is_refused_at_start() {
    // attacks: J11
    let build = |sessions: Sessions, back: bool, front: bool| {
        let provider = Provider::oidc(PROVIDER, CLIENT_ID, CLIENT_SECRET);
        let builder = Doorward::builder()
            .public_url(APP)
            .provider(provider)
            .session(sessions)
            .backchannel_logout(back)
            .frontchannel_logout(front);
        builder.build().map(|_| ()).map_err(|error| error.to_string())
    };
    let cookie = || Sessions::cookie(SECRET);
    let shared = || cookie().revocation_store(MemoryStore::new());
    for (sessions, back, front, fault) in [
        (cookie(), true, false, Some("auth.backchannel_logout")),
        (cookie(), false, true, Some("auth.frontchannel_logout")),
        (cookie(), true, true, Some("auth.backchannel_logout")),
        (cookie(), false, false, None),
        (shared(), true, true, None),
        (Sessions::memory(SECRET), true, true, None),
        (
            Sessions::memory(SECRET).revocation_store(MemoryStore::new()),
            false,
            false,
            Some("session.revocation_store"),
        ),
    ] {
        match (build(sessions, back, front), fault) {
            (Ok(()), None) => {}
            (Err(error), Some(key)) => assert!(error.starts_with(key) && error.contains("expected"), "{error}"),
            (outcome, fault) => panic!("{outcome:?}, expected {fault:?}"),
        }
    }
}
