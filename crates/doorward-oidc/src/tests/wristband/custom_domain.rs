//! The platform's word on a custom domain.

use doorward_crypto::SecretString;
use http::{HeaderValue, Method, StatusCode};

use super::*;
use crate::tests::support::{content_type, shown};
use crate::wristband::{custom_domain_request, judge_custom_domain};
use crate::{Client, ClientAuthentication};

#[test]
fn platform_is_asked_about_the_domain_with_basic_authentication() {
    let config = by_hand().build().unwrap();
    let domain = platform().custom_domain("Login.customer.com").unwrap();
    let outbound = custom_domain_request(&platform(), config.client(), &domain);
    assert_eq!(outbound.request.method(), Method::POST);
    assert_eq!(
        outbound.request.uri(),
        "https://shop-acme.us.wristband.dev/api/v1/custom-domains/validate"
    );
    assert_eq!(
        outbound.request.body().as_ref(),
        br#"{"tenantCustomDomain":"login.customer.com"}"#
    );
    assert_eq!(outbound.request.headers()["content-type"], "application/json");
    assert_eq!(
        outbound.request.headers()["authorization"],
        "Basic YzE6dGhlLWNsaWVudC1zZWNyZXQ="
    );
    assert!(outbound.request.headers()["authorization"].is_sensitive());
    assert_eq!((outbound.label, outbound.max_response_bytes), ("custom-domain", 4_096));
    for authentication in [
        ClientAuthentication::None,
        ClientAuthentication::SecretPost(SecretString::new("s")),
    ] {
        let has_secret = authentication.method() != "none";
        let client = Client {
            client_id: "c1".into(),
            authentication,
        };
        let outbound = custom_domain_request(&platform(), &client, &domain);
        assert_eq!(outbound.request.headers().contains_key("authorization"), has_secret);
    }
}

#[test]
fn only_a_plain_true_makes_a_host_of_a_custom_domain() {
    // weakness: R2
    let json = "application/json";
    for (status, media_type, body, expected) in [
        (
            200,
            json,
            r#"{"valid":true}"#,
            "Some(TenantHost(\"login.customer.com\"))",
        ),
        (
            200,
            "application/json; charset=utf-8",
            r#"{"valid":true,"more":1}"#,
            "Some(TenantHost(\"login.customer.com\"))",
        ),
        (200, json, r#"{"valid":false}"#, "None"),
        (200, json, r#"{"valid":"true"}"#, "NoVerdict"),
        (200, json, r#"{"valid":1}"#, "NoVerdict"),
        (200, json, r#"{"valid":null}"#, "NoVerdict"),
        (200, json, "{}", "NoVerdict"),
        (200, json, r#"{"valid":false,"valid":true}"#, "Json(DuplicateMember)"),
        (200, json, "true", "Json(NotAnObject)"),
        (200, "text/html", r#"{"valid":true}"#, "ContentType"),
        (204, json, r#"{"valid":true}"#, "Status(204)"),
        (302, json, r#"{"valid":true}"#, "Status(302)"),
        (400, json, r#"{"valid":true}"#, "Status(400)"),
        (401, json, r#"{"valid":true}"#, "Status(401)"),
        (500, json, r#"{"valid":true}"#, "Passing { retry_after: Some(3s) }"),
        (429, json, r#"{"valid":true}"#, "Passing { retry_after: Some(3s) }"),
    ] {
        let mut headers = content_type(media_type);
        headers.insert("retry-after", HeaderValue::from_static("3"));
        let domain = platform().custom_domain("login.customer.com").unwrap();
        let judged = judge_custom_domain(domain, StatusCode::from_u16(status).unwrap(), &headers, body.as_bytes());
        let text = match &judged {
            Ok(host) => format!("{host:?}"),
            Err(_) => shown(&judged),
        };
        assert_eq!(text, expected, "{status} {body}");
    }
}
