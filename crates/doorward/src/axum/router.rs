//! A router that denies by default: every route names its rule.

use std::convert::Infallible;
use std::fmt;

use axum::Router;
use axum::extract::Request;
use axum::routing::MethodRouter;
use doorward_engine::{AuthEndpoint, Rule};

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
        let own = AuthEndpoint::ALL.into_iter().map(|endpoint| RouteRule {
            path: format!("{}{}", self.auth.engine().base_path(), endpoint.path()),
            rule: match endpoint {
                AuthEndpoint::Session | AuthEndpoint::Token => Rule::Session,
                AuthEndpoint::Login | AuthEndpoint::Callback | AuthEndpoint::Logout => Rule::Public,
            },
            is_prefix: false,
        });
        self.rules.iter().cloned().chain(own).collect()
    }

    /// Builds the router: the routes given, our own endpoints, and a refusal for everything else.
    pub fn build(self) -> Router<S> {
        let engine = self.auth.engine().clone();
        self.router
            .merge(self.auth.routes())
            .fallback(move |_: Request| {
                let unknown = response(engine.unknown_route());
                async move { unknown }
            })
            .layer(self.auth.layer())
    }
}

impl<S> fmt::Debug for ProtectedRouter<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProtectedRouter")
            .field("rules", &self.rules)
            .finish_non_exhaustive()
    }
}
