//! The rules, each as a table and one check; what they share is in `support`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "tests"
)]

mod access_token;
mod access_token_form;
mod access_token_kind;
mod authorize;
mod callback;
mod claims;
mod corpora;
mod discovery;
mod exchange;
mod front_channel;
mod grants;
mod id_token;
mod id_token_form;
mod introspection;
mod issuer;
mod journeys;
mod logout;
mod logout_token;
mod logout_token_form;
mod metadata;
mod params;
mod refreshed;
mod secrets;
mod support;
mod token;
mod userinfo;
mod wristband;
