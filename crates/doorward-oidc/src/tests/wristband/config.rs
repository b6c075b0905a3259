//! Configuration by hand: every field, and every refusal with the field's name.

use std::time::Duration;

use super::*;
use crate::tests::support::shown;
use crate::wristband::{TenantSeparator, WristbandConfigError};

fn check(builder: WristbandConfigBuilder, expected: &str) {
    assert_eq!(shown(&builder.build()), expected);
}

#[test]
fn configuration_that_cannot_work_is_refused_with_the_name_of_its_field() {
    type Builder = WristbandConfig;
    check(Builder::builder(VANITY, "", "s"), r#"Blank("client_id")"#);
    check(Builder::builder(VANITY, "c1", " "), r#"Blank("client_secret")"#);
    check(Builder::builder("", "c1", "s"), r#"Blank("vanity_domain")"#);
    for client_id in ["a b", "ä", "..", ".", "a\n"] {
        check(Builder::builder(VANITY, client_id, "s"), "ClientId");
    }
    check(Builder::builder(VANITY, "c".repeat(256), "s"), "ClientId");
    // weakness: C5
    check(
        Builder::builder("https://shop-acme.us.wristband.dev", "c1", "s"),
        r#"Domain { field: "vanity_domain", reason: Scheme }"#,
    );
    check(
        builder().scheme(PlatformScheme::HttpOnLoopback),
        r#"Domain { field: "vanity_domain", reason: NotLoopback }"#,
    );
    check(
        builder().parse_tenant_from_root_domain("app.test:443"),
        r#"Domain { field: "parse_tenant_from_root_domain", reason: Port }"#,
    );
    check(
        by_hand().login_url("/login"),
        r#"Url { field: "login_url", reason: Malformed }"#,
    );
    check(
        by_hand().redirect_uri("http://app.test/callback"),
        r#"Url { field: "redirect_uri", reason: NotHttps }"#,
    );
    check(
        by_hand().custom_application_login_page_url("app.test/choose"),
        r#"Url { field: "custom_application_login_page_url", reason: Malformed }"#,
    );
    check(
        by_hand().fallback_login_url("https://{tenant_name}.app.test/login"),
        r#"Url { field: "fallback_login_url", reason: Placeholder }"#,
    );
    check(by_hand().scopes(["open id"]), r#"Scope("open id")"#);
    check(by_hand().login_url(" "), r#"Missing("login_url")"#);
    check(by_hand().redirect_uri(""), r#"Missing("redirect_uri")"#);
}

#[test]
fn placeholder_and_root_domain_go_together() {
    let (plain, templated) = ("https://app.test/x", "https://{tenant_name}.app.test/x");
    for (auto, root, login, redirect, expected) in [
        (false, None, Some(plain), Some(plain), "accepted"),
        (false, Some("app.test"), Some(templated), Some(templated), "accepted"),
        (
            false,
            Some("app.test"),
            Some(plain),
            Some(templated),
            r#"PlaceholderMissing("login_url")"#,
        ),
        (
            false,
            Some("app.test"),
            Some(templated),
            Some(plain),
            r#"PlaceholderMissing("redirect_uri")"#,
        ),
        (
            false,
            None,
            Some(templated),
            Some(plain),
            r#"PlaceholderForbidden("login_url")"#,
        ),
        (
            false,
            None,
            Some(plain),
            Some(templated),
            r#"PlaceholderForbidden("redirect_uri")"#,
        ),
        (false, Some(" "), Some(plain), Some(plain), "accepted"),
        // What auto-configuration may still decide is not judged yet; what it cannot change is.
        (true, None, None, None, "accepted"),
        (true, None, Some(plain), Some(plain), "accepted"),
        (true, None, Some(templated), None, "accepted"),
        (true, Some("app.test"), Some(templated), None, "accepted"),
        (
            true,
            Some("app.test"),
            Some(plain),
            None,
            r#"PlaceholderMissing("login_url")"#,
        ),
        (
            true,
            Some("app.test"),
            None,
            Some(plain),
            r#"PlaceholderMissing("redirect_uri")"#,
        ),
    ] {
        let mut builder = builder().auto_configure(auto);
        if let Some(root) = root {
            builder = builder.parse_tenant_from_root_domain(root);
        }
        if let Some(login) = login {
            builder = builder.login_url(login);
        }
        if let Some(redirect) = redirect {
            builder = builder.redirect_uri(redirect);
        }
        check(builder, expected);
    }
}

#[test]
fn login_url_with_placeholder_is_not_refused_before_the_root_domain_is_known() {
    // weakness: C4
    let config = builder().login_url("https://{tenant_name}.app.test/login").build();
    assert!(config.is_ok());
}

#[test]
fn fallback_login_url_is_needed_where_application_requests_meet_a_placeholder() {
    check(
        by_subdomain().application_authorization_requests(true),
        "FallbackMissing",
    );
    let with = by_subdomain().application_authorization_requests(true);
    check(with.fallback_login_url("https://app.test/login"), "accepted");
    check(by_subdomain().application_authorization_requests(false), "accepted");
    check(by_hand().application_authorization_requests(true), "accepted");
}

#[test]
fn defaults_are_those_of_the_platform() {
    let config = by_hand().build().unwrap();
    assert_eq!(
        config.authorize_settings().scopes,
        ["openid", "offline_access", "email"]
    );
    assert_eq!(config.token_expiration_buffer(), Duration::from_secs(60));
    assert_eq!(config.client().authentication.method(), "client_secret_basic");
    assert!(builder().build().unwrap().auto_configures());
    assert!(!config.auto_configures());
    let none: [&str; 0] = [];
    let config = by_hand().scopes(none).build().unwrap();
    assert_eq!(config.authorize_settings().scopes.len(), 3);
    let config = by_hand()
        .scopes(["openid", "roles"])
        .token_expiration_buffer(Duration::ZERO)
        .build();
    let config = config.unwrap();
    assert_eq!(config.authorize_settings().scopes, ["openid", "roles"]);
    assert_eq!(config.token_expiration_buffer(), Duration::ZERO);
    let resolved = resolved(by_hand());
    assert_eq!(
        resolved.application_login_page().as_str(),
        "https://shop-acme.us.wristband.dev/login"
    );
    assert!(!resolved.sends_application_authorization_requests());
    assert_eq!(resolved.separator(), TenantSeparator::Hyphen);
}

#[test]
fn error_texts_name_the_field_and_hide_the_secret() {
    let texts = [
        (WristbandConfigError::Blank("client_id"), "client_id must have a value"),
        (
            WristbandConfigError::PlaceholderMissing("login_url"),
            "login_url must contain {tenant_name}, since parse_tenant_from_root_domain is set",
        ),
    ];
    for (error, text) in texts {
        assert_eq!(error.to_string(), text);
    }
    let builder = by_hand();
    let config = builder.clone().build().unwrap();
    assert!(!format!("{builder:?} {config:?}").contains("the-client-secret"));
}
