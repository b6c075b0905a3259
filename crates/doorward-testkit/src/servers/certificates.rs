//! Certificates made on the spot, all from one authority per process.
//!
//! One for all servers, so that a replica can trust its primary and a client needs one root.

use std::os::unix::fs::OpenOptionsExt as _;
use std::sync::OnceLock;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose};

use super::folder::Folder;

pub(super) const AUTHORITY: &str = "authority.pem";
pub(super) const CERTIFICATE: &str = "certificate.pem";
pub(super) const KEY: &str = "key.pem";

/// The certificate, in PEM, that has to be trusted to reach the servers of this process over TLS.
#[must_use]
pub fn certificate_authority() -> String {
    authority().pem()
}

/// Puts the authority's certificate, and a certificate for `localhost` and 127.0.0.1 with its key, into `folder`.
pub(super) fn write(folder: &Folder) {
    let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
    let params = CertificateParams::new(names).expect("names that a certificate can carry");
    let key = KeyPair::generate().expect("a key for a certificate");
    let certificate = params.signed_by(&key, authority()).expect("a signed certificate");
    folder.write(AUTHORITY, &certificate_authority());
    folder.write(CERTIFICATE, &certificate.pem());
    // PostgreSQL refuses a key that others can read.
    let mut file = std::fs::File::options();
    let opened = file
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(folder.join(KEY));
    let mut opened = opened.expect("a file for the key");
    std::io::Write::write_all(&mut opened, key.serialize_pem().as_bytes()).expect("to write the key");
}

fn authority() -> &'static CertifiedIssuer<'static, KeyPair> {
    static AUTHORITY: OnceLock<CertifiedIssuer<'static, KeyPair>> = OnceLock::new();
    AUTHORITY.get_or_init(|| {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        // Each its own name: OpenSSL picks an issuer by name, and two processes have two authorities.
        let name = format!("Doorward tests {}", std::process::id());
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().expect("a key for the authority");
        CertifiedIssuer::self_signed(params, key).expect("a self-signed certificate")
    })
}
