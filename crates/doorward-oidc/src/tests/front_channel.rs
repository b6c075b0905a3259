//! Parameters of a framed logout.

use proptest::prelude::*;

use super::support::*;
use crate::{FrontChannelLogout, FrontChannelLogoutError, Params};

const OTHER: &str = "https://login.example.net";

fn parse(query: &str) -> Result<FrontChannelLogout, FrontChannelLogoutError> {
    FrontChannelLogout::parse(&Params::parse(query).unwrap(), [OTHER, ISSUER])
}

fn check(query: &str, expected: &str) {
    let shown = shown(&parse(query));
    assert!(shown.starts_with(expected), "{query}: {shown}, expected {expected}");
}

// attacks: J10
#[test]
fn a_call_with_issuer_and_session_id_names_that_session() {
    let logout = parse("iss=https%3A%2F%2Fid.example.com%2Facme&sid=session%2D1%26x").unwrap();
    assert_eq!((logout.issuer(), logout.session_id()), (ISSUER, "session-1&x"));
    let logout = parse(&format!("sid=s&iss={OTHER}")).unwrap();
    assert_eq!((logout.issuer(), logout.session_id()), (OTHER, "s"));
    // A registered URI has a query of its own, and a provider may add what we do not know.
    check(&format!("app=1&iss={ISSUER}&sid=s&client_id=x&app=2"), "accepted");
}

// attacks: J10
#[test]
fn a_call_without_one_of_the_two_names_nobody() {
    for (query, missing) in [
        (String::new(), "iss"),
        ("sid=s".to_owned(), "iss"),
        ("iss=&sid=s".to_owned(), "iss"),
        ("ISS=x&sid=s".to_owned(), "iss"),
        (format!("iss={ISSUER}"), "sid"),
        (format!("iss={ISSUER}&sid="), "sid"),
        (format!("iss={ISSUER}&sid"), "sid"),
        (format!("iss={ISSUER}&SID=s"), "sid"),
        (format!("iss={ISSUER}&sid[]=s"), "sid"),
    ] {
        check(&query, &format!("Missing({missing:?})"));
    }
}

// attacks: J10
#[test]
fn an_issuer_that_is_not_ours_byte_by_byte_is_refused() {
    for issuer in [
        "https://evil.example",
        "https://id.example.com/acme/",
        "https://ID.example.com/acme",
        "https://id.example.com",
        "https://id.example.com/acme%20",
        "+https://id.example.com/acme",
    ] {
        check(&format!("iss={issuer}&sid=s"), "IssuerMismatch");
    }
    let nobody = FrontChannelLogout::parse(&Params::parse(&format!("iss={ISSUER}&sid=s")).unwrap(), []);
    assert_eq!(nobody, Err(FrontChannelLogoutError::IssuerMismatch));
}

// attacks: J10
#[test]
fn a_parameter_given_twice_is_refused_even_with_one_value() {
    for query in [
        format!("iss={ISSUER}&iss={ISSUER}&sid=s"),
        format!("iss={ISSUER}&iss={OTHER}&sid=s"),
        format!("iss={ISSUER}&sid=s&sid=s"),
        format!("sid=s&iss={ISSUER}&sid=t"),
        format!("iss={ISSUER}&sid=s&sid="),
        format!("iss={ISSUER}&sid=s&%73id=t"),
    ] {
        check(&query, "Repeated(");
    }
}

#[test]
fn a_session_id_has_at_most_1024_bytes() {
    let query = |bytes: usize| format!("iss={ISSUER}&sid={}", "x".repeat(bytes));
    check(&query(1_024), "accepted");
    check(&query(1_025), "SessionIdTooLong");
}

#[test]
fn debug_output_and_errors_hide_the_session_id() {
    let logout = parse(&format!("iss={ISSUER}&sid=session-of-alice")).unwrap();
    assert!(!format!("{logout:?} {logout:#?}").contains("session-of-alice"));
    for query in [
        "iss=https://evil.example&sid=session-of-alice".to_owned(),
        format!("iss={ISSUER}&sid=session-of-alice&sid=session-of-alice"),
    ] {
        let error = parse(&query).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("session-of-alice"), "{query}");
    }
}

proptest! {
    #[test]
    fn another_issuer_never_passes(issuer in "[ -~]{0,60}") {
        prop_assume!(issuer != ISSUER && issuer != OTHER);
        let query = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("iss", &issuer)
            .append_pair("sid", "s")
            .finish();
        prop_assert!(parse(&query).is_err());
    }
}
