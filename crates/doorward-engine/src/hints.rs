//! What a developer has put in the wrong place, told in the log, once.
//!
//! These mistakes answer requests correctly and leave whoever looks at the answers without a clue. Nothing is decided here.

use std::sync::Once;

use doorward_core::origin::Origin;

use crate::auth::Engine;
use crate::context::RequestContext;
use crate::site::Here;

/// Which hints were given.
pub(crate) struct Hints {
    guarded: Once,
    missing: Once,
    nested: Once,
    elsewhere: Once,
}

impl Default for Hints {
    fn default() -> Self {
        Self {
            guarded: Once::new(),
            missing: Once::new(),
            nested: Once::new(),
            elsewhere: Once::new(),
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

    /// To be told of every request to an endpoint of ours, with the path that the browser asked for.
    pub fn hint_at_nested_routes(&self, path: &str, asked: &str) {
        if path != asked {
            self.inner.hints.nested.call_once(|| {
                tracing::warn!(
                    path,
                    asked,
                    "our endpoints are met below another path than the base path, where no sign-in ends; hint: merge auth.routes() at \
                     the root, or set the base path to the whole of it"
                );
            });
        }
    }

    /// To be told of every request that the application answered with 404 by itself.
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
    pub(crate) fn own_page<'c>(&self, context: &'c RequestContext) -> Option<&'c str> {
        let target = context.target();
        let path = target.split_once('?').map_or(target, |(path, _)| path);
        let page = path.strip_prefix(self.base_path())?;
        (matches!(page, "/login" | "/callback") || page.starts_with("/callback/")).then_some(path)
    }
}

impl Here<'_> {
    /// A login was asked for at another host than the public URL's.
    pub(crate) fn hint_at_another_host(self, asked: &Origin) {
        self.hints.elsewhere.call_once(|| {
            tracing::warn!(
                asked = asked.as_str(),
                public_url = self.site.public_url.origin().as_str(),
                "a login was asked for at another host and goes on at the public URL; hint: where browsers do use that host, the public URL \
                 is not what they see"
            );
        });
    }
}
