//! Issuers, and which hosts and addresses are local.

use std::net::IpAddr;

use crate::{HttpIssuer, Issuer, IssuerError, UnixTime, is_localhost_name, is_public_address};

fn check(text: &str, expected: Result<(), IssuerError>) {
    let issuer = Issuer::parse(text, HttpIssuer::LoopbackOnly);
    assert_eq!(issuer.as_ref().map(|_| ()).map_err(|error| *error), expected, "{text}");
    if let Ok(issuer) = issuer {
        assert_eq!(issuer.as_str(), text, "the text is kept as given");
    }
}

#[test]
fn issuers_that_are_https_or_loopback_are_accepted() {
    for text in [
        "https://id.example.com",
        "https://id.example.com/",
        "https://id.example.com:8443/realms/acme",
        "https://ID.Example.com",
        "https://10.0.0.5",
        "http://localhost:6002",
        "http://login.localhost",
        "http://127.0.0.1:6002",
        "http://127.8.8.8",
        "http://[::1]:6002",
    ] {
        check(text, Ok(()));
    }
}

// attacks: N6
#[test]
fn issuers_that_break_a_rule_are_refused() {
    for (text, error) in [
        ("", IssuerError::Malformed),
        ("id.example.com", IssuerError::Malformed),
        ("ftp://id.example.com", IssuerError::Malformed),
        ("file:///etc", IssuerError::Malformed),
        ("https://", IssuerError::Malformed),
        ("https:\\\\id.example.com", IssuerError::Malformed),
        (" https://id.example.com", IssuerError::Malformed),
        ("https://id.example.com\n", IssuerError::Malformed),
        ("https://id.exämple.com", IssuerError::Malformed),
        ("http://id.example.com", IssuerError::NotHttps),
        ("http://localhost.example.com", IssuerError::NotHttps),
        ("http://notlocalhost", IssuerError::NotHttps),
        ("http://10.0.0.5", IssuerError::NotHttps),
        ("http://[::2]", IssuerError::NotHttps),
        ("https://alice@id.example.com", IssuerError::UserInfo),
        ("https://alice:pw@id.example.com", IssuerError::UserInfo),
        ("https://@id.example.com", IssuerError::UserInfo),
        ("https://id.example.com?", IssuerError::Query),
        ("https://id.example.com/?a=1", IssuerError::Query),
        ("https://id.example.com#", IssuerError::Fragment),
        ("https://id.example.com/#f", IssuerError::Fragment),
    ] {
        check(text, Err(error));
    }
    check(
        &format!("https://id.example.com/{}", "x".repeat(1_024)),
        Err(IssuerError::TooLong),
    );
}

#[test]
fn http_elsewhere_needs_the_dangerous_setting() {
    assert!(Issuer::parse("http://id.example.com", HttpIssuer::LoopbackOnly).is_err());
    let issuer = Issuer::parse("http://id.example.com", HttpIssuer::DangerAnywhere).unwrap();
    assert!(issuer.is_http());
    assert!(!issuer.is_local());
}

#[test]
fn local_issuers_are_told_apart() {
    for (text, local) in [
        ("http://localhost:6002", true),
        ("https://sub.localhost", true),
        ("https://localhost.", true),
        ("https://127.0.0.1", true),
        ("https://192.168.1.1", true),
        ("https://[fd00::1]", true),
        ("https://id.example.com", false),
        ("https://8.8.8.8", false),
        ("https://[2606:4700::1111]", false),
        ("https://localhost.example.com", false),
    ] {
        let issuer = Issuer::parse(text, HttpIssuer::LoopbackOnly).unwrap();
        assert_eq!(issuer.is_local(), local, "{text}");
    }
}

#[test]
fn issuers_are_equal_only_byte_by_byte() {
    let parse = |text| Issuer::parse(text, HttpIssuer::LoopbackOnly).unwrap();
    assert_eq!(parse("https://id.example.com"), parse("https://id.example.com"));
    for other in [
        "https://id.example.com/",
        "https://ID.example.com",
        "https://id.example.com:443",
    ] {
        assert_ne!(parse("https://id.example.com"), parse(other));
    }
    assert_eq!(parse("https://id.example.com").to_string(), "https://id.example.com");
}

// attacks: C14
#[test]
fn addresses_of_somebody_elses_network_are_not_public() {
    for address in [
        "0.0.0.0",
        "0.1.2.3",
        "10.0.0.1",
        "10.255.255.255",
        "100.64.0.1",
        "100.127.255.255",
        "127.0.0.1",
        "127.255.0.1",
        "169.254.169.254",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.1",
        "192.0.2.1",
        "192.168.0.1",
        "192.88.99.1",
        "198.18.0.1",
        "198.19.255.255",
        "198.51.100.1",
        "203.0.113.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::7f00:1",
        "::8.8.8.8",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "::ffff:0:10.0.0.1",
        "64:ff9b::10.0.0.1",
        "64:ff9b:1::1",
        "100::1",
        "2001::1",
        "2001:db8::1",
        "2002:7f00:1::",
        "2002:a00:1::1",
        "3fff::1",
        "fc00::1",
        "fd12:3456::1",
        "fe80::1",
        "fec0::1",
        "ff02::1",
        "4000::1",
        "5f00::1",
    ] {
        assert!(!is_public_address(address.parse::<IpAddr>().unwrap()), "{address}");
    }
}

#[test]
fn addresses_of_the_internet_are_public() {
    for address in [
        "1.1.1.1",
        "8.8.8.8",
        "9.255.255.255",
        "11.0.0.1",
        "100.63.255.255",
        "100.128.0.1",
        "126.255.255.255",
        "128.0.0.1",
        "169.253.0.1",
        "169.255.0.1",
        "172.15.255.255",
        "172.32.0.1",
        "192.0.1.1",
        "192.167.0.1",
        "192.169.0.1",
        "198.17.0.1",
        "198.20.0.1",
        "223.255.255.255",
        "::ffff:8.8.8.8",
        "64:ff9b::8.8.8.8",
        "2001:4860:4860::8888",
        "2002:808:808::1",
        "2606:4700::1111",
        "2a00:1450::1",
        "3ffe::1",
    ] {
        assert!(is_public_address(address.parse::<IpAddr>().unwrap()), "{address}");
    }
}

#[test]
fn time_saturates_at_both_ends() {
    use std::time::Duration;
    let latest = UnixTime::from_seconds(u64::MAX);
    assert_eq!(latest.saturating_add(Duration::from_secs(1)), latest);
    assert_eq!(latest.milliseconds(), u64::MAX);
    let first = UnixTime::from_seconds(0);
    assert_eq!(first.saturating_sub(Duration::MAX), first);
    assert_eq!(first.saturating_since(latest), Duration::ZERO);
    assert_eq!(latest.saturating_since(first), Duration::from_secs(u64::MAX));
    assert_eq!(UnixTime::from_seconds(2).milliseconds(), 2_000);
}

#[test]
fn names_below_localhost_are_this_machine_and_similar_names_are_not() {
    for name in [
        "localhost",
        "LOCALHOST",
        "localhost.",
        "acme.localhost",
        "a.b.Localhost.",
    ] {
        assert!(is_localhost_name(name), "{name}");
    }
    for name in [
        "",
        ".",
        "notlocalhost",
        "localhost.example.com",
        "localhost..",
        "127.0.0.1",
        "local",
    ] {
        assert!(!is_localhost_name(name), "{name}");
    }
}
