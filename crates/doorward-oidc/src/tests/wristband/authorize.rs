//! Where a login begins, and what goes along.

use http::Method;

use super::*;
use crate::tests::support::{CountingRandom, NOW, form_of, value_of};
use crate::wristband::LoginStep;
use crate::{AuthorizationResponse, LoginParameters, Params, ResponseMethod, begin, callback, exchange_request};

fn authorize_host(step: &LoginStep) -> String {
    match step {
        LoginStep::Authorize(metadata) => metadata.authorization_endpoint().url().host_str().unwrap().to_owned(),
        LoginStep::ChooseTenant(url) => url.clone(),
    }
}

#[test]
fn login_begins_at_the_tenant_else_at_the_application_else_at_the_choice() {
    let (globex, custom) = (globex(), vouched("login.customer.com"));
    let choice = format!("https://{VANITY}/login?client_id=c1&state=%2Forders");
    for (application_level, tenant, expected) in [
        (false, Some(&globex), "globex-shop-acme.us.wristband.dev"),
        (true, Some(&globex), "globex-shop-acme.us.wristband.dev"),
        (false, Some(&custom), "login.customer.com"),
        (false, None, choice.as_str()),
        (true, None, VANITY),
    ] {
        // A page of the application's own is not asked where application-level authorization is on.
        let mut builder = by_hand().application_authorization_requests(application_level);
        if application_level {
            builder = builder.custom_application_login_page_url("https://app.test/choose");
        }
        let config = resolved(builder);
        assert_eq!(authorize_host(&config.login_step(tenant, Some("/orders"))), expected);
    }
}

#[test]
fn redirect_uri_goes_out_with_its_placeholder_at_authorize_and_at_exchange() {
    let settings = by_subdomain().build().unwrap();
    let config = resolved(by_subdomain());
    let host = config.tenant_host(&label("globex")).unwrap();
    let metadata = config.platform().metadata_at(&host);
    let random = CountingRandom::default();
    let login = LoginParameters {
        login_hint: Some("ann@globex.test".into()),
        idp_hint: Some("okta".into()),
        ..LoginParameters::default()
    };
    let (url, pending) = begin(
        &random,
        &metadata,
        settings.client(),
        settings.authorize_settings(),
        &login,
        config.redirect_uri().as_str(),
    )
    .unwrap();
    let (place, query) = url.split_once('?').unwrap();
    assert_eq!(
        place,
        "https://globex-shop-acme.us.wristband.dev/api/v1/oauth2/authorize"
    );
    let sent = Params::parse(query).unwrap();
    let redirect_uri = "https://{tenant_name}.app.test/callback";
    for (name, expected) in [
        ("client_id", "c1"),
        ("redirect_uri", redirect_uri),
        ("response_type", "code"),
        ("scope", "openid offline_access email"),
        ("code_challenge_method", "S256"),
        ("login_hint", "ann@globex.test"),
        ("idp_hint", "okta"),
    ] {
        assert_eq!(value_of(&sent, name), expected, "{name}");
    }
    for name in ["state", "nonce", "code_challenge"] {
        assert_eq!(value_of(&sent, name).len(), 43, "{name}");
    }
    let state = value_of(&sent, "state");
    let answer = Params::parse(&format!("code=K%2B%26&state={state}&tenant_name=acme")).unwrap();
    let response = AuthorizationResponse::parse(&answer).unwrap();
    let matched = callback::check(&response, ResponseMethod::Get, pending).unwrap();
    let (outbound, expected) = exchange_request(matched, &metadata, settings.client(), NOW, &random).unwrap();
    assert_eq!(outbound.request.method(), Method::POST);
    assert_eq!(outbound.request.uri().host(), Some(VANITY));
    assert!(outbound.request.headers().contains_key("authorization"));
    let form = form_of(&outbound);
    assert_eq!(value_of(&form, "redirect_uri"), redirect_uri);
    // weakness: L24
    assert_eq!(value_of(&form, "code"), "K+&");
    assert_eq!(expected.issuer, format!("https://{VANITY}"));
}

#[test]
fn return_url_is_not_lost_on_the_way_over_the_tenant_choice() {
    // weakness: L12
    for (page, return_url, expected) in [
        (None, None, "https://shop-acme.us.wristband.dev/login?client_id=c1"),
        (
            None,
            Some("/orders?a=1&b=2#x"),
            "https://shop-acme.us.wristband.dev/login?client_id=c1&state=%2Forders%3Fa%3D1%26b%3D2%23x",
        ),
        (
            None,
            Some("\"/x\""),
            "https://shop-acme.us.wristband.dev/login?client_id=c1&state=%22%2Fx%22",
        ),
        (
            Some("https://app.test/choose"),
            Some("/a b"),
            "https://app.test/choose?client_id=c1&state=%2Fa+b",
        ),
        // A page with a query keeps it, but for what is ours.
        (
            Some("https://app.test/choose?theme=dark%20red&x"),
            Some("/x"),
            "https://app.test/choose?theme=dark%20red&x&client_id=c1&state=%2Fx",
        ),
        (
            Some("https://app.test/choose?client_id=other&theme=dark"),
            None,
            "https://app.test/choose?theme=dark&client_id=c1",
        ),
        (
            Some("https://app.test/choose?"),
            None,
            "https://app.test/choose?client_id=c1",
        ),
    ] {
        let mut builder = by_hand();
        if let Some(page) = page {
            builder = builder.custom_application_login_page_url(page);
        }
        assert_eq!(resolved(builder).application_login_url(return_url), expected);
    }
}
