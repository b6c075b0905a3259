//! A browser and a client in one: keeps the provider's cookie, fills forms, redeems codes.

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{HeaderMap, Method, Request, StatusCode, header},
};
use doorward_crypto::sha256_base64url;
use doorward_dev_provider::{DevProvider, ProviderSettings};
use serde_json::Value;
use tower::ServiceExt as _;
use url::{Url, form_urlencoded};

pub(crate) const ISSUER: &str = "http://localhost:6002";
pub(crate) const REDIRECT_URI: &str = "http://localhost:6001/auth/callback";
pub(crate) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub(crate) const SCOPE: &str = "openid email offline_access";

pub(crate) struct Browser {
    pub(crate) provider: DevProvider,
    router: Router,
    pub(crate) cookie: Option<String>,
}

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Browser {
    pub(crate) fn new(change: impl FnOnce(&mut ProviderSettings)) -> Self {
        let mut settings = ProviderSettings::new(ISSUER).unwrap();
        change(&mut settings);
        Self::of(&DevProvider::new(settings).unwrap())
    }

    /// Another browser at the same provider.
    pub(crate) fn of(provider: &DevProvider) -> Self {
        Self {
            provider: provider.clone(),
            router: provider.router(),
            cookie: None,
        }
    }

    pub(crate) async fn send(&mut self, mut request: Request<Body>) -> Answer {
        if let Some(cookie) = &self.cookie {
            request
                .headers_mut()
                .insert(header::COOKIE, format!("other=1; {cookie}").parse().unwrap());
        }
        if !request.headers().contains_key(header::HOST) {
            request
                .headers_mut()
                .insert(header::HOST, "localhost:6002".parse().unwrap());
        }
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        if let Some(set) = parts.headers.get(header::SET_COOKIE) {
            let pair = set.to_str().unwrap().split(';').next().unwrap();
            self.cookie = (!pair.ends_with('=')).then(|| pair.to_owned());
        }
        let body = String::from_utf8(to_bytes(body, 1 << 20).await.unwrap().to_vec()).unwrap();
        Answer {
            status: parts.status,
            headers: parts.headers,
            body,
        }
    }

    pub(crate) async fn get(&mut self, url: &str) -> Answer {
        self.send(Request::get(url).body(Body::empty()).unwrap()).await
    }

    pub(crate) async fn post(&mut self, path: &str, pairs: &[(&str, &str)]) -> Answer {
        self.post_with(path, pairs, &[]).await
    }

    pub(crate) async fn post_with(&mut self, path: &str, pairs: &[(&str, &str)], headers: &[(&str, &str)]) -> Answer {
        let mut request = Request::builder()
            .method(Method::POST)
            .uri(path)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request.body(Body::from(encode(pairs))).unwrap()).await
    }

    /// Opens the authorization endpoint with the usual request, changed as told.
    pub(crate) async fn authorize(&mut self, changes: &[(&str, &str)]) -> Answer {
        let query = encode(&authorize_params(changes));
        self.get(&format!("/authorize?{query}")).await
    }

    /// Opens the page and presses the button of `email`.
    pub(crate) async fn sign_in(&mut self, email: &str, changes: &[(&str, &str)]) -> Answer {
        let page = self.authorize(changes).await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.body);
        assert!(
            page.body.contains(&format!("name=\"user\" value=\"{email}\"")),
            "{}",
            page.body
        );
        let mut pairs = page.hidden();
        pairs.push(("user".to_owned(), email.to_owned()));
        let pairs: Vec<(&str, &str)> = pairs
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        self.post_with(
            "/authorize/login",
            &pairs,
            &[("sec-fetch-site", "same-origin"), ("origin", ISSUER)],
        )
        .await
    }

    /// Signs in and redeems the code.
    pub(crate) async fn tokens(&mut self, email: &str, changes: &[(&str, &str)]) -> Value {
        let code = self.sign_in(email, changes).await.location_param("code").unwrap();
        let answer = self.redeem(&code).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        answer.json()
    }

    pub(crate) async fn redeem(&mut self, code: &str) -> Answer {
        self.token(&[
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", REDIRECT_URI),
            ("code_verifier", VERIFIER),
        ])
        .await
    }

    pub(crate) async fn refresh(&mut self, refresh_token: &str) -> Answer {
        self.token(&[("grant_type", "refresh_token"), ("refresh_token", refresh_token)])
            .await
    }

    /// Calls the token endpoint as the main client.
    pub(crate) async fn token(&mut self, pairs: &[(&str, &str)]) -> Answer {
        self.as_client("/token", pairs).await
    }

    pub(crate) async fn as_client(&mut self, path: &str, pairs: &[(&str, &str)]) -> Answer {
        let secret = self.provider.client_secret().expose().to_owned();
        let header = basic("doorward-dev", &secret);
        self.post_with(path, pairs, &[("authorization", &header)]).await
    }

    pub(crate) async fn userinfo(&mut self, access_token: &str) -> Answer {
        let request = Request::get("/userinfo").header(header::AUTHORIZATION, format!("Bearer {access_token}"));
        self.send(request.body(Body::empty()).unwrap()).await
    }

    pub(crate) async fn settings(&mut self, settings: Value) -> Answer {
        let request = Request::post("/_control/settings").header(header::CONTENT_TYPE, "application/json");
        self.send(request.body(Body::from(settings.to_string())).unwrap()).await
    }

    /// Checks a signature against the published keys and gives the claims.
    pub(crate) async fn verified(&mut self, token: &str, typ: &'static str) -> Value {
        let jwks = self.get("/jwks").await;
        let keys = doorward_crypto::KeySet::parse(jwks.body.as_bytes()).unwrap();
        let policy = doorward_crypto::JwsPolicy {
            algorithms: &[doorward_crypto::Algorithm::Rs256],
            refused_types: &[],
            required_type: Some(typ),
        };
        Value::Object(doorward_crypto::verify(token, &keys, &policy).unwrap().into_claims())
    }
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map(|value| value.to_str().unwrap())
            .unwrap_or_default()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    /// The error code of a JSON answer.
    pub(crate) fn error(&self) -> String {
        self.json()["error"].as_str().unwrap_or_default().to_owned()
    }

    pub(crate) fn location(&self) -> Url {
        assert!(self.status.is_redirection(), "{} {}", self.status, self.body);
        Url::parse(self.header("location")).unwrap()
    }

    pub(crate) fn location_param(&self, name: &str) -> Option<String> {
        self.location()
            .query_pairs()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.into_owned())
    }

    /// The hidden fields of the page's form.
    pub(crate) fn hidden(&self) -> Vec<(String, String)> {
        let unescape = |text: &str| {
            text.replace("&quot;", "\"")
                .replace("&lt;", "<")
                .replace("&gt;", ">")
                .replace("&#39;", "'")
                .replace("&amp;", "&")
        };
        self.body
            .split("<input type=\"hidden\" name=\"")
            .skip(1)
            .map(|rest| {
                let (name, rest) = rest.split_once("\" value=\"").unwrap();
                (unescape(name), unescape(rest.split_once('"').unwrap().0))
            })
            .collect()
    }
}

pub(crate) fn authorize_params<'a>(changes: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    // The digest of VERIFIER, RFC 7636 Appendix B.
    assert_eq!(
        sha256_base64url(VERIFIER.as_bytes()),
        "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
    );
    let mut pairs = vec![
        ("client_id", "doorward-dev"),
        ("redirect_uri", REDIRECT_URI),
        ("response_type", "code"),
        ("scope", SCOPE),
        ("state", "the state & <more>"),
        ("nonce", "the-nonce"),
        ("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"),
        ("code_challenge_method", "S256"),
    ];
    for (name, value) in changes {
        pairs.retain(|(known, _)| known != name);
        pairs.push((name, value));
    }
    pairs
}

pub(crate) fn encode(pairs: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new())
        .extend_pairs(pairs)
        .finish()
}

pub(crate) fn basic(client_id: &str, secret: &str) -> String {
    let form = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let credentials = format!("{}:{}", form(client_id), form(secret));
    format!("Basic {}", base64_simd::STANDARD.encode_to_string(credentials))
}
