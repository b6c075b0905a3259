//! What `/_control/settings` can change of the platform.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::Platform;
use crate::{
    control::{unknown, wrong},
    oauth_error::OAuthError,
    provider::DevProvider,
};

/// Most claims that can be changed in one place, and most domains that can be judged by hand.
const MAX_ENTRIES: usize = 64;

/// What becomes of a session that is older than the request allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum MaxAgeExceeded {
    /// The client is told `login_required`.
    #[default]
    LoginRequired,
    /// The person signs in again.
    SignIn,
}

/// Claims given another value, or left out where the value is null.
pub(crate) type ClaimChanges = Map<String, Value>;

/// The platform's part of the settings.
#[derive(Debug, Clone, Default)]
pub(crate) struct PlatformKnobs {
    /// The SDK configuration as answered. Where its members have the right type, the platform acts on them.
    pub(crate) sdk_configuration: Map<String, Value>,
    /// Domains that are judged otherwise than by the tenants' own.
    pub(crate) custom_domains: BTreeMap<String, bool>,
    pub(crate) access_token_claims: ClaimChanges,
    pub(crate) id_token_claims: ClaimChanges,
    pub(crate) userinfo_claims: ClaimChanges,
    /// Whether the application's login page sends people on with `tenant_custom_domain`.
    pub(crate) hand_over_custom_domain: bool,
    /// Whether codes and refresh tokens end in characters that have to be encoded.
    pub(crate) special_characters: bool,
    pub(crate) max_age_exceeded: MaxAgeExceeded,
}

impl PlatformKnobs {
    pub(crate) fn new(platform: &Platform) -> Self {
        Self {
            sdk_configuration: platform.sdk_configuration().clone(),
            ..Self::default()
        }
    }

    pub(crate) fn custom_domain_active(&self) -> bool {
        self.is_on("isApplicationCustomDomainActive")
    }

    pub(crate) fn application_authorization(&self) -> bool {
        self.is_on("applicationAuthorizationRequestsEnabled")
    }

    pub(crate) fn login_url(&self) -> Option<&str> {
        self.sdk_configuration.get("loginUrl").and_then(Value::as_str)
    }

    fn is_on(&self, member: &str) -> bool {
        self.sdk_configuration.get(member) == Some(&Value::Bool(true))
    }

    /// Takes over the object `platform` of the settings; a null takes all changes of that kind back.
    pub(crate) fn change(&mut self, provider: &DevProvider, name: &str, value: Value) -> Result<(), OAuthError> {
        let Value::Object(members) = value else {
            return Err(wrong(name, "an object"));
        };
        for (member, value) in members {
            let path = format!("{name}.{member}");
            match member.as_str() {
                "sdk_configuration" => {
                    let original = provider.platform().map(Platform::sdk_configuration);
                    change_members(&mut self.sdk_configuration, original, &path, value)?;
                }
                "custom_domains" => self.change_custom_domains(&path, value)?,
                "claims" => self.change_claims(&path, value)?,
                "hand_over_custom_domain" => self.hand_over_custom_domain = flag(&path, &value)?,
                "special_characters" => self.special_characters = flag(&path, &value)?,
                "max_age_exceeded" => {
                    self.max_age_exceeded =
                        serde_json::from_value(value).map_err(|_| wrong(&path, "\"login_required\" or \"sign_in\""))?;
                }
                _ => return Err(unknown(&path)),
            }
        }
        Ok(())
    }

    pub(crate) fn to_json(&self) -> Value {
        json!({
            "sdk_configuration": self.sdk_configuration,
            "custom_domains": self.custom_domains,
            "claims": {
                "access_token": self.access_token_claims,
                "id_token": self.id_token_claims,
                "userinfo": self.userinfo_claims,
            },
            "hand_over_custom_domain": self.hand_over_custom_domain,
            "special_characters": self.special_characters,
            "max_age_exceeded": self.max_age_exceeded,
        })
    }

    /// `{"login-acme.localhost": false}`; null for one domain takes the judgement back.
    fn change_custom_domains(&mut self, path: &str, value: Value) -> Result<(), OAuthError> {
        let members = match value {
            Value::Null => {
                self.custom_domains.clear();
                return Ok(());
            }
            Value::Object(members) => members,
            _ => return Err(wrong(path, "an object or null")),
        };
        for (domain, value) in members {
            match value {
                Value::Null => drop(self.custom_domains.remove(&domain)),
                Value::Bool(valid) => drop(self.custom_domains.insert(domain.to_ascii_lowercase(), valid)),
                _ => return Err(wrong(&format!("{path}.{domain}"), "true, false or null")),
            }
        }
        if self.custom_domains.len() > MAX_ENTRIES {
            return Err(wrong(path, "a list of at most 64 domains"));
        }
        Ok(())
    }

    /// `{"id_token": {"nonce": "other", "tnt_id": null}}`: each part given replaces the changes made before.
    fn change_claims(&mut self, path: &str, value: Value) -> Result<(), OAuthError> {
        let members = match value {
            Value::Null => json!({ "access_token": null, "id_token": null, "userinfo": null }),
            value => value,
        };
        let Value::Object(members) = members else {
            return Err(wrong(path, "an object or null"));
        };
        for (part, value) in members {
            let path = format!("{path}.{part}");
            let changes = match part.as_str() {
                "access_token" => &mut self.access_token_claims,
                "id_token" => &mut self.id_token_claims,
                "userinfo" => &mut self.userinfo_claims,
                _ => return Err(unknown(&path)),
            };
            *changes = match value {
                Value::Null => ClaimChanges::new(),
                Value::Object(claims) if claims.len() <= MAX_ENTRIES => claims,
                _ => return Err(wrong(&path, "an object of at most 64 claims, or null")),
            };
        }
        Ok(())
    }
}

/// Applies changes to the claims they are meant for.
pub(crate) fn apply(changes: &ClaimChanges, claims: &mut Map<String, Value>) {
    for (name, value) in changes {
        match value {
            Value::Null => drop(claims.remove(name)),
            value => drop(claims.insert(name.clone(), value.clone())),
        }
    }
}

/// Changes members that there are; any JSON will do, so that wrong types can be tried.
fn change_members(
    current: &mut Map<String, Value>,
    original: Option<&Map<String, Value>>,
    path: &str,
    value: Value,
) -> Result<(), OAuthError> {
    match value {
        Value::Null => *current = original.cloned().unwrap_or_default(),
        Value::Object(members) => {
            for (member, value) in members {
                let known = current
                    .get_mut(&member)
                    .ok_or_else(|| unknown(&format!("{path}.{member}")))?;
                *known = value;
            }
        }
        _ => return Err(wrong(path, "an object or null")),
    }
    Ok(())
}

fn flag(path: &str, value: &Value) -> Result<bool, OAuthError> {
    value.as_bool().ok_or_else(|| wrong(path, "true or false"))
}
