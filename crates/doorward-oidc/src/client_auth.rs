//! Client authentication at the token and revocation endpoints.

use doorward_crypto::{Random, SecretString, base64url_encode, random_token};
use http::HeaderValue;
use serde_json::json;
use url::form_urlencoded::byte_serialize;

use crate::client::{Client, ClientAuthentication};
use crate::error::ExchangeError;
use crate::exchange::Form;
use crate::issuer::Issuer;
use crate::time::UnixTime;

const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
const ASSERTION_LIFETIME_SECONDS: u64 = 60;

/// Adds the client's proof to a form, or returns the `Authorization` header that holds it.
pub(crate) fn authenticate(
    client: &Client,
    issuer: &Issuer,
    now: UnixTime,
    random: &dyn Random,
    form: &mut Form,
) -> Result<Option<HeaderValue>, ExchangeError> {
    match &client.authentication {
        ClientAuthentication::SecretBasic(secret) => return Ok(Some(basic(&client.client_id, secret))),
        ClientAuthentication::SecretPost(secret) => {
            form.push("client_id", &client.client_id);
            form.push("client_secret", secret.expose());
        }
        ClientAuthentication::PrivateKeyJwt(key) => {
            // The audience is the issuer, not the endpoint: an assertion for one provider's token endpoint is then no use at
            // another that claims the same endpoint.
            let claims = json!({
                "iss": client.client_id,
                "sub": client.client_id,
                "aud": issuer.as_str(),
                "iat": now.seconds(),
                "exp": now.seconds().saturating_add(ASSERTION_LIFETIME_SECONDS),
                "jti": random_token(random).map_err(ExchangeError::Random)?,
            });
            let assertion = key.sign("JWT", &claims).map_err(ExchangeError::Signing)?;
            form.push("client_id", &client.client_id);
            form.push("client_assertion_type", ASSERTION_TYPE);
            form.push("client_assertion", &assertion);
        }
        ClientAuthentication::None => form.push("client_id", &client.client_id),
    }
    Ok(None)
}

pub(crate) fn basic(client_id: &str, secret: &SecretString) -> HeaderValue {
    // RFC 6749 §2.3.1: form-urlencoded before they are joined, so that a colon or an umlaut survives.
    let mut credentials: String = byte_serialize(client_id.as_bytes()).collect();
    credentials.push(':');
    credentials.extend(byte_serialize(secret.expose().as_bytes()));
    let mut value = String::from("Basic ");
    value.extend(
        base64url_encode(credentials.as_bytes())
            .chars()
            .map(|letter| match letter {
                '-' => '+',
                '_' => '/',
                other => other,
            }),
    );
    value.extend(std::iter::repeat_n('=', (3 - credentials.len() % 3) % 3));
    // The alphabet of base64 is valid in a header; an empty value could only follow from a broken encoder.
    HeaderValue::from_str(&value).unwrap_or_else(|_| HeaderValue::from_static(""))
}
