//! The clients of the provider and which URIs they may be answered at.

use doorward_crypto::{KeySet, SecretString};
use url::Url;

use crate::{
    error::ProviderError,
    guard::is_loopback_authority,
    settings::{ClientSettings, ProviderSettings},
};

const MAX_URI_BYTES: usize = 2_000;

/// One client.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) client_id: String,
    pub(crate) secret: Option<SecretString>,
    pub(crate) keys: Option<KeySet>,
    redirect_uris: Vec<String>,
    post_logout_redirect_uris: Vec<String>,
    pub(crate) backchannel_logout_uri: Option<String>,
    pub(crate) frontchannel_logout_uri: Option<FrameUri>,
}

impl Client {
    fn new(settings: ClientSettings) -> Result<Self, ProviderError> {
        let ClientSettings {
            client_id,
            client_secret,
            keys,
            redirect_uris,
            post_logout_redirect_uris,
            backchannel_logout_uri,
            frontchannel_logout_uri,
        } = settings;
        let named = [
            ("redirect_uris", redirect_uris.iter()),
            ("post_logout_redirect_uris", post_logout_redirect_uris.iter()),
        ];
        for (setting, uris) in named {
            check_uris(setting, uris)?;
        }
        check_uris("backchannel_logout_uri", backchannel_logout_uri.iter())?;
        let frontchannel_logout_uri = frontchannel_logout_uri.map(FrameUri::new).transpose()?;
        let keys = match keys {
            None => None,
            Some(keys) => match KeySet::parse(keys.to_string().as_bytes()) {
                Ok(keys) if !keys.is_empty() => Some(keys),
                _ => return Err(ProviderError::ClientKeys { client_id }),
            },
        };
        Ok(Self {
            client_id,
            secret: client_secret,
            keys,
            redirect_uris,
            post_logout_redirect_uris,
            backchannel_logout_uri,
            frontchannel_logout_uri,
        })
    }

    /// A client that has nothing to authenticate with.
    pub(crate) fn is_public(&self) -> bool {
        self.secret.is_none() && self.keys.is_none()
    }

    /// True if an authorization response may go to `uri`.
    ///
    /// # Security
    /// `uri` comes from whoever made the link. RFC 9700 §2.1: registered URIs are compared byte for byte; loopback
    /// names stand open because everything behind them is this machine.
    pub(crate) fn allows_redirect(&self, uri: &str) -> bool {
        self.redirect_uris.iter().any(|known| known == uri) || is_loopback_uri(uri)
    }

    /// The same for the return after logout.
    pub(crate) fn allows_post_logout(&self, uri: &str) -> bool {
        self.post_logout_redirect_uris.iter().any(|known| known == uri) || is_loopback_uri(uri)
    }
}

/// What the page after a logout frames for a client.
#[derive(Debug)]
pub(crate) struct FrameUri {
    pub(crate) uri: String,
    /// As a source in a content security policy.
    pub(crate) origin: String,
}

impl FrameUri {
    fn new(uri: String) -> Result<Self, ProviderError> {
        let origin = parse_uri(&uri).map(|url| url.origin().ascii_serialization());
        // Security: a host may hold a semicolon, with which a policy would begin another rule.
        let is_source = |origin: &String| {
            origin
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-._:/[]".contains(&byte))
        };
        match origin.filter(is_source) {
            Some(origin) => Ok(Self { uri, origin }),
            None => Err(ProviderError::Uri {
                setting: "frontchannel_logout_uri",
                uri,
            }),
        }
    }
}

/// All clients; the first is the main one.
#[derive(Debug)]
pub(crate) struct Clients(Vec<Client>);

impl Clients {
    pub(crate) fn new(settings: &ProviderSettings) -> Result<Self, ProviderError> {
        let main = ClientSettings {
            client_id: settings.client_id.clone(),
            client_secret: (!settings.danger_public_client).then(|| settings.client_secret.clone()),
            keys: settings.client_keys.clone(),
            redirect_uris: settings.extra_redirect_uris.clone(),
            post_logout_redirect_uris: settings.extra_post_logout_uris.clone(),
            backchannel_logout_uri: settings.backchannel_logout_uri.clone(),
            frontchannel_logout_uri: settings.frontchannel_logout_uri.clone(),
        };
        let mut clients: Vec<Client> = Vec::new();
        for client in std::iter::once(main).chain(settings.clients.iter().cloned()) {
            if client.client_id.is_empty() || clients.iter().any(|other| other.client_id == client.client_id) {
                return Err(ProviderError::ClientId {
                    client_id: client.client_id,
                });
            }
            clients.push(Client::new(client)?);
        }
        Ok(Self(clients))
    }

    pub(crate) fn get(&self, client_id: &str) -> Option<&Client> {
        self.0.iter().find(|client| client.client_id == client_id)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Client> {
        self.0.iter()
    }
}

/// Parses an absolute http or https URL that cannot smuggle anything.
///
/// # Security
/// The URL parser repairs backslashes, tabs and line feeds; what it repairs would reach the browser unrepaired.
pub(crate) fn parse_uri(uri: &str) -> Option<Url> {
    if uri.len() > MAX_URI_BYTES || !uri.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\') {
        return None;
    }
    let url = Url::parse(uri).ok()?;
    let plain = matches!(url.scheme(), "http" | "https")
        && (uri.get(..7).is_some_and(|start| start.eq_ignore_ascii_case("http://"))
            || uri.get(..8).is_some_and(|start| start.eq_ignore_ascii_case("https://")))
        && url.host().is_some()
        && url.fragment().is_none()
        && url.username().is_empty()
        && url.password().is_none();
    plain.then_some(url)
}

fn is_loopback_uri(uri: &str) -> bool {
    // The authority is read from the text as sent, not from the parsed URL, which turns 0x7f.1 into 127.0.0.1.
    parse_uri(uri).is_some()
        && uri
            .split_once("://")
            .and_then(|(_, rest)| rest.split(['/', '?']).next())
            .is_some_and(is_loopback_authority)
}

fn check_uris<'a>(setting: &'static str, uris: impl Iterator<Item = &'a String>) -> Result<(), ProviderError> {
    for uri in uris {
        if parse_uri(uri).is_none() {
            return Err(ProviderError::Uri {
                setting,
                uri: uri.clone(),
            });
        }
    }
    Ok(())
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

    fn clients(change: impl FnOnce(&mut ProviderSettings)) -> Result<Clients, ProviderError> {
        let mut settings = ProviderSettings::new("http://localhost:6002").unwrap();
        change(&mut settings);
        Clients::new(&settings)
    }

    #[test]
    fn redirects_go_to_loopback_names_and_registered_uris_only() {
        let clients =
            clients(|settings| settings.extra_redirect_uris = vec!["https://app.acme.test/auth/callback".into()])
                .unwrap();
        let client = clients.get("doorward-dev").unwrap();
        for (uri, expected) in [
            ("http://localhost:6001/auth/callback", true),
            ("https://acme.localhost/cb?x=1", true),
            ("http://127.0.0.1:1/", true),
            ("http://[::1]:1/cb", true),
            ("https://app.acme.test/auth/callback", true),
            ("https://app.acme.test/auth/callback/", false),
            ("https://app.acme.test/auth/callback?x", false),
            ("https://APP.acme.test/auth/callback", false),
            ("http://localhost:6001/cb#fragment", false),
            ("http://user@localhost/cb", false),
            ("http://localhost@evil.test/cb", false),
            ("http://evil.test\\@localhost/cb", false),
            ("http://localhost\t.evil.test/cb", false),
            ("http:localhost/cb", false),
            ("http:///localhost/cb", false),
            ("//localhost/cb", false),
            ("javascript:alert(1)//localhost", false),
            ("http://0x7f.0.0.1/cb", false),
            ("custom://localhost/cb", false),
            ("", false),
        ] {
            assert_eq!(client.allows_redirect(uri), expected, "{uri:?}");
        }
        assert!(!client.allows_post_logout("https://app.acme.test/auth/callback"));
        assert!(client.allows_post_logout("http://localhost:6001/"));
    }

    #[test]
    fn faulty_clients_are_refused_by_name() {
        let duplicate = ClientSettings {
            client_id: "doorward-dev".into(),
            client_secret: None,
            keys: None,
            redirect_uris: vec![],
            post_logout_redirect_uris: vec![],
            backchannel_logout_uri: None,
            frontchannel_logout_uri: None,
        };
        assert!(matches!(
            clients(|s| s.clients = vec![duplicate]),
            Err(ProviderError::ClientId { .. })
        ));
        assert!(matches!(
            clients(|s| s.client_id.clear()),
            Err(ProviderError::ClientId { .. })
        ));
        assert!(matches!(
            clients(|s| s.extra_redirect_uris = vec!["/cb".into()]),
            Err(ProviderError::Uri {
                setting: "redirect_uris",
                ..
            })
        ));
        for uri in [
            "/logout",
            "https://a;b.test/",
            "https://a.test/#x",
            "javascript:alert(1)",
            "https://a'b.test/",
        ] {
            assert!(
                matches!(
                    clients(|s| s.frontchannel_logout_uri = Some(uri.into())),
                    Err(ProviderError::Uri {
                        setting: "frontchannel_logout_uri",
                        ..
                    })
                ),
                "{uri}"
            );
        }
        assert!(clients(|s| s.frontchannel_logout_uri = Some("https://app.test:8443/x?a;b='".into())).is_ok());
        assert!(matches!(
            clients(|s| s.client_keys = Some(serde_json::json!({"keys": []}))),
            Err(ProviderError::ClientKeys { .. })
        ));
    }
}
