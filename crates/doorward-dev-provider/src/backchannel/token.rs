//! Logout tokens (OpenID Connect Back-Channel Logout 1.0 §2.4), and how a test has them made wrong.

use doorward_crypto::{SystemRandom, base64url_decode, base64url_encode, random_token};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::{keys::new_key, members::object, mint, oauth_error::OAuthError, provider::DevProvider};

const TYPE: &str = "logout+jwt";
/// How long a logout token counts, in seconds (§4: "preferably at most two minutes").
const TTL: u64 = 120;

/// Whom a logout token is for, and whom it names: a user, a session or both.
#[derive(Debug, Clone)]
pub(super) struct LogoutToken {
    pub(super) client_id: String,
    pub(super) subject: Option<String>,
    pub(super) sid: Option<String>,
}

/// What is made otherwise than in an honest token. Applied in this order: age, claims, what is left out.
#[derive(Debug, Clone, Default)]
pub(super) struct Changes {
    /// Seconds that `iat` and `exp` lie further back.
    pub(super) age: u64,
    /// Claims with another value, or further ones.
    pub(super) claims: Map<String, Value>,
    /// Claims left out.
    pub(super) omit: Vec<String>,
    /// The header's `typ`.
    pub(super) typ: Option<String>,
    pub(super) signature: Signature,
}

/// How a token is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Signature {
    /// By the provider's key.
    #[default]
    Valid,
    /// Not at all: the algorithm is `none`, and nothing follows the second dot.
    None,
    /// Named as the provider's key's, with a bit changed.
    Broken,
    /// By a key that the provider does not publish.
    ForeignKey,
}

impl LogoutToken {
    /// Makes a token of its own ID.
    pub(super) fn signed(&self, provider: &DevProvider, changes: &Changes) -> Result<String, OAuthError> {
        let claims = self.claims(provider, changes)?;
        let typ = changes.typ.as_deref().unwrap_or(TYPE);
        match changes.signature {
            Signature::Valid => mint::sign(provider, typ, claims),
            Signature::None => Ok(unsigned(typ, &claims)),
            Signature::Broken => Ok(broken(&mint::sign(provider, typ, claims)?)),
            Signature::ForeignKey => {
                let cannot = || OAuthError::server_error("no foreign key could be made");
                let key = new_key().map_err(|_| cannot())?;
                key.sign(typ, &Value::Object(claims)).map_err(|_| cannot())
            }
        }
    }

    fn claims(&self, provider: &DevProvider, changes: &Changes) -> Result<Map<String, Value>, OAuthError> {
        let issued_at = provider.now().saturating_sub(changes.age);
        let mut claims = object([
            ("iss", json!(provider.issuer())),
            ("aud", json!(self.client_id)),
            ("iat", json!(issued_at)),
            ("exp", json!(issued_at.saturating_add(TTL))),
            ("jti", json!(random_token(&SystemRandom)?)),
            (
                "events",
                json!({ "http://schemas.openid.net/event/backchannel-logout": {} }),
            ),
        ]);
        for (name, value) in [("sub", &self.subject), ("sid", &self.sid)] {
            if let Some(value) = value {
                claims.insert(name.to_owned(), json!(value));
            }
        }
        claims.extend(changes.claims.clone());
        for name in &changes.omit {
            claims.remove(name);
        }
        Ok(claims)
    }
}

fn unsigned(typ: &str, claims: &Map<String, Value>) -> String {
    let header = json!({ "alg": "none", "typ": typ }).to_string();
    let claims = json!(claims).to_string();
    format!(
        "{}.{}.",
        base64url_encode(header.as_bytes()),
        base64url_encode(claims.as_bytes())
    )
}

fn broken(token: &str) -> String {
    let (message, signature) = token.rsplit_once('.').unwrap_or((token, ""));
    let mut signature = base64url_decode(signature.as_bytes()).unwrap_or_default();
    if let Some(byte) = signature.get_mut(20) {
        *byte ^= 1;
    }
    format!("{message}.{}", base64url_encode(&signature))
}
