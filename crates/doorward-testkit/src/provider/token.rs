//! The token endpoint.

use axum::response::Response;
use http::{Method, StatusCode, header};
use serde_json::{Value, json};

use super::keys::sha256;
use super::script::{Rotation, TokenScript};
use super::serve::client_refused;
use super::{Grant, Recorded, RefreshGrant, ScriptedProvider};

type Outcome = (StatusCode, Value);

impl ScriptedProvider {
    pub(super) async fn token(&self, request: &Recorded) -> Response {
        let params = request.params();
        let grant_type = params.iter().find(|(name, _)| name == "grant_type");
        let is_refresh = grant_type.is_some_and(|(_, value)| value == "refresh_token");
        let (answer, script) = self.script(|script| {
            let script = if is_refresh {
                &mut script.refresh
            } else {
                &mut script.token
            };
            (script.answer.next(), script.clone())
        });
        let act = || match self.grant_tokens(request, &script) {
            Ok(response) => (StatusCode::OK, response),
            Err(refused) => refused,
        };
        self.answer(answer, "application/json", act).await
    }

    fn grant_tokens(&self, request: &Recorded, script: &TokenScript) -> Result<Value, Outcome> {
        if request.method != Method::POST || request.uri.query().is_some() {
            return Err(refused("invalid_request", "a POST without a query"));
        }
        let form_type = "application/x-www-form-urlencoded";
        let content_type = request.headers.get(header::CONTENT_TYPE);
        if content_type.is_none_or(|value| !value.as_bytes().starts_with(form_type.as_bytes())) {
            return Err(refused("invalid_request", "not a form"));
        }
        let params = request.params();
        let mut names: Vec<&str> = params.iter().map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        if names.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err(refused("invalid_request", "a parameter was given twice"));
        }
        let client = self.authenticate(request).map_err(client_refused)?;
        let required = |name: &str| {
            request
                .param(name)
                .ok_or_else(|| refused("invalid_request", "a parameter is missing"))
        };
        match required("grant_type")?.as_str() {
            "authorization_code" => {
                let code = required("code")?;
                let verifier = required("code_verifier")?;
                let redirect_uri = required("redirect_uri")?;
                let grant = self.redeem_code(&client, &code, &verifier, &redirect_uri)?;
                let refresh = self.first_refresh_token(&grant);
                Ok(self.tokens(script, &grant, refresh))
            }
            "refresh_token" => {
                let (grant, next) = self.use_refresh_token(&client, &required("refresh_token")?)?;
                Ok(self.tokens(script, &grant, next))
            }
            _ => Err(refused("unsupported_grant_type", "neither code nor refresh token")),
        }
    }

    fn redeem_code(&self, client: &str, code: &str, verifier: &str, redirect_uri: &str) -> Result<Grant, Outcome> {
        let fault = |why| refused("invalid_grant", why);
        let mut state = self.state();
        let kept = state.codes.get_mut(code).ok_or_else(|| fault("unknown code"))?;
        if kept.used {
            return Err(fault("code was used before"));
        }
        kept.used = true;
        if kept.grant.client_id != client {
            return Err(fault("code of another client"));
        }
        if kept.redirect_uri != redirect_uri {
            return Err(fault("another redirect_uri than at the authorization request"));
        }
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        if !(43..=128).contains(&verifier.len()) || !verifier.bytes().all(allowed) {
            return Err(fault("code_verifier breaks RFC 7636 section 4.1"));
        }
        if sha256(verifier) != kept.challenge {
            return Err(fault("code_verifier does not fit the challenge"));
        }
        Ok(kept.grant.clone())
    }

    fn first_refresh_token(&self, grant: &Grant) -> Option<String> {
        let asked = grant.scope.split(' ').any(|word| word == "offline_access");
        if !asked || !self.script(|script| script.issue_refresh_tokens) {
            return None;
        }
        let family = {
            let mut state = self.state();
            state.families += 1;
            state.families
        };
        Some(self.new_refresh_token(grant, family))
    }

    fn new_refresh_token(&self, grant: &Grant, family: usize) -> String {
        let token = self.mint("rt");
        let kept = RefreshGrant {
            // OpenID Connect Core 12.2: a refreshed ID token should not have a nonce.
            grant: Grant {
                nonce: None,
                ..grant.clone()
            },
            family,
            used: false,
        };
        self.state().refresh_tokens.insert(token.clone(), kept);
        token
    }

    fn use_refresh_token(&self, client: &str, token: &str) -> Result<(Grant, Option<String>), Outcome> {
        let fault = |why| refused("invalid_grant", why);
        let rotation = self.script(|script| script.rotation);
        let spends = self.spends_refresh_tokens();
        let (grant, family) = {
            let mut state = self.state();
            let state = &mut *state;
            let kept = state
                .refresh_tokens
                .get_mut(token)
                .ok_or_else(|| fault("unknown token"))?;
            if kept.grant.client_id != client {
                return Err(fault("token of another client"));
            }
            if state.revoked_families.contains(&kept.family) {
                return Err(fault("token was revoked"));
            }
            if kept.used && spends {
                if rotation == Rotation::ReuseDetection {
                    state.revoked_families.insert(kept.family);
                }
                return Err(fault("token was used before"));
            }
            kept.used = spends;
            (kept.grant.clone(), kept.family)
        };
        let next = match rotation {
            Rotation::Off => None,
            Rotation::Same => Some(token.to_owned()),
            Rotation::Rotate | Rotation::ReuseDetection => Some(self.new_refresh_token(&grant, family)),
        };
        // Claims of today, not of the day of the login: roles may have changed.
        let claims = self.script(|script| script.claims.clone());
        Ok((Grant { claims, ..grant }, next))
    }
}

fn refused(code: &str, why: &str) -> Outcome {
    (
        StatusCode::BAD_REQUEST,
        json!({"error": code, "error_description": why}),
    )
}
