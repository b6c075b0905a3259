//! Durations, networks and near names.

use std::time::Duration;

use crate::config::values::{duration, nearest, network};

#[test]
fn durations_are_numbers_with_units() {
    for (text, seconds) in [
        ("0s", 0),
        ("1s", 1),
        ("90s", 90),
        ("15m", 900),
        ("1h", 3_600),
        ("12h", 43_200),
        ("1h30m", 5_400),
        ("1d2h3m4s", 93_784),
        ("400d", 34_560_000),
    ] {
        assert_eq!(duration(text), Some(Duration::from_secs(seconds)), "{text}");
    }
    assert_eq!(duration("1s500ms"), Some(Duration::from_millis(1_500)));
    for text in [
        "",
        "1",
        "h",
        "1H",
        "1 h",
        " 1h",
        "1h ",
        "-1h",
        "+1h",
        "1.5h",
        "1h1h",
        "30m1h",
        "1y",
        "1hm",
        "1ms1s",
        "h1",
        "١h",
        "99999999999999999999s",
        "18446744073709551615d",
        "1\u{200b}h",
    ] {
        assert_eq!(duration(text), None, "{text:?}");
    }
}

#[test]
fn networks_are_said_exactly_and_never_everybody() {
    for (text, read) in [
        ("10.0.0.0/8", "10.0.0.0/8"),
        ("192.168.1.7", "192.168.1.7/32"),
        ("192.168.1.7/32", "192.168.1.7/32"),
        ("::1", "::1/128"),
        ("fd00::/8", "fd00::/8"),
    ] {
        assert_eq!(network(text).unwrap().to_string(), read);
    }
    for text in [
        "",
        "0.0.0.0/0",
        "::/0",
        "10.1.2.3/8",
        "10.0.0.0/33",
        "10.0.0.0/",
        "10.0.0/8",
        "fd00::1/8",
        "localhost",
        "*",
        "10.0.0.0/8 ",
        "10.0.0.0-10.0.0.9",
    ] {
        assert_eq!(network(text), None, "{text:?}");
    }
}

#[test]
fn a_slip_of_the_hand_is_told_from_another_name() {
    let known = ["listen", "public_url", "id"];
    for (slip, near) in [
        ("listen_", Some("listen")),
        ("lsiten", Some("listen")),
        ("publicurl", Some("public_url")),
        ("public-url", Some("public_url")),
        ("listening", None),
        ("xy", None),
        ("", None),
    ] {
        assert_eq!(nearest(slip, &known), near, "{slip}");
    }
}
