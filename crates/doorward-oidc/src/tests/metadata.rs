//! Metadata: what is read, and one case per way to lie.

use doorward_crypto::Algorithm;
use http::StatusCode;
use serde_json::{Value, json};

use super::support::*;
use crate::{HttpIssuer, Issuer, MetadataError, ProviderMetadata, Reach};

fn parse(body: &str, issuer: &Issuer) -> Result<ProviderMetadata, MetadataError> {
    ProviderMetadata::parse(
        StatusCode::OK,
        &content_type("application/json"),
        body.as_bytes(),
        issuer,
    )
}

fn check(patch: &Value, expected: &str) {
    let result = parse(&patched(metadata_json(), patch).to_string(), &issuer());
    assert_eq!(shown(&result), expected, "{patch}");
}

#[test]
fn honest_metadata_is_read() {
    let metadata = metadata();
    assert_eq!(metadata.issuer().as_str(), ISSUER);
    assert_eq!(
        metadata.authorization_endpoint().as_str(),
        "https://id.example.com/acme/authorize"
    );
    assert_eq!(metadata.token_endpoint().as_str(), "https://id.example.com/acme/token");
    assert_eq!(metadata.jwks_uri().as_str(), "https://keys.example.net/acme");
    assert_eq!(
        metadata.userinfo_endpoint().unwrap().as_str(),
        "https://id.example.com/acme/userinfo"
    );
    assert!(metadata.introspection_endpoint().is_none());
    assert_eq!(metadata.id_token_algorithms(), [Algorithm::Es256, Algorithm::Rs256]);
    assert!(metadata.authorization_response_iss_parameter_supported());
    assert_eq!(metadata.code_challenge_methods_supported().unwrap(), ["S256"]);
    assert!(metadata.response_modes_supported().is_none());
    assert!(metadata.token_endpoint_auth_methods_supported().is_none());
    assert_eq!(metadata.scopes_supported().unwrap().len(), 3);
}

#[test]
fn logout_from_outside_counts_as_offered_only_where_the_provider_says_so() {
    type Accessor = fn(&ProviderMetadata) -> bool;
    let members: [(&str, Accessor); 4] = [
        (
            "backchannel_logout_supported",
            ProviderMetadata::backchannel_logout_supported,
        ),
        (
            "backchannel_logout_session_supported",
            ProviderMetadata::backchannel_logout_session_supported,
        ),
        (
            "frontchannel_logout_supported",
            ProviderMetadata::frontchannel_logout_supported,
        ),
        (
            "frontchannel_logout_session_supported",
            ProviderMetadata::frontchannel_logout_session_supported,
        ),
    ];
    for (name, _) in members {
        let metadata = metadata_with(&json!({ name: true }));
        for (other, says) in members {
            assert_eq!(says(&metadata), other == name, "{other} where {name} is said");
        }
        for nothing in [json!("(absent)"), json!(null), json!(false)] {
            let metadata = metadata_with(&json!({ name: nothing }));
            assert!(members.iter().all(|(_, says)| !says(&metadata)), "{name}: {nothing}");
        }
        for wrong in [json!("true"), json!(1), json!([true])] {
            check(&json!({ name: wrong }), &format!("WrongType({name:?})"));
        }
    }
}

#[test]
fn what_metadata_may_leave_out_is_left_out() {
    for name in [
        "userinfo_endpoint",
        "revocation_endpoint",
        "end_session_endpoint",
        "scopes_supported",
        "authorization_response_iss_parameter_supported",
        "response_types_supported",
    ] {
        check(&json!({ name: "(absent)" }), "accepted");
        check(&json!({ name: null }), "accepted");
    }
    let metadata = metadata_with(&json!({"id_token_signing_alg_values_supported": "(absent)"}));
    assert_eq!(metadata.id_token_algorithms(), [Algorithm::Rs256]);
}

// attacks: B22
#[test]
fn metadata_without_s256_is_accepted() {
    check(&json!({"code_challenge_methods_supported": "(absent)"}), "accepted");
    check(&json!({"code_challenge_methods_supported": ["plain"]}), "accepted");
}

#[test]
fn the_answer_must_be_a_200_in_json() {
    let body = metadata_json().to_string();
    for status in [201, 204, 301, 302, 304, 307, 400, 404, 500, 503] {
        let result = ProviderMetadata::parse(
            StatusCode::from_u16(status).unwrap(),
            &content_type("application/json"),
            body.as_bytes(),
            &issuer(),
        );
        assert_eq!(shown(&result), format!("Status({status})"));
    }
    for (value, expected) in [
        ("application/json", "accepted"),
        ("application/json; charset=utf-8", "accepted"),
        ("Application/JSON;charset=UTF-8", "accepted"),
        ("text/html", "ContentType"),
        ("text/plain", "ContentType"),
        ("application/jsonp", "ContentType"),
        ("application/jwt", "ContentType"),
        ("", "ContentType"),
    ] {
        let result = ProviderMetadata::parse(StatusCode::OK, &content_type(value), body.as_bytes(), &issuer());
        assert_eq!(shown(&result), expected, "{value}");
    }
    let mut two = content_type("application/json");
    two.append("content-type", "text/html".parse().unwrap());
    let result = ProviderMetadata::parse(StatusCode::OK, &two, body.as_bytes(), &issuer());
    assert!(matches!(result, Err(MetadataError::ContentType)));
    let none = http::HeaderMap::new();
    let result = ProviderMetadata::parse(StatusCode::OK, &none, body.as_bytes(), &issuer());
    assert!(matches!(result, Err(MetadataError::ContentType)));
}

// attacks: D38
#[test]
fn the_body_must_be_one_strict_object_within_the_cap() {
    let honest = metadata_json().to_string();
    let twice = honest.replacen('{', r#"{"issuer":"https://evil.example","#, 1);
    let padded = patched(metadata_json(), &json!({"x": "x".repeat(256 * 1024)})).to_string();
    for (body, expected) in [
        (format!("[{honest}]"), "Json(NotAnObject)"),
        ("<html></html>".to_owned(), "Json(Malformed)"),
        (String::new(), "Json(Malformed)"),
        (honest[..honest.len() - 1].to_owned(), "Json(Malformed)"),
        (format!("{honest} x"), "Json(Malformed)"),
        (twice, "Json(DuplicateMember)"),
        (padded, "Json(TooLarge)"),
    ] {
        let result = parse(&body, &issuer());
        assert!(
            shown(&result).starts_with(expected.trim_end_matches(')')),
            "{} for {expected}",
            shown(&result)
        );
    }
}

// attacks: D36
#[test]
fn another_issuer_is_refused_byte_by_byte() {
    for other in [
        "https://id.example.com/acme/",
        "https://ID.example.com/acme",
        "https://id.example.com:443/acme",
        "http://id.example.com/acme",
        "https://id.example.com/ACME",
        "https://evil.example/acme",
        "https://user@id.example.com/acme",
        "",
    ] {
        let body = patched(metadata_json(), &json!({ "issuer": other })).to_string();
        match parse(&body, &issuer()) {
            Err(MetadataError::IssuerMismatch { met, expected }) => {
                assert_eq!(met, other);
                assert_eq!(expected, ISSUER);
            }
            result => panic!("{other}: {}", shown(&result)),
        }
    }
    let long = patched(metadata_json(), &json!({"issuer": "x".repeat(10_000)})).to_string();
    let error = parse(&long, &issuer()).unwrap_err();
    assert!(error.to_string().len() < 400, "a long issuer is cut in the message");
}

#[test]
fn required_members_must_be_there_and_of_their_type() {
    for name in ["issuer", "authorization_endpoint", "token_endpoint", "jwks_uri"] {
        check(&json!({ name: "(absent)" }), &format!("Missing({name:?})"));
        check(&json!({ name: null }), &format!("Missing({name:?})"));
        check(&json!({ name: 7 }), &format!("WrongType({name:?})"));
        check(&json!({ name: [ISSUER] }), &format!("WrongType({name:?})"));
    }
    check(&json!({"userinfo_endpoint": 1}), r#"WrongType("userinfo_endpoint")"#);
    check(
        &json!({"scopes_supported": "openid email"}),
        r#"WrongType("scopes_supported")"#,
    );
    check(
        &json!({"scopes_supported": ["openid", 1]}),
        r#"WrongType("scopes_supported")"#,
    );
    check(
        &json!({"scopes_supported": vec!["x"; 257]}),
        r#"WrongType("scopes_supported")"#,
    );
    check(
        &json!({"scopes_supported": ["x".repeat(257)]}),
        r#"WrongType("scopes_supported")"#,
    );
    check(
        &json!({"authorization_response_iss_parameter_supported": "true"}),
        r#"WrongType("authorization_response_iss_parameter_supported")"#,
    );
}

#[test]
fn a_provider_without_an_algorithm_of_ours_is_refused() {
    for names in [json!([]), json!(["none"]), json!(["HS256", "RS512", "rs256"])] {
        check(
            &json!({"id_token_signing_alg_values_supported": names}),
            "NoUsableAlgorithm",
        );
    }
}

// attacks: D37
#[test]
fn endpoints_that_break_a_rule_are_refused() {
    for name in [
        "authorization_endpoint",
        "token_endpoint",
        "jwks_uri",
        "userinfo_endpoint",
        "revocation_endpoint",
    ] {
        for (endpoint, reason) in [
            ("http://id.example.com/x", "NotHttps"),
            ("https://user:pw@id.example.com/x", "UserInfo"),
            ("https://@id.example.com/x", "UserInfo"),
            ("https://id.example.com/x#f", "Fragment"),
            ("https://id.example.com/x#", "Fragment"),
            ("https://localhost/x", "Local"),
            ("https://a.localhost/x", "Local"),
            ("https://LOCALHOST./x", "Local"),
            ("https://127.0.0.1/x", "Local"),
            ("https://127.1/x", "Local"),
            ("https://2130706433/x", "Local"),
            ("https://0x7f.1/x", "Local"),
            ("https://0.0.0.0/x", "Local"),
            ("https://10.1.2.3/x", "Local"),
            ("https://169.254.169.254/latest", "Local"),
            ("https://[::1]/x", "Local"),
            ("https://[::ffff:7f00:1]/x", "Local"),
            ("https://[fe80::1]/x", "Local"),
            ("https://[fd00::1]/x", "Local"),
            ("javascript:alert(1)", "Malformed"),
            ("data:text/html,x", "Malformed"),
            ("ftp://id.example.com/x", "Malformed"),
            ("/relative", "Malformed"),
            ("", "Malformed"),
            ("https://id.example.com\\@evil.example/", "Malformed"),
            ("https://id.example.com/\r\nx", "Malformed"),
        ] {
            check(
                &json!({ name: endpoint }),
                &format!("Endpoint {{ name: {name:?}, reason: {reason} }}"),
            );
        }
        let long = format!("https://id.example.com/{}", "x".repeat(2_048));
        check(
            &json!({ name: long }),
            &format!("Endpoint {{ name: {name:?}, reason: Malformed }}"),
        );
    }
}

#[test]
fn endpoints_on_any_public_https_host_are_accepted() {
    for endpoint in [
        "https://other.example.net/x",
        "https://8.8.8.8/x",
        "https://id.example.com:8443/x?tenant=a",
    ] {
        check(
            &json!({"token_endpoint": endpoint, "userinfo_endpoint": endpoint}),
            "accepted",
        );
    }
}

#[test]
fn a_local_issuer_may_name_local_endpoints() {
    for (text, endpoint, expected) in [
        ("http://localhost:6002", "http://127.0.0.1:6002/token", "accepted"),
        ("http://localhost:6002", "http://localhost:6003/token", "accepted"),
        ("https://10.0.0.5", "https://10.0.0.6/token", "accepted"),
        (
            "https://localhost",
            "http://localhost/token",
            "Endpoint { name: \"token_endpoint\", reason: NotHttps }",
        ),
    ] {
        let local = Issuer::parse(text, HttpIssuer::LoopbackOnly).unwrap();
        let body = patched(metadata_json(), &json!({"issuer": text, "token_endpoint": endpoint}));
        assert_eq!(shown(&parse(&body.to_string(), &local)), expected, "{text} {endpoint}");
    }
}

// attacks: C14
#[test]
fn only_the_issuers_own_host_is_reached_at_any_address() {
    let metadata = metadata();
    assert_eq!(metadata.token_endpoint().reach(metadata.issuer()), Reach::Any);
    assert_eq!(metadata.jwks_uri().reach(metadata.issuer()), Reach::PublicOnly);
    let local = Issuer::parse("http://localhost:6002", HttpIssuer::LoopbackOnly).unwrap();
    assert_eq!(metadata.jwks_uri().reach(&local), Reach::Any);
}
