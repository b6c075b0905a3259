//! Tells applications that a session ended: OpenID Connect Back-Channel Logout 1.0 §2.5.

mod order;
mod token;

use std::time::Duration;

use axum::http::header;
use url::form_urlencoded;

pub(crate) use self::order::control;
use self::token::{Changes, LogoutToken};
use crate::{endpoint::Endpoint, provider::DevProvider, state::Session};

/// Sends logout tokens for sessions that ended, without anybody waiting for them.
pub(crate) fn notify(provider: &DevProvider, ended: &[Session]) {
    let deliveries: Vec<_> = ended
        .iter()
        .flat_map(|session| session.client_ids.iter().map(move |client_id| (session, client_id)))
        .filter_map(|(session, client_id)| {
            let uri = provider.clients().get(client_id)?.backchannel_logout_uri.clone()?;
            let token = LogoutToken {
                client_id: client_id.clone(),
                subject: Some(session.subject.clone()),
                sid: Some(session.sid.clone()),
            };
            Some((token, uri))
        })
        .collect();
    if deliveries.is_empty() {
        return;
    }
    let provider = provider.clone();
    tokio::spawn(async move {
        for (token, uri) in &deliveries {
            let outcome = match token.signed(&provider, &Changes::default()) {
                Ok(signed) => send(&provider, uri, &signed).await,
                Err(error) => Err(error.description.into_owned()),
            };
            if let Err(error) = outcome {
                tracing::warn!(client_id = token.client_id, error, "logout token was not delivered");
            }
        }
    });
}

/// The client that sends logout tokens: straight to where it is told, and not for long.
pub(crate) fn http_client() -> Option<reqwest::Client> {
    reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(Duration::from_secs(2))
        .timeout(Duration::from_secs(5))
        .build()
        .inspect_err(|error| tracing::warn!(%error, "logout tokens cannot be sent"))
        .ok()
}

/// Sends a logout token and returns the status that came back.
async fn send(provider: &DevProvider, uri: &str, token: &str) -> Result<u16, String> {
    provider.state().stats.count(Endpoint::BackchannelLogout);
    let body = form_urlencoded::Serializer::new(String::new())
        .append_pair("logout_token", token)
        .finish();
    let client = provider.http_client().ok_or("no HTTP client could be made")?;
    let response = client
        .post(uri)
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(body)
        .send()
        .await
        .map_err(|error| error.to_string())?;
    Ok(response.status().as_u16())
}
