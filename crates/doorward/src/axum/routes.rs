//! Our own endpoints as axum routes.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{OriginalUri, Request};
use axum::response::Response;
use axum::routing::any;
use doorward_engine::{AuthEndpoint, Engine, RequestContext, RequestView};

use crate::future::not_configured;
use crate::service::response;

/// Builds the routes below the engine's base path.
pub(crate) fn routes<S: Clone + Send + Sync + 'static>(engine: &Engine) -> Router<S> {
    let own = engine.endpoint_paths().into_iter();
    let router = own.fold(Router::new(), |router, (endpoint, path)| {
        router.route(&path, any(move |request: Request| serve(endpoint, request)))
    });
    router.merge(resource_routes(engine))
}

/// Builds the route of the resource's metadata, where bearer tokens are accepted.
pub(crate) fn resource_routes<S: Clone + Send + Sync + 'static>(engine: &Engine) -> Router<S> {
    match engine.resource_metadata_path() {
        Some(path) => Router::new().route(path, any(resource_metadata)),
        None => Router::new(),
    }
}

async fn resource_metadata(request: Request) -> Response {
    let Some(context) = request.extensions().get::<Arc<RequestContext>>().map(Arc::clone) else {
        return not_configured();
    };
    let (parts, body) = request.into_parts();
    drop::<Body>(body);
    let view = RequestView {
        method: &parts.method,
        uri: &parts.uri,
        headers: &parts.headers,
    };
    response(context.engine().resource_metadata(&context, view).await)
}

async fn serve(endpoint: AuthEndpoint, request: Request) -> Response {
    let Some(context) = request.extensions().get::<Arc<RequestContext>>().map(Arc::clone) else {
        return not_configured();
    };
    if let Some(OriginalUri(asked)) = request.extensions().get() {
        context
            .engine()
            .hint_at_nested_routes(request.uri().path(), asked.path());
    }
    let (parts, body) = request.into_parts();
    let body = match endpoint.form_limit(&parts.method) {
        Some(limit) => to_bytes(body, limit).await.ok(),
        None => {
            drop::<Body>(body);
            Some(bytes::Bytes::new())
        }
    };
    let view = RequestView {
        method: &parts.method,
        uri: &parts.uri,
        headers: &parts.headers,
    };
    response(context.engine().serve(endpoint, &context, view, body).await)
}
