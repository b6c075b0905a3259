//! TLS: which authorities count.

use std::io::Read as _;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::BuilderVerifierExt as _;
use tokio_rustls::TlsConnector;

use crate::builder::RedisStoreError;

/// The most bytes of a file of certificates; those of the whole web are a quarter of it.
const MAX_AUTHORITIES: u64 = 1024 * 1024;

/// How servers prove who they are.
pub(crate) struct Tls(TlsConnector);

impl Tls {
    /// Takes the certificates of a file, instead of the system's, for the authorities that count.
    pub(crate) fn of_file(path: &str) -> Result<Self, RedisStoreError> {
        let mut text = Vec::new();
        std::fs::File::open(path)
            .and_then(|file| file.take(MAX_AUTHORITIES + 1).read_to_end(&mut text))
            .map_err(|error| RedisStoreError::AuthorityFile(error.kind()))?;
        if text.len() as u64 > MAX_AUTHORITIES {
            return Err(RedisStoreError::Authorities);
        }
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(&text) {
            let certificate = certificate.map_err(|_| RedisStoreError::Authorities)?;
            roots.add(certificate).map_err(|_| RedisStoreError::Authorities)?;
        }
        if roots.is_empty() {
            return Err(RedisStoreError::Authorities);
        }
        let config = builder()?.with_root_certificates(roots).with_no_client_auth();
        Ok(Self(TlsConnector::from(Arc::new(config))))
    }

    /// Takes the system's authorities.
    pub(crate) fn of_system() -> Result<Self, RedisStoreError> {
        let verified = builder()?.with_platform_verifier();
        let config = verified.map_err(|_| RedisStoreError::Tls)?.with_no_client_auth();
        Ok(Self(TlsConnector::from(Arc::new(config))))
    }

    pub(crate) fn into_connector(self) -> TlsConnector {
        self.0
    }
}

/// The provider is named, so that what else is in the program cannot make two of them, and rustls undecided.
fn builder() -> Result<rustls::ConfigBuilder<ClientConfig, rustls::WantsVerifier>, RedisStoreError> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|_| RedisStoreError::Tls)
}
