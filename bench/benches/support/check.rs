//! Holds the parts to the product's formats, so that a benchmark does not find out that one has moved.

#![allow(clippy::unwrap_used, reason = "a test")]

#[path = "mod.rs"]
mod support;

use doorward_engine::Rule;
use support::parts::Parts;
use support::{Incoming, authenticate, runtime, sign_in};

#[test]
fn parts_read_what_a_login_of_the_product_wrote() {
    let signed_in = runtime().block_on(sign_in());
    let parts = Parts::of(&signed_in);
    let incoming = Incoming::get(Some(&signed_in.cookie));
    let found = [Some(parts.value.as_slice()), Some(signed_in.csrf.as_bytes())];
    assert_eq!(parts.scan(&incoming.headers), found);
    assert_eq!(parts.plain_scan(&incoming.headers), found[0]);
    assert_eq!(parts.decode().len(), parts.plain.len() + 33);
    assert_eq!(parts.read().tenant, "acme");
    let engine = signed_in.auth.engine();
    assert!(authenticate(engine, &incoming, &Rule::Session, |_| {}));
    assert!(!authenticate(engine, &Incoming::get(None), &Rule::Session, |_| {}));
}
