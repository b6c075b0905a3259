//! Tenant names are one DNS label each.

use crate::tenant::{TenantId, TenantName, TenantNameError};

fn name(text: &str) -> TenantName {
    TenantName::parse(text).unwrap()
}

#[test]
fn names_are_lowered_to_one_ascii_label() {
    let longest = "a".repeat(63);
    for (text, expected) in [
        ("acme", "acme"),
        ("ACME", "acme"),
        ("a", "a"),
        ("7", "7"),
        ("2026", "2026"),
        ("acme-2", "acme-2"),
        ("ab--cd", "ab--cd"),
        (longest.as_str(), longest.as_str()),
        ("b\u{fc}cher", "xn--bcher-kva"),
        ("B\u{dc}CHER", "xn--bcher-kva"),
        ("xn--bcher-kva", "xn--bcher-kva"),
        ("XN--BCHER-KVA", "xn--bcher-kva"),
        ("\u{4f8b}\u{3048}", "xn--r8jz45g"),
        ("\u{ff21}\u{ff23}\u{ff2d}\u{ff25}", "acme"),
        ("\u{ff11}\u{ff12}", "12"),
    ] {
        assert_eq!(name(text).as_str(), expected, "{text:?}");
    }
}

#[test]
fn tenant_name_with_anything_that_ends_a_host_is_never_a_name() {
    // attacks: M3; weakness: R3
    use TenantNameError::{Character, Empty, Hyphen, International, TooLong};
    let kilobyte = "a".repeat(1_024);
    let longer = "a".repeat(64);
    let longer_in_ascii = "\u{fc}".repeat(62);
    for (text, expected) in [
        ("", Empty),
        ("evil.com/", Character),
        ("evil.com?", Character),
        ("evil.com#", Character),
        ("evil.com", Character),
        ("evil/", Character),
        ("evil?", Character),
        ("evil#", Character),
        ("evil@", Character),
        ("user@evil", Character),
        ("evil:443", Character),
        ("evil\\", Character),
        ("..", Character),
        (".", Character),
        ("acme.", Character),
        (".acme", Character),
        ("a.b", Character),
        ("a b", Character),
        (" acme", Character),
        ("acme\n", Character),
        ("acme\r\nSet-Cookie: a=b", Character),
        ("acme\0", Character),
        ("acme\u{7f}", Character),
        ("acme%2e", Character),
        ("%61cme", Character),
        ("[::1]", Character),
        ("a_b", Character),
        ("*", Character),
        ("{tenant}", Character),
        ("-acme", Hyphen),
        ("acme-", Hyphen),
        ("-", Hyphen),
        (longer.as_str(), TooLong),
        (kilobyte.as_str(), TooLong),
        (longer_in_ascii.as_str(), TooLong),
        // Characters that become a slash, a dot, an at sign or nothing.
        ("evil\u{ff0f}", International),
        ("evil\u{ff20}", International),
        ("evil\u{ff1f}", International),
        ("evil\u{3000}", International),
        ("evil\u{2028}", International),
        ("evil\u{ff0e}com", Character),
        ("evil\u{3002}com", Character),
        ("evil\u{3002}", Character),
        ("\u{ad}", Character),
        ("xn--", International),
        ("xn--a", International),
        ("xn--acme-", International),
        ("xn--99999999", International),
    ] {
        assert_eq!(TenantName::parse(text), Err(expected), "{text:.70?}");
    }
}

#[test]
fn name_becomes_the_id_of_its_tenant_where_nothing_else_is_configured() {
    assert_eq!(TenantId::from(name("Acme")), TenantId::from_claim("acme").unwrap());
    assert_eq!(TenantId::from(&name("acme")).as_str(), "acme");
}

#[test]
fn names_are_parsed_when_they_are_read_back() {
    assert_eq!(serde_json::to_string(&name("Acme")).unwrap(), "\"acme\"");
    assert_eq!(serde_json::from_str::<TenantName>("\"ACME\"").unwrap(), name("acme"));
    for text in ["\"evil.com/\"", "\"\"", "7", "null"] {
        assert!(serde_json::from_str::<TenantName>(text).is_err(), "{text}");
    }
    let written = postcard::to_allocvec(&name("acme")).unwrap();
    assert_eq!(postcard::from_bytes::<TenantName>(&written).unwrap(), name("acme"));
}

#[test]
fn errors_never_repeat_what_was_given() {
    let text = TenantName::parse("evil.com/").unwrap_err().to_string();
    assert!(!text.contains("evil"), "{text}");
}
