//! From a request to a scripted answer.

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use bytes::Bytes;
use futures_util::stream::{self, Stream, StreamExt as _};
use http::header::{self, HeaderName};
use http::{HeaderValue, Method, StatusCode};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};

use super::answer::{Answer, Body as Script};
use super::script::IdTokenScript;
use super::{Endpoint, Recorded, Rotation, ScriptedProvider};

/// The longest request body that is read.
const LONGEST_BODY: usize = 256 * 1024;

impl ScriptedProvider {
    pub(super) async fn serve(self, endpoint: Endpoint, request: Request) -> Response {
        let (parts, body) = request.into_parts();
        let body = http_body_util::Limited::new(body, LONGEST_BODY);
        let Ok(body) = body.collect().await else {
            return plain(StatusCode::PAYLOAD_TOO_LARGE, "request body is too large");
        };
        let recorded = Recorded {
            endpoint,
            method: parts.method,
            uri: parts.uri,
            headers: parts.headers,
            body: body.to_bytes(),
        };
        self.state().recorded.push(recorded.clone());
        match endpoint {
            Endpoint::Discovery => {
                let answer = self.script(|script| script.discovery.next());
                self.answer(answer, "application/json", || (StatusCode::OK, self.metadata()))
                    .await
            }
            Endpoint::Jwks => {
                let answer = self.script(|script| script.jwks.next());
                if self.script(|script| script.keys.rotate_before_each_answer) {
                    self.rotate_keys(false);
                }
                self.answer(answer, "application/json", || self.key_set()).await
            }
            Endpoint::Authorize => self.authorize(&recorded),
            Endpoint::Token => self.token(&recorded).await,
            Endpoint::Userinfo => self.userinfo(&recorded).await,
            Endpoint::Revocation => {
                let answer = self.script(|script| script.revocation.next());
                self.answer(answer, "application/json", || self.revoke(&recorded)).await
            }
            Endpoint::EndSession => end_session(&recorded),
            Endpoint::Elsewhere => plain(StatusCode::NOT_FOUND, "no such endpoint"),
        }
    }

    /// Answers as scripted; `act` does the endpoint's part and says what would be correct.
    pub(super) async fn answer(
        &self,
        answer: Answer,
        content_type: &str,
        act: impl FnOnce() -> (StatusCode, Value),
    ) -> Response {
        if let Some(gate) = &answer.before {
            gate.pass().await;
        }
        let (status, mut value) = if answer.idle {
            (StatusCode::OK, Value::Null)
        } else {
            act()
        };
        if let Some(gate) = &answer.after {
            gate.pass().await;
        }
        let body = match answer.body {
            Script::Correct if value.is_null() => Body::empty(),
            Script::Correct => Body::from(text_of(&value)),
            Script::Edited(edit) => {
                edit(&mut value);
                Body::from(text_of(&value))
            }
            Script::Rewritten(edit) => Body::from(edit(text_of(&value))),
            Script::Raw(bytes) => Body::from(bytes),
            Script::Cut(bytes) => Body::from_stream(cut(bytes)),
            Script::Endless => Body::from_stream(endless()),
        };
        let mut response = Response::new(body);
        *response.status_mut() = answer.status.unwrap_or(status);
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_str(content_type).unwrap());
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"id\""));
        }
        for (name, value) in &answer.headers {
            let name: HeaderName = name.parse().expect("a header name");
            headers.insert(name, HeaderValue::from_str(value).expect("a header value"));
        }
        response
    }

    /// The metadata of a correct provider.
    #[must_use]
    pub fn metadata(&self) -> Value {
        let issuer = self.issuer();
        let base = issuer.trim_end_matches('/');
        json!({
            "issuer": issuer,
            "authorization_endpoint": format!("{base}/authorize"),
            "token_endpoint": format!("{base}/token"),
            "jwks_uri": format!("{base}/jwks"),
            "userinfo_endpoint": format!("{base}/userinfo"),
            "revocation_endpoint": format!("{base}/revoke"),
            "end_session_endpoint": format!("{base}/logout"),
            "response_types_supported": ["code"],
            "response_modes_supported": ["query", "form_post"],
            "grant_types_supported": ["authorization_code", "refresh_token"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": [self.algorithm().name()],
            "scopes_supported": ["openid", "offline_access", "email", "profile"],
            "token_endpoint_auth_methods_supported":
                ["client_secret_basic", "client_secret_post", "private_key_jwt", "none"],
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": true,
        })
    }

    fn key_set(&self) -> (StatusCode, Value) {
        let state = self.state();
        let decoys = state.script.keys.decoys.iter().cloned();
        let right = state.keys.published.iter().map(|key| key.public_jwk());
        (StatusCode::OK, json!({"keys": decoys.chain(right).collect::<Vec<_>>()}))
    }

    async fn userinfo(&self, request: &Recorded) -> Response {
        let (answer, signed) = self.script(|script| (script.userinfo.answer.next(), script.userinfo.signed.clone()));
        let content_type = if signed.is_some() {
            "application/jwt"
        } else {
            "application/json"
        };
        self.answer(answer, content_type, || self.user_claims(request, signed.as_ref()))
            .await
    }

    fn user_claims(&self, request: &Recorded, signed: Option<&IdTokenScript>) -> (StatusCode, Value) {
        // RFC 6750 section 2.1; a token in the query or in a body is not looked at.
        let value = request.headers.get(header::AUTHORIZATION).map(HeaderValue::as_bytes);
        let token = value.and_then(|value| value.strip_prefix(b"Bearer "));
        let token = token.map(|token| String::from_utf8_lossy(token).into_owned());
        let grant = token.and_then(|token| self.state().access_tokens.get(&token).cloned());
        let Some(grant) = grant else {
            return (StatusCode::UNAUTHORIZED, json!({"error": "invalid_token"}));
        };
        let mut claims = grant.claims;
        claims.insert("sub".to_owned(), grant.subject.into());
        let Some(script) = signed else {
            return (StatusCode::OK, Value::Object(claims));
        };
        claims.insert("iss".to_owned(), self.issuer().into());
        claims.insert("aud".to_owned(), grant.client_id.into());
        let token = self.signed(script, "JWT", Value::Object(claims));
        (StatusCode::OK, Value::String(token))
    }

    /// RFC 7009: a refresh token goes with every token of its login.
    fn revoke(&self, request: &Recorded) -> (StatusCode, Value) {
        let client = match self.authenticate(request) {
            Ok(client) => client,
            Err(reason) => return client_refused(reason),
        };
        let token = request.param("token").unwrap_or_default();
        let mut state = self.state();
        state.access_tokens.remove(&token);
        let found = state.refresh_tokens.get(&token);
        if let Some(family) = found
            .filter(|found| found.grant.client_id == client)
            .map(|found| found.family)
        {
            state.revoked_families.insert(family);
        }
        (StatusCode::OK, Value::Null)
    }

    /// Whether use of a refresh token spends it.
    pub(super) fn spends_refresh_tokens(&self) -> bool {
        let rotation = self.script(|script| script.rotation);
        matches!(rotation, Rotation::Rotate | Rotation::ReuseDetection)
    }
}

pub(super) fn client_refused(reason: &str) -> (StatusCode, Value) {
    (
        StatusCode::UNAUTHORIZED,
        json!({"error": "invalid_client", "error_description": reason}),
    )
}

pub(super) fn plain(status: StatusCode, text: &str) -> Response {
    let mut response = Response::new(Body::from(text.to_owned()));
    *response.status_mut() = status;
    response
}

pub(super) fn redirect(location: &str) -> Response {
    let mut response = plain(StatusCode::FOUND, "");
    let location = HeaderValue::from_str(location).expect("an address that fits into a header");
    response.headers_mut().insert(header::LOCATION, location);
    response
}

/// OpenID Connect RP-Initiated Logout: back to where the client asked, with its state.
fn end_session(request: &Recorded) -> Response {
    if request.method != Method::GET && request.method != Method::POST {
        return plain(StatusCode::METHOD_NOT_ALLOWED, "GET or POST");
    }
    let Some(back) = request.param("post_logout_redirect_uri") else {
        return plain(StatusCode::OK, "signed out");
    };
    let Ok(mut back) = back.parse::<url::Url>() else {
        return plain(StatusCode::BAD_REQUEST, "post_logout_redirect_uri is no address");
    };
    if let Some(state) = request.param("state") {
        back.query_pairs_mut().append_pair("state", &state);
    }
    redirect(back.as_str())
}

/// A signed answer is the token itself; everything else is JSON.
fn text_of(value: &Value) -> String {
    match value {
        Value::String(token) => token.clone(),
        value => value.to_string(),
    }
}

type Chunk = Result<Bytes, std::io::Error>;

fn cut(bytes: Bytes) -> impl Stream<Item = Chunk> {
    let broken = std::io::Error::from(std::io::ErrorKind::ConnectionReset);
    stream::iter([Ok(bytes), Err(broken)])
}

fn endless() -> impl Stream<Item = Chunk> {
    // Lets others run between two chunks, so that a reader without a limit can still be stopped.
    stream::repeat(Bytes::from_static(&[b' '; 16 * 1024])).then(|chunk| async {
        tokio::task::yield_now().await;
        Ok(chunk)
    })
}
