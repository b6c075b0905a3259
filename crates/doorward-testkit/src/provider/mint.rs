//! Codes and tokens.

use serde_json::{Value, json};

use super::keys::{KeyAlgorithm, ProviderKey, compact, der_signature, hmac_sha256};
use super::script::{AccessTokenKind, IdTokenScript, Signing, TokenScript};
use super::{Grant, ScriptedProvider};

impl ScriptedProvider {
    /// A fresh secret value, remembered in [`minted_secrets`](Self::minted_secrets).
    pub(super) fn mint(&self, kind: &str) -> String {
        let secret = format!("{kind}-{}", self.inner.random.hex());
        self.state().minted.push(secret.clone());
        secret
    }

    /// The members of a correct token response, and the tokens in it remembered.
    pub(super) fn tokens(&self, script: &TokenScript, grant: &Grant, refresh: Option<String>) -> Value {
        let access_token = match script.access_token {
            AccessTokenKind::Opaque => self.mint("at"),
            AccessTokenKind::Jwt => self.access_jwt(script, grant),
        };
        let scope = script.scope.clone().unwrap_or_else(|| grant.scope.clone());
        self.state().access_tokens.insert(access_token.clone(), grant.clone());
        let mut response = json!({
            "access_token": access_token,
            "token_type": "Bearer",
            "expires_in": script.expires_in,
            "scope": scope,
        });
        if !script.id_token.omitted {
            response["id_token"] = self.id_token(&script.id_token, grant, &access_token).into();
        }
        if let Some(refresh) = refresh {
            response["refresh_token"] = refresh.into();
        }
        response
    }

    fn access_jwt(&self, script: &TokenScript, grant: &Grant) -> String {
        let now = self.now();
        let mut claims = json!({
            "iss": self.issuer(),
            "sub": grant.subject,
            "aud": "https://api.example.com",
            "client_id": grant.client_id,
            "scope": grant.scope,
            "iat": now,
            "exp": now + script.expires_in,
            "jti": self.inner.random.hex(),
        });
        extend(&mut claims, &grant.claims);
        let plain = IdTokenScript::default();
        self.signed(&plain, "at+jwt", claims)
    }

    fn id_token(&self, script: &IdTokenScript, grant: &Grant, access_token: &str) -> String {
        let now = self.now();
        let algorithm = match script.signing {
            Signing::Published(algorithm) => algorithm,
            _ => self.algorithm(),
        };
        let mut claims = json!({
            "iss": self.issuer(),
            "sub": grant.subject,
            "aud": grant.client_id,
            "iat": now,
            "exp": now + 300,
            "auth_time": grant.auth_time,
            "sid": grant.session_id,
            "at_hash": algorithm.half_hash(access_token),
        });
        if let Some(nonce) = &grant.nonce {
            claims["nonce"] = nonce.clone().into();
        }
        if let Some(acr) = &grant.acr {
            claims["acr"] = acr.clone().into();
        }
        extend(&mut claims, &grant.claims);
        self.signed(script, "JWT", claims)
    }

    /// Makes a token from claims in the way the script says.
    pub(super) fn signed(&self, script: &IdTokenScript, typ: &str, mut claims: Value) -> String {
        if let Some(edit) = &script.claims {
            edit(&mut claims);
        }
        let payload = script.payload.clone().unwrap_or_else(|| claims.to_string());
        let right = self.state().keys.current.clone();
        let key = match &script.signing {
            Signing::Published(algorithm) => self.published(*algorithm),
            Signing::OtherKey => ProviderKey::generate(right.algorithm(), right.kid()).into(),
            Signing::UnknownKey => ProviderKey::generate(right.algorithm(), "nobody-knows").into(),
            _ => right,
        };
        let algorithm = match &script.signing {
            Signing::Unsigned => "none",
            Signing::Hs256(_) | Signing::Hs256WithPublicKey => "HS256",
            _ => key.algorithm().name(),
        };
        let mut header = json!({"alg": algorithm, "kid": key.kid(), "typ": typ});
        if let Some(edit) = &script.header {
            edit(&mut header);
        }
        let token = compact(&header, &payload, |message| match &script.signing {
            Signing::Unsigned | Signing::Empty => Vec::new(),
            Signing::Hs256(secret) => hmac_sha256(secret, message),
            Signing::Hs256WithPublicKey => hmac_sha256(&key.public_bytes(), message),
            Signing::Zeros => vec![0; key.sign(message).len()],
            Signing::Bytes(bytes) => bytes.clone(),
            Signing::Der => der_signature(&key.sign(message)),
            Signing::Flipped => {
                let mut signature = key.sign(message);
                *signature.last_mut().expect("a signature") ^= 1;
                signature
            }
            _ => key.sign(message),
        });
        let token = match &script.compact {
            Some(edit) => edit(token),
            None => token,
        };
        self.state().minted.push(token.clone());
        token
    }

    /// The published key of an algorithm, made and published where there is none.
    fn published(&self, algorithm: KeyAlgorithm) -> std::sync::Arc<ProviderKey> {
        let mut state = self.state();
        let found = state.keys.published.iter().find(|key| key.algorithm() == algorithm);
        if let Some(key) = found {
            return key.clone();
        }
        let kid = state.keys.next_kid();
        let key = std::sync::Arc::new(ProviderKey::generate(algorithm, kid));
        state.keys.published.push(key.clone());
        key
    }
}

fn extend(claims: &mut Value, more: &serde_json::Map<String, Value>) {
    let claims = claims.as_object_mut().expect("claims");
    claims.extend(more.iter().map(|(name, value)| (name.clone(), value.clone())));
}
