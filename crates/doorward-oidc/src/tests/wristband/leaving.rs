//! Logout at the platform, and the way back to the login endpoint.

use super::*;
use crate::wristband::{ConfiguredUrlError, Logout, LogoutUrlError, logout_url, tenant_login_url};

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
fn tenant_and_return_url_cannot_break_out_of_the_login_url() {
    // weakness: R4
    let custom = vouched("login.customer.com");
    let config = resolved(by_hand().login_url("https://app.test/login?theme=a%20b&tenant_name=old&return_url=%2Fold"));
    assert_eq!(
        tenant_login_url(
            &config,
            Some(&label("globex")),
            Some(&custom),
            Some("/x?a=1&tenant_name=evil#f")
        ),
        "https://app.test/login?theme=a%20b&tenant_name=globex&tenant_custom_domain=login.customer.com\
         &return_url=%2Fx%3Fa%3D1%26tenant_name%3Devil%23f"
    );
}

#[test]
fn return_url_is_not_lost_when_a_login_begins_anew() {
    // weakness: L13
    let globex = label("globex");
    let custom = vouched("login.customer.com");
    for (builder, tenant, custom, expected) in [
        (
            by_hand(),
            Some(&globex),
            None,
            "https://app.test/api/auth/login?tenant_name=globex&return_url=%2Fx",
        ),
        (by_hand(), None, None, "https://app.test/api/auth/login?return_url=%2Fx"),
        (
            by_subdomain(),
            Some(&globex),
            None,
            "https://globex.app.test/login?return_url=%2Fx",
        ),
        (
            by_subdomain(),
            Some(&globex),
            Some(&custom),
            "https://globex.app.test/login?tenant_custom_domain=login.customer.com&return_url=%2Fx",
        ),
        (
            by_subdomain(),
            None,
            None,
            "https://shop-acme.us.wristband.dev/login?client_id=c1&state=%2Fx",
        ),
        (
            by_subdomain().fallback_login_url("https://app.test/start"),
            None,
            None,
            "https://app.test/start?return_url=%2Fx",
        ),
    ] {
        assert_eq!(
            tenant_login_url(&resolved(builder), tenant, custom, Some("/x")),
            expected
        );
    }
    let config = resolved(by_hand());
    assert_eq!(tenant_login_url(&config, None, None, None), LOGIN_URL);
}
