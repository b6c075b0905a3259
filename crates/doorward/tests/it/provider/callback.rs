//! What a browser may bring back from the provider, and what it may not.

use doorward::Code;
use doorward_testkit::Endpoint;
use http::{Method, StatusCode};

use super::harness::*;
use crate::support::{APP, PROVIDER, World};

type Pairs = Vec<(String, String)>;

fn set(name: &'static str, value: impl Into<String>) -> impl Fn(&mut Pairs) {
    let value = value.into();
    move |pairs| {
        pairs.retain(|(other, _)| other != name);
        pairs.push((name.to_owned(), value.clone()));
    }
}

fn remove(name: &'static str) -> impl Fn(&mut Pairs) {
    move |pairs| pairs.retain(|(other, _)| other != name)
}

fn again(name: &'static str, value: &'static str, first: bool) -> impl Fn(&mut Pairs) {
    move |pairs| {
        let at = if first { 0 } else { pairs.len() };
        pairs.insert(at, (name.to_owned(), value.to_owned()));
    }
}

fn map(name: &'static str, change: fn(&str) -> String) -> impl Fn(&mut Pairs) {
    move |pairs| {
        for (_, value) in pairs.iter_mut().filter(|(other, _)| other == name) {
            *value = change(value);
        }
    }
}

fn flip_a_bit(text: &str) -> String {
    let mut bytes = text.as_bytes().to_vec();
    bytes[7] = if bytes[7] == b'A' { b'B' } else { b'A' };
    String::from_utf8(bytes).unwrap()
}

/// Whether the login can still be completed by the right answer.
#[derive(PartialEq, Clone, Copy, Debug)]
enum Login {
    Pending,
    UsedUp,
}

type Case = (&'static str, Box<dyn Fn(&mut Pairs)>, Code, Login);

fn case(name: &'static str, change: impl Fn(&mut Pairs) + 'static, code: Code, login: Login) -> Case {
    (name, Box::new(change), code, login)
}

/// Each answer is refused without a token call, and the right answer afterwards finds the login as told.
async fn check_answers(cases: Vec<Case>) {
    for (name, change, code, login) in cases {
        let world = World::new();
        let right = answered(&world.browser, "/auth/login?return_url=/home").await;
        let right = right.location().unwrap();
        let page = arrive(&world.browser, &with_query(&right, change)).await;
        assert_refused(&world, &page, code, name).await;
        assert_eq!(labels(&world), ["discovery"], "{name}");

        let page = arrive(&world.browser, &right).await;
        match login {
            Login::Pending => assert_eq!(
                page.location().map(|url| url.to_string()),
                Some(format!("{APP}/home")),
                "{name}"
            ),
            Login::UsedUp => assert_refused(&world, &page, Code::LoginMissing, name).await,
        }
    }
}

// attacks: B2, B3, B11, B13, B19
#[tokio::test]
async fn an_answer_that_is_not_the_one_to_our_question_makes_no_token_call() {
    check_answers(vec![
        case("no state", remove("state"), Code::StateMismatch, Login::Pending),
        case("empty state", set("state", ""), Code::StateMismatch, Login::Pending),
        case("other state", set("state", "AAAA"), Code::StateMismatch, Login::Pending),
        case(
            "state, a bit flipped",
            map("state", flip_a_bit),
            Code::StateMismatch,
            Login::Pending,
        ),
        case(
            "state in upper case",
            map("state", str::to_uppercase),
            Code::StateMismatch,
            Login::Pending,
        ),
        case(
            "state and a space",
            map("state", |state| format!("{state} ")),
            Code::StateMismatch,
            Login::Pending,
        ),
        case(
            "state, cut",
            map("state", |state| state[..42].to_owned()),
            Code::StateMismatch,
            Login::Pending,
        ),
        case(
            "60 kB of state",
            set("state", "a".repeat(60_000)),
            Code::StateMismatch,
            Login::Pending,
        ),
        case(
            "state twice, wrong first",
            again("state", "AAAA", true),
            Code::RequestMalformed,
            Login::Pending,
        ),
        case(
            "state twice, right first",
            again("state", "AAAA", false),
            Code::RequestMalformed,
            Login::Pending,
        ),
        case(
            "code twice, wrong first",
            again("code", "AAAA", true),
            Code::RequestMalformed,
            Login::Pending,
        ),
        case(
            "code twice, right first",
            again("code", "AAAA", false),
            Code::RequestMalformed,
            Login::Pending,
        ),
        case(
            "iss twice, wrong first",
            again("iss", "https://evil.example.org", true),
            Code::RequestMalformed,
            Login::Pending,
        ),
        case(
            "iss twice, the same",
            again("iss", PROVIDER, false),
            Code::RequestMalformed,
            Login::Pending,
        ),
        case("no iss", remove("iss"), Code::IssuerMismatch, Login::UsedUp),
        case("empty iss", set("iss", ""), Code::IssuerMismatch, Login::UsedUp),
        case(
            "other iss",
            set("iss", "https://evil.example.org"),
            Code::IssuerMismatch,
            Login::UsedUp,
        ),
        case(
            "iss with a slash",
            set("iss", format!("{PROVIDER}/")),
            Code::IssuerMismatch,
            Login::UsedUp,
        ),
        case(
            "iss in upper case",
            set("iss", PROVIDER.to_uppercase()),
            Code::IssuerMismatch,
            Login::UsedUp,
        ),
        case(
            "iss of a path",
            set("iss", format!("{PROVIDER}/t2")),
            Code::IssuerMismatch,
            Login::UsedUp,
        ),
        case("no code", remove("code"), Code::RequestMalformed, Login::UsedUp),
        case("empty code", set("code", ""), Code::RequestMalformed, Login::UsedUp),
        case(
            "60 kB of code",
            set("code", "a".repeat(60_000)),
            Code::RequestMalformed,
            Login::UsedUp,
        ),
        case(
            "a code with a line break",
            set("code", "a\r\nb"),
            Code::RequestMalformed,
            Login::UsedUp,
        ),
        case(
            "a code beyond ASCII",
            set("code", "ä"),
            Code::RequestMalformed,
            Login::UsedUp,
        ),
        case(
            "a code with NUL",
            set("code", "a\0"),
            Code::RequestMalformed,
            Login::Pending,
        ),
        case(
            "error and code",
            again("error", "access_denied", false),
            Code::LoginDenied,
            Login::UsedUp,
        ),
        case(
            "error and code, wrong iss",
            |pairs| {
                again("error", "access_denied", false)(pairs);
                set("iss", "https://evil.example.org")(pairs);
            },
            Code::IssuerMismatch,
            Login::UsedUp,
        ),
        case(
            "an empty error and a code",
            again("error", "", false),
            Code::LoginDenied,
            Login::UsedUp,
        ),
        case(
            "error twice",
            |pairs| {
                again("error", "access_denied", false)(pairs);
                again("error", "login_required", false)(pairs);
            },
            Code::RequestMalformed,
            Login::Pending,
        ),
        case(
            "1,000 parameters",
            |pairs| {
                pairs.extend((0..1_000).map(|at| (format!("p{at}"), String::new())));
            },
            Code::RequestMalformed,
            Login::Pending,
        ),
        case("nothing", Vec::clear, Code::StateMismatch, Login::Pending),
    ])
    .await;
}

// attacks: B19
#[tokio::test]
async fn an_answer_that_is_no_text_is_malformed() {
    for raw in ["%zz", "%", "%2", "%ff%fe", "%00", "%c0%af", "state=%ed%a0%80"] {
        let world = World::new();
        let answer = answered(&world.browser, "/auth/login").await;
        let mut callback = answer.location().unwrap();
        let query = format!("{}&x={raw}", callback.query().unwrap());
        callback.set_query(Some(&query));
        let page = arrive(&world.browser, &callback).await;
        assert_refused(&world, &page, Code::RequestMalformed, raw).await;
        assert_eq!(world.provider.count(Endpoint::Token), 0);
    }
}

#[tokio::test]
async fn parameters_that_nobody_asked_for_change_nothing() {
    let world = World::new();
    let answer = answered(&world.browser, "/auth/login?return_url=/home").await;
    let callback = with_query(&answer.location().unwrap(), |pairs| {
        for (name, value) in [
            ("session_state", "x".repeat(30_000)),
            ("scope", "openid admin".to_owned()),
            ("access_token", "stolen".to_owned()),
            ("id_token", "a.b.c".to_owned()),
            ("return_url", "https://evil.example.org/".to_owned()),
            ("redirect_uri", "https://evil.example.org/".to_owned()),
            ("code_verifier", "a".repeat(43)),
        ] {
            pairs.push((name.to_owned(), value));
        }
    });
    let page = arrive(&world.browser, &callback).await;
    let page = world.browser.follow_all(page).await;
    assert_signed_in(&world, &page, "further parameters").await;
}

// attacks: B10
#[tokio::test]
async fn a_refusal_of_the_provider_is_told_in_our_words_and_nothing_of_it_is_shown() {
    for error in [
        "access_denied",
        "server_error",
        "temporarily_unavailable",
        "login_required",
        "unmet_authentication_requirements",
        "invalid_request",
        "<script>alert(1)</script>",
        "\u{202e}desrever",
    ] {
        let world = World::new();
        world.provider.script(|s| {
            let error = error.to_owned();
            s.authorization.edit(move |params| {
                params.retain(|(name, _)| name != "code");
                params.push(("error".into(), error.clone()));
                params.push((
                    "error_description".into(),
                    "<script>alert(1)</script>Call 555-1234".into(),
                ));
                params.push(("error_uri".into(), "javascript:alert(1)".into()));
            });
        });
        let page = log_in(&world.browser).await;
        assert_refused(&world, &page, Code::LoginDenied, error).await;
        let text = page.text();
        for reflected in [error, "<script", "555-1234", "javascript:", "alert("] {
            assert!(!text.contains(reflected), "{error}: {reflected} in {text}");
        }
        assert_eq!(labels(&world), ["discovery"]);
    }
}

// attacks: B1, B18
#[tokio::test]
async fn a_callback_that_no_login_began_is_refused_with_a_way_to_login() {
    let world = World::new();
    for callback in [
        "/auth/callback".to_owned(),
        "/auth/callback?".to_owned(),
        "/auth/callback?code=x".to_owned(),
        "/auth/callback?error=access_denied".to_owned(),
        "/auth/callback?state=AAAA&code=x".to_owned(),
        format!("/auth/callback?state=AAAA&code=x&iss={PROVIDER}"),
        "/auth/callback?state=&error=login_required".to_owned(),
        "/auth/callback#state=AAAA&code=x".to_owned(),
    ] {
        let page = world.browser.visit(&callback).await;
        assert_refused(&world, &page, Code::LoginMissing, &callback).await;
        assert!(page.text().contains(&format!("href=\"{APP}/auth/login\"")));
    }
    assert!(labels(&world).is_empty(), "nothing was asked of the provider");
}

// attacks: B18
#[tokio::test]
async fn an_answer_in_the_fragment_reaches_nobody() {
    let world = World::new();
    world
        .provider
        .script(|s| s.authorization.delivery = doorward_testkit::Delivery::Fragment);
    let page = log_in(&world.browser).await;
    assert_refused(&world, &page, Code::StateMismatch, "fragment").await;
    assert_eq!(labels(&world), ["discovery"]);
}

// attacks: B16
#[tokio::test]
async fn other_methods_are_not_allowed_and_use_nothing_up() {
    let world = World::new();
    let answer = answered(&world.browser, "/auth/login?return_url=/home").await;
    let callback = answer.location().unwrap();
    for method in [Method::HEAD, Method::PUT, Method::DELETE, Method::PATCH, Method::TRACE] {
        let request = world.browser.request(method.clone(), callback.as_str());
        let page = request.navigation().typed().send().await;
        assert_eq!(page.status, StatusCode::METHOD_NOT_ALLOWED, "{method}");
        assert_eq!(page.header("allow"), Some("GET, POST"));
        assert_eq!(page.set_cookies(), [""; 0]);
    }
    for path in ["/auth/login", "/auth/login?prompt=none"] {
        for method in [Method::HEAD, Method::POST, Method::PUT] {
            let page = world.browser.request(method.clone(), path).navigation().send().await;
            assert_eq!(page.status, StatusCode::METHOD_NOT_ALLOWED, "{method} {path}");
        }
    }
    assert_eq!(world.provider.count(Endpoint::Token), 0);
    let page = arrive(&world.browser, &callback).await;
    let page = world.browser.follow_all(page).await;
    assert_signed_in(&world, &page, "after other methods").await;
}
