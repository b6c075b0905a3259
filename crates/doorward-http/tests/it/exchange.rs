//! Manners of an exchange over plain http.

use std::time::{Duration, Instant};

use doorward_core::Reach;
use doorward_core::ports::{Fetch as _, FetchError};
use doorward_http::HttpClient;
use http::{Method, StatusCode};

use super::get;
use super::server::{Say, Server, answer};

fn client() -> HttpClient {
    HttpClient::new().unwrap()
}

fn hasty_client() -> HttpClient {
    let builder = HttpClient::builder().total_timeout(Duration::from_millis(200));
    builder.connect_timeout(Duration::from_millis(150)).build().unwrap()
}

#[tokio::test]
async fn an_answer_comes_back_as_it_was_sent() {
    let server = Server::start(Say::Close(answer("x-one: 1\r\nx-one: 2\r\n", b"hello"))).await;
    let fetched = client().fetch(get(&server.url())).await.unwrap();
    assert_eq!(fetched.status, StatusCode::OK);
    assert_eq!(&fetched.body[..], b"hello");
    assert_eq!(fetched.headers.get_all("x-one").iter().count(), 2);
    assert_eq!(fetched.remote, Some(server.address.ip()));
}

// attacks: C1, D38
#[tokio::test]
async fn a_redirect_is_an_answer_and_not_followed() {
    let elsewhere = Server::start(Say::Close(answer("", b"stolen"))).await;
    for status in [
        "301 Moved",
        "302 Found",
        "303 See Other",
        "307 Temporary",
        "308 Permanent",
    ] {
        let url = elsewhere.url();
        let head = format!("HTTP/1.1 {status}\r\nlocation: {url}\r\ncontent-length: 0\r\n\r\n");
        let server = Server::start(Say::Close(head.into_bytes())).await;
        let fetched = client().fetch(get(&server.url())).await.unwrap();
        assert_eq!(fetched.status.as_str(), &status[..3]);
        assert_eq!(server.requests(), 1, "{status}");
    }
    assert_eq!(elsewhere.requests(), 0);
}

// attacks: C2
// weakness: M14
#[tokio::test]
async fn a_slow_answer_times_out() {
    // attacks: K16 (slow)
    for head in [
        &b""[..],
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhel",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nhel\r\n",
    ] {
        let server = Server::start(Say::Hold(head.to_vec())).await;
        let begun = begin();
        let error = hasty_client().fetch(get(&server.url())).await.unwrap_err();
        assert_eq!(error, FetchError::Timeout, "{}", String::from_utf8_lossy(head));
        assert!(begun.elapsed() < Duration::from_secs(5));
    }
}

#[allow(clippy::disallowed_methods, reason = "bounds how long the client may have waited")]
fn begin() -> Instant {
    Instant::now()
}

// attacks: C2
#[tokio::test]
async fn an_answer_over_the_limit_is_refused() {
    let full = Server::start(Say::Close(answer("", &[b'x'; 1024]))).await;
    assert_eq!(client().fetch(get(&full.url())).await.unwrap().body.len(), 1024);
    let announced = b"HTTP/1.1 200 OK\r\ncontent-length: 52428800\r\n\r\n".to_vec();
    let chunked = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".to_vec();
    let chunk = [&b"400\r\n"[..], &[b'x'; 1024], b"\r\n"].concat();
    let unframed = b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n".to_vec();
    for say in [
        Say::Close(answer("", &[b'x'; 1025])),
        Say::Hold(announced),
        Say::Repeat(chunked, chunk),
        Say::Repeat(unframed, vec![b'x'; 1024]),
        Say::Hold(b"HTTP/1.1 200 OK\r\ncontent-length: 9223372036854775807\r\n\r\n".to_vec()),
    ] {
        let server = Server::start(say).await;
        let error = client().fetch(get(&server.url())).await.unwrap_err();
        assert_eq!(error, FetchError::TooLarge);
    }
}

// attacks: C2
#[tokio::test]
async fn a_compressed_answer_stays_compressed() {
    // The first bytes of a gzip stream; what it would grow to does not matter, because nobody unpacks it.
    let bomb = [&[0x1f, 0x8b, 0x08, 0, 0, 0, 0, 0, 0, 3][..], &[0; 100]].concat();
    for coding in ["gzip", "deflate", "br", "zstd"] {
        let server = Server::start(Say::Close(answer(&format!("content-encoding: {coding}\r\n"), &bomb))).await;
        let fetched = client().fetch(get(&server.url())).await.unwrap();
        assert_eq!(&fetched.body[..], &bomb[..], "{coding}");
        assert_eq!(fetched.headers["content-encoding"], coding);
    }
}

#[tokio::test]
async fn a_connection_that_breaks_off_is_interrupted() {
    for say in [
        Say::Close(Vec::new()),
        Say::Close(b"HTTP/1.1 200 OK\r\ncontent-len".to_vec()),
        Say::Close(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhello".to_vec()),
        Say::Close(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n".to_vec()),
        Say::Reset(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhello".to_vec()),
        Say::Close(b"not http at all\r\n\r\n".to_vec()),
    ] {
        let server = Server::start(say).await;
        let mut request = get(&server.url());
        *request.request.method_mut() = Method::POST;
        let error = client().fetch(request).await.unwrap_err();
        assert_eq!(error, FetchError::Interrupted);
        assert_eq!(server.requests(), 1, "a request is sent once");
    }
}

// weakness: L20
#[tokio::test]
async fn a_closed_port_and_an_unknown_name_are_unreachable() {
    // attacks: K16 (no such name)
    let closed = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap()
    };
    let error = client().fetch(get(&format!("http://{closed}/"))).await.unwrap_err();
    assert_eq!(error, FetchError::Unreachable);
    // RFC 6761: a name under `invalid` never resolves; where there is no resolver at all, asking may time out.
    let error = client().fetch(get("http://nobody.invalid/")).await.unwrap_err();
    assert!(
        matches!(error, FetchError::Unreachable | FetchError::Timeout),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_name_below_localhost_is_this_machine_whatever_the_resolver_knows() {
    let server = Server::start(Say::Close(answer("", b"here"))).await;
    let port = server.address.port();
    for host in ["localhost", "acme.localhost", "acme-app.LOCALHOST"] {
        let answered = client().fetch(get(&format!("http://{host}:{port}/"))).await.unwrap();
        assert_eq!(answered.body, "here", "{host}");
    }
    let mut request = get(&format!("https://acme.localhost:{port}/"));
    request.reach = Reach::PublicOnly;
    assert_eq!(client().fetch(request).await.unwrap_err(), FetchError::AddressRefused);
    assert_eq!(server.requests(), 3);
}

// attacks: C14, D37
#[tokio::test]
async fn private_addresses_are_refused_where_only_public_ones_may_be_reached() {
    // attacks: K16 (a name that leads elsewhere)
    let server = Server::start(Say::Close(answer("", b"internal"))).await;
    let port = server.address.port();
    for host in [
        "127.0.0.1",
        "localhost",
        "169.254.169.254",
        "[::1]",
        "10.0.0.1",
        "0.0.0.0",
    ] {
        for scheme in ["http", "https"] {
            let mut request = get(&format!("{scheme}://{host}:{port}/"));
            request.reach = Reach::PublicOnly;
            let error = client().fetch(request).await.unwrap_err();
            assert_eq!(error, FetchError::AddressRefused, "{scheme} {host}");
        }
    }
    // The same client reaches it for a request that may, and no pooled connection opens the way for one that may not.
    let client = client();
    for _ in 0..2 {
        assert!(client.fetch(get(&format!("http://localhost:{port}/"))).await.is_ok());
        let mut request = get(&format!("https://localhost:{port}/"));
        request.reach = Reach::PublicOnly;
        assert_eq!(client.fetch(request).await.unwrap_err(), FetchError::AddressRefused);
    }
    assert_eq!(server.requests(), 2);
}

#[tokio::test]
async fn errors_and_debug_output_show_no_address() {
    let error = client()
        .fetch(get("http://127.0.0.1:1/token?code=secret-code"))
        .await
        .unwrap_err();
    let shown = format!("{error} {error:?}");
    assert!(
        !shown.contains("secret-code") && !shown.contains("127.0.0.1"),
        "{shown}"
    );
}
