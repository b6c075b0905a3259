//! `POST /_control/backchannel-logout`: logout tokens on demand, honest ones and others.

use axum::{
    Json,
    body::Bytes,
    extract::State,
    http::HeaderMap,
    response::{IntoResponse, Response},
};
use serde_json::{Map, Value, json};

use super::{
    send,
    token::{Changes, LogoutToken},
};
use crate::{clients::parse_uri, control, oauth_error::OAuthError, provider::DevProvider};

const MAX_TEXT_BYTES: usize = 2_000;
const MAX_AGE: u64 = 366 * 86_400;
const MAX_COPIES: u64 = 100;

/// What is asked for.
struct Order {
    deliveries: Vec<Delivery>,
    changes: Changes,
    /// How often each token is sent; 0 only makes it.
    copies: u64,
}

/// One logout token and where it goes.
#[derive(Clone)]
struct Delivery {
    token: LogoutToken,
    uri: Option<String>,
}

/// Sends logout tokens for a `sub` (or address) or a `sid`, and says what was sent and what came back.
pub(crate) async fn control(State(provider): State<DevProvider>, headers: HeaderMap, body: Bytes) -> Response {
    if let Err(refusal) = control::admit_post(&headers) {
        return *refusal;
    }
    let order = match Order::parse(&provider, &body) {
        Ok(order) => order,
        Err(error) => return error.into_response(),
    };
    match order.carry_out(&provider).await {
        Ok(sent) => control::no_store(Json(json!({ "sent": sent })).into_response()),
        Err(error) => error.into_response(),
    }
}

impl Order {
    fn parse(provider: &DevProvider, body: &[u8]) -> Result<Self, OAuthError> {
        let mut members = control::parse_body(body)?;
        // A session we know is named by both, as most providers do, unless "sub" is null.
        let sid_alone = members.get("sub").is_some_and(Value::is_null);
        if sid_alone {
            members.remove("sub");
        }
        let mut text = |name: &'static str| match members.remove(name) {
            None => Ok(None),
            Some(Value::String(text)) if !text.is_empty() && text.len() <= MAX_TEXT_BYTES => Ok(Some(text)),
            Some(_) => Err(control::wrong(name, "a string")),
        };
        let (subject, sid, uri) = (text("sub")?, text("sid")?, text("uri")?);
        let (client_id, typ) = (text("client_id")?, text("typ")?);
        let mut number = |name: &'static str, range: std::ops::RangeInclusive<u64>, default| {
            members
                .remove(name)
                .map_or(Ok(default), |value| control::number(name, &value, range))
        };
        let (age, copies) = (number("age", 0..=MAX_AGE, 0)?, number("copies", 0..=MAX_COPIES, 1)?);
        let claims = match members.remove("claims") {
            None => Map::new(),
            Some(Value::Object(claims)) => claims,
            Some(_) => return Err(control::wrong("claims", "an object")),
        };
        let omit = members
            .remove("omit")
            .map_or(Ok(Vec::new()), |names| control::names("omit", &names))?;
        let signature = match members.remove("signature") {
            None => Default::default(),
            Some(name) => serde_json::from_value(name)
                .map_err(|_| control::wrong("signature", "\"valid\", \"none\", \"broken\" or \"foreign_key\""))?,
        };
        if let Some(name) = members.keys().next() {
            return Err(OAuthError::invalid_request(format!("unknown member {name:?}")));
        }
        if subject.is_none() && sid.is_none() {
            return Err(OAuthError::invalid_request("neither \"sub\" nor \"sid\" is given"));
        }
        let subject = match subject {
            Some(subject) => Some(subject_of(provider, subject)),
            None if sid_alone => None,
            None => sid.as_deref().and_then(|sid| subject_of_session(provider, sid)),
        };
        let token = LogoutToken {
            client_id: client_id.clone().unwrap_or_else(|| provider.client_id().to_owned()),
            subject,
            sid,
        };
        Ok(Self {
            deliveries: deliveries(provider, &token, client_id.as_deref(), uri, copies > 0)?,
            changes: Changes {
                age,
                claims,
                omit,
                typ,
                signature,
            },
            copies,
        })
    }

    async fn carry_out(self, provider: &DevProvider) -> Result<Vec<Value>, OAuthError> {
        let Self {
            deliveries,
            changes,
            copies,
        } = self;
        let mut sent = Vec::new();
        for Delivery { token, uri } in deliveries {
            // A foreign key takes long enough to hold up everybody else on this thread.
            let (signer, named, changes) = (provider.clone(), token.clone(), changes.clone());
            let signed = tokio::task::spawn_blocking(move || named.signed(&signer, &changes))
                .await
                .unwrap_or_else(|_| Err(OAuthError::server_error("token could not be signed")))?;
            let entry = |status: Option<u16>, error: Option<String>| {
                json!({
                    "client_id": token.client_id, "uri": uri, "sub": token.subject, "sid": token.sid, "token": signed,
                    "status": status, "error": error,
                })
            };
            match uri.as_deref().filter(|_| copies > 0) {
                None => sent.push(entry(None, None)),
                Some(uri) => {
                    for _ in 0..copies {
                        sent.push(match send(provider, uri, &signed).await {
                            Ok(status) => entry(Some(status), None),
                            Err(error) => entry(None, Some(error)),
                        });
                    }
                }
            }
        }
        Ok(sent)
    }
}

/// One token per client that is told; where nothing is sent, one for the client named, else for the main one.
fn deliveries(
    provider: &DevProvider,
    token: &LogoutToken,
    client_id: Option<&str>,
    uri: Option<String>,
    sends: bool,
) -> Result<Vec<Delivery>, OAuthError> {
    if let Some(uri) = &uri
        && parse_uri(uri).is_none()
    {
        return Err(control::wrong("uri", "an absolute http or https URL"));
    }
    if uri.is_some() || !sends {
        let token = token.clone();
        return Ok(vec![Delivery { token, uri }]);
    }
    let deliveries: Vec<_> = provider
        .clients()
        .iter()
        .filter(|client| client_id.is_none_or(|client_id| client.client_id == client_id))
        .filter_map(|client| {
            let token = LogoutToken {
                client_id: client.client_id.clone(),
                ..token.clone()
            };
            let uri = Some(client.backchannel_logout_uri.clone()?);
            Some(Delivery { token, uri })
        })
        .collect();
    if deliveries.is_empty() {
        return Err(OAuthError::invalid_request(
            "no such client has a back-channel logout URI; give \"uri\"",
        ));
    }
    Ok(deliveries)
}

fn subject_of(provider: &DevProvider, subject_or_email: String) -> String {
    match provider.user_registry().by_email(&subject_or_email) {
        Some(user) => user.subject.clone(),
        None => subject_or_email,
    }
}

fn subject_of_session(provider: &DevProvider, sid: &str) -> Option<String> {
    let state = provider.state();
    state
        .sessions
        .values()
        .find(|session| session.sid == sid)
        .map(|found| found.subject.clone())
}
