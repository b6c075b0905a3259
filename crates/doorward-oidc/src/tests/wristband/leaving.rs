//! Logout at the platform, and the way over the choice of a tenant.

use super::*;
use crate::wristband::{ConfiguredUrlError, Logout, LogoutUrlError, logout_url};

const LOGOUT: &str = "/api/v1/logout?client_id=c1";

#[test]
fn logout_host_follows_its_precedence() {
    let (custom, other) = (vouched("login.customer.com"), vouched("login.other.com"));
    let (globex, acme) = (globex(), resolved(by_hand()).tenant_host(&label("acme")).unwrap());
    let plain = Logout::default();
    let with = |application_level: bool| by_hand().application_authorization_requests(application_level);
    let subdomain = |application_level: bool| {
        by_subdomain()
            .fallback_login_url("https://app.test/start")
            .application_authorization_requests(application_level)
    };
    let choice = format!("https://{VANITY}/login?client_id=c1");
    let rows: [(_, Logout<'_>, String); 10] = [
        (
            with(false),
            Logout {
                custom_domain: Some(&custom),
                tenant: Some(&globex),
                requested_custom_domain: Some(&other),
                requested_tenant: Some(&acme),
                ..plain
            },
            format!("https://login.customer.com{LOGOUT}"),
        ),
        (
            with(false),
            Logout {
                tenant: Some(&globex),
                requested_custom_domain: Some(&other),
                requested_tenant: Some(&acme),
                ..plain
            },
            format!("https://globex-{VANITY}{LOGOUT}"),
        ),
        (
            with(false),
            Logout {
                requested_custom_domain: Some(&other),
                requested_tenant: Some(&acme),
                ..plain
            },
            format!("https://login.other.com{LOGOUT}"),
        ),
        (
            with(false),
            Logout {
                requested_tenant: Some(&acme),
                ..plain
            },
            format!("https://acme-{VANITY}{LOGOUT}"),
        ),
        (
            with(true),
            Logout {
                redirect_url: Some("https://app.test/bye?a=1"),
                state: Some("s"),
                ..plain
            },
            "https://app.test/bye?a=1".into(),
        ),
        (with(true), plain, LOGIN_URL.into()),
        (subdomain(true), plain, "https://app.test/start".into()),
        (subdomain(false), plain, choice.clone()),
        (with(false), plain, choice),
        (
            with(false).custom_application_login_page_url("https://app.test/choose?x=1"),
            plain,
            "https://app.test/choose?x=1&client_id=c1".into(),
        ),
    ];
    for (builder, logout, expected) in rows {
        assert_eq!(logout_url(&resolved(builder), logout).unwrap(), expected);
    }
}

#[test]
fn redirect_url_and_state_cannot_add_parameters_to_the_logout() {
    // weakness: R5
    let (config, globex) = (resolved(by_hand()), globex());
    let url = logout_url(
        &config,
        Logout {
            tenant: Some(&globex),
            redirect_url: Some("https://app.test/bye?a=1&client_id=evil"),
            state: Some("x&redirect_url=https://evil.test#"),
            ..Logout::default()
        },
    )
    .unwrap();
    assert_eq!(
        url,
        "https://globex-shop-acme.us.wristband.dev/api/v1/logout?client_id=c1\
         &redirect_url=https%3A%2F%2Fapp.test%2Fbye%3Fa%3D1%26client_id%3Devil\
         &state=x%26redirect_url%3Dhttps%3A%2F%2Fevil.test%23"
    );
}

#[test]
fn logout_refuses_a_long_state_and_a_redirect_url_that_is_none() {
    let (config, globex) = (resolved(by_hand()), globex());
    let (fits, long) = ("ä".repeat(512), "ä".repeat(513));
    for tenant in [Some(&globex), None] {
        for (redirect_url, state, expected) in [
            (None, Some(fits.as_str()), None),
            (None, Some(long.as_str()), Some(LogoutUrlError::StateTooLong)),
            (Some("http://localhost:6001/"), None, None),
            (
                Some("//evil.test"),
                None,
                Some(LogoutUrlError::RedirectUrl(ConfiguredUrlError::Malformed)),
            ),
            (
                Some("javascript:alert(1)"),
                None,
                Some(LogoutUrlError::RedirectUrl(ConfiguredUrlError::Malformed)),
            ),
            (
                Some("http://app.test/"),
                None,
                Some(LogoutUrlError::RedirectUrl(ConfiguredUrlError::NotHttps)),
            ),
        ] {
            let logout = Logout {
                tenant,
                redirect_url,
                state,
                ..Logout::default()
            };
            assert_eq!(logout_url(&config, logout).err(), expected, "{redirect_url:?}");
        }
    }
}

#[test]
fn return_url_cannot_break_out_of_the_page_where_a_tenant_is_chosen() {
    // weakness: R4
    let page = "https://app.test/choose?theme=a%20b&client_id=old&state=%2Fold";
    let config = resolved(by_hand().custom_application_login_page_url(page));
    assert_eq!(
        config.application_login_url(Some("/x?a=1&client_id=evil#f")),
        "https://app.test/choose?theme=a%20b&client_id=c1&state=%2Fx%3Fa%3D1%26client_id%3Devil%23f"
    );
}
