//! The people one can sign in as.

use doorward_crypto::sha256_base64url;

use crate::{error::ProviderError, settings::UserSettings};

/// What may be shown of a user.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct UserInfo {
    /// The stable, opaque subject.
    pub subject: String,
    /// The address, which is also the name one signs in with.
    pub email: String,
    /// The display name.
    pub name: String,
    /// The roles within the tenant.
    pub roles: Vec<String>,
    /// The tenant.
    pub tenant: String,
}

/// All users, found by address or subject.
#[derive(Debug)]
pub(crate) struct Users(Vec<UserInfo>);

impl Users {
    pub(crate) fn new(settings: &[UserSettings]) -> Result<Self, ProviderError> {
        let mut users: Vec<UserInfo> = Vec::with_capacity(settings.len());
        for user in settings {
            let subject = user.subject.clone().unwrap_or_else(|| derive_subject(&user.email));
            if users
                .iter()
                .any(|other| other.email.eq_ignore_ascii_case(&user.email) || other.subject == subject)
            {
                return Err(ProviderError::DuplicateUser {
                    email: user.email.clone(),
                });
            }
            users.push(UserInfo {
                subject,
                email: user.email.clone(),
                name: user.name.clone(),
                roles: user.roles.clone(),
                tenant: user.tenant.clone(),
            });
        }
        if users.is_empty() {
            return Err(ProviderError::NoUsers);
        }
        Ok(Self(users))
    }

    pub(crate) fn all(&self) -> &[UserInfo] {
        &self.0
    }

    pub(crate) fn by_email(&self, email: &str) -> Option<&UserInfo> {
        self.0.iter().find(|user| user.email.eq_ignore_ascii_case(email))
    }

    pub(crate) fn by_subject(&self, subject: &str) -> Option<&UserInfo> {
        self.0.iter().find(|user| user.subject == subject)
    }
}

/// Alice and Bob of Acme, Carol of Globex.
pub(crate) fn default_users() -> Vec<UserSettings> {
    [
        ("alice@acme.test", "Alice Archer", "admin", "acme"),
        ("bob@acme.test", "Bob Baker", "member", "acme"),
        ("carol@globex.test", "Carol Chen", "admin", "globex"),
    ]
    .into_iter()
    .map(|(email, name, role, tenant)| UserSettings {
        subject: None,
        email: email.to_owned(),
        name: name.to_owned(),
        roles: vec![role.to_owned()],
        tenant: tenant.to_owned(),
    })
    .collect()
}

/// The same address gives the same subject in every run, so that data stored by an application stays whose it was.
fn derive_subject(email: &str) -> String {
    let digest = sha256_base64url(format!("doorward dev user {}", email.to_ascii_lowercase()).as_bytes());
    digest.chars().take(22).collect()
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
    fn subjects_are_stable_and_tell_nothing() {
        let users = Users::new(&default_users()).unwrap();
        let again = Users::new(&default_users()).unwrap();
        for (one, other) in users.all().iter().zip(again.all()) {
            assert_eq!(one.subject, other.subject);
            assert_eq!(one.subject.len(), 22);
            assert!(!one.subject.contains('@'));
        }
    }

    #[test]
    fn a_user_given_twice_is_refused() {
        let mut settings = default_users();
        settings.push(UserSettings {
            email: "ALICE@acme.test".into(),
            ..settings[0].clone()
        });
        assert!(matches!(
            Users::new(&settings),
            Err(ProviderError::DuplicateUser { .. })
        ));
        assert!(matches!(Users::new(&[]), Err(ProviderError::NoUsers)));
    }
}
