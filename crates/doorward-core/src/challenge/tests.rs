//! Challenges, as tables.

use super::*;

fn text(challenge: &Challenge) -> String {
    String::from_utf8_lossy(challenge.header_value().as_bytes()).into_owned()
}

#[test]
fn challenge_reads_as_in_the_table() {
    let scopes = ["orders:read".to_owned(), "orders:write".to_owned()];
    let acr = ["urn:mfa".to_owned(), "urn:hardware".to_owned()];
    let table = [
        (Challenge::session(), r#"Session realm="doorward""#),
        (Challenge::bearer(), r#"Bearer realm="doorward""#),
        (
            Challenge::bearer()
                .for_code(Code::InsufficientScope)
                .with_scopes(&scopes),
            r#"Bearer realm="doorward", error="insufficient_scope", error_description="The required scope is missing", scope="orders:read orders:write""#,
        ),
        (
            Challenge::bearer()
                .for_code(Code::StepUpRequired)
                .with_step_up(Some(300), &acr),
            r#"Bearer realm="doorward", error="insufficient_user_authentication", error_description="A fresher or stronger sign-in is required", max_age="300", acr_values="urn:mfa urn:hardware""#,
        ),
        (
            Challenge::session()
                .for_code(Code::StepUpRequired)
                .with_step_up(Some(0), &[]),
            r#"Session realm="doorward", error="insufficient_user_authentication", error_description="A fresher or stronger sign-in is required", max_age="0""#,
        ),
        (
            Challenge::bearer()
                .for_code(Code::TokenMissing)
                .with_resource_metadata("https://api.example.com/.well-known/oauth-protected-resource"),
            r#"Bearer realm="doorward", resource_metadata="https://api.example.com/.well-known/oauth-protected-resource""#,
        ),
    ];
    for (challenge, expected) in table {
        assert_eq!(text(&challenge), expected);
    }
}

#[test]
fn challenge_names_no_error_where_no_credentials_came() {
    // attacks: I1
    for code in Code::ALL.iter().copied() {
        let expected = match code {
            Code::RequestMalformed => Some("invalid_request"),
            Code::TokenInvalid | Code::TokenExpired => Some("invalid_token"),
            Code::InsufficientScope => Some("insufficient_scope"),
            Code::StepUpRequired => Some("insufficient_user_authentication"),
            _ => None,
        };
        assert_eq!(ChallengeError::of(code).map(ChallengeError::as_str), expected, "{code}");
        let written = text(&Challenge::bearer().for_code(code));
        assert_eq!(written.contains("error"), expected.is_some(), "{written}");
    }
}

#[test]
fn value_cannot_end_its_string_or_the_header() {
    // attacks: I3
    let evil = ["a\"b\\c\r\nSet-Cookie: x=y\0é\u{7f}".to_owned()];
    let challenge = Challenge::bearer().with_scopes(&evil).with_step_up(None, &evil);
    let escaped = r#""a\"b\\cSet-Cookie: x=y""#;
    assert_eq!(
        text(&challenge),
        format!(r#"Bearer realm="doorward", scope={escaped}, acr_values={escaped}"#)
    );
}
