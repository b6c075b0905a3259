//! Revocation of a refresh token (RFC 7009). It never stops a logout.

use doorward_crypto::{Random, SecretString};
use http::StatusCode;

use crate::client::Client;
use crate::client_auth::authenticate;
use crate::error::RevocationError;
use crate::exchange::{Form, OutboundRequest, is_passing};
use crate::metadata::ProviderMetadata;
use crate::time::UnixTime;

const MAX_RESPONSE_BYTES: usize = 64 * 1024;

/// Asks the provider to revoke a refresh token, and with it the grant.
///
/// Returns `None` where the provider has no revocation endpoint, or the client's assertion cannot be made; the token then lives
/// until it expires.
#[must_use]
pub fn revocation_request(
    metadata: &ProviderMetadata,
    client: &Client,
    refresh_token: &SecretString,
    now: UnixTime,
    random: &dyn Random,
) -> Option<OutboundRequest> {
    let endpoint = metadata.revocation_endpoint()?;
    let mut form = Form::new();
    form.push("token", refresh_token.expose());
    form.push("token_type_hint", "refresh_token");
    let authorization = authenticate(client, metadata.issuer(), now, random, &mut form).ok()?;
    let outbound = OutboundRequest::post_form(endpoint, metadata.issuer(), form, "revocation", MAX_RESPONSE_BYTES);
    Some(outbound.with_authorization(authorization))
}

/// Judges the answer to a [`revocation_request`]; the body says nothing. An unknown token is answered with 200, too.
///
/// # Errors
/// [`RevocationError::Passing`] for what may succeed later, [`RevocationError::Refused`] for any other status than 2xx.
pub fn parse_revocation(status: StatusCode) -> Result<(), RevocationError> {
    if status.is_success() {
        Ok(())
    } else if is_passing(status) {
        Err(RevocationError::Passing)
    } else {
        Err(RevocationError::Refused(status.as_u16()))
    }
}
