//! The futures of our two services, by name, so that a request that need not wait allocates none.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use axum::body::Body;
use doorward_engine::ports::BoxFuture;
use doorward_engine::{Code, Commit, Denial, NotKept, Pass, Reply, RequestContext, Rule};
use http::{HeaderValue, Request, Response, StatusCode};
use pin_project_lite::pin_project;
use tower_service::Service;

use crate::body::ending;
use crate::service::{Ours, response};

pin_project! {
    /// The response of an [`AuthService`](crate::AuthService).
    pub struct AuthFuture<F> {
        context: Arc<RequestContext>,
        #[pin]
        state: Answering<F>,
    }
}

pin_project! {
    #[project = AnsweringProjection]
    enum Answering<F> {
        Inner {
            #[pin]
            future: F,
        },
        Answered {
            response: Option<Response<Body>>,
        },
        Committing {
            response: Option<Response<Body>>,
            commit: BoxFuture<'static, Result<Vec<HeaderValue>, NotKept>>,
        },
    }
}

impl<F> AuthFuture<F> {
    pub(crate) fn inner(context: Arc<RequestContext>, future: F) -> Self {
        Self {
            context,
            state: Answering::Inner { future },
        }
    }

    pub(crate) fn answered(context: Arc<RequestContext>, response: Response<Body>) -> Self {
        Self {
            context,
            state: Answering::Answered {
                response: Some(response),
            },
        }
    }
}

impl<F, E> Future for AuthFuture<F>
where
    F: Future<Output = Result<Response<Body>, E>>,
{
    type Output = Result<Response<Body>, E>;

    fn poll(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            let (response, cookies) = match this.state.as_mut().project() {
                AnsweringProjection::Inner { future } => {
                    let response = ready!(future.poll(task))?;
                    match this.context.engine().commit(this.context) {
                        Commit::Ready(cookies) => (Some(response), Ok(cookies)),
                        Commit::Wait(commit) => {
                            this.state.set(Answering::Committing {
                                response: Some(response),
                                commit,
                            });
                            continue;
                        }
                    }
                }
                AnsweringProjection::Answered { response } => (response.take(), Ok(Vec::new())),
                AnsweringProjection::Committing { response, commit } => {
                    let committed = ready!(commit.as_mut().poll(task));
                    (response.take(), committed)
                }
            };
            return Poll::Ready(Ok(finish(this.context, response, cookies)));
        }
    }
}

/// Adds what is owed to the response; where the session could not be kept, the response must not go out.
fn finish(
    context: &Arc<RequestContext>,
    inner: Option<Response<Body>>,
    cookies: Result<Vec<HeaderValue>, NotKept>,
) -> Response<Body> {
    let engine = context.engine();
    let (mut answer, cookies) = match (inner, cookies) {
        (Some(inner), Ok(cookies)) => (inner, cookies),
        (_, Err(not_kept)) => (response(engine.refuse_not_kept(context, not_kept)), Vec::new()),
        // A future polled after its end; axum never does that.
        (None, Ok(_)) => (response(engine.refuse_with(Code::NotConfigured)), Vec::new()),
    };
    if answer.status() == StatusCode::NOT_FOUND && answer.extensions().get::<Ours>().is_none() {
        engine.hint_at_missing_routes(context);
    }
    engine.finish(context, cookies, answer.headers_mut());
    ending(context, answer)
}

pin_project! {
    /// The response of a [`Require`](crate::Require).
    pub struct RequireFuture<S, B>
    where
        S: Service<Request<B>>,
    {
        #[pin]
        state: Requiring<S, B>,
    }
}

pin_project! {
    #[project = RequiringProjection]
    enum Requiring<S, B>
    where
        S: Service<Request<B>>,
    {
        Inner {
            #[pin]
            future: S::Future,
        },
        Refused {
            response: Option<Response<Body>>,
        },
        Waiting {
            verdict: BoxFuture<'static, Result<Pass, Denial>>,
            held: Option<Held<S, B>>,
        },
    }
}

/// A request on hold until its verdict is known, and where it goes if it passes.
pub(crate) struct Held<S, B> {
    pub(crate) context: Arc<RequestContext>,
    pub(crate) rule: Arc<Rule>,
    pub(crate) request: Request<B>,
    pub(crate) inner: S,
}

impl<S, B> RequireFuture<S, B>
where
    S: Service<Request<B>>,
{
    pub(crate) fn inner(future: S::Future) -> Self {
        Self {
            state: Requiring::Inner { future },
        }
    }

    pub(crate) fn answered(response: Response<Body>) -> Self {
        Self {
            state: Requiring::Refused {
                response: Some(response),
            },
        }
    }

    pub(crate) fn waiting(verdict: BoxFuture<'static, Result<Pass, Denial>>, held: Held<S, B>) -> Self {
        Self {
            state: Requiring::Waiting {
                verdict,
                held: Some(held),
            },
        }
    }
}

impl<S, B> Future for RequireFuture<S, B>
where
    S: Service<Request<B>, Response = Response<Body>>,
{
    type Output = Result<Response<Body>, S::Error>;

    fn poll(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            let next = match this.state.as_mut().project() {
                RequiringProjection::Inner { future } => return future.poll(task),
                RequiringProjection::Refused { response } => {
                    return Poll::Ready(Ok(response.take().unwrap_or_else(not_configured)));
                }
                RequiringProjection::Waiting { verdict, held } => {
                    let passed = ready!(verdict.as_mut().poll(task));
                    match (held.take(), passed) {
                        (Some(mut held), Ok(_)) => {
                            held.context.note(&held.rule);
                            Requiring::Inner {
                                future: held.inner.call(held.request),
                            }
                        }
                        (Some(held), Err(denial)) => Requiring::Refused {
                            response: Some(response(held.context.engine().refuse(&held.context, &denial))),
                        },
                        (None, _) => Requiring::Refused {
                            response: Some(not_configured()),
                        },
                    }
                }
            };
            this.state.set(next);
        }
    }
}

/// The answer where a layer is missing: never a pass.
pub(crate) fn not_configured() -> Response<Body> {
    tracing::error!("a guard runs outside of `auth.layer()`; add the layer around the whole router");
    response(Reply::bare_problem(Code::NotConfigured))
}
