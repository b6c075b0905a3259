//! One connection: what ends it, from the moment it asks.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use doorward_core::UnixTime;
use doorward_core::code::Code;
use doorward_core::policy::{Rule, still_admits};
use doorward_core::ports::{BoxFuture, Found};
use doorward_core::session::LiveSession;
use doorward_core::tenant::TenantId;
use futures_util::future::{Either, select};

use super::watch::Subject;
use super::{Ended, Status, Watch, Watched, Watching, Wish};
use crate::auth::{Engine, Inner};
use crate::context::RequestContext;
use crate::provider::ProviderState;
use crate::session::Session;
use crate::site::Site;

/// How long a tenant directory may take; a connection goes on meanwhile.
const DIRECTORY_DEADLINE: Duration = Duration::from_secs(5);
/// How long a machine may sleep at once, so that a clock that was set counts soon.
const LOOK_AT_THE_CLOCK: Duration = Duration::from_secs(60);

/// The watching of one connection alone; dropping it ends the job.
struct Alone(Arc<Watched>);

impl Drop for Alone {
    fn drop(&mut self) {
        self.0.ask(Wish::Leave);
    }
}

/// What one connection of a session wants to know.
pub(super) struct Connection {
    inner: Arc<Inner>,
    place: Option<Watching>,
    /// A watching of its own, where the table is full.
    alone: Option<Alone>,
    /// What the guard asked for, beyond a session.
    rules: Vec<Arc<Rule>>,
    site: Option<Arc<Site>>,
    /// The tenant that must still be there, and who signs its people in.
    standing: Option<(TenantId, Arc<ProviderState>)>,
}

impl Session {
    /// Waits for the end of the session, from now on: an end made anywhere, by anybody, or its expiry.
    ///
    /// For what goes on after the guard has let it in, such as a WebSocket or a job on the user's behalf. Use by other requests
    /// moves the idle end on; the connection itself is no use. A session of whose rule or tenant the answer is no by now ends
    /// with [`Ended::NotAllowed`]; how fresh the sign-in must be is asked at the start only. Dropping the future
    /// ends the watching.
    ///
    /// The session is read anew every 15 seconds, and at once where the store's feed or this process says that something
    /// happened. While the store is out of reach it goes on, until the end that was read last.
    ///
    /// # Security
    /// Of a sealed session this process knows what it did itself, and with a revocation store what was ended elsewhere, which is asked for
    /// at each reading. Without one an end that another process made is not known to this one.
    pub fn ended(&self) -> impl Future<Output = Ended> + Send + use<> {
        Connection::of(self).ended()
    }
}

impl Engine {
    /// Waits for the end of what let a request in, the session or the access token; `None` where it was let in without.
    #[must_use]
    pub fn ended(&self, context: &RequestContext) -> Option<BoxFuture<'static, Ended>> {
        if let Some(bearer) = context.bearer() {
            return Some(Box::pin(token_ended(Arc::clone(&self.inner), bearer.expires_at())));
        }
        Some(Box::pin(context.session()?.ended()))
    }

    /// Ends every live connection of this engine, and every one that is begun from now on: WebSockets close with 1001,
    /// server-sent events end. For a server that stops.
    pub fn end_live(&self) {
        self.inner.live.stop();
    }

    /// Waits for a duration, by the port that the engine waits by.
    #[must_use]
    pub fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        self.inner.ports.tasks.sleep(duration)
    }
}

impl Connection {
    fn of(session: &Session) -> Self {
        let engine = session.engine();
        let inner = &engine.inner;
        let site = session.site();
        Self {
            rules: session.rules(),
            standing: inner.standing_of(session, site.as_deref()),
            site,
            ..Self::new(inner, Subject::of(session))
        }
    }

    pub(super) fn new(inner: &Arc<Inner>, subject: Subject) -> Self {
        let place = inner.live.enter(subject.key(), |watch| {
            let job = subject.clone().watch(Arc::clone(inner), watch);
            inner.ports.tasks.spawn(Box::pin(job));
            inner.follow_feed();
        });
        // Security: never in the connection's own body, which is polled as its client reads. A read of the store that is left half
        // done there would hold its place at the store for as long.
        let alone = place.is_none().then(|| {
            tracing::warn!(
                "more sessions with live connections than are kept in mind; this one is not told by the feed"
            );
            let watch = Watch::new();
            let alone = Alone(Arc::clone(&watch.watched));
            let job = subject.clone().watch(Arc::clone(inner), watch);
            inner.ports.tasks.spawn(Box::pin(job));
            alone
        });
        Self {
            inner: Arc::clone(inner),
            place,
            alone,
            rules: Vec::new(),
            site: None,
            standing: None,
        }
    }

    pub(super) async fn ended(self) -> Ended {
        let mut stopping = self.inner.live.stopping.subscribe();
        let over = pin!(self.over());
        let stop = pin!(async {
            // The sender lives as long as the engine.
            let _ = stopping.wait_for(|stop| *stop).await;
        });
        match select(stop, over).await {
            Either::Left(((), _)) => Ended::Stopping,
            Either::Right((why, _)) => why,
        }
    }

    async fn over(&self) -> Ended {
        let placed = self.place.as_ref().map(|place| &place.watched);
        match placed.or(self.alone.as_ref().map(|alone| &alone.0)) {
            // Nobody tells any more: the runtime has dropped the job, and is about to drop this one.
            Some(watched) => self.listen(watched).await.unwrap_or(Ended::Stopping),
            None => Ended::Stopping,
        }
    }

    /// Waits for an end to be told; `None` if nobody tells any more.
    async fn listen(&self, watched: &Watched) -> Option<Ended> {
        let mut status = watched.status.clone();
        loop {
            let told = status.borrow_and_update().clone();
            match told {
                Status::Over(why) => return Some(why),
                Status::Live(live) => {
                    if let Err(code) = self.judge(live.as_deref()).await {
                        return Some(Ended::NotAllowed(code));
                    }
                }
            }
            status.changed().await.ok()?;
        }
    }

    /// Whether the connection would still be let in.
    async fn judge(&self, live: Option<&LiveSession>) -> Result<(), Code> {
        if let Some(live) = live {
            let scope = &self.site.as_ref().unwrap_or(&self.inner.home).scope;
            for rule in &self.rules {
                still_admits(rule, live, scope).map_err(|denied| denied.code())?;
            }
        }
        let (Some((tenant, provider)), Some(sites)) = (&self.standing, &self.inner.sites) else {
            return Ok(());
        };
        let found = match sites.with_id(tenant) {
            Found::Ready(found) => found,
            Found::Wait(answer) => match self.inner.ports.within(DIRECTORY_DEADLINE, answer).await {
                Some(Ok(found)) => found,
                // An outage ends nobody.
                Some(Err(_)) | None => return Ok(()),
            },
        };
        let expected = found.as_deref().and_then(|tenant| sites.provider_of(tenant));
        match expected.is_some_and(|expected| Arc::ptr_eq(expected, provider)) {
            true => Ok(()),
            false => Err(Code::TenantMismatch),
        }
    }
}

impl Inner {
    /// The tenant that a session lives by, and its provider; `None` without tenants.
    fn standing_of(&self, session: &Session, site: Option<&Site>) -> Option<(TenantId, Arc<ProviderState>)> {
        self.sites.as_ref()?;
        let site = site.unwrap_or(&self.home);
        let live = &session.inner.live;
        let tenant = match &site.tenant {
            Some(tenant) => tenant.id.clone(),
            None => TenantId::from_claim(live.tenant()).ok()?,
        };
        Some((tenant, Arc::clone(site.providers.of_session(live)?)))
    }
}

async fn token_ended(inner: Arc<Inner>, expires_at: UnixTime) -> Ended {
    let mut stopping = inner.live.stopping.subscribe();
    let stop = pin!(async {
        let _ = stopping.wait_for(|stop| *stop).await;
    });
    let over = pin!(async {
        loop {
            let left = expires_at.saturating_since(inner.ports.clock.now());
            if left.is_zero() {
                return;
            }
            inner.ports.tasks.sleep(left.min(LOOK_AT_THE_CLOCK)).await;
        }
    });
    match select(stop, over).await {
        Either::Left(_) => Ended::Stopping,
        Either::Right(_) => Ended::TokenExpired,
    }
}
