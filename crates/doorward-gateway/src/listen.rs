//! Sockets: bound first, answering later, closed in good order.
//!
//! A [`Bound`] socket has its port but does not listen, so that everything else can be judged with the final
//! addresses at hand and still before anything listens.

use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt as _;

use crate::failure::Failure;

/// How long running requests may take to end once a stop was asked for.
const DRAIN: Duration = Duration::from_secs(10);
/// How long a client may take for the TLS handshake, and then for the head of a request.
const PATIENCE: Duration = Duration::from_secs(15);
/// Pause after a failed accept, which is nearly always a lack of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A socket that has its address and does not listen yet.
pub(crate) struct Bound {
    socket: TcpSocket,
    address: SocketAddr,
}

impl Bound {
    /// Takes the address; port 0 takes a free port.
    ///
    /// # Errors
    /// [`Failure::Unusable`] if the address is not on loopback, or is taken. `flag` names the option to change.
    pub(crate) fn new(address: SocketAddr, flag: &str) -> Result<Self, Failure> {
        // Security: whoever reaches these ports can sign in as anyone.
        if !address.ip().is_loopback() {
            return Err(Failure::unusable(format!(
                "{flag} is {address}, expected a loopback address such as 127.0.0.1:{}",
                address.port()
            ))
            .with_hint("everyone who reaches this server can sign in as anyone, so it serves this machine only"));
        }
        let taken = |error| cannot_listen(flag, address, &error);
        let socket = match address {
            SocketAddr::V4(_) => TcpSocket::new_v4(),
            SocketAddr::V6(_) => TcpSocket::new_v6(),
        }
        .map_err(taken)?;
        // On Unix this lets a restart take the port while old connections fade; elsewhere it would let two servers share it.
        #[cfg(unix)]
        socket.set_reuseaddr(true).map_err(taken)?;
        socket.bind(address).map_err(taken)?;
        let address = socket.local_addr().map_err(taken)?;
        Ok(Self { socket, address })
    }

    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    /// Begins to listen.
    ///
    /// # Errors
    /// [`Failure::Unusable`] if another process got there first.
    pub(crate) fn listen(self, flag: &str) -> Result<TcpListener, Failure> {
        self.socket
            .listen(1_024)
            .map_err(|error| cannot_listen(flag, self.address, &error))
    }
}

fn cannot_listen(flag: &str, address: SocketAddr, error: &std::io::Error) -> Failure {
    let failure = Failure::unusable(format!("cannot listen on {address} ({flag}): {error}"));
    if error.kind() == std::io::ErrorKind::AddrInUse {
        failure.with_hint(format!(
            "stop what runs there, or choose a port: {flag} 127.0.0.1:0 takes a free one"
        ))
    } else {
        failure
    }
}

/// Asks everything that runs to end, and waits for it.
pub(crate) struct Stop {
    asked: watch::Sender<bool>,
    signals: Signals,
}

/// The receiving end: whatever may run for long holds one, and ends when it says so.
#[derive(Debug, Clone)]
pub(crate) struct Stopping(watch::Receiver<bool>);

impl Stop {
    /// Begins to watch for signals, which must be done before anything is announced as ready.
    ///
    /// # Errors
    /// [`Failure::Broken`] if the system does not let us.
    pub(crate) fn new() -> Result<Self, Failure> {
        let signals = Signals::new().map_err(|error| Failure::Broken(format!("cannot watch signals: {error}")))?;
        Ok(Self {
            asked: watch::Sender::new(false),
            signals,
        })
    }

    pub(crate) fn stopping(&self) -> Stopping {
        Stopping(self.asked.subscribe())
    }

    /// Waits for SIGTERM or SIGINT, asks everything to end, and gives it ten seconds.
    ///
    /// A second signal ends the wait.
    pub(crate) async fn on_signal(self) {
        let Self { asked, mut signals } = self;
        signals.stop().await;
        tracing::info!("stopping");
        asked.send_replace(true);
        tokio::select! {
            // Every listener, connection and stream holds a receiver until it is done.
            () = asked.closed() => tracing::info!("stopped"),
            () = tokio::time::sleep(DRAIN) => tracing::warn!("stopped with requests still running"),
            () = signals.stop() => tracing::warn!("stopped at once, requests may have been cut off"),
        }
    }
}

impl Stopping {
    /// Ends when a stop was asked for.
    pub(crate) async fn requested(mut self) {
        // An error means that nobody can ask any more, which is a stop too.
        let _ = self.0.wait_for(|stop| *stop).await;
    }
}

/// Serves `app` on `listener` until a stop is asked for; running requests go on to their end, which [`Stop`] waits for.
pub(crate) async fn serve(listener: TcpListener, tls: Option<TlsAcceptor>, app: Router, stopping: Stopping) {
    let mut stop = pin!(stopping.clone().requested());
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            // The port is free from here on.
            () = &mut stop => return,
        };
        match accepted {
            Ok((stream, _)) => {
                // Small answers must not wait for the next packet; without it they are merely slower.
                let _ = stream.set_nodelay(true);
                let (app, stopping) = (app.clone(), stopping.clone());
                match tls.clone() {
                    None => drop(tokio::spawn(answer(stream, app, stopping))),
                    Some(tls) => drop(tokio::spawn(answer_tls(stream, tls, app, stopping))),
                }
            }
            Err(error) => {
                tracing::warn!(%error, "accept failed");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn answer_tls(stream: TcpStream, tls: TlsAcceptor, app: Router, stopping: Stopping) {
    let handshake = tokio::select! {
        handshake = tokio::time::timeout(PATIENCE, tls.accept(stream)) => handshake,
        () = stopping.clone().requested() => return,
    };
    match handshake {
        Ok(Ok(stream)) => answer(stream, app, stopping).await,
        // A browser that does not trust the certificate ends here, which is no fault of ours.
        Ok(Err(error)) => tracing::debug!(%error, "tls handshake failed"),
        Err(_) => tracing::debug!("tls handshake took too long"),
    }
}

async fn answer<S>(stream: S, app: Router, stopping: Stopping)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = TowerToHyperService::new(app.map_request(|request: http::Request<_>| request.map(Body::new)));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(PATIENCE)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    let mut connection = pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        // `stopping` itself stays until the last answer is out: this is what the stop waits for.
        () = stopping.clone().requested() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "connection ended");
    }
}

/// The signals that concern a server.
#[cfg(unix)]
struct Signals {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
    hangup: tokio::signal::unix::Signal,
    began_on_terminal: bool,
}

#[cfg(unix)]
impl Signals {
    fn new() -> std::io::Result<Self> {
        use std::io::IsTerminal as _;
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
            began_on_terminal: std::io::stderr().is_terminal(),
        })
    }

    async fn stop(&mut self) {
        use std::io::IsTerminal as _;
        loop {
            tokio::select! {
                _ = self.terminate.recv() => return,
                _ = self.interrupt.recv() => return,
                _ = self.hangup.recv() => {
                    // A terminal that was closed is no terminal any more; nobody is left to stop us by Ctrl-C.
                    if self.began_on_terminal && !std::io::stderr().is_terminal() {
                        return;
                    }
                    tracing::info!("nothing to reload: this command has no configuration file");
                }
            }
        }
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self)
    }

    async fn stop(&mut self) {
        // Without a console there is nobody who could interrupt.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
