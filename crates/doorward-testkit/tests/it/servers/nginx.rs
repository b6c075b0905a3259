//! nginx.

use doorward_testkit::servers::Nginx;

use super::{Wire, refuses};

const REQUEST: &str = "GET / HTTP/1.1\r\nhost: localhost\r\n\r\n";

#[tokio::test]
async fn nginx_starts_stands_still_goes_on_and_comes_back() {
    let server = Nginx::start("server { listen {listen}; location / { return 200 here; } }").await;
    assert_eq!(server.url(), format!("http://127.0.0.1:{}", server.port()));
    let mut wire = Wire::to(server.port()).await;
    assert!(wire.ask(REQUEST).await.starts_with("HTTP/1.1 200"));
    server.freeze();
    wire.send(REQUEST).await;
    assert!(wire.is_silent().await, "a frozen server answers nothing");
    server.thaw();
    assert!(wire.answer().await.ends_with("here"));

    server.kill();
    assert!(refuses(server.port()).await);
    server.restart().await;
    assert!(
        Wire::to(server.port())
            .await
            .ask(REQUEST)
            .await
            .starts_with("HTTP/1.1 200")
    );
    server.stop().await;
    assert!(refuses(server.port()).await);
}

#[tokio::test]
async fn nginx_speaks_tls_with_the_certificate_in_its_folder() {
    let http = "server { listen {listen} ssl; ssl_certificate {folder}/certificate.pem;
                ssl_certificate_key {folder}/key.pem; return 204; }";
    let server = Nginx::start(http).await;
    let answer = Wire::to(server.port()).await.ask(REQUEST).await;
    assert!(answer.contains("plain HTTP request was sent to HTTPS port"), "{answer}");
}

#[tokio::test]
#[should_panic(expected = "unknown directive")]
async fn nginx_with_a_configuration_it_refuses_fails_with_its_words() {
    Nginx::start("server { listen {listen}; nonsense; }").await;
}
