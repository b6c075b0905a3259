//! What can be wrong with the settings of a provider.

use doorward_crypto::{RandomUnavailable, SigningKeyError};

/// Why a provider could not be made. All of these are found before anything listens.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProviderError {
    /// The issuer is not a bare origin on a loopback name.
    #[error("provider issuer is {issuer:?}, expected {expected}")]
    Issuer {
        /// The issuer as configured.
        issuer: String,
        /// What would have been accepted.
        expected: &'static str,
    },
    /// The user named for automatic login does not exist.
    #[error("auto login names {email:?}, expected one of the provider's users")]
    UnknownUser {
        /// The address as given.
        email: String,
    },
    /// Two users have the same address or subject.
    #[error("user {email:?} is configured twice")]
    DuplicateUser {
        /// The address of the second one.
        email: String,
    },
    /// No user is configured, so nobody could ever sign in.
    #[error("provider has no users, expected at least one")]
    NoUsers,
    /// Two clients have the same ID, or one has none.
    #[error("client id {client_id:?} is empty or configured twice")]
    ClientId {
        /// The ID as configured.
        client_id: String,
    },
    /// A redirect or logout URI is not an absolute http or https URL without fragment.
    #[error("{setting} holds {uri:?}, expected an absolute http or https URL without fragment or credentials")]
    Uri {
        /// The setting's name.
        setting: &'static str,
        /// The URI as configured.
        uri: String,
    },
    /// A setting of the platform cannot be used.
    #[error("platform setting {setting} holds {value:?}, expected {expected}")]
    Platform {
        /// The setting's name.
        setting: &'static str,
        /// The value as configured.
        value: String,
        /// What would have been accepted.
        expected: &'static str,
    },
    /// The public keys of a client that signs assertions cannot be read.
    #[error("client {client_id:?} has no usable key in its key set")]
    ClientKeys {
        /// The client's ID.
        client_id: String,
    },
    /// The signing key could not be made.
    #[error("signing key could not be made")]
    SigningKey(#[from] SigningKeyError),
    /// The operating system gave no random numbers.
    #[error("random numbers are unavailable")]
    Random(#[from] RandomUnavailable),
}
