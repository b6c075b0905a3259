//! The `Authorization` header, as a table.
#![allow(clippy::unwrap_used, reason = "tests")]

use http::HeaderValue;

use super::*;

fn read(values: &[&[u8]]) -> Result<Option<String>, BearerHeaderError> {
    let mut headers = HeaderMap::new();
    for value in values {
        headers.append(AUTHORIZATION, HeaderValue::from_bytes(value).unwrap());
    }
    BearerToken::from_headers(&headers).map(|token| token.map(|token| token.secret().expose().to_owned()))
}

#[test]
fn header_gives_the_token_of_the_table() {
    // attacks: I1, I3
    let malformed = || Err(BearerHeaderError::Malformed);
    let table: Vec<(&str, Result<Option<&str>, BearerHeaderError>)> = vec![
        ("Bearer abc", Ok(Some("abc"))),
        ("bearer abc", Ok(Some("abc"))),
        ("BEARER abc", Ok(Some("abc"))),
        ("Bearer   abc", Ok(Some("abc"))),
        ("Bearer a.b-c_d~e+f/g==", Ok(Some("a.b-c_d~e+f/g=="))),
        ("Bearer", malformed()),
        ("Bearer ", malformed()),
        ("Bearer\tabc", malformed()),
        ("Bearer \tabc", malformed()),
        ("Bearer =", malformed()),
        ("Bearer a=b", malformed()),
        ("Bearer %", malformed()),
        ("Bearer %zz", malformed()),
        ("Bearer a b", malformed()),
        ("Bearer a, Bearer b", malformed()),
        ("Bearer a,b", malformed()),
        ("Bearer \"abc\"", malformed()),
        ("Bearer a\\b", malformed()),
        ("Bearer abc ", malformed()),
        ("Bearer é", malformed()),
        ("Basic YTpi", Ok(None)),
        ("Basic YTpi, Bearer abc", Ok(None)),
        ("Bearerabc", Ok(None)),
        ("Bearer=abc", Ok(None)),
        ("Token abc", Ok(None)),
        ("", Ok(None)),
        ("DPoP abc", Err(BearerHeaderError::Dpop)),
        ("dpop", Err(BearerHeaderError::Dpop)),
    ];
    for (value, expected) in table {
        let expected = expected.map(|token| token.map(str::to_owned));
        assert_eq!(read(&[value.as_bytes()]), expected, "{value:?}");
    }
    assert_eq!(read(&[]), Ok(None));
    assert_eq!(read(&[b"Bearer \xff\xfe"]), Err(BearerHeaderError::Malformed));
}

#[test]
fn several_headers_are_refused_whatever_they_say() {
    // attacks: I1
    for values in [
        [&b"Bearer a"[..], b"Bearer a"],
        [b"Bearer a", b"Basic YTpi"],
        [b"Basic YTpi", b"Bearer a"],
        [b"", b""],
    ] {
        assert_eq!(read(&values), Err(BearerHeaderError::Repeated));
    }
}

#[test]
fn token_has_at_most_8_kilobytes() {
    // attacks: I3
    let of = |bytes: usize| format!("Bearer {}", "a".repeat(bytes)).into_bytes();
    assert!(read(&[&of(8 * 1024)]).unwrap().is_some());
    assert_eq!(read(&[&of(8 * 1024 + 1)]), Err(BearerHeaderError::TooLong));
    assert_eq!(read(&[&of(100_000)]), Err(BearerHeaderError::TooLong));
}

#[test]
fn missing_or_broken_bearer_is_never_a_500() {
    // weakness: M1
    // weakness: M2
    let table = [
        (BearerHeaderError::Repeated, 400),
        (BearerHeaderError::Malformed, 401),
        (BearerHeaderError::TooLong, 401),
        (BearerHeaderError::Dpop, 401),
    ];
    for (error, status) in table {
        assert_eq!(error.code().status().as_u16(), status, "{error}");
    }
}

#[test]
fn token_outside_the_header_is_never_read() {
    // attacks: I2. Nothing but the header map reaches the parser, and of it one header.
    let mut headers = HeaderMap::new();
    for name in [
        "x-access-token",
        "x-authorization",
        "proxy-authorization",
        "cookie",
        "access_token",
    ] {
        headers.append(name, HeaderValue::from_static("Bearer abc"));
    }
    assert!(BearerToken::from_headers(&headers).unwrap().is_none());
}

#[test]
fn debug_output_hides_the_token() {
    // attacks: N5
    let mut headers = HeaderMap::new();
    headers.append(AUTHORIZATION, HeaderValue::from_static("Bearer secret-token"));
    let token = BearerToken::from_headers(&headers).unwrap().unwrap();
    assert_eq!(format!("{token:?}"), "BearerToken(redacted)");
    assert_eq!(token.secret().expose(), "secret-token");
}
