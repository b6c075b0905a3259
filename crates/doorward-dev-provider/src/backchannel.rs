//! Tells applications that a session ended: OpenID Connect Back-Channel Logout 1.0 §2.5.

use std::time::Duration;

use axum::{
    Json,
    body::Bytes,
    extract::State,
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};
use url::form_urlencoded;

use crate::{
    clients::parse_uri, control, endpoint::Endpoint, mint, oauth_error::OAuthError, provider::DevProvider,
    state::Session,
};

/// One logout token to send.
#[derive(Debug, Clone)]
struct Delivery {
    client_id: String,
    uri: String,
    subject: Option<String>,
    sid: Option<String>,
}

/// `POST /_control/backchannel-logout`: sends logout tokens for a `sub` (or address) or a `sid`, and says what came back.
pub(crate) async fn control(State(provider): State<DevProvider>, headers: HeaderMap, body: Bytes) -> Response {
    if let Err(refusal) = control::admit_post(&headers) {
        return *refusal;
    }
    let deliveries = match plan(&provider, &body) {
        Ok(deliveries) => deliveries,
        Err(error) => return error.into_response(),
    };
    let mut sent = Vec::with_capacity(deliveries.len());
    for delivery in &deliveries {
        let outcome = send(&provider, delivery).await;
        let (status, error) = match outcome {
            Ok(status) => (json!(status), Value::Null),
            Err(error) => (Value::Null, json!(error)),
        };
        sent.push(json!({
            "client_id": delivery.client_id, "uri": delivery.uri, "sub": delivery.subject, "sid": delivery.sid,
            "status": status, "error": error,
        }));
    }
    Json(json!({ "sent": sent })).into_response()
}

/// Sends logout tokens for sessions that ended, without anybody waiting for them.
pub(crate) fn notify(provider: &DevProvider, ended: &[Session]) {
    let deliveries: Vec<Delivery> = ended
        .iter()
        .flat_map(|session| session.client_ids.iter().map(move |client_id| (session, client_id)))
        .filter_map(|(session, client_id)| {
            let uri = provider.clients().get(client_id)?.backchannel_logout_uri.clone()?;
            Some(Delivery {
                client_id: client_id.clone(),
                uri,
                subject: Some(session.subject.clone()),
                sid: Some(session.sid.clone()),
            })
        })
        .collect();
    if deliveries.is_empty() {
        return;
    }
    let provider = provider.clone();
    tokio::spawn(async move {
        for delivery in &deliveries {
            if let Err(error) = send(&provider, delivery).await {
                tracing::warn!(client_id = delivery.client_id, error, "logout token was not delivered");
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

fn plan(provider: &DevProvider, body: &[u8]) -> Result<Vec<Delivery>, OAuthError> {
    let mut members = control::parse_body(body)?;
    let mut text = |name: &'static str| match members.remove(name) {
        None => Ok(None),
        Some(Value::String(text)) if !text.is_empty() && text.len() <= 2_000 => Ok(Some(text)),
        Some(_) => Err(OAuthError::invalid_request(format!("\"{name}\" is not a string"))),
    };
    let (subject, sid, uri) = (text("sub")?, text("sid")?, text("uri")?);
    if let Some(name) = members.keys().next() {
        return Err(OAuthError::invalid_request(format!("unknown member {name:?}")));
    }
    if subject.is_none() && sid.is_none() {
        return Err(OAuthError::invalid_request("neither \"sub\" nor \"sid\" is given"));
    }
    let subject = subject.map(|subject| match provider.user_registry().by_email(&subject) {
        Some(user) => user.subject.clone(),
        None => subject,
    });
    // A session we know is named by both, as most providers do.
    let subject = subject.or_else(|| {
        let state = provider.state();
        state
            .sessions
            .values()
            .find(|session| Some(&session.sid) == sid.as_ref())
            .map(|found| found.subject.clone())
    });
    let targets: Vec<(String, String)> = match uri {
        Some(uri) if parse_uri(&uri).is_some() => vec![(provider.client_id().to_owned(), uri)],
        Some(_) => {
            return Err(OAuthError::invalid_request(
                "\"uri\" is not an absolute http or https URL",
            ));
        }
        None => provider
            .clients()
            .iter()
            .filter_map(|client| Some((client.client_id.clone(), client.backchannel_logout_uri.clone()?)))
            .collect(),
    };
    if targets.is_empty() {
        return Err(OAuthError::invalid_request(
            "no client has a back-channel logout URI; give \"uri\"",
        ));
    }
    let deliveries = targets
        .into_iter()
        .map(|(client_id, uri)| Delivery {
            client_id,
            uri,
            subject: subject.clone(),
            sid: sid.clone(),
        })
        .collect();
    Ok(deliveries)
}

async fn send(provider: &DevProvider, delivery: &Delivery) -> Result<u16, String> {
    provider.state().stats.count(Endpoint::BackchannelLogout);
    let token = mint::logout_token(
        provider,
        &delivery.client_id,
        delivery.subject.as_deref(),
        delivery.sid.as_deref(),
    )
    .map_err(|error| error.description.into_owned())?;
    let body = form_urlencoded::Serializer::new(String::new())
        .append_pair("logout_token", &token)
        .finish();
    let client = provider.http_client().ok_or("no HTTP client could be made")?;
    let response = client
        .post(&delivery.uri)
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(body)
        .send()
        .await
        .map_err(|error| error.to_string())?;
    Ok(response.status().as_u16())
}
