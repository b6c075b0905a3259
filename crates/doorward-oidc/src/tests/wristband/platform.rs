//! Endpoints and hosts, and that nothing from outside moves them.

use doorward_crypto::{Algorithm, SecretString};

use super::*;
use crate::tests::support::{CountingRandom, NOW, client};
use crate::wristband::{HostError, TenantSeparator};
use crate::{Reach, jwks_request, refresh_request, revocation_request, userinfo_request};

#[test]
fn endpoints_are_at_the_application_host_and_authorization_and_logout_at_the_tenants() {
    let (platform, host) = (platform(), globex());
    let metadata = platform.metadata_at(&host);
    let app = "https://shop-acme.us.wristband.dev";
    let tenant = "https://globex-shop-acme.us.wristband.dev";
    assert_eq!(metadata.issuer().as_str(), app);
    for (endpoint, expected) in [
        (
            Some(metadata.authorization_endpoint()),
            format!("{tenant}/api/v1/oauth2/authorize"),
        ),
        (Some(metadata.token_endpoint()), format!("{app}/api/v1/oauth2/token")),
        (Some(metadata.jwks_uri()), format!("{app}/api/v1/oauth2/jwks")),
        (metadata.userinfo_endpoint(), format!("{app}/api/v1/oauth2/userinfo")),
        (metadata.revocation_endpoint(), format!("{app}/api/v1/oauth2/revoke")),
        (Some(host.logout_endpoint()), format!("{tenant}/api/v1/logout")),
        (Some(platform.application_login_page()), format!("{app}/login")),
        (
            Some(platform.metadata().authorization_endpoint()),
            format!("{app}/api/v1/oauth2/authorize"),
        ),
    ] {
        assert_eq!(endpoint.unwrap().as_str(), expected);
    }
    assert_eq!(metadata.id_token_algorithms(), [Algorithm::Rs256]);
    assert!(metadata.end_session_endpoint().is_none());
    assert_eq!(metadata.scopes_supported(), None, "offline_access is asked for");
}

#[test]
fn requests_of_every_provider_go_to_the_platform_unchanged() {
    let (metadata, random) = (platform().metadata_at(&globex()), CountingRandom::default());
    let token = SecretString::new("rt+with&odd=%characters");
    for (outbound, path) in [
        (jwks_request(&metadata), "/api/v1/oauth2/jwks"),
        (userinfo_request(&metadata, &token).unwrap(), "/api/v1/oauth2/userinfo"),
        (
            refresh_request(&token, &metadata, &client(), NOW, &random).unwrap(),
            "/api/v1/oauth2/token",
        ),
        (
            revocation_request(&metadata, &client(), &token, NOW, &random).unwrap(),
            "/api/v1/oauth2/revoke",
        ),
    ] {
        assert_eq!(outbound.request.uri().host(), Some(VANITY));
        assert_eq!(outbound.request.uri().path(), path);
        assert_eq!(outbound.reach, Reach::Any);
    }
    let outbound = refresh_request(&token, &metadata, &client(), NOW, &random).unwrap();
    let body = std::str::from_utf8(outbound.request.body()).unwrap();
    // weakness: L24
    assert_eq!(
        body,
        "grant_type=refresh_token&refresh_token=rt%2Bwith%26odd%3D%25characters"
    );
}

#[test]
fn separator_follows_the_applications_custom_domain() {
    for (separator, expected) in [
        (TenantSeparator::Hyphen, "globex-shop-acme.us.wristband.dev"),
        (TenantSeparator::Dot, "globex.shop-acme.us.wristband.dev"),
    ] {
        let host = platform().tenant_host(&label("Globex"), separator).unwrap();
        assert_eq!(host.authority(), expected);
        assert_eq!(host.label(), Some(&label("globex")));
    }
    let active = resolved(by_hand().application_custom_domain_active(true));
    assert_eq!(
        active.tenant_host(&label("t")).unwrap().authority(),
        format!("t.{VANITY}")
    );
}

#[test]
fn tenant_and_application_that_make_no_label_together_are_refused() {
    let long = label(&"a".repeat(60));
    assert_eq!(
        platform().tenant_host(&long, TenantSeparator::Hyphen),
        Err(HostError::Label)
    );
    assert!(platform().tenant_host(&long, TenantSeparator::Dot).is_ok());
}

#[test]
fn tenant_hosts_keep_scheme_and_port_of_a_platform_on_loopback() {
    let platform = Platform::new("app.localhost:6002", PlatformScheme::HttpOnLoopback).unwrap();
    let host = platform.tenant_host(&label("acme"), TenantSeparator::Hyphen).unwrap();
    assert_eq!(
        host.authorize_endpoint().as_str(),
        "http://acme-app.localhost:6002/api/v1/oauth2/authorize"
    );
    for (domain, expected) in [
        ("login-acme.localhost:6002", "login-acme.localhost:6002"),
        ("login-acme.localhost", "login-acme.localhost:6002"),
        ("login-acme.localhost:7000", "login-acme.localhost:7000"),
    ] {
        assert_eq!(platform.custom_domain(domain).unwrap().authority(), expected);
    }
    assert_eq!(platform.custom_domain("login.acme.test"), Err(HostError::Local));
}

#[test]
fn custom_domain_from_a_query_is_no_host_until_somebody_vouches_for_it() {
    // weakness: R2
    // A `CustomDomain` has no endpoints: only `vouched_for` and the platform's verdict make the `TenantHost` that
    // `metadata_at` and `logout_url` take. What is no public host name does not even become a `CustomDomain`.
    for (text, expected) in [
        ("login.customer.com", None),
        ("LOGIN.customer.com", None),
        ("evil.com/", Some(HostError::Label)),
        ("evil.com?", Some(HostError::Label)),
        ("evil.com#", Some(HostError::Label)),
        ("evil.com\\@customer.com", Some(HostError::Label)),
        ("customer.com@evil.com", Some(HostError::Label)),
        ("https://evil.com", Some(HostError::Scheme)),
        ("evil.com:8443", Some(HostError::Port)),
        ("evil.com.", Some(HostError::Label)),
        ("169.254.169.254", Some(HostError::Address)),
        ("2130706433", Some(HostError::Address)),
        ("[::1]", Some(HostError::Label)),
        ("localhost", Some(HostError::Local)),
        ("app.localhost", Some(HostError::Local)),
        ("evil%2ecom", Some(HostError::Label)),
        ("evil。com", Some(HostError::Label)),
    ] {
        assert_eq!(platform().custom_domain(text).err(), expected, "{text:?}");
    }
}

#[test]
fn empty_custom_domain_is_no_host() {
    // weakness: R6
    for text in ["", " ", ".", ":"] {
        assert!(platform().custom_domain(text).is_err(), "{text:?}");
    }
}
