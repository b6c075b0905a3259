//! The parameters of a framed logout (OpenID Connect Front-Channel Logout §2 and §3).
//!
//! The rules, in the order applied: `iss` and `sid` at most once each; both there and not empty, although the specification
//! lets a provider leave them out; `iss` byte-equal to an issuer of ours; `sid` at most 1,024 bytes. Other parameters may belong
//! to the registered URI and are passed over.

use crate::error::FrontChannelLogoutError;
use crate::id_token::MAX_TEXT_BYTES;
use crate::params::Params;

/// The session that a framed call asks to end. Only [`parse`](Self::parse) makes one.
#[derive(Clone, PartialEq, Eq)]
pub struct FrontChannelLogout {
    issuer: String,
    session_id: String,
}

impl FrontChannelLogout {
    /// Reads the query of a call to the front-channel logout endpoint.
    ///
    /// # Errors
    /// One variant of [`FrontChannelLogoutError`] per rule.
    ///
    /// # Security
    /// Nothing is signed: any page can frame the endpoint, and all that speaks for the call is that it knows a session ID of the
    /// provider. It may therefore end the one session of that issuer and that ID, in the browser that calls, and nothing else;
    /// without both parameters nobody is named, and nothing ends.
    pub fn parse<'a>(
        params: &Params,
        issuers: impl IntoIterator<Item = &'a str>,
    ) -> Result<Self, FrontChannelLogoutError> {
        let required = |name| match params.once(name)? {
            None | Some("") => Err(FrontChannelLogoutError::Missing(name)),
            Some(value) => Ok(value),
        };
        let (issuer, session_id) = (required("iss")?, required("sid")?);
        if !issuers.into_iter().any(|ours| ours == issuer) {
            return Err(FrontChannelLogoutError::IssuerMismatch);
        }
        if session_id.len() > MAX_TEXT_BYTES {
            return Err(FrontChannelLogoutError::SessionIdTooLong);
        }
        Ok(Self {
            issuer: issuer.to_owned(),
            session_id: session_id.to_owned(),
        })
    }

    /// Returns the issuer, one of ours.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Returns the provider's session ID, the `sid` of an ID token: unique within the issuer only.
    #[must_use]
    pub fn session_id(&self) -> &str {
        &self.session_id
    }
}

/// The issuer only: who knows the session ID may end the session.
impl std::fmt::Debug for FrontChannelLogout {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FrontChannelLogout")
            .field("issuer", &self.issuer)
            .finish_non_exhaustive()
    }
}
