//! Values that several tests start from.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::{
    collections::BTreeMap,
    sync::{
        LazyLock,
        atomic::{AtomicU64, Ordering},
    },
};

use doorward_crypto::{KeyRing, Random, RandomUnavailable, generate_secret};
use doorward_oidc::{
    AuthorizeSettings, Client, ClientAuthentication, HttpIssuer, Issuer, LoginParameters, PendingAuthorization,
    ProviderMetadata, UnixTime, begin,
};
use http::{HeaderMap, HeaderValue, StatusCode, header::COOKIE};

use crate::{
    cookie::{CookieOptions, CookieSettings},
    csrf::CsrfTokens,
    origin::PublicUrl,
    session::{Identity, SessionId, User},
};

/// The moment at which the tests happen.
pub(crate) const NOW: u64 = 1_795_000_000;

pub(crate) fn at(offset: i64) -> UnixTime {
    UnixTime::from_seconds(NOW.checked_add_signed(offset).unwrap())
}

/// Seeded randomness (splitmix64): the same bytes in every run.
pub(crate) struct Seeded(AtomicU64);

impl Seeded {
    pub(crate) fn new(seed: u64) -> Seeded {
        Seeded(AtomicU64::new(seed))
    }

    pub(crate) fn next(&self) -> u64 {
        let mut z = self.0.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

impl Random for Seeded {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), RandomUnavailable> {
        for chunk in bytes.chunks_mut(8) {
            let word = self.next().to_le_bytes();
            chunk.copy_from_slice(word.get(..chunk.len()).unwrap_or_default());
        }
        Ok(())
    }
}

/// A source of randomness that has none.
pub(crate) struct NoRandom;

impl Random for NoRandom {
    fn fill(&self, _: &mut [u8]) -> Result<(), RandomUnavailable> {
        Err(RandomUnavailable)
    }
}

/// A ring of secrets, each named by its seed; the first seals.
pub(crate) fn keys(seeds: &[u64]) -> KeyRing {
    KeyRing::new(
        seeds
            .iter()
            .map(|seed| generate_secret(&Seeded::new(*seed)).unwrap())
            .collect(),
    )
    .unwrap()
}

pub(crate) fn https_cookies() -> CookieSettings {
    let public_url = PublicUrl::parse("https://app.acme.test").unwrap();
    CookieSettings::checked(&public_url, &CookieOptions::default()).unwrap()
}

/// One `Cookie` header for each text.
pub(crate) fn cookie_headers<V: AsRef<[u8]>>(lines: impl IntoIterator<Item = V>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for line in lines {
        headers.append(COOKIE, HeaderValue::from_bytes(line.as_ref()).unwrap());
    }
    headers
}

/// Made once: judging the secret's strength takes a thousand times as long as a token.
fn csrf_tokens() -> &'static CsrfTokens {
    static TOKENS: LazyLock<CsrfTokens> = LazyLock::new(|| CsrfTokens::new(&keys(&[1])));
    &TOKENS
}

pub(crate) fn identity(seed: u64) -> Identity {
    let random = Seeded::new(seed);
    let id = SessionId::random(&random).unwrap();
    Identity {
        id,
        revision: 1,
        provider: "main".to_owned(),
        user: User {
            subject: "alice".to_owned(),
            issuer: "https://id.example.com".to_owned(),
            tenant: "acme".to_owned(),
            email: Some("alice@acme.test".to_owned()),
            email_verified: true,
            name: Some("Alice".to_owned()),
            roles: vec!["admin".to_owned(), "member".to_owned()],
            claims: serde_json::from_str(r#"{"department":{"name":"doors"}}"#).unwrap(),
        },
        scopes: vec!["openid".to_owned(), "orders:read".to_owned()],
        issued_at: at(0),
        idle_expires_at: at(3_600),
        absolute_expires_at: at(43_200),
        access_token_expires_at: Some(at(600)),
        refresh_at: Some(at(540)),
        has_token_part: true,
        auth_time: Some(at(-5)),
        acr: Some("urn:mfa".to_owned()),
        provider_session_id: Some("sid-1".to_owned()),
        provider_tenant: None,
        roles_are_ours: false,
        csrf: csrf_tokens().issue(&id),
        data: BTreeMap::from([("cart".to_owned(), "[1,2]".to_owned())]),
    }
}

pub(crate) fn pending(random: &dyn Random) -> (String, PendingAuthorization) {
    let issuer = Issuer::parse("https://id.example.com", HttpIssuer::LoopbackOnly).unwrap();
    let body = r#"{"issuer":"https://id.example.com",
        "authorization_endpoint":"https://id.example.com/authorize",
        "token_endpoint":"https://id.example.com/token",
        "jwks_uri":"https://id.example.com/jwks",
        "id_token_signing_alg_values_supported":["RS256"]}"#;
    let mut headers = HeaderMap::new();
    headers.insert("content-type", HeaderValue::from_static("application/json"));
    let metadata = ProviderMetadata::parse(StatusCode::OK, &headers, body.as_bytes(), &issuer).unwrap();
    let client = Client {
        client_id: "app".to_owned(),
        authentication: ClientAuthentication::None,
    };
    let settings = AuthorizeSettings {
        scopes: vec!["openid".to_owned()],
        ..AuthorizeSettings::default()
    };
    let redirect_uri = "https://app.acme.test/auth/callback";
    let login = LoginParameters::default();
    let (url, pending) = begin(random, &metadata, &client, &settings, &login, redirect_uri).unwrap();
    let url = url::Url::parse(&url).unwrap();
    let state = url
        .query_pairs()
        .find(|(name, _)| name == "state")
        .unwrap()
        .1
        .into_owned();
    (state, pending)
}
