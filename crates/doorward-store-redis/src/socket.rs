//! A connection's bytes: TCP, TLS where the URL says so, what came last, and a cap on every reply.

use core::pin::Pin;
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use core::task::{Context, Poll, ready};
use core::time::Duration;
use std::io;
use std::sync::Arc;

use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::Instant;
use tokio_rustls::TlsConnector;

use crate::location::Address;
use crate::reply_limit::ReplyLimit;
use crate::trouble::Trouble;

/// When a connection was last heard, and whether it broke the cap.
pub(crate) struct Pulse {
    born: Instant,
    heard: AtomicU64,
    answered: AtomicU64,
    /// When the first question after the last answer was asked, and one; zero for none.
    asked: AtomicU64,
    is_excessive: AtomicBool,
}

impl Pulse {
    fn new() -> Self {
        Self {
            born: Instant::now(),
            heard: AtomicU64::new(0),
            answered: AtomicU64::new(0),
            asked: AtomicU64::new(0),
            is_excessive: AtomicBool::new(false),
        }
    }

    /// When the last byte came.
    pub(crate) fn heard(&self) -> Instant {
        self.born + Duration::from_micros(self.heard.load(Ordering::Relaxed))
    }

    /// When the last question was answered.
    pub(crate) fn answered(&self) -> Instant {
        self.born + Duration::from_micros(self.answered.load(Ordering::Relaxed))
    }

    /// For how long questions have been asked and none was answered.
    pub(crate) fn unanswered_for(&self) -> Duration {
        match self.asked.load(Ordering::Relaxed) {
            0 => Duration::ZERO,
            asked => Duration::from_micros(self.age().saturating_sub(asked - 1)),
        }
    }

    /// A question is asked now.
    pub(crate) fn note_question(&self) {
        let asked = self.age().saturating_add(1);
        // Only the first one since the last answer counts.
        let _ = self
            .asked
            .compare_exchange(0, asked, Ordering::Relaxed, Ordering::Relaxed);
    }

    /// A question was answered now.
    pub(crate) fn note_answer(&self) {
        self.answered.store(self.age(), Ordering::Relaxed);
        self.asked.store(0, Ordering::Relaxed);
    }

    /// Whether the server sent more than any reply can have.
    pub(crate) fn is_excessive(&self) -> bool {
        self.is_excessive.load(Ordering::Relaxed)
    }

    fn beat(&self) {
        self.heard.store(self.age(), Ordering::Relaxed);
    }

    /// In microseconds.
    fn age(&self) -> u64 {
        u64::try_from(self.born.elapsed().as_micros()).unwrap_or(u64::MAX)
    }
}

/// The bytes of one connection.
pub(crate) struct Socket {
    bytes: Bytes,
    limit: ReplyLimit,
    pulse: Arc<Pulse>,
}

enum Bytes {
    Plain(TcpStream),
    Tls(Box<tokio_rustls::client::TlsStream<TcpStream>>),
}

impl Socket {
    /// Connects.
    ///
    /// # Security
    /// The certificate must name the host of the URL, or that which a sentinel or a cluster told.
    pub(crate) async fn open(address: &Address, tls: Option<&TlsConnector>) -> Result<Socket, Trouble> {
        let found = lookup_host((address.host.as_str(), address.port)).await;
        let found: Vec<_> = found.map_err(|_| Trouble::NoAddress)?.collect();
        if found.is_empty() {
            return Err(Trouble::NoAddress);
        }
        let stream = TcpStream::connect(&*found)
            .await
            .map_err(|error| Trouble::NoConnection(error.kind()))?;
        stream
            .set_nodelay(true)
            .map_err(|error| Trouble::NoConnection(error.kind()))?;
        let bytes = match tls {
            None => Bytes::Plain(stream),
            Some(tls) => {
                let name = ServerName::try_from(address.host.clone()).map_err(|_| Trouble::Tls)?;
                let stream = tls.connect(name, stream).await.map_err(|_| Trouble::Tls)?;
                Bytes::Tls(Box::new(stream))
            }
        };
        Ok(Socket {
            bytes,
            limit: ReplyLimit::default(),
            pulse: Arc::new(Pulse::new()),
        })
    }

    pub(crate) fn pulse(&self) -> Arc<Pulse> {
        Arc::clone(&self.pulse)
    }
}

impl AsyncRead for Socket {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let socket = self.get_mut();
        let before = buffer.filled().len();
        ready!(match &mut socket.bytes {
            Bytes::Plain(stream) => Pin::new(stream).poll_read(cx, buffer),
            Bytes::Tls(stream) => Pin::new(stream).poll_read(cx, buffer),
        })?;
        let read = buffer.filled().get(before..).unwrap_or_default();
        if !read.is_empty() {
            socket.pulse.beat();
        }
        if socket.limit.take(read).is_err() {
            socket.pulse.is_excessive.store(true, Ordering::Relaxed);
            // Security: what came already must not be read as a reply either.
            buffer.set_filled(before);
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Socket {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match &mut self.get_mut().bytes {
            Bytes::Plain(stream) => Pin::new(stream).poll_write(cx, bytes),
            Bytes::Tls(stream) => Pin::new(stream).poll_write(cx, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().bytes {
            Bytes::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Bytes::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().bytes {
            Bytes::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Bytes::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}
