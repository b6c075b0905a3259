//! The provider's pages: plain HTML, no script except one line that sends a form.
//!
//! Everything that comes from outside passes through [`escape`]. The policy lists the one style sheet and the one script
//! by digest, so that nothing else runs even if something slipped through.

mod leaving;
mod platform_pages;
mod style;

use std::borrow::Cow;
use std::fmt::Write as _;

use axum::{
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use doorward_crypto::sha256;

use crate::{
    authorize::{AuthorizeRequest, Prompt},
    discovery::{END_SESSION, LOGIN},
    login::session_cookie,
    params::Params,
    platform::{self, Site},
    provider::DevProvider,
    users::UserInfo,
};

pub(crate) use leaving::{confirm_logout, signed_out, signing_out};
pub(crate) use platform_pages::{choose_tenant, platform_home};
use style::STYLE;

/// Sends the only form of the page.
const SUBMIT_SCRIPT: &str = "document.forms[0].submit()";

/// The sign-in page: one button per user.
pub(crate) fn authorize(
    users: &[&UserInfo],
    request: &AuthorizeRequest,
    params: &Params,
    hinted: Option<&UserInfo>,
    current: Option<&UserInfo>,
) -> Response {
    let creates = request.prompts.contains(&Prompt::Create);
    let heading = if creates {
        "Create an account"
    } else {
        "Who is signing in?"
    };
    let mut body = String::with_capacity(8 * 1024);
    let destination = origin_of(&request.target.redirect_uri);
    let _ = write!(
        body,
        "<p class=\"lead\">Choose a user for <strong>{}</strong> at <span class=\"where\">{}</span>.</p>",
        escape(&request.client_id),
        escape(destination),
    );
    if creates {
        body.push_str("<p class=\"notice\">New accounts are not kept here: be one of these.</p>");
    }
    if let (Some(hint), None) = (&request.login_hint, hinted) {
        let shown: String = hint.chars().take(80).collect();
        let _ = write!(
            body,
            "<p class=\"notice\">There is no user called “{}” here.</p>",
            escape(&shown)
        );
    }
    let action = if request.target.site.is_platform() {
        platform::LOGIN
    } else {
        LOGIN
    };
    let _ = write!(body, "<form method=\"post\" action=\"{action}\">");
    push_hidden(&mut body, params, &["user", "action"]);
    body.push_str("<ul class=\"users\">");
    // The one the application expects comes first.
    let others = users
        .iter()
        .copied()
        .filter(|user| hinted.is_none_or(|hinted| hinted.subject != user.subject));
    for user in hinted.into_iter().chain(others) {
        let is_hinted = hinted.is_some_and(|hinted| hinted.subject == user.subject);
        let is_current = current.is_some_and(|current| current.subject == user.subject);
        push_user(&mut body, user, is_hinted, is_current);
    }
    body.push_str("</ul>");
    push_requested(&mut body, request);
    body.push_str("<button class=\"quiet\" name=\"action\" value=\"cancel\">Cancel</button></form>");
    page(StatusCode::OK, heading, &body, None)
}

/// OAuth 2.0 Form Post Response Mode: a form that sends itself, or waits for a press where scripts are off.
pub(crate) fn form_post(redirect_uri: &str, pairs: &[(&str, Cow<'_, str>)]) -> Response {
    let mut body = String::with_capacity(4 * 1024);
    let _ = write!(
        body,
        "<p class=\"lead\">Going back to <span class=\"where\">{}</span>.</p><form method=\"post\" action=\"{}\">",
        escape(origin_of(redirect_uri)),
        escape(redirect_uri)
    );
    for (name, value) in pairs {
        push_hidden_pair(&mut body, name, value);
    }
    let _ = write!(
        body,
        "<noscript><button class=\"primary\">Continue</button></noscript></form><script>{SUBMIT_SCRIPT}</script>"
    );
    page(StatusCode::OK, "One moment", &body, Some(SUBMIT_SCRIPT))
}

/// Says what is wrong with a request that cannot be answered.
pub(crate) fn error(status: StatusCode, message: &str) -> Response {
    let body = format!(
        "<p class=\"lead\">{}.</p><p class=\"note\">Go back to the application and start again.</p>",
        escape(&capitalize(message))
    );
    page(status, "This request cannot be answered", &body, None)
}

/// `GET /`: what this is, and who can sign in.
pub(crate) async fn home(State(provider): State<DevProvider>, headers: HeaderMap) -> Response {
    let site = Site::Standard;
    let session = session_cookie(&site, &headers).and_then(|cookie| {
        let now = provider.now();
        provider.state().session(cookie, &site, now).cloned()
    });
    let current = session
        .as_ref()
        .and_then(|session| provider.user_registry().by_subject(&session.subject));
    let mut body = String::with_capacity(4 * 1024);
    body.push_str(
        "<p class=\"lead\">Applications on this machine send people here to sign in. There are no passwords.</p>",
    );
    body.push_str("<ul class=\"users\">");
    for user in provider.user_registry().all() {
        body.push_str("<li class=\"user\">");
        push_person(
            &mut body,
            user,
            current
                .is_some_and(|current| current.subject == user.subject)
                .then_some("signed in"),
        );
        body.push_str("</li>");
    }
    body.push_str("</ul>");
    if current.is_some() {
        let _ = write!(
            body,
            "<form action=\"{END_SESSION}\"><button class=\"quiet\">Sign out</button></form>"
        );
    }
    body.push_str(
        "<p class=\"note\"><a href=\"/.well-known/openid-configuration\">Provider metadata</a> · \
         <a href=\"/_control/stats\">Statistics</a></p>",
    );
    page(StatusCode::OK, "Sign-in for this machine", &body, None)
}

fn push_user(body: &mut String, user: &UserInfo, is_hinted: bool, is_current: bool) {
    let autofocus = if is_hinted { " autofocus" } else { "" };
    let _ = write!(
        body,
        "<li><button class=\"user\" name=\"user\" value=\"{}\"{autofocus}>",
        escape(&user.email)
    );
    push_person(
        body,
        user,
        if is_current {
            Some("signed in")
        } else if is_hinted {
            Some("expected")
        } else {
            None
        },
    );
    body.push_str("</button></li>");
}

fn push_person(body: &mut String, user: &UserInfo, mark: Option<&str>) {
    let initials: String = user
        .name
        .split_whitespace()
        .filter_map(|word| word.chars().next())
        .take(2)
        .collect();
    let _ = write!(
        body,
        "<span class=\"avatar\" aria-hidden=\"true\">{}</span>\
         <span class=\"who\"><span class=\"name\">{}</span> <span class=\"email\">{}</span></span> <span class=\"tags\">",
        escape(&initials),
        escape(&user.name),
        escape(&user.email)
    );
    if let Some(mark) = mark {
        let _ = write!(body, "<span class=\"tag mark\">{mark}</span> ");
    }
    for tag in std::iter::once(&user.tenant).chain(&user.roles) {
        let _ = write!(body, "<span class=\"tag\">{}</span> ", escape(tag));
    }
    body.push_str("</span>");
}

/// What the application gets to know and to do.
fn push_requested(body: &mut String, request: &AuthorizeRequest) {
    let _ = write!(
        body,
        "<section class=\"asks\"><h2>What {} gets</h2><ul>",
        escape(&request.client_id)
    );
    body.push_str(if request.target.site.is_platform() {
        "<li>The tenant of that user, and what the scopes open</li>"
    } else {
        "<li>Name, email address, tenant and roles of that user</li>"
    });
    if request.scopes.iter().any(|scope| scope == "offline_access") {
        body.push_str("<li>A refresh token, to stay signed in meanwhile</li>");
    }
    let known = ["openid", "profile", "email", "offline_access"];
    for scope in request.scopes.iter().filter(|scope| !known.contains(&scope.as_str())) {
        let _ = write!(body, "<li>Scope <code>{}</code></li>", escape(scope));
    }
    if let Some(acr) = request.acr_values.first() {
        let _ = write!(body, "<li>A sign-in of strength <code>{}</code></li>", escape(acr));
    }
    body.push_str("</ul></section>");
}

fn push_hidden(body: &mut String, params: &Params, except: &[&str]) {
    for (name, value) in params.iter().filter(|(name, _)| !except.contains(name)) {
        push_hidden_pair(body, name, value);
    }
}

fn push_hidden_pair(body: &mut String, name: &str, value: &str) {
    let _ = write!(
        body,
        "<input type=\"hidden\" name=\"{}\" value=\"{}\">",
        escape(name),
        escape(value)
    );
}

fn page(status: StatusCode, heading: &str, body: &str, script: Option<&str>) -> Response {
    page_with_frames(status, heading, body, script, &[])
}

/// The same with frames of these origins, which must be fit for a policy.
fn page_with_frames(status: StatusCode, heading: &str, body: &str, script: Option<&str>, frames: &[&str]) -> Response {
    let html = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <meta name=\"color-scheme\" content=\"light dark\"><title>{heading}</title>\
         <link rel=\"icon\" href=\"data:,\"><style>{STYLE}</style></head><body><main>\
         <p class=\"kicker\"><span class=\"door\" aria-hidden=\"true\"></span>Doorward development provider</p>\
         <h1>{heading}</h1>{body}</main>\
         <footer>For this machine only. Anyone here can be anyone.</footer></body></html>"
    );
    let mut response = (status, html).into_response();
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/html; charset=utf-8"),
    );
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    // Not "no-referrer": browsers would then send "Origin: null" with our own forms.
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    if let Ok(policy) = HeaderValue::from_str(&content_security_policy(script, frames)) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response
}

fn content_security_policy(script: Option<&str>, frames: &[&str]) -> String {
    let frames = if frames.is_empty() {
        "'none'".to_owned()
    } else {
        frames.join(" ")
    };
    let script = script.map_or_else(|| "'none'".to_owned(), source_of);
    // Browsers hold form-action against every redirect that follows a form, and the last of them is the application's
    // own choice; hence schemes instead of one origin. What remains shut out is "javascript:" and "data:".
    format!(
        "default-src 'none'; style-src {}; script-src {script}; frame-src {frames}; img-src data:; form-action 'self' http: https:; \
         base-uri 'none'; frame-ancestors 'none'",
        source_of(STYLE)
    )
}

fn source_of(text: &str) -> String {
    format!(
        "'sha256-{}'",
        base64_simd::STANDARD.encode_to_string(sha256(text.as_bytes()))
    )
}

fn origin_of(url: &str) -> &str {
    let after_scheme = url.find("://").map_or(0, |position| position + 3);
    let end = url
        .get(after_scheme..)
        .and_then(|rest| rest.find(['/', '?']))
        .map_or(url.len(), |at| after_scheme + at);
    url.get(..end).unwrap_or(url)
}

fn capitalize(text: &str) -> String {
    let mut chars = text.chars();
    chars
        .next()
        .map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// Makes text harmless in HTML content and in quoted attributes.
///
/// # Security
/// Nearly everything on these pages is chosen by whoever made the link.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]
mod tests {
    use super::*;

    #[test]
    fn escaped_text_cannot_leave_its_place() {
        assert_eq!(
            escape("<a b=\"c\" d='e'>&"),
            "&lt;a b=&quot;c&quot; d=&#39;e&#39;&gt;&amp;"
        );
    }

    #[test]
    fn only_the_form_post_page_allows_a_script() {
        let script_source = |policy: String| {
            policy
                .split("; ")
                .find(|rule| rule.starts_with("script-src"))
                .unwrap()
                .to_owned()
        };
        assert_eq!(script_source(content_security_policy(None, &[])), "script-src 'none'");
        let with_script = script_source(content_security_policy(Some(SUBMIT_SCRIPT), &[]));
        assert!(
            with_script.starts_with("script-src 'sha256-") && !with_script.contains("unsafe"),
            "{with_script}"
        );
    }

    #[test]
    fn the_origin_of_a_url_is_shown_without_its_path() {
        for (url, expected) in [
            ("http://localhost:6001/cb?x", "http://localhost:6001"),
            ("http://localhost:6001?x", "http://localhost:6001"),
            ("https://a.test", "https://a.test"),
        ] {
            assert_eq!(origin_of(url), expected);
        }
    }
}
