//! What must be read of a stored session without the browser: to list it, and to find it for a logout from outside.

use doorward_oidc::UnixTime;
use serde::{Deserialize, Serialize};

use super::SeenFrom;

/// Who and where a stored session is; sealed by the server's key alone, and without any token.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Summary {
    /// The provider and our client there, as `issuer client_id`.
    pub provider: String,
    /// The provider's `sub`.
    pub subject: String,
    /// The tenant; `default` where there are no tenants.
    pub tenant: String,
    /// The provider's own session ID (`sid`).
    pub provider_session_id: Option<String>,
    /// When the session began.
    pub created_at: UnixTime,
    /// When it was last seen, to a tenth of the idle time: a session is not written at every request.
    pub last_seen_at: UnixTime,
    /// From where it was last seen.
    pub seen_from: SeenFrom,
}
