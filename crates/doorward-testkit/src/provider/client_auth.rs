//! How a client proves who it is at the token and revocation endpoints.

use http::header;
use serde_json::Value;

use super::keys::{decode, verify};
use super::{Recorded, ScriptedProvider};

/// How a client proves who it is.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum ClientKind {
    /// By `client_secret_basic` or `client_secret_post`, never both.
    Secret(String),
    /// By either of several secrets, as while one takes another's place.
    Secrets(Vec<String>),
    /// By `client_secret_basic` only.
    SecretBasic(String),
    /// By `client_secret_post` only.
    SecretPost(String),
    /// By `private_key_jwt` with this public key (RFC 7523).
    Key(Value),
    /// By `private_key_jwt` with the one of these public keys that the assertion's `kid` names.
    Keys(Vec<Value>),
    /// Not at all.
    Public,
}

impl ScriptedProvider {
    /// The client that made a request, or why it is none.
    pub(super) fn authenticate(&self, request: &Recorded) -> Result<String, &'static str> {
        let form: Vec<(String, String)> = url::form_urlencoded::parse(&request.body).into_owned().collect();
        let param = |name: &str| {
            let mut found = form.iter().filter(|(other, _)| other == name).map(|(_, value)| value);
            let first = found.next().cloned();
            match found.next() {
                None => Ok(first),
                Some(_) => Err("a client parameter was given twice"),
            }
        };
        let basic = match request.headers.get(header::AUTHORIZATION) {
            None => None,
            Some(value) => Some(read_basic(value.as_bytes()).ok_or("Authorization is no Basic")?),
        };
        let (named, posted) = (param("client_id")?, param("client_secret")?);
        let assertion = param("client_assertion")?;
        let ways = [basic.is_some(), posted.is_some(), assertion.is_some()];
        if ways.into_iter().filter(|used| *used).count() > 1 {
            return Err("the client authenticated in more than one way");
        }
        let claimed = match (&basic, &named, &assertion) {
            (Some((id, _)), None, _) => id.clone(),
            (Some((id, _)), Some(named), _) if id == named => id.clone(),
            (Some(_), Some(_), _) => return Err("client_id differs from the Basic user"),
            (None, Some(named), _) => named.clone(),
            (None, None, Some(assertion)) => subject_of(assertion).ok_or("unreadable assertion")?,
            (None, None, None) => return Err("no client_id"),
        };
        let kind = self.state().clients.get(&claimed).cloned().ok_or("unknown client")?;
        let proven = match (&kind, basic, posted, assertion) {
            (ClientKind::Secret(right) | ClientKind::SecretBasic(right), Some((_, secret)), ..) => secret == *right,
            (ClientKind::Secret(right) | ClientKind::SecretPost(right), None, Some(secret), _) => secret == *right,
            (ClientKind::Secrets(right), Some((_, secret)), ..) => right.contains(&secret),
            (ClientKind::Secrets(right), None, Some(secret), _) => right.contains(&secret),
            (ClientKind::Key(_) | ClientKind::Keys(_), None, None, Some(assertion)) => {
                let type_of_it = param("client_assertion_type")?;
                if type_of_it.as_deref() != Some("urn:ietf:params:oauth:client-assertion-type:jwt-bearer") {
                    return Err("wrong client_assertion_type");
                }
                let key = match &kind {
                    ClientKind::Keys(keys) => {
                        named_key(keys, &assertion).ok_or("assertion names no key of the client's")?
                    }
                    ClientKind::Key(key) => key,
                    _ => return Err("the client did not authenticate as registered"),
                };
                self.check_assertion(&claimed, key, &assertion)?;
                true
            }
            (ClientKind::Public, None, None, None) => true,
            _ => return Err("the client did not authenticate as registered"),
        };
        if proven {
            Ok(claimed)
        } else {
            Err("wrong client secret")
        }
    }

    /// RFC 7523 section 3, with the limits of FAPI 2.0: at most 60 seconds ahead, our issuer alone as audience.
    fn check_assertion(&self, client_id: &str, key: &Value, token: &str) -> Result<(), &'static str> {
        let (message, signature) = token.rsplit_once('.').ok_or("assertion is no JWS")?;
        let (header, payload) = message.split_once('.').ok_or("assertion is no JWS")?;
        let part = |text: &str| -> Option<Value> { serde_json::from_slice(&decode(text)?).ok() };
        let header = part(header).ok_or("unreadable assertion header")?;
        let claims = part(payload).ok_or("unreadable assertion")?;
        let signature = decode(signature).ok_or("unreadable assertion signature")?;
        let algorithm = header["alg"].as_str().unwrap_or_default();
        if !verify(key, algorithm, message.as_bytes(), &signature) {
            return Err("assertion is not signed by the client's key");
        }
        if claims["iss"] != client_id || claims["sub"] != client_id {
            return Err("assertion is about another client");
        }
        if claims["aud"] != self.issuer() {
            return Err("assertion has another audience than the issuer");
        }
        let now = self.now();
        let expires = claims["exp"].as_u64().ok_or("assertion has no exp")?;
        if expires <= now || expires > now + 60 {
            return Err("assertion has an exp that is past or more than 60 s ahead");
        }
        let id = claims["jti"].as_str().ok_or("assertion has no jti")?;
        if !self.state().assertions.insert(id.to_owned()) {
            return Err("assertion was used before");
        }
        Ok(())
    }
}

/// The key that the `kid` of an assertion's header names.
fn named_key<'k>(keys: &'k [Value], assertion: &str) -> Option<&'k Value> {
    let header: Value = serde_json::from_slice(&decode(assertion.split('.').next()?)?).ok()?;
    let kid = header["kid"].as_str()?;
    keys.iter().find(|key| key["kid"] == kid)
}

/// RFC 6749 section 2.3.1: both parts are form-encoded before base64.
fn read_basic(value: &[u8]) -> Option<(String, String)> {
    let encoded = value.strip_prefix(b"Basic ")?;
    let text = String::from_utf8(base64_simd::STANDARD.decode_to_vec(encoded).ok()?).ok()?;
    let (id, secret) = text.split_once(':')?;
    let plain = |text: &str| {
        let text = text.replace('&', "%26").replace('=', "%3D");
        let mut pairs = url::form_urlencoded::parse(text.as_bytes());
        pairs.next().map(|(name, _)| name.into_owned()).unwrap_or_default()
    };
    Some((plain(id), plain(secret)))
}

fn subject_of(token: &str) -> Option<String> {
    let payload = decode(token.split('.').nth(1)?)?;
    let claims: Value = serde_json::from_slice(&payload).ok()?;
    claims["sub"].as_str().map(str::to_owned)
}
