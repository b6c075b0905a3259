//! Settings that would weaken the product are refused by their key before anything is served.

use std::time::Duration;

use doorward::{BuildError, Builder, Doorward, Provider, ResponseMode, SameSite, Sessions};
use doorward_testkit::{FixedClock, RouterFetch, TokioTestTasks};

use super::support::{Meddled, Place};
use crate::support::{APP, PROVIDER, SECRET};

fn provider() -> Provider {
    Provider::oidc(PROVIDER, "app", "s3cret")
}

fn base() -> Builder {
    Doorward::builder()
        .public_url(APP)
        .provider(provider())
        .session(Sessions::cookie(SECRET))
        .fetch(RouterFetch::unreachable())
        .tasks(TokioTestTasks::new())
        .clock(FixedClock::default())
}

fn error_of(builder: Builder) -> BuildError {
    match builder.build() {
        Ok(_) => panic!("was built"),
        Err(error) => error,
    }
}

#[track_caller]
fn refused(builder: Builder, key: &str) -> String {
    let error = error_of(builder);
    assert_eq!(error.key(), key, "{error}");
    let text = error.to_string();
    assert!(text.starts_with(&format!("{key}: ")), "{text}");
    assert!(!text.ends_with('.'));
    text
}

// weakness: L18, S9
#[test]
fn what_is_missing_is_named() {
    let parts = || {
        Doorward::builder()
            .fetch(RouterFetch::unreachable())
            .tasks(TokioTestTasks::new())
    };
    refused(parts(), "server.public_url");
    refused(parts().public_url(APP).provider(provider()), "session.secrets");
    refused(
        parts().public_url(APP).session(Sessions::cookie(SECRET)),
        "provider.issuer",
    );
    assert!(base().build().is_ok());
}

#[test]
fn parameters_to_carry_are_the_applications_own() {
    for names in [
        vec![""],
        vec!["return_url"],
        vec!["tenant_name"],
        vec!["prompt"],
        vec!["a", "a"],
    ] {
        refused(base().carry_through_login(names), "auth.carry_through_login");
    }
    assert!(base().carry_through_login(["invite", "plan"]).build().is_ok());
}

#[test]
fn weak_secrets_are_refused_and_never_shown() {
    // attacks: E18
    let zeros = "0".repeat(64);
    let repeated = "abcdefgh".repeat(8);
    for secret in [
        "",
        "changeme",
        "secret",
        "0123456789abcdef",
        "this is a secret this is a secret",
        &zeros,
        &repeated,
        "passwordpasswordpasswordpassword",
        "00000000-0000-0000-0000-000000000000",
        "your-256-bit-secret-your-256-bit-secret",
        "qwertyuiopasdfghjklzxcvbnm123456",
    ] {
        let text = refused(base().session(Sessions::cookie(secret)), "session.secrets");
        assert!(secret.len() < 8 || !text.contains(secret), "{text}");
        refused(base().session(Sessions::memory(secret)), "session.secrets");
        refused(
            base().session(Sessions::cookie(SECRET).also_open_with(secret)),
            "session.secrets",
        );
    }
    for place in Place::BOTH {
        assert!(base().session(place.sessions()).build().is_ok());
    }
}

#[test]
fn public_urls_and_issuers_that_are_not_safe_are_refused() {
    // attacks: N6
    for url in [
        "http://app.example.com",
        "http://10.0.0.1",
        "http://localhost.evil.test",
        "ftp://app.example.com",
        "app.example.com",
        "",
        "https://app.example.com/path",
        "https://app.example.com?x",
        "https://app.example.com#x",
        "https://user@app.example.com",
        "https://",
        "javascript:x",
        "https://app.example.com\\@evil.test",
    ] {
        refused(base().public_url(url), "server.public_url");
    }
    for url in [
        "http://localhost:6001",
        "http://127.0.0.1",
        "http://[::1]:80",
        "https://app.example.com/",
        "https://10.0.0.1",
    ] {
        assert!(base().public_url(url).build().is_ok(), "{url}");
    }
    for issuer in [
        "http://id.example.net",
        "http://10.0.0.1",
        "id.example.net",
        "",
        "https://id.example.net?x",
        "https://id.example.net#x",
        "https://u@id.example.net",
    ] {
        let text = refused(base().provider(Provider::oidc(issuer, "app", "s")), "provider.issuer");
        if issuer.starts_with("http://id") {
            assert!(text.contains("danger_http_issuer"), "the message names the way: {text}");
        }
    }
    for issuer in ["http://localhost:6002", "http://127.0.0.1:6002"] {
        assert!(
            base().provider(Provider::oidc(issuer, "app", "s")).build().is_ok(),
            "{issuer}"
        );
    }
    assert!(
        base()
            .provider(Provider::oidc("http://id.example.net", "app", "s").danger_http_issuer())
            .build()
            .is_ok()
    );
    refused(base().provider(Provider::oidc(PROVIDER, "", "s")), "provider.client_id");
    refused(
        base().provider(provider().id_token_algorithms([])),
        "provider.id_token_algorithms",
    );
}

#[test]
fn parameters_of_the_protocol_cannot_be_configured() {
    // attacks: N6
    for name in [
        "client_id",
        "redirect_uri",
        "state",
        "nonce",
        "response_type",
        "scope",
        "code_challenge",
        "code_challenge_method",
        "request",
        "",
    ] {
        refused(
            base().provider(provider().authorize_param(name, "x")),
            "provider.authorize_params",
        );
    }
    refused(
        base().provider(provider().authorize_param("a", "x\r\ny")),
        "provider.authorize_params",
    );
    refused(base().provider(provider().scopes(["open id"])), "provider.scopes");
    assert!(
        base()
            .provider(provider().authorize_param("access_type", "offline"))
            .build()
            .is_ok()
    );
}

// weakness: S12
#[test]
fn cookies_that_browsers_would_refuse_or_share_are_refused() {
    // attacks: N6
    let http = "http://localhost:6001";
    let with = |change: fn(Sessions) -> Sessions| base().session(change(Sessions::cookie(SECRET)));
    refused(
        with(|sessions| sessions.same_site(SameSite::None)).public_url(http),
        "session.same_site",
    );
    refused(
        with(|sessions| sessions.cookie_domain("other.test")),
        "session.cookie_domain",
    );
    refused(with(|sessions| sessions.cookie_domain("com")), "session.cookie_domain");
    refused(
        with(|sessions| sessions.cookie_domain("xample.com")),
        "session.cookie_domain",
    );
    refused(with(|sessions| sessions.cookie_name("")), "session.cookie_name");
    refused(with(|sessions| sessions.cookie_name("a b")), "session.cookie_name");
    refused(with(|sessions| sessions.cookie_name("a=b;c")), "session.cookie_name");
    refused(
        with(|sessions| sessions.cookie_name("__Host-x").cookie_domain("example.com")),
        "session.cookie_name",
    );
    refused(
        with(|sessions| sessions.cookie_name("__host-x")).public_url(http),
        "session.cookie_name",
    );
    refused(
        with(|sessions| sessions.csrf_cookie_name("__Host-session")),
        "csrf.cookie_name",
    );
    refused(with(|sessions| sessions.csrf_cookie_name("a b")), "csrf.cookie_name");
    refused(with(|sessions| sessions.csrf_header_name("a b")), "csrf.header_name");
    refused(with(|sessions| sessions.csrf_header_name("")), "csrf.header_name");
    assert!(with(|sessions| sessions.cookie_domain("example.com")).build().is_ok());
    assert!(with(|sessions| sessions.same_site(SameSite::None)).build().is_ok());
}

#[test]
fn form_post_needs_https() {
    // attacks: N6
    let form_post = || provider().response_mode(ResponseMode::FormPost);
    let text = refused(
        base().public_url("http://localhost:6001").provider(form_post()),
        "provider.response_mode",
    );
    assert!(text.contains("SameSite=None") && text.contains("https"));
    assert!(base().provider(form_post()).build().is_ok());
}

#[test]
fn paths_origins_and_times_are_checked() {
    // attacks: N6
    for path in [
        "", "/", "auth", "/auth/", "//auth", "/a//b", "/a/../b", "/a b", "/{x}", "/{*x}", "/a?b", "/a#b", "/ä",
        "/a\\b", "/a%20b", "/.",
    ] {
        refused(base().base_path(path), "auth.base_path");
    }
    for path in ["/auth", "/a/b-c_1"] {
        assert!(base().base_path(path).build().is_ok());
    }
    for url in ["https://evil.test", "//evil.test", "x", "", "javascript:x", "/a\\b"] {
        refused(base().default_return_url(url), "auth.default_return_url");
        refused(base().post_logout_url(url), "auth.post_logout_url");
    }
    for origin in [
        "",
        "*",
        "https://*",
        "https://*.com",
        "spa.example.com",
        "https://spa.example.com/x",
        "null",
        "http*://x.test",
        "https://a.*.test",
    ] {
        refused(base().app_origin(origin), "server.app_origins");
    }
    assert!(
        base()
            .app_origin("https://spa.example.com")
            .default_return_url("https://spa.example.com/x")
            .build()
            .is_ok()
    );
    let timed = |change: fn(Sessions) -> Sessions| base().session(change(Sessions::cookie(SECRET)));
    refused(
        timed(|sessions| sessions.idle_timeout(Duration::ZERO)),
        "session.idle_timeout",
    );
    refused(
        timed(|sessions| sessions.absolute_timeout(Duration::from_millis(999))),
        "session.absolute_timeout",
    );
    refused(
        timed(|sessions| sessions.absolute_timeout(Duration::from_secs(401 * 86_400))),
        "session.absolute_timeout",
    );
    refused(base().tenant("a b/c"), "tenants.name");
    refused(base().tenant(""), "tenants.name");
}

#[test]
fn several_processes_without_a_store_are_warned_about() {
    let about = |auth: &Doorward| {
        auth.warnings()
            .iter()
            .any(|warning| warning.starts_with("session.store"))
    };
    assert!(about(&base().build().unwrap()));
    assert!(!about(&base().session(Sessions::memory(SECRET)).build().unwrap()));
    assert!(!about(&base().public_url("http://localhost:6001").build().unwrap()));
}

#[test]
fn a_store_that_would_keep_requests_waiting_or_never_answers_in_time_is_refused() {
    let store = Meddled::default();
    let with = |sessions: Sessions| base().session(sessions);
    let places = || {
        [
            Sessions::stored(SECRET, store.clone()),
            Sessions::cookie(SECRET).revocation_store(store.clone()),
        ]
    };
    for (milliseconds, is_taken) in [(0, false), (9, false), (10, true), (5_000, true), (5_001, false)] {
        store.takes_at_most(Duration::from_millis(milliseconds));
        for sessions in places() {
            if is_taken {
                assert!(with(sessions).build().is_ok(), "{milliseconds}");
            } else {
                refused(with(sessions), "session.store_deadline");
            }
        }
    }
}
