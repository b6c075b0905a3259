//! How a provider is set up: in code through [`ProviderSettings`], from a file through [`ProviderFile`].

use doorward_crypto::{SecretString, SystemRandom, generate_secret};
use serde::{Deserialize, Serialize};

use crate::{error::ProviderError, platform::PlatformSettings, users::default_users};

/// What becomes of a refresh token when it is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefreshTokenRotation {
    /// It stays as it is; the answer holds no refresh token.
    Off,
    /// It is replaced; the old one is refused, and nothing else happens.
    On,
    /// It is replaced; a second use of the old one revokes everything that came from the same login.
    ReuseDetection,
}

/// How a provider is set up.
///
/// Made by [`ProviderSettings::new`] and then changed field by field.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ProviderSettings {
    /// The issuer: scheme, loopback name and port, such as `http://localhost:6002`. Without path and trailing slash.
    pub issuer: String,
    /// The ID of the main client. Default: `doorward-dev`.
    pub client_id: String,
    /// Its secret. Default: random, new at every start.
    pub client_secret: SecretString,
    /// Signs this user in without a page. Default: nobody.
    pub auto_login: Option<String>,
    /// How long access tokens live, in seconds. Default: 300.
    pub access_token_ttl_seconds: u64,
    /// What becomes of a used refresh token. Default: reuse detection.
    pub refresh_token_rotation: RefreshTokenRotation,
    /// Whether refresh tokens are issued for `offline_access`. Default: yes.
    pub refresh_token: bool,
    /// Redirect URIs of the main client beside those on loopback names, compared byte for byte.
    pub extra_redirect_uris: Vec<String>,
    /// URIs to return to after logout, beside those on loopback names, compared byte for byte.
    pub extra_post_logout_uris: Vec<String>,
    /// Where logout tokens for the main client are sent. Default: nowhere.
    pub backchannel_logout_uri: Option<String>,
    /// What the page after a logout frames for the main client. Default: nothing.
    pub frontchannel_logout_uri: Option<String>,
    /// The `aud` of access tokens when the client names no resource (RFC 8707). Default: `doorward-dev-api`.
    pub audience: String,
    /// Lets the main client do without a secret (`none`). Default: no.
    pub danger_public_client: bool,
    /// The main client's public keys as a JWK Set, for `private_key_jwt`. Default: none.
    pub client_keys: Option<serde_json::Value>,
    /// Who can sign in. Default: alice, bob and carol.
    pub users: Vec<UserSettings>,
    /// Further clients.
    pub clients: Vec<ClientSettings>,
    /// Answers `GET /_control/minted` with every secret of this run. For tests that search logs; default: no.
    pub expose_minted: bool,
    /// Speaks the Wristband platform's paths beside the standard ones. Default: no.
    pub platform: Option<PlatformSettings>,
}

/// A person one can sign in as.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UserSettings {
    /// The subject; derived from the address where absent.
    #[serde(default)]
    pub subject: Option<String>,
    /// The address.
    pub email: String,
    /// The display name.
    pub name: String,
    /// The roles.
    #[serde(default)]
    pub roles: Vec<String>,
    /// The tenant.
    pub tenant: String,
}

/// A client of the provider.
#[derive(Debug, Clone)]
pub struct ClientSettings {
    /// The client ID.
    pub client_id: String,
    /// The secret; a client without one is public, or signs assertions if it has keys.
    pub client_secret: Option<SecretString>,
    /// The client's public keys, a JWK Set, for `private_key_jwt`.
    pub keys: Option<serde_json::Value>,
    /// Redirect URIs beside those on loopback names.
    pub redirect_uris: Vec<String>,
    /// Post-logout URIs beside those on loopback names.
    pub post_logout_redirect_uris: Vec<String>,
    /// Where logout tokens are sent.
    pub backchannel_logout_uri: Option<String>,
    /// What the page after a logout frames, with `iss` and `sid` added.
    pub frontchannel_logout_uri: Option<String>,
}

/// The content of `provider.toml`; every key may be left out.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ProviderFile {
    /// See [`ProviderSettings::issuer`].
    pub issuer: Option<String>,
    /// See [`ProviderSettings::auto_login`].
    pub auto_login: Option<String>,
    /// See [`ProviderSettings::access_token_ttl_seconds`].
    pub access_token_ttl: Option<u64>,
    /// See [`ProviderSettings::refresh_token_rotation`].
    pub refresh_token_rotation: Option<RefreshTokenRotation>,
    /// See [`ProviderSettings::audience`].
    pub audience: Option<String>,
    /// See [`ProviderSettings::platform`].
    pub platform: Option<PlatformSettings>,
    /// Replaces the users.
    pub users: Vec<UserSettings>,
    /// The first replaces the client `doorward-dev`, the rest are added.
    pub clients: Vec<ClientFile>,
}

/// A client in `provider.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClientFile {
    /// The client ID.
    pub client_id: String,
    /// The secret; without one and without keys the client is public.
    #[serde(default)]
    pub client_secret: Option<SecretString>,
    /// Public keys as a JWK Set.
    #[serde(default)]
    pub keys: Option<serde_json::Value>,
    /// Redirect URIs beside those on loopback names.
    #[serde(default)]
    pub redirect_uris: Vec<String>,
    /// Post-logout URIs beside those on loopback names.
    #[serde(default)]
    pub post_logout_redirect_uris: Vec<String>,
    /// Where logout tokens are sent.
    #[serde(default)]
    pub backchannel_logout_uri: Option<String>,
    /// What the page after a logout frames, with `iss` and `sid` added.
    #[serde(default)]
    pub frontchannel_logout_uri: Option<String>,
}

impl ProviderSettings {
    /// Sets up a provider with the default users and one client that has a fresh random secret.
    ///
    /// # Errors
    /// [`ProviderError::Random`] if the operating system gives no random numbers. The issuer is judged by
    /// [`DevProvider::new`](crate::DevProvider::new).
    pub fn new(issuer: impl Into<String>) -> Result<Self, ProviderError> {
        Ok(Self {
            issuer: issuer.into(),
            client_id: "doorward-dev".to_owned(),
            client_secret: generate_secret(&SystemRandom)?,
            auto_login: None,
            access_token_ttl_seconds: 300,
            refresh_token_rotation: RefreshTokenRotation::ReuseDetection,
            refresh_token: true,
            extra_redirect_uris: Vec::new(),
            extra_post_logout_uris: Vec::new(),
            backchannel_logout_uri: None,
            frontchannel_logout_uri: None,
            audience: "doorward-dev-api".to_owned(),
            danger_public_client: false,
            client_keys: None,
            users: default_users(),
            clients: Vec::new(),
            expose_minted: false,
            platform: None,
        })
    }

    /// Speaks the platform's paths as well.
    #[must_use]
    pub fn platform(mut self, platform: PlatformSettings) -> Self {
        self.platform = Some(platform);
        self
    }

    /// Takes over what a file says.
    pub fn apply(&mut self, file: ProviderFile) {
        let ProviderFile {
            issuer,
            auto_login,
            access_token_ttl,
            refresh_token_rotation,
            audience,
            platform,
            users,
            clients,
        } = file;
        if let Some(issuer) = issuer {
            self.issuer = issuer;
        }
        if auto_login.is_some() {
            self.auto_login = auto_login;
        }
        if let Some(seconds) = access_token_ttl {
            self.access_token_ttl_seconds = seconds;
        }
        if let Some(rotation) = refresh_token_rotation {
            self.refresh_token_rotation = rotation;
        }
        if let Some(audience) = audience {
            self.audience = audience;
        }
        if platform.is_some() {
            self.platform = platform;
        }
        if !users.is_empty() {
            self.users = users;
        }
        let mut clients = clients.into_iter().map(ClientSettings::from);
        if let Some(main) = clients.next() {
            self.client_id = main.client_id;
            self.danger_public_client = main.client_secret.is_none() && main.keys.is_none();
            if let Some(secret) = main.client_secret {
                self.client_secret = secret;
            }
            self.client_keys = main.keys;
            self.extra_redirect_uris = main.redirect_uris;
            self.extra_post_logout_uris = main.post_logout_redirect_uris;
            self.backchannel_logout_uri = main.backchannel_logout_uri;
            self.frontchannel_logout_uri = main.frontchannel_logout_uri;
        }
        self.clients.extend(clients);
    }
}

impl From<ClientFile> for ClientSettings {
    fn from(file: ClientFile) -> Self {
        Self {
            client_id: file.client_id,
            client_secret: file.client_secret,
            keys: file.keys,
            redirect_uris: file.redirect_uris,
            post_logout_redirect_uris: file.post_logout_redirect_uris,
            backchannel_logout_uri: file.backchannel_logout_uri,
            frontchannel_logout_uri: file.frontchannel_logout_uri,
        }
    }
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
    use serde_json::json;

    use super::*;

    fn applied(file: serde_json::Value) -> ProviderSettings {
        let mut settings = ProviderSettings::new("http://localhost:6002").unwrap();
        settings.apply(serde_json::from_value(file).unwrap());
        settings
    }

    #[test]
    fn an_empty_file_changes_nothing() {
        let settings = applied(json!({}));
        assert_eq!(settings.client_id, "doorward-dev");
        assert_eq!(settings.users.len(), 3);
        assert_eq!(settings.refresh_token_rotation, RefreshTokenRotation::ReuseDetection);
        assert!(settings.clients.is_empty() && !settings.danger_public_client);
    }

    #[test]
    fn a_file_replaces_users_and_the_main_client_and_adds_the_rest() {
        let settings = applied(json!({
            "issuer": "http://id.localhost:7000", "auto_login": "dora@acme.test", "access_token_ttl": 60,
            "refresh_token_rotation": "off", "audience": "orders",
            "users": [{ "email": "dora@acme.test", "name": "Dora Dean", "tenant": "acme" }],
            "clients": [
                { "client_id": "web", "client_secret": "the-web-secret", "redirect_uris": ["https://web.test/cb"] },
                { "client_id": "spa" },
            ],
        }));
        assert_eq!(settings.issuer, "http://id.localhost:7000");
        assert_eq!(settings.access_token_ttl_seconds, 60);
        assert_eq!(settings.refresh_token_rotation, RefreshTokenRotation::Off);
        assert_eq!(
            (settings.client_id.as_str(), settings.client_secret.expose()),
            ("web", "the-web-secret")
        );
        assert_eq!(settings.extra_redirect_uris, ["https://web.test/cb"]);
        assert!(!settings.danger_public_client);
        assert_eq!(settings.clients.len(), 1);
        assert!(crate::DevProvider::new(settings).is_ok());
    }

    #[test]
    fn a_main_client_with_nothing_to_prove_itself_is_public() {
        assert!(applied(json!({ "clients": [{ "client_id": "spa" }] })).danger_public_client);
    }

    #[test]
    fn unknown_keys_in_a_file_are_refused() {
        for file in [
            json!({ "isuer": "x" }),
            json!({ "clients": [{ "client_id": "a", "secret": "b" }] }),
        ] {
            assert!(serde_json::from_value::<ProviderFile>(file).is_err());
        }
    }
}
