//! The authorization response, judged before anything is sent anywhere (RFC 6749 §4.1.2, RFC 9207 §2.4, RFC 9700 §4.4).
//!
//! The rules, in the order applied: no repeated parameter; the method is the one asked for; `state` equals the one sent; `iss`
//! equals the issuer asked, and is there if it was promised; no `error`; a `code` of at most 4 KB.
//!
//! `error_description` and `error_uri` are not read: their text is the browser's, and nobody needs to see it.

use doorward_crypto::SecretString;

use crate::authorize::ResponseMode;
use crate::error::{CallbackError, ProviderErrorCode};
use crate::params::Params;
use crate::pending::PendingAuthorization;

/// The most bytes of a code.
const MAX_CODE_BYTES: usize = 4 * 1024;

/// How the browser delivered a response. Other methods are refused before they come here.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ResponseMethod {
    /// GET, with the response in the query.
    Get,
    /// POST, with the response in a form body.
    Post,
}

/// An authorization response as the browser brings it: every field is text of an attacker's choice.
#[derive(Clone, Copy)]
pub struct AuthorizationResponse<'a> {
    state: Option<&'a str>,
    code: Option<&'a str>,
    iss: Option<&'a str>,
    error: Option<&'a str>,
}

impl<'a> AuthorizationResponse<'a> {
    /// Takes a response out of a query or form body.
    ///
    /// # Errors
    /// [`CallbackError::Repeated`] if `state`, `code`, `iss` or `error` occurs twice, whatever the values.
    pub fn parse(params: &'a Params) -> Result<Self, CallbackError> {
        Ok(Self {
            state: params.once("state")?,
            code: params.once("code")?,
            iss: params.once("iss")?,
            error: params.once("error")?,
        })
    }

    /// Returns the `state`, by which the caller may find the login ticket.
    #[must_use]
    pub fn state(&self) -> Option<&str> {
        self.state
    }
}

/// Names the parameters present; no values.
impl std::fmt::Debug for AuthorizationResponse<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AuthorizationResponse")
            .field("state", &self.state.is_some())
            .field("code", &self.code.is_some())
            .field("iss", &self.iss.is_some())
            .field("error", &self.error.is_some())
            .finish()
    }
}

/// A response that answers the very request this browser began. Only [`check`] makes one.
pub struct MatchedCallback {
    pub(crate) code: SecretString,
    pub(crate) pending: PendingAuthorization,
}

impl MatchedCallback {
    /// Returns the issuer that was asked.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.pending.issuer
    }

    /// Returns the client the request was made for.
    #[must_use]
    pub fn client_id(&self) -> &str {
        &self.pending.client_id
    }

    /// Returns the redirect URI of the request.
    #[must_use]
    pub fn redirect_uri(&self) -> &str {
        &self.pending.redirect_uri
    }

    /// Returns the scope asked for, space-separated.
    #[must_use]
    pub fn requested_scope(&self) -> &str {
        &self.pending.requested_scope
    }
}

/// Whom; not the code.
impl std::fmt::Debug for MatchedCallback {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MatchedCallback")
            .field("issuer", &self.pending.issuer)
            .finish_non_exhaustive()
    }
}

/// Matches an authorization response to the request that began it.
///
/// Takes the pending request by value: whatever comes out, it is used up.
///
/// # Errors
/// In this order: [`CallbackError::WrongMethod`], [`CallbackError::StateMismatch`], [`CallbackError::IssuerMismatch`] (also
/// for error responses), [`CallbackError::ProviderRefused`] (also where a code comes along), [`CallbackError::CodeMissing`],
/// [`CallbackError::CodeMalformed`].
///
/// # Security
/// Every field of `response` comes from the browser. Nothing is sent to any provider before this returns.
pub fn check(
    response: &AuthorizationResponse<'_>,
    method: ResponseMethod,
    pending: PendingAuthorization,
) -> Result<MatchedCallback, CallbackError> {
    let asked = match pending.response_mode {
        ResponseMode::Query => ResponseMethod::Get,
        ResponseMode::FormPost => ResponseMethod::Post,
    };
    if method != asked {
        return Err(CallbackError::WrongMethod);
    }
    if !response.state.is_some_and(|state| pending.state_matches(state)) {
        return Err(CallbackError::StateMismatch);
    }
    match response.iss {
        Some(iss) if iss == pending.issuer => {}
        // RFC 9207 §2.4: an absent iss is refused once the provider announced it; else a mix-up would simply leave it out.
        None if !pending.iss_parameter_promised => {}
        _ => return Err(CallbackError::IssuerMismatch),
    }
    if let Some(error) = response.error {
        let error = ProviderErrorCode::parse(error);
        return Err(CallbackError::ProviderRefused {
            error,
            silent: pending.silent && error.needs_interaction(),
        });
    }
    let code = response
        .code
        .filter(|code| !code.is_empty())
        .ok_or(CallbackError::CodeMissing)?;
    // RFC 6749 appendix A.11: a code is printable ASCII.
    if code.len() > MAX_CODE_BYTES || !code.bytes().all(|byte| (0x20..0x7f).contains(&byte)) {
        return Err(CallbackError::CodeMalformed);
    }
    Ok(MatchedCallback {
        code: SecretString::new(code),
        pending,
    })
}
