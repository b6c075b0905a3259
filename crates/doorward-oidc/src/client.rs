//! Us, towards the provider.

use std::sync::Arc;

use doorward_crypto::{SecretString, SigningKey};

/// A client registered at a provider.
#[derive(Clone, Debug)]
pub struct Client {
    /// The client ID.
    pub client_id: String,
    /// How the client proves that it is this client.
    pub authentication: ClientAuthentication,
}

/// How a client authenticates at the token endpoint (OpenID Connect Core §9).
#[derive(Clone)]
pub enum ClientAuthentication {
    /// `client_secret_basic`: ID and secret, each form-urlencoded, in the `Authorization` header (RFC 6749 §2.3.1).
    SecretBasic(SecretString),
    /// `client_secret_post`: ID and secret in the body.
    SecretPost(SecretString),
    /// `private_key_jwt`: a fresh assertion of at most 60 seconds in each request (RFC 7523 §2.2).
    PrivateKeyJwt(Arc<SigningKey>),
    /// `none`: a public client, held by PKCE alone.
    None,
}

impl ClientAuthentication {
    /// Returns the method's name in configuration and metadata.
    #[must_use]
    pub fn method(&self) -> &'static str {
        match self {
            Self::SecretBasic(_) => "client_secret_basic",
            Self::SecretPost(_) => "client_secret_post",
            Self::PrivateKeyJwt(_) => "private_key_jwt",
            Self::None => "none",
        }
    }
}

/// The method only.
impl std::fmt::Debug for ClientAuthentication {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ClientAuthentication({})", self.method())
    }
}
