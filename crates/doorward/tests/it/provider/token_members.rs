//! What a token response may say, member by member.

use doorward::{Code, Sessions};
use doorward_testkit::{Answer, Script};
use http::StatusCode;
use serde_json::{Value, json};

use super::harness::*;
use super::token::answers;
use crate::support::{SECRET, World};

const INVALID: Ends = Ends::Refused(Code::ProviderResponseInvalid);

fn with(member: &'static str, value: impl Into<Value>) -> Answer {
    Answer::correct().with(member, value)
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
// weakness: L3
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
// weakness: L14
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
