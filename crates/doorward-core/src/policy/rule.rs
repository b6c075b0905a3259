//! Rules of routes.

use core::time::Duration;

use doorward_oidc::SubjectKind;

use super::access::Access;
use crate::csrf::CsrfMode;

/// What a route asks of its callers.
///
/// # Example
/// ```
/// use doorward_core::policy::Rule;
///
/// assert_eq!(Rule::role("admin").to_string(), "role admin");
/// assert_eq!(Rule::Session.with_scope("orders").or_login().to_string(), "session, scope orders, or login");
/// assert_eq!(Rule::session_or_bearer().with_scope("orders").to_string(), "session or bearer, scope orders");
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Rule {
    access: Access,
    /// Every group must be met, each by any one of its roles.
    roles: Vec<Vec<String>>,
    scopes: Vec<String>,
    /// Every group must hold the client a token was issued to.
    clients: Vec<Vec<String>>,
    /// Every one must be the caller's.
    subject_kinds: Vec<SubjectKind>,
    max_auth_age: Option<Duration>,
    /// Every group must hold the authentication context.
    acr: Vec<Vec<String>>,
    unauthenticated: Unauthenticated,
    csrf: CsrfMode,
}

/// What happens to a request without a session.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Unauthenticated {
    /// 401.
    #[default]
    Refuse,
    /// A navigation is sent to login, the rest is 401.
    Login,
}

impl Rule {
    /// Anyone may call; a session is at hand where there is one.
    #[allow(
        non_upper_case_globals,
        reason = "reads as the variant that it is to its users: `Rule::Public`"
    )]
    pub const Public: Rule = Rule::new(Access::PUBLIC);

    /// Only with a session.
    #[allow(
        non_upper_case_globals,
        reason = "reads as the variant that it is to its users: `Rule::Session`"
    )]
    pub const Session: Rule = Rule::new(Access::SESSION);

    const fn new(access: Access) -> Rule {
        Rule {
            access,
            roles: Vec::new(),
            scopes: Vec::new(),
            clients: Vec::new(),
            subject_kinds: Vec::new(),
            max_auth_age: None,
            acr: Vec::new(),
            unauthenticated: Unauthenticated::Refuse,
            csrf: CsrfMode::Token,
        }
    }

    /// Only with a bearer token; no cookie is read, and none is written.
    #[must_use]
    pub const fn bearer() -> Rule {
        Rule::new(Access::BEARER)
    }

    /// With a session or a bearer token; where an `Authorization: Bearer` header comes, it alone decides.
    #[must_use]
    pub const fn session_or_bearer() -> Rule {
        Rule::new(Access::SESSION.or(Access::BEARER))
    }

    /// Only users with a role; names are compared exactly.
    pub fn role(role: impl Into<String>) -> Rule {
        Rule::Session.with_role(role)
    }

    /// Only users with at least one of several roles; an empty list admits nobody.
    pub fn any_role<R: Into<String>>(roles: impl IntoIterator<Item = R>) -> Rule {
        Rule::Session.with_any_role(roles)
    }

    /// Only sessions that were granted a scope.
    pub fn scope(scope: impl Into<String>) -> Rule {
        Rule::Session.with_scope(scope)
    }

    /// Only users who authenticated at most this long ago (RFC 9470).
    pub fn max_auth_age(age: Duration) -> Rule {
        Rule::Session.with_max_auth_age(age)
    }

    /// Only users who authenticated in one of these ways (RFC 9470), by the exact value of `acr`.
    pub fn acr<V: Into<String>>(values: impl IntoIterator<Item = V>) -> Rule {
        Rule::Session.with_acr(values)
    }

    /// Lets bearer tokens in as well; what was public needs one then.
    #[must_use]
    pub const fn or_bearer(mut self) -> Rule {
        self.access = self.access.or(Access::BEARER);
        self
    }

    /// Asks for a role as well; what was public needs a session then.
    #[must_use]
    pub fn with_role(self, role: impl Into<String>) -> Rule {
        self.with_any_role([role])
    }

    /// Asks for one of several roles as well; what was public needs a session then.
    #[must_use]
    pub fn with_any_role<R: Into<String>>(mut self, roles: impl IntoIterator<Item = R>) -> Rule {
        self.access = self.access.restricted();
        self.roles.push(roles.into_iter().map(Into::into).collect());
        self
    }

    /// Asks for a scope as well; what was public needs a session then.
    #[must_use]
    pub fn with_scope(mut self, scope: impl Into<String>) -> Rule {
        self.access = self.access.restricted();
        self.scopes.push(scope.into());
        self
    }

    /// Asks that a bearer token was issued to one of these clients; what was public needs a token then.
    ///
    /// A session was begun by our own client and is not concerned. An empty list admits no token.
    #[must_use]
    pub fn with_clients<C: Into<String>>(mut self, clients: impl IntoIterator<Item = C>) -> Rule {
        if self.access.is_public() {
            self.access = Access::BEARER;
        }
        self.clients.push(clients.into_iter().map(Into::into).collect());
        self
    }

    /// Asks for this kind of caller, a person or a machine; what was public needs a session then. A session is a person's.
    #[must_use]
    pub fn with_subject_kind(mut self, kind: SubjectKind) -> Rule {
        self.access = self.access.restricted();
        if !self.subject_kinds.contains(&kind) {
            self.subject_kinds.push(kind);
        }
        self
    }

    /// Asks that the user authenticated at most this long ago (RFC 9470); what was public needs a session then.
    ///
    /// Counted in whole seconds from `auth_time`; where the provider does not say it, every sign-in is too old. Clocks are
    /// not given any leeway: leave room for them, and for the way from the provider to here.
    #[must_use]
    pub fn with_max_auth_age(mut self, age: Duration) -> Rule {
        self.access = self.access.restricted();
        self.max_auth_age = Some(self.max_auth_age.map_or(age, |own| own.min(age)));
        self
    }

    /// Asks that the user authenticated in one of these ways (RFC 9470); what was public needs a session then.
    ///
    /// Values of `acr` are compared exactly; an empty list admits nobody.
    #[must_use]
    pub fn with_acr<V: Into<String>>(mut self, values: impl IntoIterator<Item = V>) -> Rule {
        self.access = self.access.restricted();
        self.acr.push(values.into_iter().map(Into::into).collect());
        self
    }

    /// Asks for what another rule asks for as well; of two ways to answer, the stricter holds.
    ///
    /// Who may call are those whom both rules let call: a session rule and a bearer rule together admit nobody.
    #[must_use]
    pub fn and(mut self, other: Rule) -> Rule {
        self.access = self.access.and(other.access);
        self.roles.extend(other.roles);
        self.scopes.extend(other.scopes);
        self.clients.extend(other.clients);
        for kind in other.subject_kinds {
            self = self.with_subject_kind(kind);
        }
        if let Some(age) = other.max_auth_age {
            self = self.with_max_auth_age(age);
        }
        self.acr.extend(other.acr);
        if other.unauthenticated == Unauthenticated::Refuse {
            self.unauthenticated = Unauthenticated::Refuse;
        }
        if other.csrf == CsrfMode::Token {
            self.csrf = CsrfMode::Token;
        }
        self
    }

    /// Sends navigations without a session to login; everything else stays 401. For pages.
    #[must_use]
    pub const fn or_login(mut self) -> Rule {
        self.unauthenticated = Unauthenticated::Login;
        self
    }

    /// Takes the origin rule alone against forged requests, for plain HTML forms; default is the token as well.
    ///
    /// # Security
    /// A request that says neither `Sec-Fetch-Site` nor `Origin` is then refused.
    #[must_use]
    pub const fn csrf_origin(mut self) -> Rule {
        self.csrf = CsrfMode::Origin;
        self
    }

    /// Tells whether anyone may call.
    pub const fn is_public(&self) -> bool {
        self.access.is_public()
    }

    /// Tells whether a session lets a caller in, as far as this rule's other demands are met.
    pub const fn accepts_session(&self) -> bool {
        self.access.session
    }

    /// Tells whether a bearer token lets a caller in, as far as this rule's other demands are met.
    pub const fn accepts_bearer(&self) -> bool {
        self.access.bearer
    }

    /// Returns what happens to a request without a session.
    pub const fn unauthenticated(&self) -> Unauthenticated {
        self.unauthenticated
    }

    /// Returns how the route defends itself against forged requests.
    pub const fn csrf_mode(&self) -> CsrfMode {
        self.csrf
    }

    /// Returns the groups of roles; every group must be met by any one of its roles.
    pub fn roles(&self) -> &[Vec<String>] {
        &self.roles
    }

    /// Returns the scopes, all of which are needed.
    pub fn scopes(&self) -> &[String] {
        &self.scopes
    }

    /// Returns the groups of clients; every group must hold the client a bearer token was issued to.
    pub fn clients(&self) -> &[Vec<String>] {
        &self.clients
    }

    /// Returns the kinds of caller, all of which the caller must be: two different ones admit nobody.
    pub fn subject_kinds(&self) -> &[SubjectKind] {
        &self.subject_kinds
    }

    /// Returns how long ago the user may have authenticated.
    pub const fn max_age(&self) -> Option<Duration> {
        self.max_auth_age
    }

    /// Returns the groups of `acr` values; every group must hold the caller's.
    pub fn acr_groups(&self) -> &[Vec<String>] {
        &self.acr
    }

    /// Tells whether the rule asks for a fresh or a strong sign-in.
    pub fn asks_for_step_up(&self) -> bool {
        self.max_auth_age.is_some() || !self.acr.is_empty()
    }
}

impl core::fmt::Display for Rule {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let mut parts = Vec::new();
        // A role by itself says that a session is needed.
        if self.access != Access::SESSION || self.roles.is_empty() {
            parts.push(self.access.to_string());
        }
        for group in &self.roles {
            parts.push(match group.as_slice() {
                [] => "nobody".to_owned(),
                [role] => format!("role {role}"),
                roles => format!("any role of {}", roles.join(" ")),
            });
        }
        if !self.scopes.is_empty() {
            parts.push(format!("scope {}", self.scopes.join(" ")));
        }
        parts.extend(self.clients.iter().map(|group| named("client", group)));
        parts.extend(self.subject_kinds.iter().map(|kind| format!("{} only", kind.as_str())));
        if let Some(age) = self.max_auth_age {
            parts.push(format!("signed in within {} s", age.as_secs()));
        }
        parts.extend(self.acr.iter().map(|group| named("acr", group)));
        if self.csrf == CsrfMode::Origin {
            parts.push("csrf by origin".to_owned());
        }
        if self.unauthenticated == Unauthenticated::Login {
            parts.push("or login".to_owned());
        }
        f.write_str(&parts.join(", "))
    }
}

fn named(what: &str, group: &[String]) -> String {
    match group {
        [] => format!("no {what}"),
        [one] => format!("{what} {one}"),
        several => format!("any {what} of {}", several.join(" ")),
    }
}
