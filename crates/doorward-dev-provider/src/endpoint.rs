//! The endpoints that are counted, and that can be made slow or faulty.

use std::{collections::BTreeMap, time::Duration};

use serde_json::{Map, Value, json};

/// An endpoint a relying party calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Endpoint {
    Discovery,
    Authorize,
    Login,
    Token,
    Userinfo,
    Jwks,
    Revoke,
    Introspect,
    EndSession,
    BackchannelLogout,
    SdkConfiguration,
    CustomDomains,
    LoginPage,
    Logout,
}

impl Endpoint {
    pub(crate) const ALL: [Self; 14] = [
        Self::Discovery,
        Self::Authorize,
        Self::Login,
        Self::Token,
        Self::Userinfo,
        Self::Jwks,
        Self::Revoke,
        Self::Introspect,
        Self::EndSession,
        Self::BackchannelLogout,
        Self::SdkConfiguration,
        Self::CustomDomains,
        Self::LoginPage,
        Self::Logout,
    ];

    /// The name in statistics and settings.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Discovery => "discovery",
            Self::Authorize => "authorize",
            Self::Login => "login",
            Self::Token => "token",
            Self::Userinfo => "userinfo",
            Self::Jwks => "jwks",
            Self::Revoke => "revoke",
            Self::Introspect => "introspect",
            Self::EndSession => "end_session",
            Self::BackchannelLogout => "backchannel_logout",
            Self::SdkConfiguration => "sdk_configuration",
            Self::CustomDomains => "custom_domains",
            Self::LoginPage => "login_page",
            Self::Logout => "logout",
        }
    }

    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|endpoint| endpoint.name() == name)
    }
}

/// How often each endpoint was called.
#[derive(Debug, Default)]
pub(crate) struct Stats {
    calls: BTreeMap<Endpoint, u64>,
    grants: BTreeMap<&'static str, u64>,
}

impl Stats {
    pub(crate) fn count(&mut self, endpoint: Endpoint) {
        *self.calls.entry(endpoint).or_default() += 1;
    }

    /// Counts a call of the token endpoint under its grant type; what we do not know is `other`.
    pub(crate) fn count_grant(&mut self, grant_type: Option<&str>) {
        let name = GRANT_TYPES
            .into_iter()
            .find(|known| Some(*known) == grant_type)
            .unwrap_or("other");
        *self.grants.entry(name).or_default() += 1;
    }

    pub(crate) fn to_json(&self) -> Value {
        let mut members: Map<String, Value> = Endpoint::ALL
            .into_iter()
            .map(|endpoint| {
                (
                    endpoint.name().to_owned(),
                    json!(self.calls.get(&endpoint).copied().unwrap_or_default()),
                )
            })
            .collect();
        let grants: Map<String, Value> = GRANT_TYPES
            .into_iter()
            .chain(["other"])
            .map(|name| {
                (
                    name.to_owned(),
                    json!(self.grants.get(name).copied().unwrap_or_default()),
                )
            })
            .collect();
        members.insert(Endpoint::Token.name().to_owned(), Value::Object(grants));
        Value::Object(members)
    }
}

const GRANT_TYPES: [&str; 3] = ["authorization_code", "refresh_token", "client_credentials"];

/// An answer to give instead of the true one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    /// Absent at the authorization endpoint: the error goes back to the client by redirect.
    pub(crate) status: Option<u16>,
    pub(crate) error: String,
    pub(crate) retry_after: Option<u64>,
    /// How many more times; `None` means until it is taken away.
    pub(crate) count: Option<u64>,
    pub(crate) body: FaultBody,
    /// Members that the true answer loses; where there are any, nothing else of the fault counts.
    pub(crate) omit: Vec<String>,
}

/// What a faulty answer holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum FaultBody {
    /// The error in the endpoint's own form.
    Error,
    /// Nothing.
    Empty,
    /// JSON that stops in the middle.
    InvalidJson,
    /// The connection breaks before the body has come.
    Reset,
}

/// Which endpoints are slow and which answer with an error.
#[derive(Debug, Clone, Default)]
pub(crate) struct Faults {
    pub(crate) delays: BTreeMap<Endpoint, Duration>,
    pub(crate) errors: BTreeMap<Endpoint, Fault>,
}

impl Faults {
    /// Takes the fault due at this call of `endpoint`, if any.
    pub(crate) fn take_error(&mut self, endpoint: Endpoint) -> Option<Fault> {
        let fault = self.errors.get_mut(&endpoint)?;
        let due = fault.clone();
        if let Some(count) = &mut fault.count {
            *count = count.saturating_sub(1);
            if *count == 0 {
                self.errors.remove(&endpoint);
            }
        }
        Some(due)
    }
}

#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]
mod tests {
    use super::*;

    #[test]
    fn every_name_leads_back_to_its_endpoint() {
        for endpoint in Endpoint::ALL {
            assert_eq!(Endpoint::from_name(endpoint.name()), Some(endpoint));
        }
        assert_eq!(Endpoint::from_name("tokens"), None);
    }

    #[test]
    fn a_counted_fault_ends_and_an_uncounted_one_stays() {
        let mut faults = Faults::default();
        let fault = |count| Fault {
            status: Some(503),
            error: "temporarily_unavailable".into(),
            retry_after: None,
            count,
            body: FaultBody::Error,
            omit: Vec::new(),
        };
        faults.errors.insert(Endpoint::Token, fault(Some(2)));
        faults.errors.insert(Endpoint::Jwks, fault(None));
        for expected in [true, true, false] {
            assert_eq!(faults.take_error(Endpoint::Token).is_some(), expected);
            assert!(faults.take_error(Endpoint::Jwks).is_some());
        }
    }
}
