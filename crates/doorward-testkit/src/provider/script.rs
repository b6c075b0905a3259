//! What the provider is told to do: every place where one can cheat is a field.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::answer::Answer;
use super::keys::KeyAlgorithm;

/// Changes a JSON value before it is sent.
pub(super) type Edit = Arc<dyn Fn(&mut Value) + Send + Sync>;
/// Changes the parameters of an authorization response before they are sent.
pub(super) type ParamsEdit = Arc<dyn Fn(&mut Vec<(String, String)>) + Send + Sync>;
/// Changes a finished token before it is sent.
pub(super) type TextEdit = Arc<dyn Fn(String) -> String + Send + Sync>;

/// The whole behaviour of the provider. The default is a correct provider with alice signed in.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Script {
    /// `/.well-known/openid-configuration`.
    pub discovery: Answer,
    /// The key set.
    pub jwks: Answer,
    /// Which keys stand in the key set beside the right ones.
    pub keys: KeyScript,
    /// The authorization response.
    pub authorization: AuthorizationScript,
    /// The token response to a code.
    pub token: TokenScript,
    /// The token response to a refresh token.
    pub refresh: TokenScript,
    /// What becomes of a refresh token that was used.
    pub rotation: Rotation,
    /// Whether `offline_access` gets a refresh token.
    pub issue_refresh_tokens: bool,
    /// The userinfo response.
    pub userinfo: UserinfoScript,
    /// The revocation response.
    pub revocation: Answer,
    /// Who is signed in: `sub`.
    pub subject: String,
    /// What is known of them, in the ID token and in userinfo alike.
    pub claims: Map<String, Value>,
    /// How long ago they proved who they are; decides `auth_time`.
    pub authenticated_ago: Duration,
}

impl Default for Script {
    fn default() -> Self {
        let claims = json!({
            "email": "alice@acme.test",
            "email_verified": true,
            "name": "Alice Archer",
            "roles": ["admin"],
            "tenant": "acme",
        });
        let Value::Object(claims) = claims else {
            unreachable!("written above as an object")
        };
        Self {
            discovery: Answer::default(),
            jwks: Answer::default(),
            keys: KeyScript::default(),
            authorization: AuthorizationScript::default(),
            token: TokenScript::default(),
            refresh: TokenScript::default(),
            rotation: Rotation::ReuseDetection,
            issue_refresh_tokens: true,
            userinfo: UserinfoScript::default(),
            revocation: Answer::default(),
            subject: "alice".to_owned(),
            claims,
            authenticated_ago: Duration::ZERO,
        }
    }
}

/// What becomes of a refresh token that was used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Rotation {
    /// The answer has no refresh token; the old one stays good.
    Off,
    /// The answer repeats the old one.
    Same,
    /// The answer has a new one; the old one is refused from then on.
    Rotate,
    /// As `Rotate`; a used one that comes again revokes every token of its login.
    ReuseDetection,
}

/// Which keys stand in the key set beside the right ones.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct KeyScript {
    /// Keys that stand before the right ones, as they are.
    pub decoys: Vec<Value>,
    /// A fresh signing key before each answer, the old one gone: what is shown never signed a token that is out already.
    pub rotate_before_each_answer: bool,
}

/// How the authorization endpoint answers.
#[derive(Clone, Default)]
#[non_exhaustive]
pub struct AuthorizationScript {
    /// Answers with this `error` instead of a code.
    pub error: Option<String>,
    /// By which way the response parameters travel.
    pub delivery: Delivery,
    /// Nobody is signed in: `prompt=none` is answered `login_required`.
    pub nobody_signed_in: bool,
    pub(super) params: Option<ParamsEdit>,
}

impl AuthorizationScript {
    /// Changes the response parameters: `code`, `state`, `iss`, or `error` in place of `code`.
    pub fn edit(&mut self, edit: impl Fn(&mut Vec<(String, String)>) + Send + Sync + 'static) {
        self.params = Some(Arc::new(edit));
    }

    /// Removes a response parameter.
    pub fn remove(&mut self, name: &'static str) {
        self.edit(move |params| params.retain(|(found, _)| found != name));
    }

    /// Sets a response parameter, adding it where it is missing.
    pub fn set(&mut self, name: &'static str, value: &str) {
        let value = value.to_owned();
        self.edit(move |params| {
            params.retain(|(found, _)| found != name);
            params.push((name.to_owned(), value.clone()));
        });
    }

    /// Adds a response parameter a second time, before or behind the right one.
    pub fn repeat(&mut self, name: &'static str, value: &str, first: bool) {
        let value = value.to_owned();
        self.edit(move |params| {
            let at = if first { 0 } else { params.len() };
            params.insert(at, (name.to_owned(), value.clone()));
        });
    }
}

impl fmt::Debug for AuthorizationScript {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthorizationScript")
            .field("error", &self.error)
            .field("delivery", &self.delivery)
            .field("edited", &self.params.is_some())
            .finish_non_exhaustive()
    }
}

/// By which way the parameters of the authorization response travel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Delivery {
    /// As the request asked.
    #[default]
    AsAsked,
    /// In the query, whatever was asked.
    Query,
    /// In a form that posts itself, whatever was asked.
    FormPost,
    /// In the fragment, which no server ever sees.
    Fragment,
}

/// How the token endpoint answers one kind of grant.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TokenScript {
    /// The answer as a whole.
    pub answer: Answer,
    /// The ID token in it.
    pub id_token: IdTokenScript,
    /// `expires_in` in seconds.
    pub expires_in: u64,
    /// What the access token looks like.
    pub access_token: AccessTokenKind,
    /// `scope`, where it differs from the one asked.
    pub scope: Option<String>,
}

impl Default for TokenScript {
    fn default() -> Self {
        Self {
            answer: Answer::default(),
            id_token: IdTokenScript::default(),
            expires_in: 300,
            access_token: AccessTokenKind::Opaque,
            scope: None,
        }
    }
}

/// What an access token looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AccessTokenKind {
    /// Text that says nothing.
    Opaque,
    /// A JWT of type `at+jwt` (RFC 9068) with the user's claims in it.
    Jwt,
}

/// How an ID token is made.
#[derive(Clone, Default)]
#[non_exhaustive]
pub struct IdTokenScript {
    /// Left out of the response.
    pub omitted: bool,
    /// Who signs it, and how.
    pub signing: Signing,
    pub(super) header: Option<Edit>,
    pub(super) claims: Option<Edit>,
    pub(super) payload: Option<String>,
    pub(super) compact: Option<TextEdit>,
}

impl IdTokenScript {
    /// Changes the claims before signing.
    pub fn edit_claims(&mut self, edit: impl Fn(&mut Value) + Send + Sync + 'static) {
        self.claims = Some(Arc::new(edit));
    }

    /// Sets one claim before signing.
    pub fn claim(&mut self, name: &str, value: impl Into<Value>) {
        let (name, value) = (name.to_owned(), value.into());
        self.edit_claims(move |claims| claims[name.as_str()] = value.clone());
    }

    /// Leaves one claim out.
    pub fn without_claim(&mut self, name: &str) {
        let name = name.to_owned();
        self.edit_claims(move |claims| {
            claims.as_object_mut().expect("claims").remove(&name);
        });
    }

    /// Changes the JOSE header before signing.
    pub fn edit_header(&mut self, edit: impl Fn(&mut Value) + Send + Sync + 'static) {
        self.header = Some(Arc::new(edit));
    }

    /// Sets one member of the JOSE header before signing.
    pub fn header(&mut self, name: &str, value: impl Into<Value>) {
        let (name, value) = (name.to_owned(), value.into());
        self.edit_header(move |header| header[name.as_str()] = value.clone());
    }

    /// Signs this text as payload, whatever it is.
    pub fn payload(&mut self, payload: impl Into<String>) {
        self.payload = Some(payload.into());
    }

    /// Changes the finished token: segments, whitespace, padding.
    pub fn edit_compact(&mut self, edit: impl Fn(String) -> String + Send + Sync + 'static) {
        self.compact = Some(Arc::new(edit));
    }
}

impl fmt::Debug for IdTokenScript {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IdTokenScript")
            .field("omitted", &self.omitted)
            .field("signing", &self.signing)
            .finish_non_exhaustive()
    }
}

/// Who signs a token, and how.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub enum Signing {
    /// The current key.
    #[default]
    Right,
    /// A key of this algorithm, published beside the current one.
    Published(KeyAlgorithm),
    /// A stranger's key under the current key's ID.
    OtherKey,
    /// A stranger's key under an ID that is not in the key set.
    UnknownKey,
    /// `alg` is `none`, and there is no signature.
    Unsigned,
    /// HS256 with this secret.
    Hs256(Vec<u8>),
    /// HS256 with the public key for a secret.
    Hs256WithPublicKey,
    /// The right header and no signature.
    Empty,
    /// The right header and a signature of zeros: r = s = 0.
    Zeros,
    /// The right ECDSA signature, as ASN.1 instead of two numbers of fixed length (RFC 7518 section 3.4).
    Der,
    /// The right signature with its last bit flipped.
    Flipped,
    /// The right header and these bytes.
    Bytes(Vec<u8>),
}

/// How the userinfo endpoint answers.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct UserinfoScript {
    /// The answer as a whole.
    pub answer: Answer,
    /// Sent as a signed JWT, made this way.
    pub signed: Option<IdTokenScript>,
}
