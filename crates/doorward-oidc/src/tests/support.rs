//! A provider on values: keys, metadata, tokens and a login that has just begun.

use std::sync::atomic::{AtomicU64, Ordering};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, RSA_PKCS1_SHA256, RsaKeyPair};
use doorward_crypto::{
    Algorithm, KeySet, Random, RandomUnavailable, SecretString, SigningKey, base64url_decode, base64url_encode,
};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, StatusCode};
use serde_json::{Map, Value, json};

use crate::*;

pub(super) const NOW: UnixTime = UnixTime::from_seconds(1_800_000_000);
pub(super) const ISSUER: &str = "https://id.example.com/acme";
pub(super) const CLIENT_ID: &str = "app";
pub(super) const REDIRECT_URI: &str = "https://app.example.com/auth/callback";
pub(super) const ACCESS_TOKEN: &str = "access-token-of-alice";
pub(super) const NONCE: &str = "nonce-of-this-login";
pub(super) const SUBJECT: &str = "alice-0001";

/// Gives other bytes each time, and the same in each run.
#[derive(Default)]
pub(super) struct CountingRandom(AtomicU64);

impl Random for CountingRandom {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), RandomUnavailable> {
        for chunk in bytes.chunks_mut(8) {
            let count = self
                .0
                .fetch_add(1, Ordering::Relaxed)
                .wrapping_mul(0x9e37_79b9_7f4a_7c15);
            chunk.copy_from_slice(&count.to_le_bytes()[..chunk.len()]);
        }
        Ok(())
    }
}

/// Has nothing to give.
pub(super) struct EmptyRandom;

impl Random for EmptyRandom {
    fn fill(&self, _bytes: &mut [u8]) -> Result<(), RandomUnavailable> {
        Err(RandomUnavailable)
    }
}

enum Pair {
    Ec(EcdsaKeyPair),
    Rsa(Box<RsaKeyPair>),
}

/// A provider's key, which also signs what no provider should.
pub(super) struct Key {
    pub(super) signing: SigningKey,
    pair: Pair,
}

impl Key {
    pub(super) fn ec() -> Self {
        let signing = SigningKey::generate(Algorithm::Es256).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &der(&signing)).unwrap();
        Self {
            signing,
            pair: Pair::Ec(pair),
        }
    }

    pub(super) fn rsa() -> Self {
        let signing = SigningKey::generate(Algorithm::Rs256).unwrap();
        let pair = RsaKeyPair::from_pkcs8(&der(&signing)).unwrap();
        Self {
            signing,
            pair: Pair::Rsa(Box::new(pair)),
        }
    }

    pub(super) fn header(&self) -> Value {
        json!({"alg": self.signing.algorithm().name(), "kid": self.signing.kid(), "typ": "JWT"})
    }

    pub(super) fn jwk_without_kid(&self) -> Value {
        let mut jwk = self.signing.public_jwk();
        jwk.as_object_mut().unwrap().remove("kid");
        jwk
    }

    pub(super) fn sign(&self, message: &str) -> Vec<u8> {
        let random = SystemRandom::new();
        match &self.pair {
            Pair::Ec(pair) => pair.sign(&random, message.as_bytes()).unwrap().as_ref().to_vec(),
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, message.as_bytes(), &mut signature)
                    .unwrap();
                signature
            }
        }
    }

    /// Signs any payload under any header.
    pub(super) fn token(&self, header: &Value, payload: &[u8]) -> SecretString {
        let message = format!(
            "{}.{}",
            base64url_encode(header.to_string().as_bytes()),
            base64url_encode(payload)
        );
        let signature = base64url_encode(&self.sign(&message));
        SecretString::new(format!("{message}.{signature}"))
    }

    /// Signs claims as an honest provider does.
    pub(super) fn id_token(&self, claims: &Value) -> SecretString {
        self.token(&self.header(), claims.to_string().as_bytes())
    }
}

fn der(key: &SigningKey) -> Vec<u8> {
    let pem = key.to_pem().unwrap();
    let text: String = pem.expose().lines().filter(|line| !line.starts_with("-----")).collect();
    let text = text.trim_end_matches('=').replace('+', "-").replace('/', "_");
    base64url_decode(text.as_bytes()).unwrap()
}

pub(super) fn key_set(jwks: &[Value]) -> KeySet {
    KeySet::parse(json!({ "keys": jwks }).to_string().as_bytes()).unwrap()
}

pub(super) fn keys_of(key: &Key) -> KeySet {
    key_set(&[key.signing.public_jwk()])
}

pub(super) fn issuer() -> Issuer {
    Issuer::parse(ISSUER, HttpIssuer::LoopbackOnly).unwrap()
}

pub(super) fn metadata_json() -> Value {
    json!({
        "issuer": ISSUER,
        "authorization_endpoint": "https://id.example.com/acme/authorize",
        "token_endpoint": "https://id.example.com/acme/token",
        "jwks_uri": "https://keys.example.net/acme",
        "userinfo_endpoint": "https://id.example.com/acme/userinfo",
        "revocation_endpoint": "https://id.example.com/acme/revoke",
        "end_session_endpoint": "https://id.example.com/acme/logout",
        "scopes_supported": ["openid", "email", "offline_access"],
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256", "RS256", "HS256", "none"],
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": true,
    })
}

pub(super) fn metadata_with(patch: &Value) -> ProviderMetadata {
    let body = patched(metadata_json(), patch);
    ProviderMetadata::parse(
        StatusCode::OK,
        &content_type("application/json"),
        body.to_string().as_bytes(),
        &issuer(),
    )
    .unwrap()
}

pub(super) fn metadata() -> ProviderMetadata {
    metadata_with(&json!({}))
}

pub(super) fn client() -> Client {
    Client {
        client_id: CLIENT_ID.to_owned(),
        authentication: ClientAuthentication::SecretBasic(SecretString::new("client-secret")),
    }
}

pub(super) fn content_type(value: &'static str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(value));
    headers
}

/// Sets members; a member patched with the string `(absent)` is removed.
pub(super) fn patched(mut value: Value, patch: &Value) -> Value {
    let members: &mut Map<String, Value> = value.as_object_mut().unwrap();
    for (name, change) in patch.as_object().unwrap() {
        if change == "(absent)" {
            members.remove(name);
        } else {
            members.insert(name.clone(), change.clone());
        }
    }
    value
}

pub(super) fn claims() -> Value {
    json!({
        "iss": ISSUER,
        "aud": CLIENT_ID,
        "sub": SUBJECT,
        "exp": NOW.seconds() + 300,
        "iat": NOW.seconds(),
        "nonce": NONCE,
    })
}

pub(super) fn expected() -> ExpectedIdToken {
    ExpectedIdToken {
        issuer: ISSUER.to_owned(),
        client_id: CLIENT_ID.to_owned(),
        nonce: Some(NONCE.to_owned()),
        max_age: None,
        acr_values: None,
        requested_scope: "openid".to_owned(),
    }
}

/// Verifies an ID token as at login, ES256 pinned.
pub(super) fn verify_at_login(raw: &SecretString, keys: &KeySet) -> Result<VerifiedIdToken, IdTokenError> {
    let access_token = SecretString::new(ACCESS_TOKEN);
    let rules = IdTokenRules {
        expected: &expected(),
        algorithms: &[Algorithm::Es256],
        now: NOW,
        access_token: Some(&access_token),
    };
    crate::id_token::verify(raw, keys, &rules)
}

pub(super) fn settings(response_mode: ResponseMode) -> AuthorizeSettings {
    AuthorizeSettings::new(vec!["openid".to_owned(), "email".to_owned()], Vec::new(), response_mode).unwrap()
}

/// Begins a login and returns the parameters sent to the provider beside what is remembered.
pub(super) fn begun(
    random: &dyn Random,
    metadata: &ProviderMetadata,
    settings: &AuthorizeSettings,
    login: &LoginParameters,
) -> (Params, PendingAuthorization) {
    let (url, pending) = begin(random, metadata, &client(), settings, login, REDIRECT_URI).unwrap();
    let query = url.split_once('?').unwrap().1;
    (Params::parse(query).unwrap(), pending)
}

pub(super) fn form_of(outbound: &OutboundRequest) -> Params {
    Params::parse(std::str::from_utf8(outbound.request.body()).unwrap()).unwrap()
}

pub(super) fn value_of(params: &Params, name: &str) -> String {
    params.once(name).unwrap().unwrap_or_default().to_owned()
}

/// The variant of an error, with its fields.
pub(super) fn shown<T, E: std::fmt::Debug>(result: &Result<T, E>) -> String {
    match result {
        Ok(_) => "accepted".to_owned(),
        Err(error) => format!("{error:?}"),
    }
}
