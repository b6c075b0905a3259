//! Bearer tokens against scripted providers: who is let in, and what it costs the provider.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod introspected;
mod outages;
mod remembered;
mod settings;
mod signed;

use std::sync::Mutex;

use doorward_core::OutboundRequest;
use doorward_core::ports::{Fetch, FetchError, Fetched};
use doorward_crypto::{SystemRandom, base64url_encode};
use doorward_testkit::{CLIENT_ID, CLIENT_SECRET, FixedClock, RouterFetch, ScriptedProvider, TokioTestTasks};
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde_json::json;

use super::*;
use crate::settings::Provider;
use crate::settings_bearer::BearerTokens;

const ISSUER: &str = "https://id.example.com";
const OTHER_ISSUER: &str = "https://other.example.com";
const API: &str = "https://api.example.com";

/// What the introspection endpoint says.
type Answer = Arc<dyn Fn() -> Result<(u16, Value), FetchError> + Send + Sync>;

/// The network, with an introspection endpoint that scripted providers lack.
#[derive(Clone)]
struct Network {
    routers: RouterFetch,
    introspection: Arc<Mutex<(usize, Answer)>>,
}

impl Network {
    fn introspected(&self) -> usize {
        self.introspection.lock().unwrap().0
    }

    fn outbound(&self) -> usize {
        self.routers.calls().len() + self.introspected()
    }
}

impl Fetch for Network {
    fn fetch(&self, request: OutboundRequest) -> BoxFuture<'static, Result<Fetched, FetchError>> {
        if request.label != "introspection" {
            return self.routers.fetch(request);
        }
        let answer = {
            let mut introspection = self.introspection.lock().unwrap();
            introspection.0 += 1;
            (introspection.1)()
        };
        Box::pin(async move {
            // Somebody else comes first, as on a real network.
            tokio::task::yield_now().await;
            let (status, body) = answer?;
            let mut headers = HeaderMap::new();
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            Ok(Fetched {
                status: StatusCode::from_u16(status).unwrap(),
                headers,
                body: body.to_string().into(),
                remote: None,
            })
        })
    }
}

struct Fixture {
    clock: FixedClock,
    provider: ScriptedProvider,
    other: ScriptedProvider,
    network: Network,
    ports: Ports,
    tasks: TokioTestTasks,
    verifier: Arc<BearerVerifier>,
}

fn state(issuer: &str) -> Arc<ProviderState> {
    let settings = Provider::oidc(issuer, CLIENT_ID, CLIENT_SECRET).checked().unwrap();
    Arc::new(ProviderState::new(settings).unwrap())
}

impl Fixture {
    /// One provider, and another issuer whose tokens are accepted too.
    fn new() -> Self {
        Self::with(BearerTokens::new().audience(API).issuers([OTHER_ISSUER]))
    }

    fn with(bearer: BearerTokens) -> Self {
        let clock = FixedClock::default();
        let provider = ScriptedProvider::new(ISSUER, clock.clone());
        let other = ScriptedProvider::new(OTHER_ISSUER, clock.clone());
        let endpoint = format!("{ISSUER}/introspect");
        provider.script(|script| {
            script.discovery = doorward_testkit::Answer::correct().with("introspection_endpoint", endpoint.clone());
        });
        let routers = RouterFetch::unreachable()
            .mount("id.example.com", provider.router())
            .mount("other.example.com", other.router());
        let inactive: Answer = Arc::new(|| Ok((200, json!({"active": false}))));
        let network = Network {
            routers,
            introspection: Arc::new(Mutex::new((0, inactive))),
        };
        let tasks = TokioTestTasks::new();
        let ports = Ports {
            clock: Arc::new(clock.clone()),
            random: Arc::new(SystemRandom),
            fetch: Arc::new(network.clone()),
            tasks: Arc::new(tasks.clone()),
        };
        let verifier = Arc::new(bearer.checked(&[state(ISSUER)]).unwrap());
        Self {
            clock,
            provider,
            other,
            network,
            ports,
            tasks,
            verifier,
        }
    }

    fn claims(&self, issuer: &str, lifetime: u64) -> Value {
        let now = self.clock.seconds();
        json!({
            "iss": issuer, "aud": API, "sub": "alice", "client_id": "spa", "jti": "1", "scope": "orders:read",
            "iat": now, "exp": now + lifetime, "roles": ["admin"], "tenant": "acme",
        })
    }

    /// A good token of the provider, an hour long.
    fn token(&self) -> String {
        self.provider.sign("at+jwt", &self.claims(ISSUER, 3_600))
    }

    /// A token that names a key nobody has.
    fn with_kid(&self, kid: &str) -> String {
        let good = self.token();
        let (_, rest) = good.split_once('.').unwrap();
        let header = json!({"alg": "ES256", "kid": kid, "typ": "at+jwt"}).to_string();
        format!("{}.{rest}", base64url_encode(header.as_bytes()))
    }

    fn begin(&self, raw: &str) -> Judging {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, format!("Bearer {raw}").parse().unwrap());
        let bearer = BearerToken::from_headers(&headers).unwrap().unwrap();
        self.verifier.judge(&self.ports, &bearer)
    }

    async fn judged(&self, raw: &str) -> Judged {
        match self.begin(raw) {
            Judging::Ready(judged) => judged,
            Judging::Wait(judging) => judging.await,
        }
    }

    /// What is said at once; `None` where somebody has to be asked.
    fn at_once(&self, raw: &str) -> Option<Judged> {
        match self.begin(raw) {
            Judging::Ready(judged) => Some(judged),
            Judging::Wait(_) => None,
        }
    }

    async fn refused(&self, raw: &str) -> Option<BearerRefused> {
        self.judged(raw).await.err()
    }

    fn advance(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    fn answer(&self, answer: impl Fn() -> Result<(u16, Value), FetchError> + Send + Sync + 'static) {
        self.network.introspection.lock().unwrap().1 = Arc::new(answer);
    }

    fn jwks_fetches(&self) -> usize {
        self.network.routers.count("jwks")
    }
}

fn is_unavailable(refused: Option<BearerRefused>) -> bool {
    matches!(refused, Some(BearerRefused::Unavailable { retry_after }) if !retry_after.is_zero())
}
