//! Building the client: what can be set, and what cannot be unset.

use std::sync::Arc;
use std::time::Duration;

use doorward_core::Reach;
use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, ClientBuilder};

use crate::address::Resolver;
use crate::client::HttpClient;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
const TOTAL_TIMEOUT: Duration = Duration::from_secs(10);

/// Servers close idle connections, Node's after 5 s. A connection that is dropped earlier here is not the one that the
/// server closes at the moment a refresh token travels over it.
const IDLE_TIMEOUT: Duration = Duration::from_secs(4);

/// Sets up an [`HttpClient`].
///
/// There is no setter for redirects, proxies, unchecked certificates or content coding, because the rules above rely on
/// their absence.
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing until built"]
pub struct HttpClientBuilder {
    connect_timeout: Duration,
    total_timeout: Duration,
    roots: Vec<Certificate>,
}

/// Why a client could not be built.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HttpClientError {
    /// The text holds no certificate in PEM form.
    #[error("root certificate is not a certificate in PEM form")]
    RootCertificate,
    /// The TLS library refused its settings.
    #[error("TLS cannot be set up")]
    Tls(#[source] reqwest::Error),
}

impl Default for HttpClientBuilder {
    fn default() -> Self {
        Self {
            connect_timeout: CONNECT_TIMEOUT,
            total_timeout: TOTAL_TIMEOUT,
            roots: Vec::new(),
        }
    }
}

impl HttpClientBuilder {
    /// Trusts the certificates in a PEM text beside those of the system.
    ///
    /// # Errors
    /// [`HttpClientError::RootCertificate`] if there is no certificate in it, or one that cannot be read.
    ///
    /// # Security
    /// Whoever holds the key of such a certificate can stand in for every provider.
    pub fn add_root_certificate_pem(mut self, pem: &[u8]) -> Result<Self, HttpClientError> {
        let certificates = Certificate::from_pem_bundle(pem).map_err(|_| HttpClientError::RootCertificate)?;
        if certificates.is_empty() {
            return Err(HttpClientError::RootCertificate);
        }
        self.roots.extend(certificates);
        Ok(self)
    }

    /// Sets how long resolving, connecting and the TLS handshake may take together; 2 s without.
    pub fn connect_timeout(mut self, limit: Duration) -> Self {
        self.connect_timeout = limit;
        self
    }

    /// Sets how long a whole exchange may take, to the last byte of the body; 10 s without.
    pub fn total_timeout(mut self, limit: Duration) -> Self {
        self.total_timeout = limit;
        self
    }

    /// Builds the client.
    ///
    /// Certificates are checked against the system's trust store (`rustls-platform-verifier`), so that a company's own
    /// authority works without a setting and revoked roots leave with a system update. A system without a trust store,
    /// such as a bare container, is no reason to fail: loopback providers need none. A warning is logged, and every https
    /// provider is refused until there are roots.
    ///
    /// # Errors
    /// [`HttpClientError::Tls`] if the TLS library refuses an added certificate.
    pub fn build(self) -> Result<HttpClient, HttpClientError> {
        // Two clients and so two pools: a connection to a private address, made for a request that may, is never
        // reused for one that may not.
        let any = self.client(|client| client.dns_resolver(Arc::new(Resolver(Reach::Any))))?;
        let public_only = self.client(|client| client.dns_resolver(Arc::new(Resolver(Reach::PublicOnly))))?;
        Ok(HttpClient::of(any, public_only))
    }

    fn client(&self, change: impl Fn(ClientBuilder) -> ClientBuilder) -> Result<Client, HttpClientError> {
        let roots = || self.roots.iter().cloned();
        let with_system = change(self.bare()).tls_certs_merge(roots()).build();
        with_system.or_else(|_| {
            let client = change(self.bare())
                .tls_certs_only(roots())
                .build()
                .map_err(HttpClientError::Tls)?;
            tracing::warn!("no certificate authorities found on this system; https providers will be refused");
            Ok(client)
        })
    }

    fn bare(&self) -> ClientBuilder {
        Client::builder()
            .redirect(Policy::none())
            .no_proxy()
            .referer(false)
            // A client assertion and a rotated token are good once: one request is one exchange.
            .retry(reqwest::retry::never())
            .connect_timeout(self.connect_timeout)
            .timeout(self.total_timeout)
            .pool_idle_timeout(IDLE_TIMEOUT)
            .http1_max_headers(100)
            .http2_max_header_list_size(64 * 1024)
            .user_agent(concat!("doorward/", env!("CARGO_PKG_VERSION")))
    }
}
