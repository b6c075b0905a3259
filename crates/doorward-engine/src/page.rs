//! The few pages of our own: plain HTML, no script within it, a strict Content-Security-Policy.
//!
//! No text of a provider, a browser or a user stands on any of them: words come from the table of
//! codes, and every address from our own configuration.

use bytes::Bytes;
use doorward_core::code::Code;
use http::StatusCode;
use http::header::{self, HeaderValue};

use crate::reply::Reply;
use crate::site::Here;
use crate::token_calls::LoginFailure;

const STYLE: &str = "\
:root{color-scheme:light dark;font:16px/1.5 system-ui,sans-serif}\
body{margin:0;min-height:100vh;display:grid;place-items:center;background:Canvas;color:CanvasText}\
main{max-width:32rem;padding:2rem}\
h1{font-size:1.5rem;margin:0 0 .5rem}\
p{margin:0 0 1rem}\
small{opacity:.7}\
a,button{font:inherit;display:inline-block;padding:.6rem 1.2rem;border:0;border-radius:.5rem;\
background:#1d4ed8;color:#fff;text-decoration:none;cursor:pointer}\
a:focus-visible,button:focus-visible{outline:3px solid #f59e0b;outline-offset:2px}";

/// What a page offers to do next.
pub(crate) enum Action<'a> {
    /// A link.
    Link { label: &'a str, url: &'a str },
    /// A form with one button; `form_action` names where its answer may lead, for the policy.
    Post {
        label: &'a str,
        url: &'a str,
        leads_to: Option<String>,
    },
    /// Moves on by itself, and offers a link where it cannot.
    MoveOn { url: &'a str },
    /// Runs a script of ours that tells `opener` and closes the window, and offers a link where it cannot.
    Close {
        script: &'a str,
        opener: &'a str,
        url: &'a str,
    },
}

/// Builds a page.
pub(crate) fn page(status: StatusCode, title: &str, text: &str, note: &str, action: &Action<'_>) -> Reply {
    let (head, control, form_action) = match action {
        Action::Link { label, url } => (
            String::new(),
            format!("<a href=\"{}\">{}</a>", escape(url), escape(label)),
            "'none'".to_owned(),
        ),
        Action::Post { label, url, leads_to } => (
            String::new(),
            format!(
                "<form method=\"post\" action=\"{}\"><button>{}</button></form>",
                escape(url),
                escape(label)
            ),
            leads_to
                .as_ref()
                .map_or_else(|| "'self'".to_owned(), |origin| format!("'self' {origin}")),
        ),
        Action::MoveOn { url } => (
            format!("<meta http-equiv=\"refresh\" content=\"0; url={}\">", escape(url)),
            format!("<a href=\"{}\">Go on</a>", escape(url)),
            "'none'".to_owned(),
        ),
        Action::Close { script, opener, url } => (
            format!(
                "<script src=\"{}\" data-opener=\"{}\" defer></script>",
                escape(script),
                escape(opener)
            ),
            format!("<a href=\"{}\">Go on</a>", escape(url)),
            "'none'".to_owned(),
        ),
    };
    let script = match action {
        Action::Close { .. } => " script-src 'self';",
        Action::Link { .. } | Action::Post { .. } | Action::MoveOn { .. } => "",
    };
    let note = if note.is_empty() {
        String::new()
    } else {
        format!("<p><small>{}</small></p>", escape(note))
    };
    let body = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\">{head}\
         <title>{title}</title><style>{STYLE}</style></head>\
         <body><main><h1>{title}</h1><p>{text}</p>{control}{note}</main></body></html>",
        title = escape(title),
        text = escape(text),
    );
    let mut reply = Reply::new(status);
    reply.set(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/html; charset=utf-8"),
    );
    let policy = format!(
        "default-src 'none';{script} style-src 'sha256-{}'; form-action {form_action}; base-uri 'none'; frame-ancestors 'none'",
        base64_simd::STANDARD.encode_to_string(doorward_crypto::sha256(STYLE.as_bytes())),
    );
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        reply.set(header::CONTENT_SECURITY_POLICY, policy);
    }
    reply.set(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    reply.set(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    reply.set(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    reply.body = Bytes::from(body);
    reply
}

/// The one escape for text in HTML and in quoted attributes.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
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

impl Here<'_> {
    /// The page on which a failed sign-in ends, with the way to a new one; its reason goes to the log,
    /// under the identifier that the page shows.
    pub(crate) fn login_failed(self, failure: &LoginFailure) -> Reply {
        let (code, request_id) = (failure.code, self.request_id());
        let mut note = format!("{code} · {request_id}");
        if code.status().is_server_error() {
            tracing::warn!(%code, request_id, reason = failure.reason, "login failed");
            note.push_str(" · why is in the server's log");
        } else if failure.is_of_a_user {
            tracing::info!(%code, request_id, reason = failure.reason, "login refused");
        } else {
            // Anybody can cause these without end.
            tracing::debug!(%code, request_id, reason = failure.reason, "login failed");
        }
        let url = match code {
            // A provider that still knows who was refused would send the same person back at once.
            Code::LoginDenied => format!("{}?prompt=login", self.site.urls.login),
            _ => self.site.urls.login.clone(),
        };
        let mut reply = page(
            failure.status(),
            "Sign-in did not work",
            &format!("{}.", code.title()),
            &note,
            &Action::Link {
                label: "Sign in again",
                url: &url,
            },
        );
        if code.status() == StatusCode::SERVICE_UNAVAILABLE {
            reply.set(header::RETRY_AFTER, HeaderValue::from_static("5"));
        }
        reply
    }
}
