//! Rules of routes.

use crate::csrf::CsrfMode;

/// What a route asks of its callers.
///
/// # Example
/// ```
/// use doorward_core::policy::Rule;
///
/// assert_eq!(Rule::role("admin").to_string(), "role admin");
/// assert_eq!(Rule::Session.with_scope("orders").or_login().to_string(), "session, scope orders, or login");
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Rule {
    access: Access,
    /// Every group must be met, each by any one of its roles.
    roles: Vec<Vec<String>>,
    scopes: Vec<String>,
    unauthenticated: Unauthenticated,
    csrf: CsrfMode,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Access {
    Public,
    Session,
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
    pub const Public: Rule = Rule::new(Access::Public);

    /// Only with a session.
    #[allow(
        non_upper_case_globals,
        reason = "reads as the variant that it is to its users: `Rule::Session`"
    )]
    pub const Session: Rule = Rule::new(Access::Session);

    const fn new(access: Access) -> Rule {
        Rule {
            access,
            roles: Vec::new(),
            scopes: Vec::new(),
            unauthenticated: Unauthenticated::Refuse,
            csrf: CsrfMode::Token,
        }
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

    /// Asks for a role as well; what was public needs a session then.
    #[must_use]
    pub fn with_role(self, role: impl Into<String>) -> Rule {
        self.with_any_role([role])
    }

    /// Asks for one of several roles as well; what was public needs a session then.
    #[must_use]
    pub fn with_any_role<R: Into<String>>(mut self, roles: impl IntoIterator<Item = R>) -> Rule {
        self.access = Access::Session;
        self.roles.push(roles.into_iter().map(Into::into).collect());
        self
    }

    /// Asks for a scope as well; what was public needs a session then.
    #[must_use]
    pub fn with_scope(mut self, scope: impl Into<String>) -> Rule {
        self.access = Access::Session;
        self.scopes.push(scope.into());
        self
    }

    /// Asks for what another rule asks for as well; of two ways to answer, the stricter holds.
    #[must_use]
    pub fn and(mut self, other: Rule) -> Rule {
        if other.access == Access::Session {
            self.access = Access::Session;
        }
        self.roles.extend(other.roles);
        self.scopes.extend(other.scopes);
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
        matches!(self.access, Access::Public)
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
}

impl core::fmt::Display for Rule {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let mut parts = Vec::new();
        match self.access {
            Access::Public => parts.push("public".to_owned()),
            // A role or scope says that a session is needed.
            Access::Session if self.roles.is_empty() => parts.push("session".to_owned()),
            Access::Session => {}
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
        if self.csrf == CsrfMode::Origin {
            parts.push("csrf by origin".to_owned());
        }
        if self.unauthenticated == Unauthenticated::Login {
            parts.push("or login".to_owned());
        }
        f.write_str(&parts.join(", "))
    }
}
