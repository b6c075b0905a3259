//! Whose certificate is believed.

use std::sync::Arc;

use doorward_core::ports::{Fetch as _, FetchError};
use doorward_http::{HttpClient, HttpClientError};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::version::{TLS12, TLS13};

use super::get;
use super::server::{Say, Server, answer};

struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    fn client(&self) -> HttpClient {
        let builder = HttpClient::builder().add_root_certificate_pem(self.0.pem().as_bytes());
        builder.unwrap().build().unwrap()
    }

    fn issue(&self, name: &str, change: impl FnOnce(&mut CertificateParams)) -> Identity {
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        Identity {
            certificate: certificate.der().clone(),
            key,
        }
    }
}

struct Identity {
    certificate: CertificateDer<'static>,
    key: KeyPair,
}

impl Identity {
    async fn serve(self) -> Server {
        let key = PrivateKeyDer::try_from(self.key.serialize_der()).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
        let config = config
            .with_protocol_versions(&[&TLS12, &TLS13])
            .unwrap()
            .with_no_client_auth();
        let config = config.with_single_cert(vec![self.certificate], key).unwrap();
        Server::start_tls(Say::Close(answer("", b"hello")), TlsAcceptor::from(Arc::new(config))).await
    }
}

async fn fetch(client: &HttpClient, server: &Server) -> Result<usize, FetchError> {
    let url = format!("https://localhost:{}/", server.address.port());
    client.fetch(get(&url)).await.map(|fetched| fetched.body.len())
}

#[tokio::test]
async fn a_certificate_of_a_trusted_authority_is_believed() {
    let authority = Authority::new();
    let server = authority.issue("localhost", |_| {}).serve().await;
    assert_eq!(fetch(&authority.client(), &server).await, Ok(5));
}

// attacks: C13
#[tokio::test]
async fn a_certificate_that_proves_nothing_is_refused() {
    let authority = Authority::new();
    let client = authority.client();
    let stranger = Authority::new().issue("localhost", |_| {});
    let self_signed = {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        let certificate = params.self_signed(&key).unwrap().der().clone();
        Identity { certificate, key }
    };
    let expired = authority.issue("localhost", |params| {
        params.not_before = date_time_ymd(2019, 1, 1);
        params.not_after = date_time_ymd(2020, 1, 1);
    });
    let not_yet = authority.issue("localhost", |params| params.not_before = date_time_ymd(2999, 1, 1));
    let wrong_host = authority.issue("id.example.com", |_| {});
    let trailing = authority.issue("localhost.example.com", |_| {});
    for (case, identity) in [
        ("of a stranger's authority", stranger),
        ("self-signed", self_signed),
        ("expired", expired),
        ("not yet valid", not_yet),
        ("for another host", wrong_host),
        ("for a longer name", trailing),
    ] {
        let server = identity.serve().await;
        assert_eq!(fetch(&client, &server).await, Err(FetchError::Tls), "{case}");
        assert_eq!(server.requests(), 0, "{case}: nothing was sent");
    }
}

#[tokio::test]
async fn without_the_added_root_its_certificates_are_refused() {
    let server = Authority::new().issue("localhost", |_| {}).serve().await;
    assert_eq!(fetch(&HttpClient::new().unwrap(), &server).await, Err(FetchError::Tls));
}

#[tokio::test]
async fn plain_http_on_a_tls_port_and_the_reverse_are_no_answers() {
    let authority = Authority::new();
    let tls = authority.issue("localhost", |_| {}).serve().await;
    assert!(authority.client().fetch(get(&tls.url())).await.is_err());
    let plain = Server::start(Say::Greet(answer("", b"hello"))).await;
    assert_eq!(fetch(&authority.client(), &plain).await, Err(FetchError::Tls));
}

#[test]
fn a_root_that_is_no_certificate_is_refused() {
    let garbled = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";
    for pem in ["", "not a certificate", garbled] {
        let built = HttpClient::builder()
            .add_root_certificate_pem(pem.as_bytes())
            .and_then(|builder| builder.build());
        let error = built.unwrap_err();
        assert!(
            matches!(error, HttpClientError::RootCertificate | HttpClientError::Tls(_)),
            "{pem:?}: {error:?}"
        );
    }
}
