//! The codes that refusals carry: one table for the program and its documentation.

#[cfg(test)]
mod tests;

use http::StatusCode;

macro_rules! codes {
    ($($(#[doc = $doc:literal])+ $variant:ident = $text:literal, $status:ident, $title:literal;)+) => {
        /// Why a request was refused, as callers can tell refusals apart.
        ///
        /// The text of a code is public interface: a frontend may branch on it.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        #[non_exhaustive]
        pub enum Code {
            $($(#[doc = $doc])+ $variant,)+
        }

        impl Code {
            /// Every code, in the order of the documentation.
            pub const ALL: &'static [Code] = &[$(Code::$variant,)+];

            /// Returns the code as it stands in a refusal.
            pub const fn as_str(self) -> &'static str {
                match self { $(Code::$variant => $text,)+ }
            }

            /// Returns the status that a refusal with this code has.
            pub const fn status(self) -> StatusCode {
                match self { $(Code::$variant => StatusCode::$status,)+ }
            }

            /// Returns one sentence for people.
            pub const fn title(self) -> &'static str {
                match self { $(Code::$variant => $title,)+ }
            }
        }
    };
}

codes! {
    /// No session cookie came with the request.
    SessionMissing = "session_missing", UNAUTHORIZED, "Not signed in";
    /// The session reached its idle end, its absolute end or the end of its access token.
    SessionExpired = "session_expired", UNAUTHORIZED, "The session has expired";
    /// The session cookie cannot be read.
    SessionInvalid = "session_invalid", UNAUTHORIZED, "The session cannot be read";
    /// The session was ended, by a logout for example.
    SessionRevoked = "session_revoked", UNAUTHORIZED, "The session was ended";
    /// The tokens do not fit into cookies.
    SessionTooLarge = "session_too_large", BAD_GATEWAY, "The tokens are too large for cookies; use a session store";
    /// The provider took the session's refresh token back.
    TokenRefreshFailed = "token_refresh_failed", UNAUTHORIZED, "The session could not be renewed";
    /// No bearer token came with the request.
    TokenMissing = "token_missing", UNAUTHORIZED, "No access token";
    /// The bearer token is not acceptable.
    TokenInvalid = "token_invalid", UNAUTHORIZED, "The access token is not valid";
    /// The bearer token has expired.
    TokenExpired = "token_expired", UNAUTHORIZED, "The access token has expired";
    /// The CSRF token is missing.
    CsrfMissing = "csrf_missing", FORBIDDEN, "The CSRF token is missing";
    /// The CSRF token is not the session's.
    CsrfMismatch = "csrf_mismatch", FORBIDDEN, "The CSRF token does not match the session";
    /// Another origin sent the request.
    CrossOrigin = "cross_origin", FORBIDDEN, "Requests from this origin are not allowed";
    /// The user has none of the roles asked for.
    RoleMissing = "role_missing", FORBIDDEN, "The required role is missing";
    /// The session or token lacks a scope.
    InsufficientScope = "insufficient_scope", FORBIDDEN, "The required scope is missing";
    /// The session belongs to another tenant.
    TenantMismatch = "tenant_mismatch", FORBIDDEN, "The session belongs to another tenant";
    /// The sign-in is not fresh or strong enough (RFC 9470).
    StepUpRequired = "step_up_required", UNAUTHORIZED, "A fresher or stronger sign-in is required";
    /// A callback without a login that this browser began.
    LoginMissing = "login_missing", BAD_REQUEST, "No sign-in is pending in this browser";
    /// A callback for a login that began too long ago.
    LoginExpired = "login_expired", BAD_REQUEST, "The sign-in took too long";
    /// The application or the provider refused the user.
    LoginDenied = "login_denied", FORBIDDEN, "The sign-in was refused";
    /// The callback's state is not the login's.
    StateMismatch = "state_mismatch", BAD_REQUEST, "The answer does not belong to this sign-in";
    /// The callback names another provider.
    IssuerMismatch = "issuer_mismatch", BAD_REQUEST, "The answer comes from another provider";
    /// The provider answered something unusable.
    ProviderResponseInvalid = "provider_response_invalid", BAD_GATEWAY, "The identity provider answered something unusable";
    /// The provider's ID token is not acceptable.
    IdTokenInvalid = "id_token_invalid", BAD_GATEWAY, "The identity provider's ID token is not valid";
    /// The provider is out of reach.
    ProviderUnavailable = "provider_unavailable", SERVICE_UNAVAILABLE, "The identity provider is out of reach";
    /// The session store is out of reach.
    StoreUnavailable = "store_unavailable", SERVICE_UNAVAILABLE, "The session store is out of reach";
    /// No route is known for the path.
    RouteUnknown = "route_unknown", NOT_FOUND, "There is nothing here";
    /// No tenant is known for the host or name.
    TenantUnknown = "tenant_unknown", NOT_FOUND, "The tenant is not known";
    /// The method is not allowed here.
    MethodNotAllowed = "method_not_allowed", METHOD_NOT_ALLOWED, "The method is not allowed here";
    /// The request makes no sense.
    RequestMalformed = "request_malformed", BAD_REQUEST, "The request is malformed";
    /// The request is too large.
    RequestTooLarge = "request_too_large", PAYLOAD_TOO_LARGE, "The request is too large";
    /// The server lacks a part of its set-up.
    NotConfigured = "not_configured", INTERNAL_SERVER_ERROR, "The server is not configured for this";
}

impl core::fmt::Display for Code {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.as_str())
    }
}
