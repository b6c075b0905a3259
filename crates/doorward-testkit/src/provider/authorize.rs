//! The authorization endpoint: strict towards the request, scripted towards the answer.

use axum::response::Response;
use http::{HeaderValue, Method, StatusCode, header};

use super::script::Delivery;
use super::serve::{plain, redirect};
use super::{CodeGrant, Grant, Recorded, ScriptedProvider};

impl ScriptedProvider {
    pub(super) fn authorize(&self, request: &Recorded) -> Response {
        match self.authorization_response(request) {
            Ok(response) => response,
            Err(reason) => plain(StatusCode::BAD_REQUEST, reason),
        }
    }

    fn authorization_response(&self, request: &Recorded) -> Result<Response, &'static str> {
        if request.method != Method::GET {
            return Err("the authorization request is no GET");
        }
        let params = request.params();
        let mut names: Vec<&str> = params.iter().map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        if names.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err("a parameter was given twice");
        }
        let optional = |name: &str| {
            let found = params.iter().find(|(other, _)| other == name);
            found.map(|(_, value)| value.clone())
        };
        let required = |name: &str, fault: &'static str| optional(name).filter(|value| !value.is_empty()).ok_or(fault);
        if required("response_type", "no response_type")? != "code" {
            return Err("response_type is not code");
        }
        let client_id = required("client_id", "no client_id")?;
        if !self.state().clients.contains_key(&client_id) {
            return Err("unknown client");
        }
        let redirect_uri = required("redirect_uri", "no redirect_uri")?;
        let state = required("state", "no state")?;
        let nonce = required("nonce", "no nonce")?;
        let scope = required("scope", "no scope")?;
        if !scope.split(' ').any(|word| word == "openid") {
            return Err("scope lacks openid");
        }
        let challenge = required("code_challenge", "no code_challenge")?;
        if required("code_challenge_method", "no code_challenge_method")? != "S256" {
            return Err("code_challenge_method is not S256");
        }
        if challenge.len() != 43 {
            return Err("code_challenge is no SHA-256");
        }
        let silent = optional("prompt").as_deref() == Some("none");
        let acr = optional("acr_values").and_then(|list| list.split(' ').next().map(str::to_owned));

        let script = self.script(|script| script.clone());
        let how = script.authorization;
        let refused = match how.error {
            Some(error) => Some(error),
            None => (silent && how.nobody_signed_in).then(|| "login_required".to_owned()),
        };
        let mut answer = match refused {
            Some(error) => vec![("error".to_owned(), error)],
            None => {
                let grant = Grant {
                    client_id,
                    subject: script.subject,
                    claims: script.claims,
                    scope,
                    nonce: Some(nonce),
                    auth_time: self.now().saturating_sub(script.authenticated_ago.as_secs()),
                    acr,
                    session_id: self.inner.random.hex(),
                };
                let code = self.mint("code");
                let kept = CodeGrant {
                    grant,
                    redirect_uri: redirect_uri.clone(),
                    challenge,
                    used: false,
                };
                self.state().codes.insert(code.clone(), kept);
                vec![("code".to_owned(), code)]
            }
        };
        answer.push(("state".to_owned(), state));
        answer.push(("iss".to_owned(), self.issuer().to_owned()));
        if let Some(edit) = &how.params {
            edit(&mut answer);
        }
        let asks_form = optional("response_mode").as_deref() == Some("form_post");
        let delivery = match how.delivery {
            Delivery::AsAsked if asks_form => Delivery::FormPost,
            Delivery::AsAsked => Delivery::Query,
            told => told,
        };
        deliver(delivery, &redirect_uri, &answer)
    }
}

fn deliver(delivery: Delivery, redirect_uri: &str, answer: &[(String, String)]) -> Result<Response, &'static str> {
    let mut target: url::Url = redirect_uri.parse().map_err(|_| "redirect_uri is no address")?;
    match delivery {
        Delivery::FormPost => Ok(form_page(target.as_str(), answer)),
        Delivery::Fragment => {
            let mut fragment = url::form_urlencoded::Serializer::new(String::new());
            fragment.extend_pairs(answer);
            target.set_fragment(Some(&fragment.finish()));
            Ok(redirect(target.as_str()))
        }
        _ => {
            target.query_pairs_mut().extend_pairs(answer);
            Ok(redirect(target.as_str()))
        }
    }
}

/// OAuth 2.0 Form Post Response Mode.
fn form_page(action: &str, fields: &[(String, String)]) -> Response {
    let inputs: String = fields
        .iter()
        .map(|(name, value)| {
            let (name, value) = (escape(name), escape(value));
            format!("<input type=\"hidden\" name=\"{name}\" value=\"{value}\">")
        })
        .collect();
    let action = escape(action);
    let html = format!(
        "<!doctype html><title>Signing in</title><form method=\"post\" action=\"{action}\">{inputs}<button>Go on</button></form>"
    );
    let mut response = plain(StatusCode::OK, &html);
    let html = HeaderValue::from_static("text/html; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, html);
    response
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('"', "&quot;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}
