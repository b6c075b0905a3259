//! Bodies that end with the session.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::Body;
use bytes::Bytes;
use doorward_engine::ports::BoxFuture;
use doorward_engine::{Ended, RequestContext};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, Response};
use http_body::{Body as HttpBody, Frame, SizeHint};

/// Frames that may go out before an endless body is watched even if it never pauses.
const FRAMES_UNWATCHED: u8 = 16;

/// Lets a response that goes on for long end with what let its request in. Any other is handed back as it is.
pub(crate) fn ending(context: &Arc<RequestContext>, response: Response<Body>) -> Response<Body> {
    // A body of known length ends by itself, and half of it would be worth nothing.
    if response.body().size_hint().exact().is_some() || response.body().is_end_stream() {
        return response;
    }
    if context.session().is_none() && context.bearer().is_none() {
        return response;
    }
    let (parts, body) = response.into_parts();
    let body = EndingBody {
        inner: body,
        context: Some(Arc::clone(context)),
        ended: None,
        frames: 0,
        is_events: is_events(&parts.headers),
    };
    Response::from_parts(parts, Body::new(body))
}

fn is_events(headers: &HeaderMap) -> bool {
    let essence = headers.get(CONTENT_TYPE).map(|value| value.as_bytes());
    let essence = essence.and_then(|value| value.split(|byte| *byte == b';').next());
    essence.is_some_and(|essence| essence.trim_ascii().eq_ignore_ascii_case(b"text/event-stream"))
}

/// A body, until the session ends.
///
/// The watching begins at the first pause: what is there at once, however it was made, costs no more than a look.
struct EndingBody {
    inner: Body,
    /// Until the watching begins.
    context: Option<Arc<RequestContext>>,
    ended: Option<BoxFuture<'static, Ended>>,
    frames: u8,
    is_events: bool,
}

impl EndingBody {
    fn begin_to_watch(&mut self) {
        self.ended = self.context.take().and_then(|context| context.engine().ended(&context));
    }

    /// Whether it is over, and by what.
    fn poll_ended(&mut self, task: &mut Context<'_>) -> Option<Ended> {
        let Poll::Ready(why) = self.ended.as_mut()?.as_mut().poll(task) else {
            return None;
        };
        self.ended = None;
        // What has an end of its own is given the time that a server that stops gives to its requests.
        (why != Ended::Stopping || self.is_events).then_some(why)
    }

    fn end(&mut self, why: Ended) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        tracing::debug!(reason = %why, "streaming answer ended");
        self.inner = Body::empty();
        // Server-sent events have no end of their own. Anything else would pass for complete if it ended in good order.
        match self.is_events {
            true => Poll::Ready(None),
            false => Poll::Ready(Some(Err(axum::Error::new(io::Error::other(why.to_string()))))),
        }
    }
}

impl HttpBody for EndingBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        task: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        // Before anything else goes out.
        if let Some(why) = self.poll_ended(task) {
            return self.end(why);
        }
        let polled = Pin::new(&mut self.inner).poll_frame(task);
        if self.context.is_some() {
            self.frames = self.frames.saturating_add(1);
            if polled.is_pending() || self.frames >= FRAMES_UNWATCHED {
                self.begin_to_watch();
            }
            if polled.is_pending()
                && let Some(why) = self.poll_ended(task)
            {
                return self.end(why);
            }
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        // What is still to come may be cut off.
        SizeHint::default()
    }
}
