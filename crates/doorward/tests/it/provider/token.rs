//! A token endpoint that misbehaves.

use doorward::ports::FetchError;
use doorward::{Code, Sessions};
use doorward_testkit::{Answer, Endpoint, Gate, Script, ScriptedProvider};
use http::StatusCode;
use serde_json::{Value, json};

use super::harness::*;
use crate::support::{SECRET, World};

const INVALID: Ends = Ends::Refused(Code::ProviderResponseInvalid);
const UNAVAILABLE: Ends = Ends::Refused(Code::ProviderUnavailable);

fn answers(rows: Vec<(&'static str, Answer, Ends)>) -> impl Iterator<Item = Row> {
    rows.into_iter().map(|(name, answer, ends)| {
        let calls = if ends == Ends::SignedIn { COMPLETE } else { UNTIL_TOKEN };
        scripted(name, move |s| s.token.answer = answer.clone(), ends, calls)
    })
}

fn with(member: &'static str, value: impl Into<Value>) -> Answer {
    Answer::correct().with(member, value)
}

// attacks: C1
#[tokio::test]
async fn a_redirect_of_the_token_endpoint_is_not_followed() {
    for status in [301, 302, 303, 307, 308] {
        let world = World::new();
        let evil = ScriptedProvider::new("https://evil.example.org", world.clock.clone());
        drop(world.fetch.clone().mount("evil.example.org", evil.router()));
        world.provider.script(|s| {
            let location = "https://evil.example.org/token";
            s.token.answer = Answer::instead(status, "application/json", "{}").header("location", location);
        });
        let page = log_in(&world.browser).await;
        assert_refused(&world, &page, Code::ProviderResponseInvalid, "redirect").await;
        assert_eq!(labels(&world), UNTIL_TOKEN);
        assert_eq!(evil.requests().len(), 0);
    }
}

// attacks: C2
#[tokio::test]
async fn an_answer_that_is_no_token_response_makes_no_session() {
    check(answers(vec![
        ("html", Answer::instead(200, "text/html", "<h1>Sign in</h1>"), INVALID),
        (
            "html by type only",
            Answer::correct().header("content-type", "text/html"),
            INVALID,
        ),
        (
            "text by type only",
            Answer::correct().header("content-type", "text/plain"),
            INVALID,
        ),
        ("no type", Answer::correct().header("content-type", ""), INVALID),
        (
            "200 with an error",
            Answer::instead(200, "application/json", r#"{"error":"invalid_grant"}"#),
            INVALID,
        ),
        ("tokens and an error", with("error", "server_error"), INVALID),
        ("tokens and a null error", with("error", Value::Null), INVALID),
        ("empty", Answer::correct().raw(""), INVALID),
        ("null", Answer::correct().raw("null"), INVALID),
        (
            "a list",
            Answer::correct().edit(|body| *body = json!([body.clone()])),
            INVALID,
        ),
        (
            "form-encoded",
            Answer::instead(200, "application/x-www-form-urlencoded", "access_token=a&id_token=b"),
            INVALID,
        ),
        ("deep", Answer::correct().raw("[".repeat(100_000)), INVALID),
        (
            "no UTF-8",
            Answer::correct().raw(&b"{\"access_token\":\"\xff\"}"[..]),
            INVALID,
        ),
        (
            "two documents",
            Answer::correct().rewrite(|text| format!("{text}{text}")),
            INVALID,
        ),
        (
            "a byte order mark",
            Answer::correct().rewrite(|text| format!("\u{feff}{text}")),
            INVALID,
        ),
        ("a gzip bomb", Answer::correct().gzip_bomb(), INVALID),
        ("201", Answer::correct().status(201), INVALID),
        ("204", Answer::instead(204, "application/json", ""), INVALID),
        ("304", Answer::instead(304, "application/json", ""), INVALID),
        ("2 MB", Answer::correct().raw(vec![b' '; 2 << 20]), UNAVAILABLE),
        ("without end", Answer::correct().endless(), UNAVAILABLE),
        (
            "broken off",
            Answer::correct().cut_after("{\"access_token\":"),
            UNAVAILABLE,
        ),
        ("a reset before acting", Answer::reset(), UNAVAILABLE),
        ("a reset after acting", Answer::reset().after_acting(), UNAVAILABLE),
        ("500", Answer::error(500, "server_error"), UNAVAILABLE),
        (
            "500 in html",
            Answer::instead(500, "text/html", "<h1>oops</h1>"),
            UNAVAILABLE,
        ),
        (
            "500 after acting",
            Answer::error(500, "server_error").after_acting(),
            UNAVAILABLE,
        ),
        ("502", Answer::instead(502, "text/html", ""), UNAVAILABLE),
        (
            "503",
            Answer::error(503, "temporarily_unavailable").header("retry-after", "3"),
            UNAVAILABLE,
        ),
        (
            "429",
            Answer::error(429, "slow_down").header("retry-after", "99999999999999999999"),
            UNAVAILABLE,
        ),
        ("408", Answer::error(408, "x"), UNAVAILABLE),
        (
            "400, temporarily",
            Answer::error(400, "temporarily_unavailable"),
            UNAVAILABLE,
        ),
    ]))
    .await;
}

// attacks: C2
#[tokio::test]
async fn a_token_endpoint_out_of_reach_fails_the_login_and_the_code_is_sent_once() {
    let faults: [fn() -> FetchError; 4] = [
        || FetchError::Unreachable,
        || FetchError::Timeout,
        || FetchError::Tls,
        || FetchError::Interrupted,
    ];
    for fault in faults {
        for stored in [false, true] {
            let world = match stored {
                true => World::build(Sessions::memory(SECRET), |builder| builder),
                false => World::new(),
            };
            world.fetch.fail_next_of("token", 1, fault);
            let page = log_in(&world.browser).await;
            assert_refused(&world, &page, Code::ProviderUnavailable, "out of reach").await;
            assert_eq!(labels(&world), UNTIL_TOKEN);
            world.sign_in().await;
        }
    }
    // The code was redeemed and nobody knows: it is not presented again, which a provider takes for theft.
    let world = World::new();
    world.fetch.lose_next_answers_of("token", 1);
    let page = log_in(&world.browser).await;
    assert_refused(&world, &page, Code::ProviderUnavailable, "answer lost").await;
    assert_eq!(world.provider.count(Endpoint::Token), 1);
    world.sign_in().await;
}

#[tokio::test]
async fn a_token_endpoint_that_hangs_holds_up_its_own_login_only() {
    let world = World::new();
    world.sign_in().await;
    let gate = Gate::closed();
    world
        .provider
        .script(|s| s.token.answer = Answer::correct().held_at(&gate).times(1));
    let slow = world.browser.stranger();
    let login = tokio::spawn(async move { log_in(&slow).await });
    gate.arrived(1).await;
    assert_is(&world.browser, "alice", "while another login hangs").await;
    assert_eq!(log_in(&world.browser.stranger()).await.url.path(), "/home");
    assert!(!login.is_finished());
    gate.open();
    assert_eq!(login.await.unwrap().url.path(), "/home");
}

// attacks: C4
#[tokio::test]
async fn tokens_that_are_missing_or_of_another_kind_are_refused() {
    let long = || "a".repeat(100_000);
    check(answers(vec![
        ("no id_token", Answer::correct().without("id_token"), INVALID),
        ("id_token null", with("id_token", Value::Null), INVALID),
        ("id_token empty", with("id_token", ""), INVALID),
        (
            "id_token a list",
            Answer::correct().edit(|body| body["id_token"] = json!([body["id_token"]])),
            INVALID,
        ),
        ("id_token an object", with("id_token", json!({})), INVALID),
        ("id_token of 100 kB", with("id_token", long()), INVALID),
        (
            "id_token twice",
            Answer::correct().with_twice("id_token", "a.b.c"),
            INVALID,
        ),
        (
            "access_token twice",
            Answer::correct().with_twice("access_token", "other"),
            INVALID,
        ),
        (
            "token_type twice",
            Answer::correct().with_twice("token_type", "mac"),
            INVALID,
        ),
        ("no access_token", Answer::correct().without("access_token"), INVALID),
        ("access_token null", with("access_token", Value::Null), INVALID),
        ("access_token empty", with("access_token", ""), INVALID),
        ("access_token a number", with("access_token", 1), INVALID),
        ("access_token a list", with("access_token", json!(["a"])), INVALID),
        ("refresh_token empty", with("refresh_token", ""), INVALID),
        ("refresh_token a number", with("refresh_token", 1), INVALID),
        ("refresh_token of 100 kB", with("refresh_token", long()), INVALID),
        ("refresh_token with a space", with("refresh_token", "a b"), INVALID),
    ]))
    .await;
}

// attacks: C7
#[tokio::test]
async fn an_access_token_that_does_not_fit_into_a_header_is_refused() {
    check(answers(vec![
        ("100 kB", with("access_token", "a".repeat(100_000)), INVALID),
        ("CR LF", with("access_token", "a\r\nset-cookie: x=y"), INVALID),
        ("a space", with("access_token", "a b"), INVALID),
        ("a tab", with("access_token", "a\tb"), INVALID),
        ("NUL", with("access_token", "a\0"), INVALID),
        ("beyond ASCII", with("access_token", "ä"), INVALID),
    ]))
    .await;
}

// attacks: C5
#[tokio::test]
async fn only_bearer_tokens_are_taken_in_any_letter_case() {
    check(answers(vec![
        ("absent", Answer::correct().without("token_type"), INVALID),
        ("null", with("token_type", Value::Null), INVALID),
        ("empty", with("token_type", ""), INVALID),
        ("mac", with("token_type", "mac"), INVALID),
        ("DPoP", with("token_type", "DPoP"), INVALID),
        ("N_A", with("token_type", "N_A"), INVALID),
        ("a space behind", with("token_type", "Bearer "), INVALID),
        ("a list", with("token_type", json!(["Bearer"])), INVALID),
        ("bearer", with("token_type", "bearer"), Ends::SignedIn),
        ("BEARER", with("token_type", "BEARER"), Ends::SignedIn),
        ("bEARER", with("token_type", "bEARER"), Ends::SignedIn),
    ]))
    .await;
}

// attacks: C6
#[tokio::test]
async fn a_lifetime_is_a_number_or_absent() {
    check(answers(vec![
        ("text", with("expires_in", "3600"), INVALID),
        ("empty text", with("expires_in", ""), INVALID),
        ("-1", with("expires_in", -1), INVALID),
        ("1e12", with("expires_in", 1e12), INVALID),
        (
            "2^64",
            Answer::correct().rewrite(|text| text.replace("\"expires_in\":300", "\"expires_in\":18446744073709551616")),
            INVALID,
        ),
        (
            "1e400",
            Answer::correct().rewrite(|text| text.replace("\"expires_in\":300", "\"expires_in\":1e400")),
            INVALID,
        ),
        ("true", with("expires_in", true), INVALID),
        ("a list", with("expires_in", json!([300])), INVALID),
        ("3600.5", with("expires_in", 3600.5), Ends::SignedIn),
        ("absent", Answer::correct().without("expires_in"), Ends::SignedIn),
        ("null", with("expires_in", Value::Null), Ends::SignedIn),
    ]))
    .await;
}

// attacks: C6
#[tokio::test]
async fn a_token_that_is_already_over_makes_a_session_that_is_renewed_at_once() {
    let world = World::new();
    world.provider.script(|s| s.token.expires_in = 0);
    world.browser.visit_following("/auth/login?return_url=/home").await;
    assert_is(&world.browser, "alice", "renewed at once").await;
    assert_eq!(world.provider.token_calls("refresh_token"), 1);
    // Where nothing can renew it there is no session; one that begins over would send a browser in circles.
    let dead = |s: &mut Script| {
        s.token.expires_in = 0;
        s.issue_refresh_tokens = false;
    };
    check([scripted("over and nothing to renew it", dead, INVALID, COMPLETE)]).await;
    let world = World::new();
    world.provider.script(dead);
    let page = world.browser.visit_following("/page").await;
    assert_refused(
        &world,
        &page,
        Code::ProviderResponseInvalid,
        "from a page that sends to login",
    )
    .await;
    let world = World::build(Sessions::cookie(SECRET).outlive_access_token(true), |builder| builder);
    world.provider.script(dead);
    let page = world.browser.visit_following("/page").await;
    assert_eq!((page.status, page.url.path()), (StatusCode::OK, "/page"));
}

// attacks: C6
#[tokio::test]
async fn an_unsaid_lifetime_is_an_hour() {
    let world = World::new();
    world.provider.script(|s| {
        s.token.answer = Answer::correct().without("expires_in");
        s.issue_refresh_tokens = false;
    });
    world.sign_in().await;
    world.advance(1_800);
    assert_is(&world.browser, "alice", "half an hour").await;
    world.advance(1_799);
    assert_is(&world.browser, "alice", "within the hour").await;
    world.advance(1);
    assert_eq!(world.browser.get("/api/me").await.problem_code(), "session_expired");
}

// attacks: C8
#[tokio::test]
async fn without_a_refresh_token_the_session_ends_with_its_access_token() {
    for script in [
        (|world: &World| world.provider.script(|s| s.issue_refresh_tokens = false)) as fn(&World),
        |world| {
            world
                .provider
                .script(|s| s.token.answer = with("refresh_token", Value::Null))
        },
    ] {
        let world = World::new();
        script(&world);
        world.sign_in().await;
        world.advance(299);
        assert_is(&world.browser, "alice", "before its end").await;
        world.advance(1);
        let refused = world.browser.get("/api/me").await;
        assert_eq!(
            (refused.status, refused.problem_code().as_str()),
            (StatusCode::UNAUTHORIZED, "session_expired")
        );
        assert_eq!(world.provider.token_calls("refresh_token"), 0);
    }
}

// attacks: C9
#[tokio::test]
async fn the_scopes_of_a_session_are_those_granted() {
    let cases = [
        (
            "as asked where nothing is said",
            None,
            Some(vec!["openid", "offline_access", "email"]),
        ),
        ("narrower", Some(json!("openid email")), Some(vec!["openid", "email"])),
        ("none", Some(json!("")), Some(vec![])),
        (
            "wider",
            Some(json!("openid email admin")),
            Some(vec!["openid", "email", "admin"]),
        ),
        ("a list", Some(json!(["openid"])), None),
        ("with a line break", Some(json!("openid\nadmin")), None),
        ("5 kB", Some(json!("s".repeat(5_000))), None),
    ];
    for (name, scope, expected) in cases {
        let world = World::with(|builder| builder.session_metadata(|session| json!({"scopes": session.scopes()})));
        world.provider.script(|s| {
            s.token.answer = match scope {
                Some(scope) => with("scope", scope),
                None => Answer::correct().without("scope"),
            };
        });
        let page = log_in(&world.browser).await;
        match expected {
            Some(expected) => {
                assert_signed_in(&world, &page, name).await;
                let session: Value = world.browser.get("/auth/session").await.json();
                assert_eq!(session["metadata"]["scopes"], json!(expected), "{name}");
            }
            None => assert_refused(&world, &page, Code::ProviderResponseInvalid, name).await,
        }
    }
}

// attacks: C10
#[tokio::test]
async fn a_refusal_of_our_client_or_of_the_code_fails_the_login() {
    check(answers(vec![
        (
            "invalid_client",
            Answer::error(401, "invalid_client").header("www-authenticate", "Basic realm=\"x\""),
            INVALID,
        ),
        (
            "unauthorized_client",
            Answer::error(400, "unauthorized_client"),
            INVALID,
        ),
        ("invalid_grant", Answer::error(400, "invalid_grant"), INVALID),
        ("invalid_request", Answer::error(400, "invalid_request"), INVALID),
        (
            "use_dpop_nonce",
            Answer::error(400, "use_dpop_nonce").header("dpop-nonce", "n"),
            INVALID,
        ),
        (
            "an unknown error",
            Answer::error(400, "<script>alert(1)</script>"),
            INVALID,
        ),
        (
            "an error that is no text",
            Answer::instead(400, "application/json", r#"{"error":{"a":1}}"#),
            INVALID,
        ),
        (
            "403 in html",
            Answer::instead(403, "text/html", "<h1>blocked</h1>"),
            INVALID,
        ),
        ("404", Answer::instead(404, "text/html", ""), INVALID),
    ]))
    .await;
}

// attacks: C3
#[tokio::test]
async fn json_that_is_almost_right_is_wrong() {
    let spoil: [(&str, fn(String) -> String); 9] = [
        ("a comma too many", |text| text.replacen('}', ",}", 1)),
        ("single quotes", |text| text.replace('"', "'")),
        ("a comment", |text| format!("/* tokens */{text}")),
        ("NaN", |text| text.replace(":300", ":NaN")),
        ("a leading zero", |text| text.replace(":300", ":0300")),
        ("a hexadecimal number", |text| text.replace(":300", ":0x12c")),
        ("a lone surrogate", |text| text.replacen('{', "{\"a\":\"\\ud800\",", 1)),
        ("a raw line break in text", |text| {
            text.replacen('{', "{\"a\":\"\n\",", 1)
        }),
        ("an unclosed object", |text| text.trim_end_matches('}').to_owned()),
    ];
    check(spoil.map(|(name, spoil)| {
        scripted(
            name,
            move |s| s.token.answer = Answer::correct().rewrite(spoil),
            INVALID,
            UNTIL_TOKEN,
        )
    }))
    .await;
}

#[tokio::test]
async fn the_verifier_that_is_sent_belongs_to_the_challenge_and_is_new_each_time() {
    let world = World::new();
    let mut seen = Vec::new();
    for _ in 0..3 {
        let begun = world.browser.visit("/auth/login").await;
        let asked = begun.location().unwrap();
        let page = world.browser.follow(&begun).await;
        world.browser.follow(&page).await;
        let sent = world.provider.requests_to(Endpoint::Token).pop().unwrap();
        // The provider has compared verifier and challenge; here, that nothing of it was in the browser's hands.
        let verifier = sent.param("code_verifier").unwrap();
        assert!(!asked.as_str().contains(&verifier));
        assert_ne!(query(&asked, "code_challenge").unwrap(), verifier);
        assert_eq!(sent.param("redirect_uri"), query(&asked, "redirect_uri"));
        for value in [
            verifier,
            query(&asked, "state").unwrap(),
            query(&asked, "nonce").unwrap(),
        ] {
            assert_eq!(value.len(), 43, "256 bits");
            assert!(!seen.contains(&value), "used before");
            seen.push(value);
        }
    }
    // And the provider would have noticed another one.
    world.provider.script(|s| s.token.answer = Answer::correct());
    assert_eq!(world.provider.token_calls("authorization_code"), 3);
}
