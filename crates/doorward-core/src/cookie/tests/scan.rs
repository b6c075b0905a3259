//! Cookies are found whatever stands around them; nothing malformed counts.

use http::header::COOKIE;
use memchr::memmem::Finder;
use proptest::prelude::*;

use crate::{
    cookie::{CookieName, CookieOptions, CookieSettings, OurCookies, cookie_values, cookies_with_prefix, raw_values},
    origin::PublicUrl,
    test_support::{Seeded, cookie_headers},
};

fn values<V: AsRef<[u8]>>(lines: impl IntoIterator<Item = V>, name: &str) -> Vec<String> {
    let headers = cookie_headers(lines);
    let name = CookieName::new(name).unwrap();
    cookie_values(&headers, &name)
        .map(|value| String::from_utf8(value.to_vec()).unwrap())
        .collect()
}

#[test]
fn value_is_found_wherever_its_pair_stands() {
    let table: &[(&[&str], &[&str])] = &[
        (&["s=1"], &["1"]),
        (&["a=b; s=1"], &["1"]),
        (&["s=1; a=b"], &["1"]),
        (&["a=b; s=1; c=d"], &["1"]),
        (&["a=b;s=1;c=d"], &["1"]),
        (&["a=b;\t s=1 ;c=d"], &["1"]),
        (&["s=a=b="], &["a=b="]),
        (&["s="], &[""]),
        (&["s=1; s=2"], &["1", "2"]),
        // HTTP/2 may split the header (RFC 9113, section 8.2.3).
        (&["a=b", "s=1", "c=d", "s=2"], &["1", "2"]),
        (&[" s=1"], &["1"]),
        (&[";;s=1;;"], &["1"]),
        (&["x=s=9; s=1"], &["1"]),
    ];
    for (lines, expected) in table {
        assert_eq!(values(*lines, "s"), *expected, "{lines:?}");
    }
}

#[test]
fn what_only_looks_like_the_cookie_is_not_found() {
    // attacks: E14
    for line in [
        "", ";", ";;;", "=", "=v", "s", "s;", "xs=1", "x-s=1", "s2=1", "S=1", "a=s=1", "a= s=1", "\"s=1", "s =1",
        "a=b,s=1", "$s=1",
    ] {
        assert_eq!(values([line], "s"), Vec::<String>::new(), "{line:?}");
    }
    assert_eq!(values(Vec::<&str>::new(), "s"), Vec::<String>::new());
    // A value-less cookie of our name, as browsers write it.
    assert_eq!(values(["__Host-session; a=b"], "__Host-session"), Vec::<String>::new());
}

#[test]
fn values_with_bytes_that_no_cookie_may_hold_are_skipped() {
    // attacks: E14
    for value in ["\"1\"", "a b", "a,b", "a\\b", "a\tb"] {
        assert_eq!(values([format!("s={value}; s=2")], "s"), ["2"], "{value:?}");
    }
    assert_eq!(values([b"s=\xff\xfe; s=2".as_slice()], "s"), ["2"]);
    assert_eq!(values([b"s=\xc3\xa9; s=2".as_slice()], "s"), ["2"]);
}

#[test]
fn at_most_eight_values_and_64_kilobytes_are_looked_at() {
    // attacks: E14
    assert_eq!(values([vec!["s=1"; 100].join("; ")], "s").len(), 8);
    let pairs: Vec<String> = (0..10_000).map(|i| format!("c{i}=v")).collect();
    let many = pairs.join("; ");
    assert_eq!(values([format!("s=1; {}", &many[..60_000])], "s"), ["1"]);
    assert_eq!(values([format!("{}; s=1", &many[..60_000])], "s"), ["1"]);
    assert_eq!(values([format!("s=1; {many}")], "s"), Vec::<String>::new());
    let large = format!("a={}", "x".repeat(65_000));
    assert_eq!(values([large.as_str(), "s=1"], "s"), ["1"]);
    assert_eq!(
        values([large.as_str(), large.as_str(), "s=1"], "s"),
        Vec::<String>::new()
    );
}

#[test]
fn names_are_tokens_of_sensible_length() {
    assert_eq!(
        CookieName::new("__Host-session.0").unwrap().as_str(),
        "__Host-session.0"
    );
    for name in [
        "",
        "a b",
        "a;b",
        "a=b",
        "a\"b",
        "\u{e9}",
        "a\n",
        "a,b",
        "(a)",
        &"a".repeat(201),
    ] {
        assert!(CookieName::new(name).is_err(), "{name:?}");
    }
    assert_eq!(CookieName::new("a").unwrap(), CookieName::new("a").unwrap());
    assert_eq!(format!("{:?}", CookieName::new("a").unwrap()), "CookieName(a)");
}

#[test]
fn cookies_are_listed_by_the_beginning_of_their_name() {
    let prefix = Finder::new("login.");
    let long = format!("login.{}=x", "a".repeat(65));
    let headers = cookie_headers([
        "a=1; login.x=2; login.=3; xlogin.y=4; login.z",
        "login.w=5=6",
        long.as_str(),
        "login.b d=7",
    ]);
    let found: Vec<(String, Vec<u8>)> = cookies_with_prefix(&headers, &prefix)
        .map(|cookie| (cookie.suffix.to_owned(), cookie.value.to_vec()))
        .collect();
    assert_eq!(
        found,
        [("x".to_owned(), b"2".to_vec()), ("w".to_owned(), b"5=6".to_vec())]
    );
    let flood: Vec<String> = (0..500).map(|i| format!("login.{i}=v")).collect();
    assert_eq!(cookies_with_prefix(&cookie_headers(flood), &prefix).count(), 64);
}

/// The plain way to do it: split, trim, compare.
fn by_splitting(line: &str, name: &str) -> Vec<String> {
    line.split(';')
        .filter_map(|pair| pair.trim_matches([' ', '\t']).split_once('='))
        .filter(|(own, _)| *own == name)
        .map(|(_, value)| value.trim_matches([' ', '\t']).to_owned())
        .filter(|value| value.bytes().all(crate::cookie::is_cookie_octet))
        .take(8)
        .collect()
}

/// Values of the session cookie and of the CSRF cookie by one pass, and by a search for each.
fn both_ways(lines: &[String], csrf: &str) -> [[Vec<Vec<u8>>; 2]; 2] {
    let public_url = PublicUrl::parse("http://localhost").unwrap();
    let options = CookieOptions {
        session_name: Some("s".to_owned()),
        csrf_name: Some(csrf.to_owned()),
        ..CookieOptions::default()
    };
    let settings = CookieSettings::checked(&public_url, &options).unwrap();
    let headers = cookie_headers(lines);
    let (mut session, mut tokens) = (Vec::new(), Vec::new());
    OurCookies::new(settings.names()).each(
        &headers.get_all(COOKIE),
        |value| session.push(value.to_vec()),
        |value| tokens.push(value.to_vec()),
    );
    for values in [&mut session, &mut tokens] {
        values.truncate(8);
    }
    let by_name = |name| raw_values(&headers, name).map(<[u8]>::to_vec).collect();
    let names = settings.names();
    [[session, tokens], [by_name(names.session()), by_name(names.csrf())]]
}

#[test]
fn session_and_csrf_cookie_are_found_in_one_pass() {
    // attacks: E14
    let long = "x".repeat(3_000);
    let table = [
        (vec![format!("a=1; s={long}; s.0={long}; s.1={long}; c=2")], 1, 1),
        (vec![format!("c=1; s=2; c=3; s.0={long}; c=4; s=5; c=6")], 2, 4),
        (vec!["s.2=1; s.c=2; s=3".to_owned(), "c=4".to_owned()], 1, 1),
        (vec!["s.0=a=s=1; xc=2; c.0=3".to_owned()], 0, 0),
        (vec!["a=; s=1 ;c=2".to_owned()], 1, 1),
        (vec![vec!["s=1; c=2"; 100].join("; ")], 8, 8),
        (vec![format!("a={}", "x".repeat(65_600)), "s=1; c=2".to_owned()], 0, 0),
    ];
    for (lines, sessions, tokens) in table {
        let [found, expected] = both_ways(&lines, "c");
        assert_eq!(found, expected);
        assert_eq!(found.map(|values| values.len()), [sessions, tokens]);
    }
    // A CSRF cookie whose name begins like the session's.
    let [found, expected] = both_ways(&["s.x=1; s=2; s.x=3; s.0=4; s.xy=5".to_owned()], "s.x");
    assert_eq!(found, expected);
    assert_eq!(found.map(|values| values.len()), [1, 2]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn searching_finds_what_splitting_finds(parts in proptest::collection::vec(
        prop::sample::select(vec!["s", "=", ";", " ", "\t", "x", "s=", "; ", "s=1", "\"", ",", "ss", "=="]), 0..24,
    )) {
        let line = parts.concat();
        prop_assert_eq!(values([line.as_str()], "s"), by_splitting(&line, "s"), "{:?}", line);
    }

    #[test]
    fn one_pass_finds_what_two_searches_find(
        parts in proptest::collection::vec(
            prop::sample::select(vec!["s", "c", "=", ";", " ", "\t", "; s=", ";c=", "; s.0=", "s.1", "s.c=", "x", "; "]),
            0..40,
        ),
        csrf in prop::sample::select(vec!["c", "s.c", "cs", "sc"]),
    ) {
        let [found, expected] = both_ways(&[parts.concat()], csrf);
        prop_assert_eq!(found, expected, "{:?}", parts.concat());
    }

    #[test]
    fn no_header_at_all_is_an_error(line in proptest::collection::vec(0x20_u8..=0xff, 0..400)) {
        if !line.contains(&0x7f) {
            let _ = values([line], "s").len();
        }
    }
}

#[test]
fn random_headers_of_any_bytes_pass_by() {
    let random = Seeded::new(7);
    for _ in 0..2_000 {
        let line: Vec<u8> = (0..200)
            .map(|_| (random.next() & 0xff) as u8)
            .filter(|byte| *byte >= 0x20 && *byte != 0x7f)
            .collect();
        let headers = cookie_headers([line]);
        assert!(cookie_values(&headers, &CookieName::new("s").unwrap()).count() <= 8);
    }
}
