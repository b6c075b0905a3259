//! A router that denies by default: every route names its rule.

use std::cmp::Reverse;
use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::response::Response;
use axum::routing::MethodRouter;
use doorward_engine::{AuthEndpoint, Rule};
use tower_service::Service;

use crate::Doorward;
use crate::service::response;

/// Collects routes with their rules; made by [`Doorward::router`](crate::Doorward::router).
///
/// What no route names is answered 404 `route_unknown`; below a nested prefix the prefix's rule holds
/// for everything, unknown paths and wrong methods included.
#[must_use = "routes are served only by the router that `build` returns"]
pub struct ProtectedRouter<S = ()> {
    auth: Doorward,
    router: Router<S>,
    rules: Vec<RouteRule>,
}

/// A route and its rule, for reading over; see [`ProtectedRouter::audit`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteRule {
    path: String,
    rule: Rule,
    is_prefix: bool,
}

impl RouteRule {
    /// The path, as it was given to the router.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The rule.
    #[must_use]
    pub fn rule(&self) -> &Rule {
        &self.rule
    }

    /// Whether the rule holds for everything below the path.
    #[must_use]
    pub fn is_prefix(&self) -> bool {
        self.is_prefix
    }
}

impl fmt::Display for RouteRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let below = if self.is_prefix { "/…" } else { "" };
        write!(f, "{}{below}: {}", self.path, self.rule)
    }
}

impl<S: Clone + Send + Sync + 'static> ProtectedRouter<S> {
    pub(crate) fn new(auth: &Doorward) -> Self {
        Self {
            auth: auth.clone(),
            router: Router::new(),
            rules: Vec::new(),
        }
    }

    /// Adds a route with its rule.
    ///
    /// # Panics
    /// Where axum's [`Router::route`] does: a malformed path, or one that is taken.
    pub fn route(mut self, path: &str, rule: Rule, methods: MethodRouter<S, Infallible>) -> Self {
        self.router = self.router.route(path, methods.layer(self.auth.require(rule.clone())));
        self.rules.push(RouteRule {
            path: path.to_owned(),
            rule,
            is_prefix: false,
        });
        self
    }

    /// Puts an existing router below a prefix, with one rule for all of it.
    ///
    /// # Panics
    /// Where axum's [`Router::nest`] does: an empty prefix, or one that is taken.
    pub fn nest(mut self, prefix: &str, rule: Rule, router: Router<S>) -> Self {
        self.router = self.router.nest(prefix, router.layer(self.auth.require(rule.clone())));
        self.rules.push(RouteRule {
            path: prefix.to_owned(),
            rule,
            is_prefix: true,
        });
        self
    }

    /// Lists every route given and every nested prefix, with its rule; our own endpoints last.
    #[must_use]
    pub fn audit(&self) -> Vec<RouteRule> {
        let own = self.auth.engine().endpoint_paths().into_iter();
        let own = own.map(|(endpoint, path)| RouteRule {
            path,
            rule: match endpoint {
                AuthEndpoint::Session | AuthEndpoint::Sessions | AuthEndpoint::OneSession | AuthEndpoint::Token => {
                    Rule::Session
                }
                AuthEndpoint::Login
                | AuthEndpoint::Callback
                | AuthEndpoint::Logout
                | AuthEndpoint::BackchannelLogout
                | AuthEndpoint::FrontchannelLogout
                | AuthEndpoint::Complete
                | AuthEndpoint::CompleteScript => Rule::Public,
            },
            is_prefix: false,
        });
        let metadata = self.auth.engine().resource_metadata_path().map(|path| RouteRule {
            path: path.to_owned(),
            rule: Rule::Public,
            is_prefix: false,
        });
        self.rules.iter().cloned().chain(own).chain(metadata).collect()
    }

    /// Builds the router: the routes given, our own endpoints, and a refusal for everything else.
    pub fn build(self) -> Router<S> {
        let unknown = Unknown::new(&self.auth, &self.rules);
        self.router
            .merge(self.auth.routes())
            .fallback(move |request: Request| unknown.answer(request))
            .layer(self.auth.layer())
    }
}

/// Answers what no route names: 404, and below a nested prefix only for whom its rule lets through.
#[derive(Clone)]
struct Unknown {
    open: Router,
    /// Nested prefixes, the deepest first.
    below: Arc<[(String, Router)]>,
}

impl Unknown {
    fn new(auth: &Doorward, rules: &[RouteRule]) -> Self {
        let engine = auth.engine().clone();
        let open = Router::new().fallback(move || {
            let unknown = response(engine.unknown_route());
            async move { unknown }
        });
        let guarded = |prefix: &RouteRule| open.clone().layer(auth.require(prefix.rule.clone()));
        let prefixes = rules.iter().filter(|rule| rule.is_prefix);
        let mut below: Vec<(String, Router)> = prefixes.map(|rule| (rule.path.clone(), guarded(rule))).collect();
        below.sort_by_key(|(prefix, _)| Reverse(prefix.split('/').count()));
        Self {
            open,
            below: below.into(),
        }
    }

    async fn answer(self, request: Request) -> Response {
        let path = request.uri().path();
        let found = self.below.iter().find(|(prefix, _)| is_below(path, prefix));
        let mut router = found.map_or(self.open, |(_, guarded)| guarded.clone());
        // A router is ready at any time.
        match router.call(request).await {
            Ok(answer) => answer,
            Err(never) => match never {},
        }
    }
}

/// Whether a path begins with a prefix, segment by segment, as the router would take it apart.
fn is_below(path: &str, prefix: &str) -> bool {
    let mut segments = path.split('/');
    let mut wanted = prefix.trim_end_matches('/').split('/');
    wanted.all(|wanted| {
        segments
            .next()
            .is_some_and(|segment| wanted.starts_with('{') || segment == wanted)
    })
}

impl<S> fmt::Debug for ProtectedRouter<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProtectedRouter")
            .field("rules", &self.rules)
            .finish_non_exhaustive()
    }
}
