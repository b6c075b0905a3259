//! Streams and sockets, and how they end.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use crate::browser::Browser;
use crate::process::Server;

async fn signed_in(server: &Server) -> Browser {
    let mut browser = Browser::new();
    browser.visit(&format!("{}/auth/login", server.app())).await;
    browser
}

/// Sends a raw request and reads the head of the answer.
fn raw(server: &Server, head: &str) -> (TcpStream, String) {
    let mut stream = TcpStream::connect(server.address(0)).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        if stream.read(&mut byte).unwrap() == 0 {
            break;
        }
        answer.push(byte[0]);
    }
    (stream, String::from_utf8(answer).unwrap())
}

fn handshake(server: &Server, cookies: &str, origin: &str) -> (TcpStream, String) {
    let host = server.app().trim_start_matches("http://");
    raw(
        server,
        &format!(
            "GET /api/socket HTTP/1.1\r\nHost: {host}\r\nOrigin: {origin}\r\nCookie: {cookies}\r\nUpgrade: websocket\r\n\
             Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        ),
    )
}

/// A short text frame as a client sends it: masked, here with a mask of zeros.
fn text_frame(text: &str) -> Vec<u8> {
    let mut frame = vec![0x81, 0x80 | u8::try_from(text.len()).unwrap(), 0, 0, 0, 0];
    frame.extend_from_slice(text.as_bytes());
    frame
}

/// Opcode and payload of a short frame as a server sends it.
fn read_frame(stream: &mut TcpStream) -> (u8, Vec<u8>) {
    let mut head = [0; 2];
    stream.read_exact(&mut head).unwrap();
    let mut payload = vec![0; usize::from(head[1])];
    stream.read_exact(&mut payload).unwrap();
    (head[0] & 0x0f, payload)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_socket_echoes_and_closes_when_the_server_stops() {
    let server = Server::dev(&["--auto-login", "alice@acme.test"]);
    let cookies = signed_in(&server).await.cookie_header();
    let (mut socket, answer) = handshake(&server, &cookies, server.app());
    assert!(answer.starts_with("HTTP/1.1 101"), "{answer}");
    socket.write_all(&text_frame("knock knock")).unwrap();
    assert_eq!(read_frame(&mut socket), (1, b"knock knock".to_vec()));

    server.signal("TERM");
    let (opcode, payload) = read_frame(&mut socket);
    assert_eq!((opcode, &payload[..2]), (8, &1001_u16.to_be_bytes()[..]));
    drop(socket);
    assert_eq!(server.stop("TERM").code, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_socket_closes_with_4401_when_the_session_ends() {
    let server = Server::dev(&["--auto-login", "alice@acme.test", "--idle-timeout", "3"]);
    let cookies = signed_in(&server).await.cookie_header();
    let (mut socket, answer) = handshake(&server, &cookies, server.app());
    assert!(answer.starts_with("HTTP/1.1 101"), "{answer}");
    let (opcode, payload) = read_frame(&mut socket);
    assert_eq!((opcode, &payload[..2]), (8, &4401_u16.to_be_bytes()[..]));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_socket_is_for_pages_of_this_origin_with_a_session() {
    let server = Server::dev(&["--auto-login", "alice@acme.test"]);
    let cookies = signed_in(&server).await.cookie_header();
    for (cookies, origin, status) in [
        ("", server.app(), "401"),
        (cookies.as_str(), "http://evil.test", "403"),
        (cookies.as_str(), "null", "403"),
    ] {
        let (_, answer) = handshake(&server, cookies, origin);
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status}")),
            "{origin} got {answer}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn events_tick_and_end_when_the_server_stops() {
    let server = Server::dev(&["--auto-login", "alice@acme.test"]);
    let cookies = signed_in(&server).await.cookie_header();
    let host = server.app().trim_start_matches("http://");
    let head = format!("GET /api/events HTTP/1.1\r\nHost: {host}\r\nCookie: {cookies}\r\n\r\n");
    let (mut stream, answer) = raw(&server, &head);
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.contains("text/event-stream"), "{answer}");
    let mut received = String::new();
    while !received.contains("\n\n") {
        let mut bytes = [0; 512];
        let count = stream.read(&mut bytes).unwrap();
        received.push_str(std::str::from_utf8(&bytes[..count]).unwrap());
    }
    assert!(
        received.contains("event: tick") && received.contains(r#""n":1"#),
        "{received}"
    );

    let ended = server.stop("TERM");
    assert_eq!(ended.code, Some(0));
    assert!(ended.stderr.contains("stopped"), "{}", ended.stderr);
    assert!(!ended.stderr.contains("still running"), "{}", ended.stderr);
    // The last chunk arrives: the stream was ended, not cut off.
    stream.read_to_string(&mut received).unwrap();
    assert!(received.ends_with("0\r\n\r\n"), "{received}");
}
