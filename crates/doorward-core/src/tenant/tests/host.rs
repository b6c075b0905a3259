//! Host names are names or addresses, and nothing that a URL reads differently.

use proptest::prelude::*;
use url::Url;

use crate::tenant::{HostName, HostNameError};

fn host(text: &str) -> HostName {
    HostName::parse(text).unwrap()
}

#[test]
fn hosts_are_written_in_one_way() {
    let longest_label = format!("{}.test", "a".repeat(63));
    let longest = format!("{}aa", "a.".repeat(125)) + "a";
    for (text, expected) in [
        ("app.example.com", "app.example.com"),
        ("APP.Example.COM", "app.example.com"),
        ("app.example.com.", "app.example.com"),
        ("localhost", "localhost"),
        ("acme.localhost", "acme.localhost"),
        ("my_service", "my_service"),
        ("3com.example", "3com.example"),
        ("0xab.example", "0xab.example"),
        (longest_label.as_str(), longest_label.as_str()),
        (longest.as_str(), longest.as_str()),
        ("b\u{fc}cher.example", "xn--bcher-kva.example"),
        ("XN--BCHER-KVA.example", "xn--bcher-kva.example"),
        ("b\u{fc}cher\u{3002}example", "xn--bcher-kva.example"),
        ("127.0.0.1", "127.0.0.1"),
        ("127.0.0.1.", "127.0.0.1"),
        ("[::1]", "[::1]"),
        ("[2001:DB8:0:0::1]", "[2001:db8::1]"),
        ("[::ffff:10.0.0.1]", "[::ffff:a00:1]"),
    ] {
        assert_eq!(host(text).as_str(), expected, "{text:?}");
    }
}

#[test]
fn custom_domain_with_anything_that_ends_a_host_is_never_a_host() {
    // attacks: M3; weakness: R2 (the shape; whether the platform knows the domain is asked elsewhere)
    use HostNameError::{Address, Character, Empty, International, Label, TooLong};
    let too_long = format!("{}aaaa", "a.".repeat(125));
    let long_label = format!("{}.test", "a".repeat(64));
    let kilobytes = "a.".repeat(1_000);
    for (text, expected) in [
        ("https://evil.test", Character),
        ("//evil.test", Character),
        ("evil.test/", Character),
        ("evil.test/path", Character),
        ("evil.test?", Character),
        ("evil.test#", Character),
        ("evil.test\\", Character),
        ("user@evil.test", Character),
        ("user:password@evil.test", Character),
        ("evil.test:443", Character),
        ("evil%2etest", Character),
        ("evil.test%00", Character),
        ("evil test", Character),
        (" evil.test", Character),
        ("evil.test\t", Character),
        ("evil.test\r\nX: y", Character),
        ("evil.test\0", Character),
        ("*.evil.test", Character),
        ("a,b", Character),
        ("evil..test", Label),
        (".evil.test", Label),
        ("evil.test..", Label),
        ("-evil.test", Label),
        ("evil-.test", Label),
        ("evil.-test", Label),
        (long_label.as_str(), Label),
        (too_long.as_str(), TooLong),
        (kilobytes.as_str(), TooLong),
        ("..", Label),
        ("evil\u{ff0f}.test", International),
        ("evil\u{ff20}.test", International),
        ("evil\u{3000}.test", International),
        ("evil\u{2028}.test", International),
        ("evil\u{85}.test", International),
        ("xn--.test", International),
        ("xn--99999999.test", International),
        ("evil.test\u{3002}", Label),
        ("\u{ff11}\u{ff12}\u{ff17}.0.0.1", International),
        ("127.1", Address),
        ("127.0.0.01", Address),
        ("127.0.0.256", Address),
        ("1.2.3.4.5", Address),
        ("2130706433", Address),
        ("0x7f.1", Address),
        ("0x7f000001", Address),
        ("evil.0x", Address),
        ("[::1", Address),
        ("[::1].", Address),
        ("[]", Address),
        ("[::1%25eth0]", Address),
        ("[127.0.0.1]", Address),
        ("[evil.test]", Address),
        ("::1", Character),
        ("", Empty),
    ] {
        assert_eq!(HostName::parse(text), Err(expected), "{text:.70?}");
    }
}

#[test]
fn empty_custom_domain_is_never_a_host() {
    // weakness: R6
    for text in ["", ".", ":443", ":", "[]", "[]:443", "\u{ad}", "\u{3002}"] {
        assert!(HostName::parse(text).is_err(), "{text:?}");
        assert!(HostName::host_and_port(text).is_err(), "{text:?}");
    }
}

#[test]
fn port_is_split_off_and_read() {
    for (text, expected, port) in [
        ("app.test", "app.test", None),
        ("app.test:443", "app.test", Some(443)),
        ("APP.test.:8443", "app.test", Some(8443)),
        ("app.test:65535", "app.test", Some(65535)),
        ("app.test:00080", "app.test", Some(80)),
        ("127.0.0.1:6001", "127.0.0.1", Some(6001)),
        ("[::1]", "[::1]", None),
        ("[::1]:6001", "[::1]", Some(6001)),
    ] {
        assert_eq!(HostName::host_and_port(text), Ok((host(expected), port)), "{text}");
    }
    for text in [
        "app.test:",
        "app.test:0",
        "app.test:65536",
        "app.test:000080",
        "app.test:+80",
        "app.test:-1",
        "app.test: 80",
        "app.test:80 ",
        "app.test:80:81",
        "app.test:80@evil.test",
        "app.test:80/",
        "app.test:\u{0661}",
        "[::1]:",
        "[::1]6001",
        "[::1]evil.test",
        "[::1].evil.test:80",
    ] {
        assert_eq!(HostName::host_and_port(text), Err(HostNameError::Port), "{text}");
    }
    for text in [
        "user@app.test:80",
        "a:b@app.test",
        "app.test, evil.test",
        "app.test/:80",
        "::1",
    ] {
        assert!(HostName::host_and_port(text).is_err(), "{text}");
    }
}

#[test]
fn addresses_and_loopback_names_are_told_apart_from_names() {
    for (text, is_address, is_loopback) in [
        ("app.test", false, false),
        ("localhost", false, true),
        ("acme.localhost", false, true),
        ("127.0.0.1", true, true),
        ("10.0.0.1", true, false),
        ("[::1]", true, true),
        ("[2001:db8::1]", true, false),
        ("localhost.evil.test", false, false),
    ] {
        assert_eq!(
            (host(text).is_address(), host(text).is_loopback()),
            (is_address, is_loopback),
            "{text}"
        );
    }
}

#[test]
fn hosts_are_parsed_when_they_are_read_back() {
    assert_eq!(serde_json::to_string(&host("App.Test.")).unwrap(), "\"app.test\"");
    assert_eq!(
        serde_json::from_str::<HostName>("\"APP.test\"").unwrap(),
        host("app.test")
    );
    assert!(serde_json::from_str::<HostName>("\"evil.test/\"").is_err());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_parses_as_a_host_is_the_host_of_a_url_made_of_it(
        parts in proptest::collection::vec(prop::sample::select(vec![
            "/", "\\", ":", "@", "?", "#", ".", "..", "%2f", "%", "\t", " ", "\u{2028}", "[", "]", "::1", "[::1]", "-", "_",
            "evil", "test", "127.0.0.1", "0x7f", "1", "443", "xn--", "bcher-kva", "\u{fc}", "\u{ff0f}", "\u{3002}", "\u{ff20}",
            "\u{ad}", "\u{200d}", "\u{5d0}", "\u{df}", "\u{130}",
        ]), 0..8),
    ) {
        let text = parts.concat();
        if let Ok(host) = HostName::parse(&text) {
            let url = Url::parse(&format!("https://{host}/path")).unwrap();
            prop_assert_eq!(url.host_str(), Some(host.as_str()), "{:?}", text);
            prop_assert_eq!(url.path(), "/path");
            prop_assert_eq!(HostName::parse(host.as_str()), Ok(host));
        }
    }

    #[test]
    fn no_text_at_all_panics(text in any::<String>()) {
        if let Ok((host, _)) = HostName::host_and_port(&text) {
            prop_assert!(host.as_str().is_ascii() && host.as_str().len() <= 253);
        }
    }
}
