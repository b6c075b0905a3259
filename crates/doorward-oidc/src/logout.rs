//! The way to the provider's own logout (OpenID Connect RP-Initiated Logout §2).

use doorward_crypto::SecretString;

use crate::endpoint::Endpoint;
use crate::metadata::ProviderMetadata;

/// The most bytes of a logout URL; browsers and servers begin to refuse beyond.
pub const MAX_URL_BYTES: usize = 8_000;

/// What to tell the provider at logout.
#[derive(Clone, Copy, Debug)]
pub struct EndSession<'a> {
    /// The ID token of the session. Left out where the URL is shown to scripts.
    pub id_token_hint: Option<&'a SecretString>,
    /// Our client ID, sent where no hint is.
    pub client_id: &'a str,
    /// Where the provider sends the browser afterwards; must be registered there.
    pub post_logout_redirect_uri: Option<&'a str>,
    /// A value the provider hands back.
    pub state: Option<&'a str>,
}

/// Builds the URL of the provider's logout; `None` where it has none.
///
/// A hint that would make the URL longer than [`MAX_URL_BYTES`] is left out, and `client_id` takes its place. The endpoint's own
/// query is kept, without what is sent.
///
/// `state` comes back with the browser and means nothing to us: the session has ended before the browser leaves, so that the page
/// it returns to has nothing to do, and whoever sends somebody there, with whatever parameters, achieves nothing.
///
/// # Security
/// The URL holds the ID token, the one token that may stand in a URL, and only in this redirect of the protocol's own.
#[must_use]
pub fn end_session_url(metadata: &ProviderMetadata, logout: EndSession<'_>) -> Option<String> {
    let endpoint = metadata.end_session_endpoint()?;
    let with_hint = logout
        .id_token_hint
        .map(|hint| build(endpoint, ("id_token_hint", hint.expose()), &logout));
    Some(with_hint.filter(|url| url.len() <= MAX_URL_BYTES).unwrap_or_else(|| {
        // Without a hint the provider knows by the client ID whom the redirect URI must be registered for.
        build(endpoint, ("client_id", logout.client_id), &logout)
    }))
}

fn build(endpoint: &Endpoint, identification: (&str, &str), logout: &EndSession<'_>) -> String {
    let redirect_uri = logout
        .post_logout_redirect_uri
        .map(|uri| ("post_logout_redirect_uri", uri));
    let state = logout.state.map(|state| ("state", state));
    let sent: Vec<_> = [Some(identification), redirect_uri, state]
        .into_iter()
        .flatten()
        .collect();
    endpoint.with_parameters(&sent, |_| false)
}
