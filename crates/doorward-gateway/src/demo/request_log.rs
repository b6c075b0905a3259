//! One log line per request.

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;

/// Logs method, path and status.
///
/// # Security
/// The query stays out: on the way back from the provider it holds the authorization code.
pub(super) async fn log(request: Request, next: Next) -> Response {
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    let response = next.run(request).await;
    tracing::info!(status = response.status().as_u16(), "{method} {path}");
    response
}
