//! Whether a browser's session answers an authorization request.

use super::{AuthorizeRequest, Prompt};
use crate::state::Session;

/// What happens to a well-formed request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Decision<'a> {
    /// The session is enough.
    UseSession,
    /// That subject is signed in without a page.
    SignIn(&'a str),
    /// The page is shown.
    ShowPage,
    /// `prompt=none` cannot be fulfilled.
    LoginRequired,
}

/// Decides whether `session` answers `request`, and what happens if not.
///
/// A session does not answer a request that asks for the person anew, for another person, for a younger sign-in
/// (`max_age`) or for a context it was not made in (`acr_values`).
pub(crate) fn decide<'a>(
    request: &AuthorizeRequest,
    session: Option<&Session>,
    hinted_subject: Option<&str>,
    auto_login_subject: Option<&'a str>,
    now: u64,
) -> Decision<'a> {
    let silent = request.prompts.contains(&Prompt::None);
    let suffices = |session: &&Session| {
        !request.asks_anew()
            && hinted_subject.is_none_or(|subject| subject == session.subject)
            && !request.is_too_old(session, now)
            && (request.acr_values.is_empty() || request.acr_values.contains(&session.acr.as_str()))
    };
    let session = session.filter(suffices);
    match (session, auto_login_subject) {
        (Some(_), _) if silent => Decision::UseSession,
        (None, _) if silent => Decision::LoginRequired,
        (Some(session), Some(subject)) if session.subject == subject => Decision::UseSession,
        (_, Some(subject)) => Decision::SignIn(subject),
        (Some(_), None) => Decision::UseSession,
        (None, None) => Decision::ShowPage,
    }
}
