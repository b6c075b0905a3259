//! Ratios of the hot path, by turns in one process: what the guard adds to the parts it is made of.
//!
//! `cargo bench -p doorward-bench --bench ratios` prints a table; nothing is judged by it.

#![allow(
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "a program that prints a table"
)]

#[path = "../support/mod.rs"]
mod support;

use std::cell::RefCell;
use std::hint::black_box;
use std::time::Duration;

use doorward_bench::{Case, Rounds, Spread, alternate, load_average};
use doorward_core::cookie::{CookieOptions, CookieSettings};
use doorward_core::origin::PublicUrl;
use doorward_core::session::SessionCodec;
use doorward_crypto::{KeyRing, SecretString};
use doorward_engine::{RequestContext, Rule};
use http::header::COOKIE;
use memchr::memchr;
use support::parts::Parts;
use support::{APP, Incoming, SECRET, SignedIn, authenticate, sign_in, unrelated};

const ROUNDS: usize = 25;
const TURN: Duration = Duration::from_millis(20);

fn main() {
    // `cargo test --all-targets` runs this file too; only `cargo bench` asks for a benchmark.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let signed_in = support::runtime().block_on(sign_in());
    let parts = Parts::of(&signed_in);
    println!(
        "access token {} B, cookie header {} B, identity cookie {} B sealed, {} B plain; {ROUNDS} rounds, load {:.1}",
        support::ACCESS_TOKEN_BYTES,
        signed_in.cookie.len(),
        parts.value.len(),
        parts.plain.len(),
        load_average().unwrap_or(f64::NAN),
    );
    hot_path(&signed_in, &parts);
    unrelated_cookies(&signed_in);
}

fn hot_path(signed_in: &SignedIn, parts: &Parts) {
    let engine = signed_in.auth.engine();
    let with = Incoming::get(Some(&signed_in.cookie));
    let without = Incoming::get(None);
    let codec = codec();
    let rule = Rule::Session;
    assert!(authenticate(engine, &with, &rule, |_| {}) && !authenticate(engine, &without, &rule, |_| {}));
    let found = [Some(parts.value.as_slice()), Some(signed_in.csrf.as_bytes())];
    assert_eq!(parts.scan(&with.headers), found);
    assert_eq!(parts.plain_scan(&with.headers), found[0]);
    let buffer = || RefCell::new(vec![0; parts.sealed.len()]);
    let (to_copy, to_open) = (buffer(), buffer());

    let rounds = alternate(
        &mut [
            Case::new("guard", || authenticate(engine, black_box(&with), &rule, |_| {})),
            Case::new("refuse", || authenticate(engine, black_box(&without), &rule, |_| {})),
            Case::new("context", || RequestContext::new(engine, black_box(&without).view())),
            Case::new("scan", || {
                parts.scan(&black_box(&with).headers).map(|value| value.is_some())
            }),
            Case::new("plain scan", || parts.plain_scan(&black_box(&with).headers).is_some()),
            Case::new("decode", || black_box(parts).decode()),
            Case::new("copy", || parts.copy(&mut to_copy.borrow_mut()).len()),
            Case::new("copy and open", || black_box(parts).open(&mut to_open.borrow_mut())),
            Case::new("read", || black_box(black_box(parts).read()).revision),
            Case::new("find", || codec.find_identity(&black_box(&with).headers)),
            Case::new("guard and user", || {
                authenticate(engine, black_box(&with), &rule, |session| {
                    black_box(session.user());
                })
            }),
        ],
        ROUNDS,
        TURN,
    );
    let open = |of: &dyn Fn(&str) -> f64| of("copy and open") - of("copy");
    let sum = |of: &dyn Fn(&str) -> f64| of("scan") + of("decode") + open(of) + of("read");

    println!("\nnanoseconds, median (min–max)");
    line(
        "cookie scan for both names, as the product does",
        rounds.nanoseconds("scan"),
    );
    line("  for one name, reading every byte", rounds.nanoseconds("plain scan"));
    line("base64-simd decode into a fresh buffer", rounds.nanoseconds("decode"));
    line("AEAD open (AES-256-GCM-SIV)", rounds.each_round(open));
    line("payload decode (the head the guard reads)", rounds.nanoseconds("read"));
    line("sum of the parts", rounds.each_round(sum));
    line(
        "  the product's own find, decode, open, read",
        rounds.nanoseconds("find"),
    );
    line("cookie header to authenticated session", rounds.nanoseconds("guard"));
    line(
        "  and a handler that reads the user",
        rounds.nanoseconds("guard and user"),
    );
    line("refusal without a cookie, decision only", rounds.nanoseconds("refuse"));
    line(
        "  of both: making and dropping the context",
        rounds.nanoseconds("context"),
    );

    println!("\nratios, taken in each round");
    ratio(&rounds, "session / sum of its parts", 1.6, |of| of("guard") / sum(of));
    ratio(&rounds, "refusal / session", 1.0 / 3.0, |of| of("refuse") / of("guard"));
}

fn unrelated_cookies(signed_in: &SignedIn) {
    let engine = signed_in.auth.engine();
    let rule = Rule::Session;
    let cookie = &signed_in.cookie;
    let before = |bytes, pair| Incoming::get(Some(&format!("{}{cookie}", unrelated(bytes, pair))));
    let headers = [
        ("none", Incoming::get(Some(cookie))),
        ("2 KB in 20 cookies", before(2_000, 100)),
        ("6 KB in 60 cookies", before(6_000, 100)),
        ("6 KB in 2 cookies", before(6_000, 3_000)),
        ("6 KB in 300 cookies", before(6_000, 20)),
    ];
    let mut cases = Vec::new();
    for (name, incoming) in &headers {
        assert!(authenticate(engine, incoming, &rule, |_| {}));
        cases.push(Case::new(*name, {
            let rule = &rule;
            move || authenticate(engine, black_box(incoming), rule, |_| {})
        }));
        cases.push(Case::new(format!("memchr {name}"), move || {
            // A byte that is not there: the whole header is read once.
            memchr(b'"', black_box(incoming).headers[COOKIE].as_bytes())
        }));
    }
    let rounds = alternate(&mut cases, ROUNDS, TURN);
    println!("\nunrelated cookies before ours: nanoseconds, what they add, what memchr takes for the same bytes");
    let none = "none";
    line(none, rounds.nanoseconds(none));
    for (name, _) in &headers[1..] {
        let added = rounds.each_round(|of| of(name) - of(none));
        let scan = |of: &dyn Fn(&str) -> f64| of(&format!("memchr {name}")) - of("memchr none");
        let times = rounds.each_round(|of| (of(name) - of(none)) / scan(of));
        println!(
            "{name:<44} {:>24.0}   +{added:.0}   memchr +{:.0}   ratio {times:.1}",
            rounds.nanoseconds(name),
            rounds.each_round(scan),
        );
    }
}

#[allow(clippy::unwrap_used, reason = "a benchmark whose set-up is wrong has to stop")]
fn codec() -> SessionCodec {
    let keys = KeyRing::new(vec![SecretString::new(SECRET)]).unwrap();
    let cookies = CookieSettings::checked(&PublicUrl::parse(APP).unwrap(), &CookieOptions::default()).unwrap();
    SessionCodec::new(&keys, &cookies)
}

fn line(name: &str, nanoseconds: Spread) {
    println!("{name:<44} {nanoseconds:>24.0}");
}

fn ratio(rounds: &Rounds, name: &str, limit: f64, compute: impl Fn(&dyn Fn(&str) -> f64) -> f64) {
    let spread = rounds.each_round(compute);
    let verdict = if spread.median <= limit { "met" } else { "missed" };
    println!("{name:<44} {spread:>24.2}   target at most {limit:.2}: {verdict}");
}
