//! WebSockets over loopback: closed when the session ends, whatever handler and peer are doing.

#![allow(clippy::print_stdout, reason = "prints figures")]

use std::net::SocketAddr;
use std::time::Duration;

use axum::extract::State;
use axum::extract::ws::{Message as Sent, WebSocketUpgrade};
use axum::response::Response;
use axum::routing::get;
use doorward::{ProtectedRouter, Rule, Session, SessionSocket, Sessions};
use doorward_testkit::Browser;
use futures_util::{SinkExt as _, StreamExt as _};
use http::StatusCode;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::UnboundedSender;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{Error, Message};

use super::stage::Stage;
use crate::support::{APP, SECRET};

type Hand = UnboundedSender<Session>;

/// Hands the session over when it is dropped: so a test sees that a handler is done.
struct Done(Hand, Session);

impl Drop for Done {
    fn drop(&mut self) {
        // A test that is over does not listen any more.
        let _ = self.0.send(self.1.clone());
    }
}

pub fn add(routes: ProtectedRouter<Hand>) -> ProtectedRouter<Hand> {
    routes
        .route("/socket", Rule::Session, get(echo))
        .route("/admin/socket", Rule::role("admin"), get(echo))
        .route("/deaf", Rule::Session, get(deaf))
        .route("/split", Rule::Session, get(split))
}

async fn echo(State(hand): State<Hand>, session: Session, upgrade: WebSocketUpgrade) -> Response {
    let done = Done(hand, session.clone());
    session.websocket(upgrade, |mut socket: SessionSocket| async move {
        while let Some(Ok(message)) = socket.recv().await {
            if matches!(message, Sent::Text(_)) && socket.send(message).await.is_err() {
                break;
            }
        }
        drop(done);
    })
}

/// Neither reads nor ends.
async fn deaf(State(hand): State<Hand>, session: Session, upgrade: WebSocketUpgrade) -> Response {
    let done = Done(hand, session.clone());
    session.websocket(upgrade, |socket| async move {
        std::future::pending::<()>().await;
        drop((socket, done));
    })
}

/// Hands the halves on and is done.
async fn split(State(hand): State<Hand>, session: Session, upgrade: WebSocketUpgrade) -> Response {
    let done = Done(hand, session.clone());
    session.websocket(upgrade, |socket| async move {
        let (mut sink, mut stream) = socket.split();
        tokio::spawn(async move {
            while let Some(Ok(message)) = stream.next().await {
                if matches!(message, Sent::Text(_)) && sink.send(message).await.is_err() {
                    break;
                }
            }
            drop(done);
        });
    })
}

struct Server {
    address: SocketAddr,
    job: JoinHandle<()>,
}

impl Server {
    async fn of(stage: &Stage) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let app = stage.app.clone();
        let job = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { address, job }
    }

    async fn open(&self, browser: &Browser, path: &str, origin: Option<&str>) -> Result<Client, Error> {
        let mut request = format!("ws://app.example.com{path}").into_client_request().unwrap();
        let headers = request.headers_mut();
        let cookies = browser.cookie_header(&format!("{APP}{path}"));
        headers.insert("cookie", cookies.parse().unwrap());
        if let Some(origin) = origin {
            headers.insert("origin", origin.parse().unwrap());
        }
        let stream = TcpStream::connect(self.address).await.unwrap();
        let (socket, _) = tokio_tungstenite::client_async(request, stream).await?;
        Ok(Client(socket))
    }

    async fn connect(&self, browser: &Browser, path: &str) -> Client {
        let client = self.open(browser, path, Some(APP)).await;
        client.unwrap_or_else(|error| panic!("{path}: {error}"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.job.abort();
    }
}

struct Client(WebSocketStream<TcpStream>);

impl Client {
    async fn echoes(&mut self) {
        self.0.send(Message::text("hello")).await.unwrap();
        assert_eq!(self.0.next().await.unwrap().unwrap(), Message::text("hello"));
    }

    /// The close that comes, and when.
    async fn closed(&mut self, limit: Duration) -> (CloseFrame, Duration) {
        let begun = Instant::now();
        loop {
            let message = timeout(limit, self.0.next()).await.expect("a close in time");
            if let Message::Close(frame) = message.expect("a close").unwrap() {
                return (frame.expect("a reason"), begun.elapsed());
            }
        }
    }
}

#[tokio::test]
async fn a_socket_is_closed_with_4401_within_a_second_of_the_logout_and_no_other_is() {
    for mut stage in Stage::both_places().await {
        let server = Server::of(&stage).await;
        let browser = stage.world.browser.clone();
        let other = browser.stranger();
        other.visit_following("/auth/login?return_url=/home").await;
        let mut socket = server.connect(&browser, "/socket").await;
        let mut others = server.connect(&other, "/socket").await;
        socket.echoes().await;

        stage.log_out(&browser).await;
        let (frame, took) = socket.closed(Duration::from_secs(1)).await;
        assert_eq!(
            (u16::from(frame.code), frame.reason.as_str()),
            (4401, "session was ended")
        );
        println!("closed {took:?} after the logout");
        others.echoes().await;
        // The handler was let down gently: it heard of the end, and has tidied up.
        drop(socket);
        stage.handed_soon().await;
    }
}

#[tokio::test]
async fn a_handler_that_does_not_read_does_not_hold_the_close_up() {
    for stage in Stage::both_places().await {
        let server = Server::of(&stage).await;
        let browser = stage.world.browser.clone();
        let mut socket = server.connect(&browser, "/deaf").await;
        stage.log_out(&browser).await;
        let (frame, _) = socket.closed(Duration::from_secs(1)).await;
        assert_eq!(u16::from(frame.code), 4401);
    }
}

#[tokio::test]
async fn halves_that_outlive_their_handler_are_closed_too() {
    for mut stage in Stage::both_places().await {
        let server = Server::of(&stage).await;
        let browser = stage.world.browser.clone();
        let mut socket = server.connect(&browser, "/split").await;
        socket.echoes().await;
        stage.log_out(&browser).await;
        let (frame, _) = socket.closed(Duration::from_secs(1)).await;
        assert_eq!(u16::from(frame.code), 4401);
        stage.handed_soon().await;
    }
}

#[tokio::test]
async fn a_client_that_leaves_ends_the_handler_and_the_watching() {
    let mut stage = Stage::signed_in(Sessions::cookie(SECRET)).await;
    let server = Server::of(&stage).await;
    let browser = stage.world.browser.clone();
    let mut socket = server.connect(&browser, "/socket").await;
    socket.echoes().await;
    assert_eq!(stage.world.tasks.running(), 1);
    socket.0.close(None).await.unwrap();
    stage.handed_soon().await;
    timeout(Duration::from_secs(5), stage.world.tasks.idle()).await.unwrap();
}

#[tokio::test]
async fn a_peer_that_does_not_answer_the_close_is_dropped() {
    let stage = Stage::signed_in(Sessions::cookie(SECRET)).await;
    let server = Server::of(&stage).await;
    let browser = stage.world.browser.clone();
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let handshake = format!(
        "GET /socket HTTP/1.1\r\nhost: app.example.com\r\norigin: {APP}\r\ncookie: {}\r\nconnection: upgrade\r\n\
         upgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        browser.cookie_header(&format!("{APP}/socket"))
    );
    stream.write_all(handshake.as_bytes()).await.unwrap();
    let mut head = vec![0; 4_096];
    let read = stream.read(&mut head).await.unwrap();
    assert!(head[..read].starts_with(b"HTTP/1.1 101"));
    stage.log_out(&browser).await;
    // Close, 19 bytes: 4401 and the reason. Nothing is answered, and the connection is gone.
    let begun = Instant::now();
    let mut rest = Vec::new();
    timeout(Duration::from_secs(8), stream.read_to_end(&mut rest))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(rest[..4], [0x88, 19, 0x11, 0x31]);
    println!("dropped {:?} after the logout", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_never_ends_is_dropped_some_seconds_after_its_session() {
    let mut stage = Stage::signed_in(Sessions::cookie(SECRET)).await;
    let server = Server::of(&stage).await;
    let browser = stage.world.browser.clone();
    let socket = server.connect(&browser, "/deaf").await;
    let ending = stage.ended().await;
    stage.log_out(&browser).await;
    let begun = Instant::now();
    ending.within(Duration::from_secs(1)).await;
    stage.handed_soon().await;
    assert!(begun.elapsed() <= Duration::from_secs(11), "{:?}", begun.elapsed());
    drop(socket);
}

#[tokio::test]
async fn a_role_that_is_lost_closes_with_4403() {
    let stage = Stage::signed_in(Sessions::cookie(SECRET)).await;
    let server = Server::of(&stage).await;
    let browser = stage.world.browser.clone();
    let mut admins = server.connect(&browser, "/admin/socket").await;
    let mut socket = server.connect(&browser, "/socket").await;
    admins.echoes().await;
    let script = &stage.world.provider;
    script.script(|script| script.claims["roles"] = json!(["member"]));
    stage.world.advance(290);
    assert_eq!(browser.get("/json").await.status, StatusCode::OK);
    let (frame, _) = admins.closed(Duration::from_secs(16)).await;
    assert_eq!(
        (u16::from(frame.code), frame.reason.as_str()),
        (4403, "no longer allowed")
    );
    socket.echoes().await;
}

#[tokio::test]
async fn a_server_that_stops_closes_with_1001() {
    for stage in Stage::both_places().await {
        let server = Server::of(&stage).await;
        let browser = stage.world.browser.clone();
        let mut socket = server.connect(&browser, "/socket").await;
        socket.echoes().await;
        stage.world.auth.end_live();
        let (frame, _) = socket.closed(Duration::from_secs(1)).await;
        assert_eq!(u16::from(frame.code), 1001);
    }
}

// attacks: F13
#[tokio::test]
async fn a_handshake_of_another_origin_is_403_and_of_a_stranger_401() {
    for stage in Stage::both_places().await {
        let server = Server::of(&stage).await;
        let browser = stage.world.browser.clone();
        for (who, origin, expected) in [
            (&browser, Some("https://evil.example"), StatusCode::FORBIDDEN),
            (&browser, Some("null"), StatusCode::FORBIDDEN),
            (&browser, Some("https://sub.app.example.com"), StatusCode::FORBIDDEN),
            (&browser.stranger(), Some(APP), StatusCode::UNAUTHORIZED),
        ] {
            match server.open(who, "/socket", origin).await.map(|_| ()) {
                Err(Error::Http(response)) => assert_eq!(response.status(), expected, "{origin:?}"),
                other => panic!("{origin:?}: {other:?}"),
            }
        }
        assert_eq!(stage.world.tasks.running(), 0, "nothing was begun");
        server.connect(&browser, "/socket").await.echoes().await;
    }
}

#[tokio::test]
async fn events_over_loopback_end_within_a_second_of_the_logout() {
    for stage in Stage::both_places().await {
        let server = Server::of(&stage).await;
        let browser = stage.world.browser.clone();
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        let request = format!(
            "GET /events HTTP/1.1\r\nhost: app.example.com\r\nsec-fetch-site: same-origin\r\ncookie: {}\r\n\r\n",
            browser.cookie_header(&format!("{APP}/events"))
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut seen = String::new();
        let mut buffer = [0; 4_096];
        while !seen.contains("data: first") {
            let read = stream.read(&mut buffer).await.unwrap();
            assert_ne!(read, 0, "{seen}");
            seen.push_str(std::str::from_utf8(&buffer[..read]).unwrap());
        }
        assert!(!seen.ends_with("0\r\n\r\n"), "{seen}");
        let begun = Instant::now();
        stage.log_out(&browser).await;
        while !seen.ends_with("0\r\n\r\n") {
            let read = timeout(Duration::from_secs(1), stream.read(&mut buffer)).await;
            let read = read.expect("the end of the stream").unwrap();
            assert_ne!(read, 0, "a clean end");
            seen.push_str(std::str::from_utf8(&buffer[..read]).unwrap());
        }
        println!("events ended {:?} after the logout", begun.elapsed());
    }
}
