//! Seals, handles, records, lifetimes, data.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod control;
mod data;
mod handles;
mod identity;
mod lifetime;
mod record_keys;
mod renewing;
mod revocation;
mod seen_from;
mod stored;
mod tokens;
mod unreadable;

use std::sync::LazyLock;

use doorward_crypto::SecretString;
use http::HeaderMap;

use super::{Identity, IdentityCookie, OpenedIdentity, SessionCodec, Tokens};
use crate::test_support::{at, cookie_headers, https_cookies, keys};

/// Made once: judging the secret's strength takes a thousand times as long as opening a session.
fn codec() -> &'static SessionCodec {
    static CODEC: LazyLock<SessionCodec> = LazyLock::new(|| SessionCodec::new(&keys(&[1]), &https_cookies()));
    &CODEC
}

fn session_headers<V: AsRef<str>>(values: impl IntoIterator<Item = V>) -> HeaderMap {
    let pairs: Vec<String> = values
        .into_iter()
        .map(|value| format!("__Host-session={}", value.as_ref()))
        .collect();
    cookie_headers([pairs.join("; ")])
}

fn opened(found: IdentityCookie) -> Option<OpenedIdentity> {
    match found {
        IdentityCookie::Opened(opened) => Some(opened),
        IdentityCookie::Absent | IdentityCookie::Unreadable | IdentityCookie::Conflict => None,
    }
}

fn same(opened: &OpenedIdentity, identity: &Identity) -> bool {
    opened.to_identity().unwrap() == *identity
}

/// Tokens of given lengths; each holds a text that must never be printed.
fn tokens(access: usize, id_token: usize) -> Tokens {
    let secret = |mark: &str, length: usize| {
        SecretString::new(format!("{mark}{}", "x".repeat(length.saturating_sub(mark.len()))))
    };
    Tokens {
        access_token: secret("access-hunter2-", access),
        refresh_token: Some(secret("refresh-hunter2-", 60)),
        id_token: (id_token > 0).then(|| secret("id-hunter2-", id_token)),
        access_token_expires_at: Some(at(600)),
        scope: Some("openid orders:read".to_owned()),
    }
}
