//! Answers that are broken on request.

use axum::{
    body::{Body, to_bytes},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use futures_util::stream;
use serde_json::{Map, Value};

use crate::endpoint::{Fault, FaultBody};

const MAX_ANSWER_BYTES: usize = 256 * 1024;

/// The connection was to break here.
#[derive(Debug, thiserror::Error)]
#[error("connection is reset as asked for through /_control/settings")]
struct Reset;

/// An answer without an error that anybody could read; the status is 200 unless another was asked for.
pub(crate) fn broken(fault: &Fault) -> Response {
    let status = fault
        .status
        .and_then(|status| StatusCode::from_u16(status).ok())
        .unwrap_or(StatusCode::OK);
    let body = match fault.body {
        FaultBody::Error | FaultBody::Empty => Body::empty(),
        FaultBody::InvalidJson => Body::from("{\"cut\": [\"off"),
        FaultBody::Reset => Body::from_stream(stream::once(async { Err::<Vec<u8>, _>(Reset) })),
    };
    let mut response = (status, body).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Some(seconds) = fault.retry_after {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

/// The true answer less some members of its JSON object; what is not a JSON object stays as it is.
pub(crate) async fn without_members(response: Response, omit: &[String]) -> Response {
    let (mut parts, body) = response.into_parts();
    let Ok(bytes) = to_bytes(body, MAX_ANSWER_BYTES).await else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let body = match serde_json::from_slice::<Map<String, Value>>(&bytes) {
        Ok(mut members) => {
            for name in omit {
                members.remove(name);
            }
            Value::Object(members).to_string().into_bytes()
        }
        Err(_) => bytes.to_vec(),
    };
    parts.headers.remove(header::CONTENT_LENGTH);
    Response::from_parts(parts, Body::from(body))
}
