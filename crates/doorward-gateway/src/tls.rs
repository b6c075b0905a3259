//! A certificate made on the spot, to see the cookies that production uses.

use std::sync::Arc;

use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::TlsAcceptor;

use crate::failure::{Failure, chain};

/// Makes a self-signed certificate for the loopback names and `hosts`, and the acceptor that shows it.
///
/// # Errors
/// [`Failure::Unusable`] if a host is no name a certificate can carry.
///
/// # Security
/// The key lives in this process only and is new at every start. Nobody should trust it beyond a test browser.
pub(crate) fn acceptor(hosts: impl IntoIterator<Item = String>) -> Result<TlsAcceptor, Failure> {
    let mut names: Vec<String> = ["localhost", "127.0.0.1", "::1"].map(str::to_owned).to_vec();
    for host in hosts {
        let host = host.trim_matches(['[', ']']).to_owned();
        if !names.contains(&host) {
            names.push(host);
        }
    }
    let certified = rcgen::generate_simple_self_signed(names)
        .map_err(|error| Failure::unusable(format!("certificate could not be made: {}", chain(&error))))?;
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(certified.signing_key.serialize_der()));

    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|builder| {
            builder
                .with_no_client_auth()
                .with_single_cert(vec![certified.cert.der().clone()], key)
        })
        .map_err(|error| Failure::Broken(format!("tls could not be set up: {}", chain(&error))))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}
