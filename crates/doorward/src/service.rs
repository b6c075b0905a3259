//! The service that begins a request's context and writes the response from it.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::Body;
use axum::extract::ConnectInfo;
use doorward_engine::{Engine, Reply, RequestContext, RequestView};
use http::{Request, Response};
use tower_service::Service;

use crate::future::AuthFuture;

/// Wraps an inner service; made by [`AuthLayer`](crate::AuthLayer).
#[derive(Clone, Debug)]
pub struct AuthService<S> {
    engine: Engine,
    inner: S,
}

impl<S> AuthService<S> {
    pub(crate) fn new(engine: Engine, inner: S) -> Self {
        Self { engine, inner }
    }
}

impl<S, B> Service<Request<B>> for AuthService<S>
where
    S: Service<Request<B>, Response = Response<Body>>,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = AuthFuture<S::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let context = RequestContext::from_peer(&self.engine, view(&request), peer(&request));
        if let Some(reply) = self.engine.preflight(&context, request.method(), request.headers()) {
            return AuthFuture::answered(context, response(reply));
        }
        request.extensions_mut().insert(Arc::clone(&context));
        AuthFuture::inner(context, self.inner.call(request))
    }
}

/// What the engine sees of a request.
pub(crate) fn view<B>(request: &Request<B>) -> RequestView<'_> {
    RequestView {
        method: request.method(),
        uri: request.uri(),
        headers: request.headers(),
    }
}

/// The address of the connection, where the server was told to keep it
/// ([`into_make_service_with_connect_info`](axum::Router::into_make_service_with_connect_info)).
///
/// # Security
/// Of the connection itself: what a header says of an address is the sender's word and not read.
fn peer<B>(request: &Request<B>) -> Option<IpAddr> {
    let ConnectInfo(address) = request.extensions().get::<ConnectInfo<SocketAddr>>()?;
    Some(address.ip())
}

/// Marks an answer of the engine, among those of the application.
#[derive(Clone, Copy)]
pub(crate) struct Ours;

/// An answer of the engine in axum's terms.
pub(crate) fn response(reply: Reply) -> Response<Body> {
    let mut response = Response::new(Body::from(reply.body));
    response.extensions_mut().insert(Ours);
    *response.status_mut() = reply.status;
    *response.headers_mut() = reply.headers;
    response
}
