//! What a developer has put in the wrong place, told in the log, once.
//!
//! Both mistakes answer requests correctly and leave whoever looks at the answers without a clue. Nothing is decided here.

use std::sync::Once;

use crate::auth::Engine;
use crate::context::RequestContext;

/// Which hints were given.
pub(crate) struct Hints {
    guarded: Once,
    missing: Once,
}

impl Default for Hints {
    fn default() -> Self {
        Self {
            guarded: Once::new(),
            missing: Once::new(),
        }
    }
}

impl Engine {
    /// To be told of every request that a guard of the application's refuses.
    pub fn hint_at_guarded_routes(&self, context: &RequestContext) {
        if let Some(path) = self.own_page(context) {
            self.inner.hints.guarded.call_once(|| {
                tracing::warn!(
                    path,
                    "a guard stands in front of the login itself, so that nobody can sign in; hint: merge auth.routes() after the \
                     route_layer of the routes to protect"
                );
            });
        }
    }

    /// To be told of every request that the application answered with 404.
    pub fn hint_at_missing_routes(&self, context: &RequestContext) {
        if let Some(path) = self.own_page(context) {
            self.inner.hints.missing.call_once(|| {
                tracing::warn!(
                    path,
                    "no route answers here, so that nobody can sign in; hint: merge auth.routes() into the router that auth.layer() \
                     is put on"
                );
            });
        }
    }

    /// The path of the request, where it is login's or the callback's, which no guard of an application may refuse.
    fn own_page<'c>(&self, context: &'c RequestContext) -> Option<&'c str> {
        let target = context.target();
        let path = target.split_once('?').map_or(target, |(path, _)| path);
        let page = path.strip_prefix(self.base_path())?;
        (matches!(page, "/login" | "/callback") || page.starts_with("/callback/")).then_some(path)
    }
}
