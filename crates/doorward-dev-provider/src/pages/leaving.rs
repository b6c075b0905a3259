//! The pages around signing out.

use std::fmt::Write as _;

use axum::{http::StatusCode, response::Response};

use super::{escape, page, page_with_frames, push_hidden};
use crate::{clients::FrameUri, discovery::END_SESSION, params::Params, users::UserInfo};

/// Goes on when every frame has loaded, and where one does not load, soon.
const LEAVE_SCRIPT: &str = "function leave(){location.replace(document.getElementById('next').href)}\
                            addEventListener('load',leave);setTimeout(leave,3000)";

/// Asks before signing out.
pub(crate) fn confirm_logout(params: &Params, user: Option<&UserInfo>) -> Response {
    let mut body = String::new();
    let _ = match user {
        Some(user) => write!(
            body,
            "<p class=\"lead\">You are signed in as <strong>{}</strong>. Applications will ask again who you are.</p>",
            escape(&user.name)
        ),
        None => write!(body, "<p class=\"lead\">Applications will ask again who you are.</p>"),
    };
    let _ = write!(body, "<form method=\"post\" action=\"{END_SESSION}\">");
    push_hidden(&mut body, params, &["confirm"]);
    body.push_str("<button class=\"primary\" name=\"confirm\" value=\"yes\">Sign out</button></form>");
    page(StatusCode::OK, "Sign out?", &body, None)
}

/// Says that the session is over, where there is nowhere to go back to.
pub(crate) fn signed_out() -> Response {
    page(
        StatusCode::OK,
        "You are signed out",
        "<p class=\"lead\">You can close this page.</p>",
        None,
    )
}

/// Tells applications in frames that the session is over (Front-Channel Logout §3), then goes back, if there is somewhere.
///
/// `frames` are the registered URIs, each with what to open in it. `return_to` must be one that the client may use.
pub(crate) fn signing_out(frames: &[(&FrameUri, String)], return_to: Option<&str>) -> Response {
    let mut body = String::with_capacity(2 * 1024);
    body.push_str("<p class=\"lead\">The applications you used are told.</p>");
    for (_, url) in frames {
        let _ = write!(
            body,
            "<iframe hidden title=\"Signing out\" src=\"{}\"></iframe>",
            escape(url)
        );
    }
    match return_to {
        Some(url) => {
            let _ = write!(
                body,
                "<p class=\"note\"><a id=\"next\" href=\"{}\">Go back to the application</a></p><script>{LEAVE_SCRIPT}</script>",
                escape(url)
            );
        }
        None => body.push_str("<p class=\"note\">You can close this page.</p>"),
    }
    let mut origins: Vec<&str> = frames.iter().map(|(frame, _)| frame.origin.as_str()).collect();
    origins.sort_unstable();
    origins.dedup();
    let script = return_to.map(|_| LEAVE_SCRIPT);
    page_with_frames(StatusCode::OK, "You are signed out", &body, script, &origins)
}
