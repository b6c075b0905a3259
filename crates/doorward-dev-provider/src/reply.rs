//! How an authorization response reaches the client: RFC 6749 §4.1.2, Form Post Response Mode, RFC 9207.

use std::borrow::Cow;

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};

use crate::{
    pages,
    params::append_query,
    platform::{Site, placeholder},
};

/// Where and how to answer; made only for a redirect URI that the client may use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ReplyTarget {
    pub(crate) redirect_uri: String,
    pub(crate) mode: ResponseMode,
    pub(crate) state: Option<String>,
    /// Where the request came in.
    pub(crate) site: Site,
}

/// `response_mode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ResponseMode {
    Query,
    FormPost,
}

impl ReplyTarget {
    /// Hands the client its code.
    pub(crate) fn grant(&self, issuer: &str, status: StatusCode, code: &str, tenant: Option<&str>) -> Response {
        self.send(issuer, status, vec![("code", code.into())], tenant)
    }

    /// Tells the client why it gets none.
    pub(crate) fn refuse(&self, issuer: &str, status: StatusCode, error: &str, description: &str) -> Response {
        self.send(
            issuer,
            status,
            vec![("error", error.into()), ("error_description", description.into())],
            self.site.tenant(),
        )
    }

    fn send<'a>(
        &'a self,
        issuer: &'a str,
        status: StatusCode,
        mut pairs: Vec<(&'a str, Cow<'a, str>)>,
        tenant: Option<&'a str>,
    ) -> Response {
        if let Some(state) = &self.state {
            pairs.push(("state", state.into()));
        }
        let mut redirect_uri = Cow::Borrowed(self.redirect_uri.as_str());
        match (&self.site, tenant) {
            // RFC 9207 §2: in every response, errors included.
            (Site::Standard, _) => pairs.push(("iss", issuer.into())),
            (site, Some(tenant)) => {
                redirect_uri = placeholder::fill(&self.redirect_uri, tenant);
                if redirect_uri == self.redirect_uri {
                    pairs.push(("tenant_name", tenant.into()));
                }
                if let Some(host) = site.custom_domain() {
                    pairs.push(("tenant_custom_domain", host.into()));
                }
            }
            (_, None) if placeholder::is_in(&self.redirect_uri) => {
                let why = "the answer has to go to the tenant's own address, and no tenant was chosen";
                return pages::error(StatusCode::BAD_REQUEST, why);
            }
            (_, None) => {}
        }
        match self.mode {
            ResponseMode::Query => redirect(status, &append_query(&redirect_uri, &pairs)),
            ResponseMode::FormPost => pages::form_post(&redirect_uri, &pairs),
        }
    }
}

/// A redirect that nothing stores.
pub(crate) fn redirect(status: StatusCode, url: &str) -> Response {
    match HeaderValue::from_str(url) {
        Ok(location) => {
            let no_store = HeaderValue::from_static("no-store");
            (
                status,
                [(header::LOCATION, location), (header::CACHE_CONTROL, no_store)],
            )
                .into_response()
        }
        Err(_) => pages::error(
            StatusCode::BAD_REQUEST,
            "the address to go to cannot be written into a header",
        ),
    }
}
