//! Requests that only exist on the wire, against the server an application runs on.

use std::time::Duration;

use http::StatusCode;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::support::Place;
use crate::support::World;

struct Server {
    world: World,
    address: std::net::SocketAddr,
}

impl Server {
    async fn start(place: Place) -> Self {
        let world = place.signed_in().await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let app = world.app.clone();
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { world, address }
    }

    /// Sends these bytes and reads until the server hangs up; the status, and everything it said.
    async fn say(&self, bytes: &[u8]) -> (u16, String) {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        // A server that has heard enough may close before it has read all.
        let _ = stream.write_all(bytes).await;
        let mut answer = Vec::new();
        let read = tokio::time::timeout(Duration::from_secs(10), stream.read_to_end(&mut answer));
        let _ = read.await.expect("an answer");
        let text = String::from_utf8_lossy(&answer).into_owned();
        let status = text
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok())
            .unwrap_or(0);
        (status, text)
    }

    async fn get(&self, target: &str, headers: &[u8]) -> (u16, String) {
        let head = format!("GET {target} HTTP/1.1\r\nHost: app.example.com\r\nConnection: close\r\n");
        self.say(&[head.as_bytes(), headers, b"\r\n"].concat()).await
    }

    fn cookies(&self) -> String {
        format!("Cookie: {}\r\n", self.world.browser.cookie_header("/"))
    }
}

#[tokio::test]
async fn what_is_no_http_never_reaches_the_application() {
    // attacks: E14
    let server = Server::start(Place::Sealed).await;
    let session = server.cookies();
    for (what, headers) in [
        ("NUL in a value", &b"Cookie: __Host-session=\0\r\n"[..]),
        ("NUL in a name", b"Coo\0kie: x\r\n"),
        ("bare CR", b"Cookie: a\rb\r\n"),
        ("delete character", b"Cookie: a\x7fb\r\n"),
        ("space before the colon", b"Cookie : a=b\r\n"),
        ("a line that begins with a space", b"X: a\r\n b\r\n"),
        ("no colon", b"Cookie\r\n"),
    ] {
        let (status, text) = server.get("/api/me", &[session.as_bytes(), headers].concat()).await;
        assert_eq!(status, 400, "{what}: {text}");
    }
    assert_eq!(server.world.handled(), 0);
    assert_eq!(server.get("/api/me", session.as_bytes()).await.0, 200);
}

#[tokio::test]
async fn headers_and_targets_past_the_servers_cap_are_431_and_414() {
    // attacks: E14
    for place in Place::BOTH {
        let server = Server::start(place).await;
        let session = server.cookies();
        let cookie = |bytes: usize| format!("Cookie: x={}\r\n", "y".repeat(bytes));
        let pairs: String = (0..10_000).map(|index| format!("c{index}=v; ")).collect();
        for (what, headers, expected) in [
            ("64 KB beside a session", session.clone() + &cookie(64 * 1_024), 200),
            (
                "10,000 cookies beside a session",
                format!("{session}Cookie: {pairs}\r\n"),
                200,
            ),
            ("64 KB alone", cookie(64 * 1_024), 401),
            ("an empty cookie header", "Cookie: \r\n".to_owned(), 401),
            ("half a megabyte", cookie(512 * 1_024), 431),
            ("two hundred headers", "X: y\r\n".repeat(200), 431),
        ] {
            let (status, text) = server.get("/api/me", headers.as_bytes()).await;
            assert_eq!(status, expected, "{place:?} {what}: {}", &text[..text.len().min(200)]);
        }
        let (status, _) = server.get(&format!("/api/me?{}", "x".repeat(70_000)), b"").await;
        assert_eq!(status, 414);
        let (status, _) = server
            .get(&format!("/auth/login?return_url=/{}", "x".repeat(60_000)), b"")
            .await;
        assert_eq!(status, 302, "too long to come back to, not too long to sign in");
    }
}

#[tokio::test]
async fn targets_of_every_form_meet_the_same_rules() {
    let server = Server::start(Place::Sealed).await;
    for (request, expected) in [
        ("GET http://evil.test/api/me HTTP/1.1\r\nHost: evil.test", 401),
        ("GET //evil.test/api/me HTTP/1.1\r\nHost: app.example.com", 404),
        ("GET /api/me HTTP/1.0", 401),
        ("GET /api/me HTTP/1.1\r\nHost: a\r\nHost: b", 401),
        ("get /api/me HTTP/1.1\r\nHost: a", 401),
        ("OPTIONS * HTTP/1.1\r\nHost: a", 404),
        ("CONNECT app.example.com:443 HTTP/1.1\r\nHost: a", 404),
        ("GET /api/../api/me HTTP/1.1\r\nHost: a", 404),
        ("GET /api/%6de HTTP/1.1\r\nHost: a", 404),
        ("GET /page?\u{e4} HTTP/1.1\r\nHost: a\r\nAccept: text/html", 302),
    ] {
        let (status, text) = server
            .say(format!("{request}\r\nConnection: close\r\n\r\n").as_bytes())
            .await;
        assert_eq!(status, expected, "{request}: {text}");
        for line in text.lines().filter(|line| line.starts_with("location:")) {
            assert!(line.starts_with("location: https://app.example.com/"), "{line}");
        }
    }
    let (status, text) = server
        .say(b"GET http://evil.test/auth/login HTTP/1.1\r\nHost: evil.test\r\nConnection: close\r\n\r\n")
        .await;
    assert_eq!(StatusCode::from_u16(status).unwrap(), StatusCode::FOUND);
    assert!(
        text.contains("location: https://app.example.com/auth/login\r\n"),
        "{text}"
    );
    assert_eq!(server.world.handled(), 0);
}
