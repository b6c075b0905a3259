//! Auto-configuration: the request, the answer, and what follows from both.

use http::{HeaderValue, StatusCode};
use serde_json::{Value, json};

use super::*;
use crate::tests::support::{content_type, patched, shown};
use crate::wristband::{
    MAX_SDK_CONFIGURATION_BYTES, SdkConfiguration, SdkConfigurationError, TenantSeparator, WristbandConfigError,
    sdk_configuration_request,
};
use crate::{Reach, wristband};

const JSON: &str = "application/json";

fn answer() -> Value {
    json!({
        "loginUrl": "https://auto.test/login",
        "redirectUri": "https://auto.test/callback",
        "isApplicationCustomDomainActive": true,
        "customApplicationLoginPageUrl": "https://auto.test/choose",
        "loginUrlTenantDomainSuffix": null,
        "applicationAuthorizationRequestsEnabled": true,
        "fallbackLoginUrl": "https://auto.test/fallback",
        "somethingNew": {"a": 1},
    })
}

fn parse(body: &Value) -> Result<SdkConfiguration, SdkConfigurationError> {
    SdkConfiguration::parse(StatusCode::OK, &content_type(JSON), body.to_string().as_bytes())
}

fn from_answer(builder: WristbandConfigBuilder, patch: &Value) -> Result<ResolvedConfig, SdkConfigurationError> {
    let body = patched(answer(), patch).to_string();
    let config = builder.build().unwrap();
    ResolvedConfig::from_answer(&config, StatusCode::OK, &content_type(JSON), body.as_bytes())
}

#[test]
fn configuration_is_asked_for_without_credentials_and_the_client_id_stays_one_segment() {
    for (client_id, path) in [
        ("c1", "/api/v1/clients/c1/sdk-configuration"),
        ("a/../b", "/api/v1/clients/a%2F..%2Fb/sdk-configuration"),
        ("a?b#c", "/api/v1/clients/a%3Fb%23c/sdk-configuration"),
        ("%2e%2e", "/api/v1/clients/%252e%252e/sdk-configuration"),
    ] {
        let outbound = sdk_configuration_request(&platform(), client_id).unwrap();
        assert_eq!(outbound.request.uri().path(), path);
        assert_eq!(outbound.request.uri().host(), Some(VANITY));
        assert_eq!(outbound.request.uri().query(), None);
        assert_eq!(outbound.request.headers()["accept"], JSON);
        assert!(!outbound.request.headers().contains_key("authorization"));
        assert_eq!((outbound.label, outbound.reach), ("sdk-configuration", Reach::Any));
        assert_eq!(outbound.max_response_bytes, 64 * 1024);
    }
    for client_id in ["", ".", "..", "a b", "ä"] {
        assert!(
            sdk_configuration_request(&platform(), client_id).is_none(),
            "{client_id:?}"
        );
    }
}

#[test]
fn answer_is_accepted_or_refused_member_by_member() {
    let cases = [
        (json!({}), "accepted"),
        (json!({"redirectUri": null}), "accepted"),
        (
            json!({"redirectUri": "(absent)", "isApplicationCustomDomainActive": "(absent)"}),
            "accepted",
        ),
        (
            json!({"customApplicationLoginPageUrl": "", "fallbackLoginUrl": null}),
            "accepted",
        ),
        (json!({"loginUrlTenantDomainSuffix": "app.test"}), "accepted"),
        (json!({"loginUrl": "(absent)"}), r#"Missing("loginUrl")"#),
        (json!({"loginUrl": null}), r#"Missing("loginUrl")"#),
        (json!({"loginUrl": ""}), r#"Missing("loginUrl")"#),
        (json!({"loginUrl": 7}), r#"WrongType("loginUrl")"#),
        (
            json!({"loginUrl": ["https://auto.test/login"]}),
            r#"WrongType("loginUrl")"#,
        ),
        (json!({"redirectUri": false}), r#"WrongType("redirectUri")"#),
        (
            json!({"isApplicationCustomDomainActive": "true"}),
            r#"WrongType("isApplicationCustomDomainActive")"#,
        ),
        (
            json!({"applicationAuthorizationRequestsEnabled": 1}),
            r#"WrongType("applicationAuthorizationRequestsEnabled")"#,
        ),
        (
            json!({"customApplicationLoginPageUrl": {}}),
            r#"WrongType("customApplicationLoginPageUrl")"#,
        ),
        (
            json!({"loginUrlTenantDomainSuffix": 1}),
            r#"WrongType("loginUrlTenantDomainSuffix")"#,
        ),
        (json!({"fallbackLoginUrl": []}), r#"WrongType("fallbackLoginUrl")"#),
        (
            json!({"loginUrl": "http://auto.test/login"}),
            r#"Url { name: "loginUrl", reason: NotHttps }"#,
        ),
        (
            json!({"redirectUri": "/callback"}),
            r#"Url { name: "redirectUri", reason: Malformed }"#,
        ),
        (
            json!({"customApplicationLoginPageUrl": "javascript:alert(1)"}),
            r#"Url { name: "customApplicationLoginPageUrl", reason: Malformed }"#,
        ),
        (
            json!({"fallbackLoginUrl": "https://{tenant_name}.auto.test/"}),
            r#"Url { name: "fallbackLoginUrl", reason: Placeholder }"#,
        ),
        (
            json!({"loginUrlTenantDomainSuffix": "app.test:443"}),
            r#"Domain { name: "loginUrlTenantDomainSuffix", reason: Port }"#,
        ),
    ];
    for (patch, expected) in cases {
        assert_eq!(
            shown(&parse(&patched(answer(), &patch)).map(|_| ())),
            expected,
            "{patch}"
        );
    }
}

#[test]
fn answer_that_is_no_configuration_is_refused_whole() {
    let good = answer().to_string();
    let large = format!("{good}{}", " ".repeat(MAX_SDK_CONFIGURATION_BYTES));
    for (status, media_type, body, expected) in [
        (200, "text/html", good.as_str(), "ContentType"),
        (200, JSON, "<html>", "Json(Malformed)"),
        (200, JSON, "[]", "Json(NotAnObject)"),
        (
            200,
            JSON,
            r#"{"loginUrl":"https://a.test","loginUrl":"https://b.test"}"#,
            "Json(DuplicateMember)",
        ),
        (200, JSON, &large, "Json(TooLarge)"),
        (301, JSON, &good, "Refused { status: 301, retry_after: None }"),
        (404, JSON, &good, "Refused { status: 404, retry_after: None }"),
        (503, JSON, &good, "Passing { status: 503, retry_after: None }"),
    ] {
        let status = StatusCode::from_u16(status).unwrap();
        let result = SdkConfiguration::parse(status, &content_type(media_type), body.as_bytes());
        assert_eq!(shown(&result.map(|_| ())), expected);
    }
}

#[test]
fn unknown_client_id_is_not_asked_about_again() {
    // weakness: C3
    for (status, expected) in [
        (500, true),
        (502, true),
        (503, true),
        (400, false),
        (401, false),
        (404, false),
        (429, false),
        (302, false),
    ] {
        let status = StatusCode::from_u16(status).unwrap();
        let mut headers = content_type(JSON);
        headers.insert("retry-after", HeaderValue::from_static("7"));
        let error = SdkConfiguration::parse(status, &headers, b"{}").unwrap_err();
        assert_eq!(error.is_worth_retrying(), expected, "{status}");
        assert!(
            error.to_string().contains(status.as_str()),
            "the status is told: {error}"
        );
        assert!(shown::<(), _>(&Err(error)).contains("Some(7s)"));
    }
    assert!(!parse(&json!({})).unwrap_err().is_worth_retrying());
}

#[test]
fn unsound_answer_never_becomes_a_configuration_that_could_be_kept() {
    // weakness: C1
    for (builder, patch, expected) in [
        (
            builder(),
            json!({"redirectUri": null}),
            WristbandConfigError::Missing("redirect_uri"),
        ),
        (
            builder(),
            json!({"loginUrlTenantDomainSuffix": "auto.test"}),
            WristbandConfigError::PlaceholderMissing("login_url"),
        ),
        (
            builder(),
            json!({"loginUrl": "https://{tenant_name}.auto.test/login"}),
            WristbandConfigError::PlaceholderForbidden("login_url"),
        ),
        (
            builder().login_url("https://{tenant_name}.app.test/login"),
            json!({}),
            WristbandConfigError::PlaceholderForbidden("login_url"),
        ),
        (
            builder(),
            json!({
                "loginUrl": "https://{tenant_name}.auto.test/login",
                "redirectUri": "https://{tenant_name}.auto.test/callback",
                "loginUrlTenantDomainSuffix": "auto.test",
                "fallbackLoginUrl": null,
            }),
            WristbandConfigError::FallbackMissing,
        ),
    ] {
        match from_answer(builder, &patch) {
            Err(SdkConfigurationError::Combination(error)) => assert_eq!(error, expected, "{patch}"),
            other => panic!("{patch}: {other:?}"),
        }
    }
    let config = builder().build().unwrap();
    assert_eq!(
        ResolvedConfig::resolve(&config, None),
        Err(WristbandConfigError::NotFetched)
    );
}

#[test]
fn manual_login_url_with_placeholder_goes_with_the_root_domain_of_the_platform() {
    // weakness: C4
    let suffix = json!({
        "loginUrlTenantDomainSuffix": "app.test",
        "redirectUri": "https://{tenant_name}.app.test/callback",
    });
    let resolved = from_answer(builder().login_url("https://{tenant_name}.app.test/login"), &suffix).unwrap();
    assert_eq!(resolved.root_domain().unwrap().as_str(), "app.test");
    assert_eq!(resolved.login_url().as_str(), "https://{tenant_name}.app.test/login");
}

#[test]
fn redirect_uri_by_hand_stands_where_the_platform_names_none() {
    let resolved = from_answer(builder().redirect_uri(REDIRECT), &json!({"redirectUri": null})).unwrap();
    assert_eq!(resolved.redirect_uri().as_str(), REDIRECT);
}

#[test]
fn value_by_hand_goes_before_the_platforms_and_that_before_the_default() {
    let fields = |resolved: &ResolvedConfig| {
        (
            resolved.login_url().as_str().to_owned(),
            resolved.redirect_uri().as_str().to_owned(),
            resolved.separator(),
            resolved.application_login_page().as_str().to_owned(),
            resolved.sends_application_authorization_requests(),
            resolved.fallback_login_url().map(|url| url.as_str().to_owned()),
        )
    };
    let from_platform = from_answer(builder(), &json!({})).unwrap();
    assert_eq!(
        fields(&from_platform),
        (
            "https://auto.test/login".into(),
            "https://auto.test/callback".into(),
            TenantSeparator::Dot,
            "https://auto.test/choose".into(),
            true,
            Some("https://auto.test/fallback".into()),
        )
    );
    let hand = builder()
        .login_url(LOGIN_URL)
        .redirect_uri(REDIRECT)
        .application_custom_domain_active(false)
        .custom_application_login_page_url("https://app.test/choose")
        .application_authorization_requests(false)
        .fallback_login_url("https://app.test/fallback");
    assert_eq!(
        fields(&from_answer(hand, &json!({})).unwrap()),
        (
            LOGIN_URL.into(),
            REDIRECT.into(),
            TenantSeparator::Hyphen,
            "https://app.test/choose".into(),
            false,
            Some("https://app.test/fallback".into()),
        )
    );
    let absent = json!({
        "isApplicationCustomDomainActive": "(absent)",
        "customApplicationLoginPageUrl": null,
        "applicationAuthorizationRequestsEnabled": "(absent)",
        "fallbackLoginUrl": null,
    });
    assert_eq!(
        fields(&from_answer(builder(), &absent).unwrap()),
        (
            "https://auto.test/login".into(),
            "https://auto.test/callback".into(),
            TenantSeparator::Hyphen,
            format!("https://{VANITY}/login"),
            false,
            None,
        )
    );
}

#[test]
fn answer_nobody_asked_for_changes_nothing() {
    let config = by_hand().build().unwrap();
    let answer = parse(&answer()).unwrap();
    let with = wristband::ResolvedConfig::resolve(&config, Some(&answer)).unwrap();
    assert_eq!(with, ResolvedConfig::resolve(&config, None).unwrap());
}
