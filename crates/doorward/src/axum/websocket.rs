//! WebSockets that close when the session ends.

use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, OnFailedUpgrade, WebSocket, WebSocketUpgrade};
use axum::response::Response;
use doorward_engine::ports::BoxFuture;
use doorward_engine::{Ended, Engine};
use futures_util::future::{Either, join, select};
use futures_util::{Sink, SinkExt, Stream, StreamExt as _};
use http::HeaderValue;

use super::Session;

/// How long the close may take to be sent: a peer that does not read holds it up.
const FAREWELL: Duration = Duration::from_secs(2);
/// How long the peer may take to answer the close.
const ANSWER: Duration = Duration::from_secs(3);
/// How long a handler may go on after the session's end, to tidy up.
const TIDY_UP: Duration = Duration::from_secs(10);

impl Session {
    /// Answers a WebSocket handshake and runs `handler` with the socket, until the session ends.
    ///
    /// When the session ends, anywhere and by anybody, the socket is closed with 4401, whatever the handler is doing; with 4403
    /// where the rule of the route no longer admits the session; with 1001 where the server
    /// [stops](crate::Doorward::end_live). A peer that does not answer the close is dropped after some seconds. The handler then
    /// receives `None` and sends in vain; it has ten seconds to tidy up, and is dropped.
    ///
    /// The socket is no use of the session: somebody who only listens reaches the idle end.
    ///
    /// # Security
    /// The guard has checked the origin of the handshake: one of another site is 403.
    ///
    /// # Example
    /// ```
    /// use axum::extract::ws::{Message, WebSocketUpgrade};
    /// use axum::response::Response;
    /// use doorward::{Session, SessionSocket};
    ///
    /// async fn echo(session: Session, upgrade: WebSocketUpgrade) -> Response {
    ///     session.websocket(upgrade, |mut socket: SessionSocket| async move {
    ///         while let Some(Ok(message)) = socket.recv().await {
    ///             if matches!(message, Message::Text(_)) && socket.send(message).await.is_err() {
    ///                 return;
    ///             }
    ///         }
    ///     })
    /// }
    /// ```
    #[must_use = "the handshake is answered by the response"]
    pub fn websocket<F, H, O>(&self, upgrade: WebSocketUpgrade<F>, handler: H) -> Response
    where
        F: OnFailedUpgrade,
        H: FnOnce(SessionSocket) -> O + Send + 'static,
        O: Future<Output = ()> + Send + 'static,
    {
        // From here on, so that nothing is missed while the connection changes its protocol.
        let ended = Box::pin(self.ended());
        let engine = self.engine();
        upgrade.on_upgrade(move |socket| async move {
            let shared = Arc::new(Shared {
                state: Mutex::new(State {
                    phase: Phase::Open(Box::new(socket)),
                    reader: None,
                    writer: None,
                    driver: None,
                }),
            });
            let work = Box::pin(handler(SessionSocket(Arc::clone(&shared))));
            drive(&engine, &shared, ended, work).await;
        })
    }
}

/// A WebSocket that is closed when its session ends; as [`WebSocket`] otherwise.
pub struct SessionSocket(Arc<Shared>);

impl SessionSocket {
    /// Receives the next message; `None` once the socket is closed.
    pub async fn recv(&mut self) -> Option<Result<Message, axum::Error>> {
        self.next().await
    }

    /// Sends a message.
    ///
    /// # Errors
    /// The connection's, and once the session has ended.
    pub async fn send(&mut self, message: Message) -> Result<(), axum::Error> {
        SinkExt::send(self, message).await
    }

    /// The subprotocol that was agreed on.
    #[must_use]
    pub fn protocol(&self) -> Option<HeaderValue> {
        match &self.0.state().phase {
            Phase::Open(socket) => socket.protocol().cloned(),
            Phase::Closing | Phase::Closed => None,
        }
    }

    fn with_open<T>(
        &self,
        task: &mut Context<'_>,
        poll: impl FnOnce(Pin<&mut WebSocket>, &mut Context<'_>) -> Poll<Result<T, axum::Error>>,
    ) -> Poll<Result<T, axum::Error>> {
        let mut state = self.0.state();
        let Phase::Open(socket) = &mut state.phase else {
            return Poll::Ready(Err(over()));
        };
        let polled = poll(Pin::new(&mut **socket), task);
        if polled.is_pending() {
            state.writer = Some(task.waker().clone());
        }
        polled
    }
}

impl fmt::Debug for SessionSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionSocket").finish_non_exhaustive()
    }
}

impl Stream for SessionSocket {
    type Item = Result<Message, axum::Error>;

    fn poll_next(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut state = self.0.state();
        let polled = match &mut state.phase {
            Phase::Open(socket) => Pin::new(&mut **socket).poll_next(task),
            // A handler that waits for the end hears of it when the connection is gone.
            Phase::Closing => Poll::Pending,
            Phase::Closed => Poll::Ready(None),
        };
        if polled.is_pending() {
            state.reader = Some(task.waker().clone());
        }
        polled
    }
}

impl Sink<Message> for SessionSocket {
    type Error = axum::Error;

    fn poll_ready(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.with_open(task, |socket, task| socket.poll_ready(task))
    }

    fn start_send(self: Pin<&mut Self>, message: Message) -> Result<(), Self::Error> {
        match &mut self.0.state().phase {
            Phase::Open(socket) => Pin::new(&mut **socket).start_send(message),
            Phase::Closing | Phase::Closed => Err(over()),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.with_open(task, |socket, task| socket.poll_flush(task))
    }

    fn poll_close(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.with_open(task, |socket, task| socket.poll_close(task))
    }
}

impl Drop for SessionSocket {
    fn drop(&mut self) {
        let mut state = self.0.state();
        // While it is being closed, the driver has it.
        let socket = std::mem::replace(&mut state.phase, Phase::Closed);
        let driver = state.driver.take();
        drop(state);
        drop(socket);
        if let Some(driver) = driver {
            driver.wake();
        }
    }
}

struct Shared {
    state: Mutex<State>,
}

struct State {
    phase: Phase,
    reader: Option<Waker>,
    writer: Option<Waker>,
    /// Waits for the handler to let go of the socket.
    driver: Option<Waker>,
}

enum Phase {
    Open(Box<WebSocket>),
    Closing,
    Closed,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn poll_released(&self, task: &Context<'_>) -> bool {
        let mut state = self.state();
        state.driver = Some(task.waker().clone());
        matches!(state.phase, Phase::Closed)
    }

    /// Takes the socket away from the handler.
    fn take(&self) -> Option<Box<WebSocket>> {
        let mut state = self.state();
        let Phase::Open(socket) = std::mem::replace(&mut state.phase, Phase::Closing) else {
            state.phase = Phase::Closed;
            return None;
        };
        let writer = state.writer.take();
        drop(state);
        if let Some(writer) = writer {
            writer.wake();
        }
        Some(socket)
    }

    fn close(&self) {
        let mut state = self.state();
        state.phase = Phase::Closed;
        let waiting = [state.reader.take(), state.writer.take()];
        drop(state);
        waiting.into_iter().flatten().for_each(Waker::wake);
    }
}

/// Runs the handler, and closes the socket when the session ends.
async fn drive<O>(engine: &Engine, shared: &Shared, mut ended: BoxFuture<'static, Ended>, handler: Pin<Box<O>>)
where
    O: Future<Output = ()>,
{
    let mut handler = Some(handler);
    let why = std::future::poll_fn(|task| {
        // Security: the end comes first, so that nothing that arrived with it is worked on.
        if !shared.poll_released(task)
            && let Poll::Ready(why) = ended.as_mut().poll(task)
        {
            return Poll::Ready(Some(why));
        }
        if let Some(work) = &mut handler
            && work.as_mut().poll(task).is_ready()
        {
            handler = None;
        }
        if !shared.poll_released(task) {
            // A handler may have handed the socket on and be done.
            return ended.as_mut().poll(task).map(Some);
        }
        // Without a socket there is nothing to end; the handler goes on by itself.
        match handler {
            None => Poll::Ready(None),
            Some(_) => Poll::Pending,
        }
    })
    .await;
    let Some(why) = why else { return };
    tracing::debug!(reason = %why, "websocket closed");
    let socket = shared.take();
    let closing = async {
        if let Some(socket) = socket {
            close(engine, *socket, why).await;
        }
        shared.close();
    };
    let tidying = async {
        if let Some(handler) = handler {
            within(engine, TIDY_UP, handler).await;
        }
    };
    join(closing, tidying).await;
}

/// Closes in good order, as far as the peer lets us.
async fn close(engine: &Engine, mut socket: WebSocket, why: Ended) {
    let frame = CloseFrame {
        code: why.close_code(),
        reason: why.to_string().into(),
    };
    let sent = within(engine, FAREWELL, Box::pin(socket.send(Message::Close(Some(frame))))).await;
    if !matches!(sent, Some(Ok(()))) {
        return;
    }
    let answered = Box::pin(async { while let Some(Ok(_)) = socket.recv().await {} });
    within(engine, ANSWER, answered).await;
}

async fn within<T>(engine: &Engine, limit: Duration, work: impl Future<Output = T> + Unpin) -> Option<T> {
    match select(work, engine.sleep(limit)).await {
        Either::Left((value, _)) => Some(value),
        Either::Right(((), _)) => None,
    }
}

fn over() -> axum::Error {
    axum::Error::new(std::io::Error::new(
        std::io::ErrorKind::NotConnected,
        "session has ended",
    ))
}
