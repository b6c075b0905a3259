//! The guard as a layer for routes.

use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::Body;
use doorward_engine::{Engine, Reply, RequestContext, Rule, Verdict};
use http::{Request, Response, StatusCode};
use tower_layer::Layer;
use tower_service::Service;

use crate::future::{Held, RequireFuture, not_configured};
use crate::service::{response, view};

/// Guards what it wraps by a rule; made by [`Doorward::require`](crate::Doorward::require).
#[derive(Clone, Debug)]
pub struct RequireLayer {
    engine: Engine,
    rule: Arc<Rule>,
}

impl RequireLayer {
    pub(crate) fn new(engine: Engine, rule: Rule) -> Self {
        Self {
            engine,
            rule: Arc::new(rule),
        }
    }
}

impl<S> Layer<S> for RequireLayer {
    type Service = Require<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Require {
            engine: self.engine.clone(),
            rule: Arc::clone(&self.rule),
            inner,
        }
    }
}

/// Calls its inner service only for requests that a rule admits; made by [`RequireLayer`].
#[derive(Clone, Debug)]
pub struct Require<S> {
    engine: Engine,
    rule: Arc<Rule>,
    inner: S,
}

impl<S, B> Service<Request<B>> for Require<S>
where
    S: Service<Request<B>, Response = Response<Body>> + Clone,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = RequireFuture<S, B>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        // Security: another application's layer around this guard would judge by its own keys and provider.
        let context = request.extensions().get::<Arc<RequestContext>>();
        let Some(context) = context.filter(|context| context.engine().is_same(&self.engine)) else {
            return RequireFuture::answered(not_configured());
        };
        // A preflight carries no credentials and must not be refused for that; nor may it reach a
        // handler that counts on a session. Without CORS headers the browser goes no further.
        if view(&request).is_preflight() && !self.rule.is_public() {
            return RequireFuture::answered(response(Reply::new(StatusCode::NO_CONTENT)));
        }
        let engine = context.engine();
        match engine.guard(context, view(&request), &self.rule) {
            Verdict::Ready(Ok(_)) => {
                context.note(&self.rule);
                RequireFuture::inner(self.inner.call(request))
            }
            Verdict::Ready(Err(denial)) => {
                engine.hint_at_guarded_routes(context);
                RequireFuture::answered(response(engine.refuse(context, &denial)))
            }
            Verdict::Wait(verdict) => {
                let context = Arc::clone(context);
                // The clone that `poll_ready` did not speak for waits; the ready one is called.
                let clone = self.inner.clone();
                let inner = std::mem::replace(&mut self.inner, clone);
                RequireFuture::waiting(
                    verdict,
                    Held {
                        context,
                        rule: Arc::clone(&self.rule),
                        request,
                        inner,
                    },
                )
            }
        }
    }
}
