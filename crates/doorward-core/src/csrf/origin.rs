//! The origin rule.

use http::{Method, header::ORIGIN};

use super::{CsrfMode, CsrfRefused};
use crate::{
    origin::AllowedOrigins,
    request::{FetchSite, RequestView, SEC_FETCH_SITE, SEC_PURPOSE},
};

/// A request that passed the origin rule; only [`check_origin`] makes one.
#[derive(Debug)]
pub struct OriginPassed(());

/// Judges where a request comes from.
///
/// # Errors
/// [`CsrfRefused::CrossOrigin`].
///
/// # Security
/// A page cannot forge `Origin` or `Sec-Fetch-Site`; a program can, but has no user's cookie. `Referer` is not read.
pub fn check_origin(
    view: RequestView<'_>,
    origins: &AllowedOrigins,
    mode: CsrfMode,
) -> Result<OriginPassed, CsrfRefused> {
    let passes = if view.is_safe_method() {
        !view.is_websocket_handshake() || origin_is_allowed(view, origins)
    } else {
        unsafe_method_passes(view, origins, mode)
    };
    if passes {
        Ok(OriginPassed(()))
    } else {
        Err(CsrfRefused::CrossOrigin)
    }
}

fn unsafe_method_passes(view: RequestView<'_>, origins: &AllowedOrigins, mode: CsrfMode) -> bool {
    let (Ok(origin), Ok(_)) = (view.header_once(&ORIGIN), view.header_once(&SEC_FETCH_SITE)) else {
        return false;
    };
    match (view.fetch_site(), origin) {
        (FetchSite::SameOrigin | FetchSite::None, _) => true,
        (FetchSite::Other, origin) => origin.is_some_and(|origin| origins.match_app(origin).is_some()),
        (FetchSite::Absent, Some(origin)) => origins.contains(origin),
        (FetchSite::Absent, None) => mode == CsrfMode::Token,
    }
}

/// Tells whether a `POST` to logout may end the session: it needs no token, because a page that lost its session cannot
/// have one, and being signed out by one's own page harms nobody.
pub fn logout_origin_passes(view: RequestView<'_>, origins: &AllowedOrigins) -> bool {
    let (Ok(_), Ok(_)) = (view.header_once(&ORIGIN), view.header_once(&SEC_FETCH_SITE)) else {
        return false;
    };
    view.fetch_site() == FetchSite::SameOrigin || origin_is_allowed(view, origins)
}

/// Tells whether a `GET` to logout may end the session: only a navigation that a page of ours began and that is not a
/// prefetch. Anything else could be an image tag.
pub fn get_logout_allowed(view: RequestView<'_>) -> bool {
    *view.method == Method::GET
        && view.fetch_site() == FetchSite::SameOrigin
        && view.is_document_navigation()
        && !view.headers.contains_key(SEC_PURPOSE)
}

fn origin_is_allowed(view: RequestView<'_>, origins: &AllowedOrigins) -> bool {
    matches!(view.header_once(&ORIGIN), Ok(Some(origin)) if origins.contains(origin))
}
