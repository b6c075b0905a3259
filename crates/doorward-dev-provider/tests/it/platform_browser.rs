//! A browser and a client at the platform's hosts: cookies are kept by host, redirects are followed by hand.

use std::collections::BTreeMap;

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{Method, Request, StatusCode, header},
};
use doorward_dev_provider::{DevProvider, PlatformSettings, ProviderSettings};
use serde_json::Value;
use tower::ServiceExt as _;
use url::Url;

use crate::browser::{Answer, ISSUER, REDIRECT_URI, VERIFIER, authorize_params, basic, encode};

pub(crate) const APPLICATION: &str = "app.localhost:6002";
pub(crate) const ACME: &str = "acme-app.localhost:6002";
pub(crate) const GLOBEX: &str = "globex-app.localhost:6002";
pub(crate) const ACME_DOMAIN: &str = "login-acme.localhost:6002";
pub(crate) const AUTHORIZE: &str = "/api/v1/oauth2/authorize";
pub(crate) const TOKEN: &str = "/api/v1/oauth2/token";

pub(crate) struct PlatformBrowser {
    pub(crate) provider: DevProvider,
    router: Router,
    pub(crate) cookies: BTreeMap<String, String>,
}

impl PlatformBrowser {
    pub(crate) fn new(change: impl FnOnce(&mut PlatformSettings)) -> Self {
        let mut platform = PlatformSettings::default();
        change(&mut platform);
        let settings = ProviderSettings::new(ISSUER).unwrap().platform(platform);
        let provider = DevProvider::new(settings).unwrap();
        Self {
            router: provider.router(),
            provider,
            cookies: BTreeMap::new(),
        }
    }

    pub(crate) async fn send(&mut self, host: &str, mut request: Request<Body>) -> Answer {
        request.headers_mut().insert(header::HOST, host.parse().unwrap());
        if let Some(cookie) = self.cookies.get(host) {
            request.headers_mut().insert(header::COOKIE, cookie.parse().unwrap());
        }
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        if let Some(set) = parts.headers.get(header::SET_COOKIE) {
            let set = set.to_str().unwrap();
            assert!(!set.contains("Domain="), "{set}");
            let pair = set.split(';').next().unwrap();
            if pair.ends_with('=') {
                self.cookies.remove(host);
            } else {
                self.cookies.insert(host.to_owned(), pair.to_owned());
            }
        }
        let body = to_bytes(body, 1 << 20).await.unwrap_or_else(|_| "broken off".into());
        Answer {
            status: parts.status,
            headers: parts.headers,
            body: String::from_utf8(body.to_vec()).unwrap(),
        }
    }

    pub(crate) async fn get(&mut self, host: &str, path: &str) -> Answer {
        self.send(host, Request::get(path).body(Body::empty()).unwrap()).await
    }

    /// Follows one redirect to the platform.
    pub(crate) async fn follow(&mut self, answer: &Answer) -> Answer {
        let url = answer.location();
        let host = format!("{}:{}", url.host_str().unwrap(), url.port().unwrap());
        self.get(&host, &url[url::Position::BeforePath..]).await
    }

    pub(crate) async fn post(
        &mut self,
        host: &str,
        path: &str,
        pairs: &[(&str, &str)],
        headers: &[(&str, &str)],
    ) -> Answer {
        let mut request = Request::builder()
            .method(Method::POST)
            .uri(path)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(host, request.body(Body::from(encode(pairs))).unwrap()).await
    }

    pub(crate) async fn authorize(&mut self, host: &str, changes: &[(&str, &str)]) -> Answer {
        let query = encode(&authorize_params(changes));
        self.get(host, &format!("{AUTHORIZE}?{query}")).await
    }

    /// Opens the login page of an authorization request.
    pub(crate) async fn login_page(&mut self, host: &str, changes: &[(&str, &str)]) -> Answer {
        let answer = self.authorize(host, changes).await;
        assert_eq!(answer.location().path(), "/login", "{}", answer.location());
        let page = self.follow(&answer).await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.body);
        page
    }

    /// Presses the button of `email` on a login page, whether or not it is there.
    pub(crate) async fn press(&mut self, host: &str, page: &Answer, email: &str) -> Answer {
        let mut pairs = page.hidden();
        pairs.push(("user".to_owned(), email.to_owned()));
        let pairs: Vec<(&str, &str)> = pairs
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        let origin = format!("http://{host}");
        self.post(host, "/login", &pairs, &[("origin", &origin)]).await
    }

    pub(crate) async fn sign_in(&mut self, host: &str, email: &str, changes: &[(&str, &str)]) -> Answer {
        let page = self.login_page(host, changes).await;
        self.press(host, &page, email).await
    }

    pub(crate) async fn tokens(&mut self, host: &str, email: &str, changes: &[(&str, &str)]) -> Value {
        let code = self.sign_in(host, email, changes).await.location_param("code").unwrap();
        let answer = self.redeem(&code, REDIRECT_URI).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        answer.json()
    }

    pub(crate) async fn redeem(&mut self, code: &str, redirect_uri: &str) -> Answer {
        let pairs = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", redirect_uri),
            ("code_verifier", VERIFIER),
        ];
        self.as_client(TOKEN, &pairs).await
    }

    pub(crate) async fn as_client(&mut self, path: &str, pairs: &[(&str, &str)]) -> Answer {
        let header = self.basic();
        self.post(APPLICATION, path, pairs, &[("authorization", &header)]).await
    }

    pub(crate) fn basic(&self) -> String {
        basic("doorward-dev", self.provider.client_secret().expose())
    }

    pub(crate) async fn userinfo(&mut self, access_token: &str) -> Answer {
        let request =
            Request::get("/api/v1/oauth2/userinfo").header(header::AUTHORIZATION, format!("Bearer {access_token}"));
        self.send(APPLICATION, request.body(Body::empty()).unwrap()).await
    }

    pub(crate) async fn post_json(&mut self, path: &str, body: &Value) -> Answer {
        let request = Request::post(path).header(header::CONTENT_TYPE, "application/json");
        self.send(APPLICATION, request.body(Body::from(body.to_string())).unwrap())
            .await
    }

    pub(crate) async fn settings(&mut self, settings: Value) -> Answer {
        self.post_json("/_control/settings", &settings).await
    }

    pub(crate) async fn set(&mut self, settings: Value) {
        let answer = self.settings(settings).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    }

    pub(crate) async fn sdk_configuration(&mut self) -> Answer {
        self.get(APPLICATION, "/api/v1/clients/doorward-dev/sdk-configuration")
            .await
    }

    /// Checks a signature against the published keys and gives the claims.
    pub(crate) async fn verified(&mut self, token: &Value, typ: &'static str) -> Value {
        let jwks = self.get(APPLICATION, "/api/v1/oauth2/jwks").await;
        let keys = doorward_crypto::KeySet::parse(jwks.body.as_bytes()).unwrap();
        let policy = doorward_crypto::JwsPolicy {
            algorithms: &[doorward_crypto::Algorithm::Rs256],
            refused_types: &[],
            required_type: Some(typ),
        };
        let payload = doorward_crypto::verify(token.as_str().unwrap(), &keys, &policy).unwrap();
        Value::Object(payload.into_claims())
    }
}

/// The URL without its query.
pub(crate) fn place(url: &Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    url.to_string()
}
