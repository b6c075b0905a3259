//! A server of a few lines that says exactly what a test tells it to.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// What is written after a request was read.
#[derive(Clone)]
pub(crate) enum Say {
    /// These bytes at once, whatever comes in, then the connection is closed.
    Greet(Vec<u8>),
    /// These bytes, then the connection is closed.
    Close(Vec<u8>),
    /// These bytes, then silence.
    Hold(Vec<u8>),
    /// These bytes, then the same chunk again and again.
    Repeat(Vec<u8>, Vec<u8>),
    /// These bytes, then a reset.
    Reset(Vec<u8>),
}

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    requests: Arc<AtomicUsize>,
}

impl Server {
    pub(crate) async fn start(say: Say) -> Self {
        Self::start_with(say, None).await
    }

    pub(crate) async fn start_tls(say: Say, acceptor: TlsAcceptor) -> Self {
        Self::start_with(say, Some(acceptor)).await
    }

    async fn start_with(say: Say, tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::new(AtomicUsize::new(0));
        let counter = requests.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (say, tls, counter) = (say.clone(), tls.clone(), counter.clone());
                tokio::spawn(async move {
                    if let Say::Reset(_) = &say {
                        stream.set_zero_linger().unwrap();
                    }
                    match tls {
                        None => speak(stream, say, counter).await,
                        Some(tls) => {
                            if let Ok(stream) = tls.accept(stream).await {
                                speak(stream, say, counter).await;
                            }
                        }
                    }
                });
            }
        });
        Self { address, requests }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// How many requests were read to the end of their headers.
    pub(crate) fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }
}

async fn speak<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S, say: Say, requests: Arc<AtomicUsize>) {
    if let Say::Greet(bytes) = &say {
        drop(stream.write_all(bytes).await);
        return drop(stream.shutdown().await);
    }
    let mut seen = Vec::new();
    while !seen.windows(4).any(|window| window == b"\r\n\r\n") {
        let mut buffer = [0; 1024];
        match stream.read(&mut buffer).await {
            Ok(0) | Err(_) => return,
            Ok(count) => seen.extend_from_slice(&buffer[..count]),
        }
    }
    requests.fetch_add(1, Ordering::SeqCst);
    let head = match &say {
        Say::Greet(bytes) | Say::Close(bytes) | Say::Hold(bytes) | Say::Reset(bytes) | Say::Repeat(bytes, _) => bytes,
    };
    if stream.write_all(head).await.is_err() || stream.flush().await.is_err() {
        return;
    }
    match say {
        Say::Close(_) => drop(stream.shutdown().await),
        Say::Hold(_) => std::future::pending().await,
        Say::Repeat(_, chunk) => while stream.write_all(&chunk).await.is_ok() {},
        Say::Greet(_) | Say::Reset(_) => {}
    }
}

/// A whole answer with a body.
pub(crate) fn answer(headers: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n{headers}\r\n", body.len());
    [head.as_bytes(), body].concat()
}
