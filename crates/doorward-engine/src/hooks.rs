//! Where an application takes part: shaping a login, the session endpoint's metadata, the look of refusals.

use std::sync::Arc;

use doorward_core::ports::BoxFuture;
use doorward_core::session::{Identity, User};
use doorward_oidc::wristband::WristbandUserInfo;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::auth::Inner;
use crate::problem::Refusal;
use crate::session::{DataError, Session};

pub(crate) type OnLogin = Arc<dyn Fn(Login) -> BoxFuture<'static, Result<Login, LoginDenied>> + Send + Sync>;
pub(crate) type SessionMetadata = Arc<dyn Fn(&Session) -> Value + Send + Sync>;
pub(crate) type OnRefusal = Arc<dyn Fn(Refusal) -> Refusal + Send + Sync>;

/// The application's hooks; none is set from the start.
#[derive(Default, Clone)]
pub(crate) struct Hooks {
    pub(crate) on_login: Option<OnLogin>,
    pub(crate) session_metadata: Option<SessionMetadata>,
    pub(crate) on_refusal: Option<OnRefusal>,
    /// The parameters of a login link that are carried to `on_login`.
    pub(crate) carried: Vec<String>,
}

/// A login whose every check has passed, before it counts.
///
/// The application may look the user up, add data, set roles, or refuse.
pub struct Login {
    /// The session as it will begin.
    pub(crate) identity: Identity,
    /// Who knows whether the session fits into its cookie.
    pub(crate) engine: Arc<Inner>,
    /// The user as the Wristband platform describes them.
    pub(crate) wristband: Option<WristbandUserInfo>,
    /// What the login link brought for the application.
    pub(crate) carried: Vec<(String, String)>,
}

impl Login {
    /// The user as the provider describes them.
    #[must_use]
    pub fn user(&self) -> &User {
        &self.identity.user
    }

    /// The user as the Wristband platform describes them, typed; `None` with any other provider.
    #[must_use]
    pub fn wristband(&self) -> Option<&WristbandUserInfo> {
        self.wristband.as_ref()
    }

    /// A parameter of the link that the login began with, where the application asked for it
    /// ([`Builder::carry_through_login`](crate::EngineBuilder::carry_through_login)).
    ///
    /// # Security
    /// Whoever made the link chose the value.
    #[must_use]
    pub fn carried(&self, name: &str) -> Option<&str> {
        let found = self.carried.iter().find(|(carried, _)| carried == name);
        found.map(|(_, value)| value.as_str())
    }

    /// Sets the user's roles; from now on the provider's claims no longer change them.
    pub fn set_roles<S: Into<String>>(&mut self, roles: impl IntoIterator<Item = S>) {
        self.identity.user.roles = roles.into_iter().map(Into::into).collect();
        self.identity.roles_are_ours = true;
    }

    /// Reads a value of the new session: at a step-up of the same user, what the application kept in the session before.
    ///
    /// # Errors
    /// [`DataError::NotSerializable`] if the value is not of this type.
    pub fn get<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, DataError> {
        let text = self.identity.data.get(key);
        text.map(|text| serde_json::from_str(text).map_err(DataError::NotSerializable))
            .transpose()
    }

    /// Adds a value to the new session, as [`Session::insert`] does later.
    ///
    /// # Errors
    /// [`DataError::TooLarge`] if the session would not fit into its cookie: the value is not taken
    /// and the login goes on; [`DataError::NotSerializable`] if serde cannot write the value as JSON;
    /// [`DataError::Key`] if the key is empty or longer than 64 bytes.
    pub fn insert<T: Serialize>(&mut self, key: &str, value: &T) -> Result<(), DataError> {
        let text = crate::session::data_text(key, value)?;
        let mut trial = self.identity.clone();
        // Claims kept for convenience make room where they must.
        trial.user.claims.clear();
        trial.data.insert(key.to_owned(), text.clone());
        self.engine.check_fits(&trial)?;
        self.identity.data.insert(key.to_owned(), text);
        Ok(())
    }
}

impl std::fmt::Debug for Login {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Login")
            .field("user", &self.identity.user)
            .finish_non_exhaustive()
    }
}

/// The application refused a login; the browser sees a 403 page with `login_denied`.
#[derive(Debug, Clone)]
pub struct LoginDenied {
    pub(crate) reason: String,
}

impl LoginDenied {
    /// Refuses, with a reason for the log; the browser is not told.
    #[must_use]
    pub fn new(reason: impl Into<String>) -> Self {
        Self { reason: reason.into() }
    }
}
