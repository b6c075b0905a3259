//! The outbound port answered by axum routers in this process.

use std::net::IpAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use bytes::{Bytes, BytesMut};
use doorward_core::ports::{BoxFuture, Fetch, FetchError, Fetched};
use doorward_core::{OutboundRequest, Reach};
use doorward_oidc::is_public_address;
use http::{HeaderMap, Method, Uri};
use http_body_util::BodyExt as _;
use tower::ServiceExt as _;

use crate::Gate;

/// One exchange that was asked of a [`RouterFetch`], whether or not it was answered.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Exchange {
    /// What the request was for, as the one who made it called it: `"token"`, `"jwks"`, ….
    pub label: &'static str,
    /// The method.
    pub method: Method,
    /// The whole address.
    pub uri: Uri,
    /// The request headers.
    pub headers: HeaderMap,
    /// The request body.
    pub body: Bytes,
    /// Whether the request might go to any address or to public ones only.
    pub reach: Reach,
}

/// Answers outbound requests from axum routers, with the manners of the real client.
///
/// No redirect is followed, a body over the request's cap is `TooLarge`, a body that breaks off is
/// `Interrupted`, and a host mounted at a private address refuses a request that may reach public addresses only.
/// It can be told to fail, to lose answers, and to hold requests at a [`Gate`]. Clones share everything.
///
/// # Example
/// ```
/// use axum::{Router, routing::get};
/// use doorward_core::ports::FetchError;
/// use doorward_testkit::RouterFetch;
///
/// let provider = Router::new().route("/jwks", get(|| async { "{}" }));
/// let fetch = RouterFetch::new(provider);
/// fetch.fail_next(1, || FetchError::Timeout);
/// assert_eq!(fetch.calls().len(), 0);
/// ```
#[derive(Clone)]
pub struct RouterFetch {
    inner: Arc<Mutex<Inner>>,
}

struct Inner {
    fallback: Option<Router>,
    mounts: Vec<Mount>,
    calls: Vec<Exchange>,
    faults: Vec<Fault>,
    gates: Vec<(Option<&'static str>, Gate)>,
}

struct Mount {
    authority: String,
    router: Router,
    address: IpAddr,
}

type MakeError = Arc<dyn Fn() -> FetchError + Send + Sync>;

struct Fault {
    label: Option<&'static str>,
    left: usize,
    error: MakeError,
    /// The request reaches the router, only the answer is lost.
    after_answer: bool,
}

/// Never connected to. The ranges that RFC 5737 keeps for documentation do not count as public; this one does.
const PUBLIC: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(8, 8, 8, 8));

impl RouterFetch {
    /// Makes a network in which `router` answers every host that is not mounted, at a public address.
    #[must_use]
    pub fn new(router: Router) -> Self {
        let fetch = Self::unreachable();
        fetch.inner.lock().unwrap().fallback = Some(router);
        fetch
    }

    /// Makes a network in which no host answers until mounted.
    #[must_use]
    pub fn unreachable() -> Self {
        Self {
            inner: Arc::new(Mutex::new(Inner {
                fallback: None,
                mounts: Vec::new(),
                calls: Vec::new(),
                faults: Vec::new(),
                gates: Vec::new(),
            })),
        }
    }

    /// Lets `router` answer for `authority` (`"id.example.com"`, `"localhost:6002"`), at a public address.
    #[must_use]
    pub fn mount(self, authority: &str, router: Router) -> Self {
        self.mount_at(authority, PUBLIC, router)
    }

    /// Lets `router` answer for `authority`, whose name resolves to `address`.
    #[must_use]
    pub fn mount_at(self, authority: &str, address: IpAddr, router: Router) -> Self {
        let mut inner = self.inner.lock().unwrap();
        inner.mounts.retain(|mount| mount.authority != authority);
        inner.mounts.push(Mount {
            authority: authority.to_owned(),
            router,
            address,
        });
        drop(inner);
        self
    }

    /// Lets the next `count` exchanges fail before anything is sent.
    pub fn fail_next(&self, count: usize, error: impl Fn() -> FetchError + Send + Sync + 'static) {
        self.fault(None, count, error, false);
    }

    /// Lets the next `count` exchanges with this label fail before anything is sent.
    pub fn fail_next_of(
        &self,
        label: &'static str,
        count: usize,
        error: impl Fn() -> FetchError + Send + Sync + 'static,
    ) {
        self.fault(Some(label), count, error, false);
    }

    /// Lets the next `count` exchanges with this label arrive, and loses their answers.
    ///
    /// The case that makes refresh tokens hard: the provider has done its part, and nobody here knows.
    pub fn lose_next_answers_of(&self, label: &'static str, count: usize) {
        self.fault(Some(label), count, || FetchError::Interrupted, true);
    }

    /// Takes back every fault that has not struck yet.
    pub fn heal(&self) {
        self.inner.lock().unwrap().faults.clear();
    }

    /// Holds every exchange (with this label, where one is given) at `gate` before anything is sent.
    ///
    /// An open gate lets pass; to take it away for good, open it.
    pub fn hold(&self, label: Option<&'static str>, gate: &Gate) {
        self.inner.lock().unwrap().gates.push((label, gate.clone()));
    }

    /// Lists every exchange asked so far, oldest first.
    #[must_use]
    pub fn calls(&self) -> Vec<Exchange> {
        self.inner.lock().unwrap().calls.clone()
    }

    /// Counts the exchanges with this label.
    #[must_use]
    pub fn count(&self, label: &str) -> usize {
        let inner = self.inner.lock().unwrap();
        inner.calls.iter().filter(|call| call.label == label).count()
    }

    fn fault(
        &self,
        label: Option<&'static str>,
        left: usize,
        error: impl Fn() -> FetchError + Send + Sync + 'static,
        after_answer: bool,
    ) {
        self.inner.lock().unwrap().faults.push(Fault {
            label,
            left,
            error: Arc::new(error),
            after_answer,
        });
    }

    fn take_fault(&self, label: &str, after_answer: bool) -> Option<FetchError> {
        let mut inner = self.inner.lock().unwrap();
        let fault = inner.faults.iter_mut().find(|fault| {
            fault.left > 0 && fault.after_answer == after_answer && fault.label.is_none_or(|wanted| wanted == label)
        })?;
        fault.left -= 1;
        Some((fault.error)())
    }

    fn route(&self, uri: &Uri) -> Option<(Router, IpAddr)> {
        let authority = uri.authority()?.as_str();
        let inner = self.inner.lock().unwrap();
        let mounted = inner
            .mounts
            .iter()
            .find(|mount| mount.authority.eq_ignore_ascii_case(authority));
        match mounted {
            Some(mount) => Some((mount.router.clone(), mount.address)),
            None => inner.fallback.clone().map(|router| (router, PUBLIC)),
        }
    }

    async fn exchange(self, outbound: OutboundRequest) -> Result<Fetched, FetchError> {
        let OutboundRequest {
            request,
            reach,
            max_response_bytes,
            label,
            ..
        } = outbound;
        let (parts, body) = request.into_parts();
        let gates: Vec<Gate> = {
            let mut inner = self.inner.lock().unwrap();
            inner.calls.push(Exchange {
                label,
                method: parts.method.clone(),
                uri: parts.uri.clone(),
                headers: parts.headers.clone(),
                body: body.clone(),
                reach,
            });
            let held = inner.gates.iter();
            held.filter(|(wanted, _)| wanted.is_none_or(|wanted| wanted == label))
                .map(|(_, gate)| gate.clone())
                .collect()
        };
        for gate in gates {
            gate.pass().await;
        }
        if let Some(error) = self.take_fault(label, false) {
            return Err(error);
        }
        let (router, address) = self.route(&parts.uri).ok_or(FetchError::Unreachable)?;
        let address = parts.uri.host().and_then(fixed_address).unwrap_or(address);
        if reach == Reach::PublicOnly && !is_public_address(address) {
            return Err(FetchError::AddressRefused);
        }

        let mut request = http::Request::from_parts(parts, Body::from(body));
        let host = request.uri().authority().map(|authority| authority.as_str().to_owned());
        if let Some(host) = host.and_then(|host| host.parse().ok()) {
            request.headers_mut().entry(http::header::HOST).or_insert(host);
        }
        let response = match router.oneshot(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        };
        if let Some(error) = self.take_fault(label, true) {
            return Err(error);
        }
        let (parts, mut body) = response.into_parts();
        let mut collected = BytesMut::new();
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|_cut| FetchError::Interrupted)?;
            if let Ok(data) = frame.into_data() {
                if collected.len() + data.len() > max_response_bytes {
                    return Err(FetchError::TooLarge);
                }
                collected.extend_from_slice(&data);
            }
        }
        Ok(Fetched {
            status: parts.status,
            headers: parts.headers,
            body: collected.freeze(),
            remote: Some(address),
        })
    }
}

/// The address that a host stands for whatever is mounted: a literal, or a loopback name.
fn fixed_address(host: &str) -> Option<IpAddr> {
    if host == "localhost" || host.ends_with(".localhost") {
        return Some(IpAddr::V4(std::net::Ipv4Addr::LOCALHOST));
    }
    host.trim_start_matches('[').trim_end_matches(']').parse().ok()
}

impl Fetch for RouterFetch {
    fn fetch(&self, request: OutboundRequest) -> BoxFuture<'static, Result<Fetched, FetchError>> {
        Box::pin(self.clone().exchange(request))
    }
}

#[cfg(test)]
mod tests {
    use axum::routing::{get, post};
    use http::{Request, StatusCode};

    use super::*;

    fn ask(uri: &str, label: &'static str) -> OutboundRequest {
        OutboundRequest {
            request: Request::get(uri).body(Bytes::new()).unwrap(),
            reach: Reach::PublicOnly,
            max_response_bytes: 5,
            label,
        }
    }

    fn network() -> RouterFetch {
        let router = Router::new()
            .route("/five", get(|| async { "12345" }))
            .route("/six", get(|| async { "123456" }))
            .route("/moved", get(|| async { axum::response::Redirect::to("/five") }))
            .route("/only-post", post(|| async {}));
        let inner = IpAddr::from([10, 0, 0, 5]);
        RouterFetch::new(router.clone()).mount_at("inner.example.com", inner, router)
    }

    #[tokio::test]
    async fn it_has_the_manners_of_the_real_client() {
        for (uri, expected) in [
            ("https://id.example.com/five", Ok(StatusCode::OK)),
            ("https://id.example.com/six", Err(FetchError::TooLarge)),
            ("https://id.example.com/moved", Ok(StatusCode::SEE_OTHER)),
            ("https://inner.example.com/five", Err(FetchError::AddressRefused)),
            ("https://localhost/five", Err(FetchError::AddressRefused)),
            ("https://127.0.0.1/five", Err(FetchError::AddressRefused)),
            ("https://[::1]/five", Err(FetchError::AddressRefused)),
        ] {
            let got = network().fetch(ask(uri, "token")).await;
            assert_eq!(got.map(|fetched| fetched.status), expected, "{uri}");
        }
        let nobody = RouterFetch::unreachable()
            .fetch(ask("https://id.example.com/five", "token"))
            .await;
        assert_eq!(nobody.unwrap_err(), FetchError::Unreachable);
    }

    #[tokio::test]
    async fn faults_strike_as_often_and_where_told() {
        let network = network();
        network.fail_next_of("token", 1, || FetchError::Timeout);
        let five = "https://id.example.com/five";
        assert!(network.fetch(ask(five, "jwks")).await.is_ok());
        assert_eq!(
            network.fetch(ask(five, "token")).await.unwrap_err(),
            FetchError::Timeout
        );
        assert!(network.fetch(ask(five, "token")).await.is_ok());
        network.lose_next_answers_of("token", 1);
        assert_eq!(
            network.fetch(ask(five, "token")).await.unwrap_err(),
            FetchError::Interrupted
        );
        network.fail_next(9, || FetchError::Tls);
        assert_eq!(network.fetch(ask(five, "jwks")).await.unwrap_err(), FetchError::Tls);
        network.heal();
        assert!(network.fetch(ask(five, "jwks")).await.is_ok());
        assert_eq!((network.count("token"), network.count("jwks")), (3, 3));
        assert_eq!(network.calls()[0].uri, five);
    }

    #[tokio::test]
    async fn a_gate_holds_what_it_is_for() {
        let network = network();
        let gate = Gate::closed();
        network.hold(Some("token"), &gate);
        let five = "https://id.example.com/five";
        assert!(network.fetch(ask(five, "jwks")).await.is_ok());
        let held = tokio::spawn(network.fetch(ask(five, "token")));
        gate.arrived(1).await;
        assert!(!held.is_finished());
        gate.open();
        assert!(held.await.unwrap().is_ok());
    }
}
