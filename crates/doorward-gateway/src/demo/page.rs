//! Serves the web app.

use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use doorward::{ProtectedRouter, Rule};
use http::HeaderValue;
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS};

use super::assets::{ASSETS, Asset};

/// Adds the page and its files, open to anyone.
pub(super) fn add<S>(router: ProtectedRouter<S>, provider_origin: &str, takes_bearer: bool) -> ProtectedRouter<S>
where
    S: Clone + Send + Sync + 'static,
{
    let policy = policy(provider_origin);
    ASSETS.iter().fold(router, |router, asset| {
        let policy = policy.clone();
        router.route(
            asset.path,
            Rule::Public,
            get(async move || answer(asset, policy, takes_bearer)),
        )
    })
}

/// Nothing inline, nothing from elsewhere, no frame around it.
///
/// Chromium holds `form-action` against every redirect of a form, and signing out without scripts is a form that
/// leads to the provider, so the provider is named there.
fn policy(provider_origin: &str) -> HeaderValue {
    let policy = format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
         form-action 'self' {provider_origin}; base-uri 'none'; frame-ancestors 'none'"
    );
    // An origin is ASCII; were it not, the page would do with its own origin.
    HeaderValue::try_from(policy).unwrap_or_else(|_| HeaderValue::from_static("default-src 'self'"))
}

fn answer(asset: &'static Asset, policy: HeaderValue, takes_bearer: bool) -> Response {
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static(asset.media_type)),
        (CONTENT_SECURITY_POLICY, policy),
        (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (REFERRER_POLICY, HeaderValue::from_static("same-origin")),
        // The next build of the binary may bring another page under the same address.
        (CACHE_CONTROL, HeaderValue::from_static("no-cache")),
    ];
    if takes_bearer {
        // The card about access tokens is there where they are accepted.
        return (headers, asset.content.replace("id=\"either\" hidden", "id=\"either\"")).into_response();
    }
    (headers, asset.content).into_response()
}
