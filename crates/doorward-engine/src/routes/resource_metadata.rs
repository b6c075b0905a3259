//! `GET /.well-known/oauth-protected-resource` (RFC 9728): which issuers' tokens this service takes.
//!
//! Public on purpose: a client that knows nothing but our address finds the way to a token by it.

use doorward_core::code::Code;
use doorward_core::request::RequestView;
use http::StatusCode;
use http::header::{self, HeaderValue};
use serde_json::json;

use crate::auth::Engine;
use crate::context::RequestContext;
use crate::problem::Denial;
use crate::reply::Reply;
use crate::site::Here;

/// Where the metadata of a resource without a path lies (RFC 9728 §3).
const PATH: &str = "/.well-known/oauth-protected-resource";

impl Engine {
    /// The path of the protected resource's metadata; `None` where no bearer tokens are accepted.
    #[must_use]
    pub fn resource_metadata_path(&self) -> Option<&'static str> {
        self.inner.bearer.as_ref().map(|_| PATH)
    }

    /// Answers the protected resource's metadata.
    pub async fn resource_metadata(&self, context: &RequestContext, view: RequestView<'_>) -> Reply {
        let here = match context.arrive().await {
            Ok(here) => here,
            Err(code) => return self.at_home().refuse(&Denial::nowhere(code)),
        };
        if let Err(reply) = here.reads_only(view) {
            return *reply;
        }
        let Some(verifier) = &here.bearer else {
            return here.refuse(&Denial::new(Code::RouteUnknown));
        };
        let mut issuers: Vec<&str> = verifier.issuers().collect();
        if here.site.tenant.is_some() {
            // A tenant's tokens come from the tenant's provider alone.
            let own = |issuer: &&str| {
                here.site
                    .providers
                    .iter()
                    .any(|own| own.settings.issuer.as_str() == *issuer)
            };
            issuers.retain(own);
        }
        let mut reply = Reply::json(
            StatusCode::OK,
            &json!({
                "resource": here.site.public_url.to_string(),
                "authorization_servers": issuers,
                "bearer_methods_supported": ["header"],
            }),
        );
        // RFC 9728 §3.2 has clients in browsers read it from anywhere; there is nothing of a user in it.
        reply.set(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
        reply
    }
}

impl Here<'_> {
    pub(crate) fn resource_metadata_url(&self) -> String {
        self.site.public_url.join(PATH)
    }
}
