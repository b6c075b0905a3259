//! The decision.

use doorward_oidc::{SubjectKind, UnixTime, VerifiedAccessToken};

use super::Rule;
use crate::{code::Code, csrf::CsrfPassed, session::LiveSession, tenant::TenantScope};

/// Who calls, as the guard found out.
#[derive(Clone, Copy, Debug)]
pub enum Caller<'a> {
    /// A live session, from a request that was not forged.
    Session(&'a LiveSession, &'a CsrfPassed),
    /// A verified access token; no browser adds one by itself, so that nobody can forge the request.
    Bearer(&'a VerifiedAccessToken, &'a BearerContext),
    /// Nobody we know.
    Anonymous,
}

/// What the configuration reads out of an access token's claims.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BearerContext {
    /// The tenant; `default` where there are no tenants.
    pub tenant: String,
    /// The roles.
    pub roles: Vec<String>,
}

/// The permission to call what is behind the rule; only [`decide_at`] and [`admit_anyone`] make one.
#[derive(Debug)]
pub struct Authorized(());

/// Why a caller was not let in.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Denied {
    /// The rule asks for a session and there is none.
    #[error("a session is needed")]
    SessionMissing,
    /// The rule asks for a bearer token and there is none.
    #[error("a bearer token is needed")]
    TokenMissing,
    /// The session or token belongs to another tenant.
    #[error("session belongs to another tenant")]
    TenantMismatch,
    /// The token was issued to a client that may not.
    #[error("token was issued to another client")]
    ClientRefused,
    /// A machine calls what is for people, or the other way round.
    #[error("caller is of another kind")]
    SubjectKindRefused,
    /// The sign-in is not fresh or strong enough (RFC 9470).
    #[error("a fresher or stronger sign-in is needed")]
    StepUpRequired {
        /// How many seconds ago the user may have authenticated.
        max_age: Option<u64>,
        /// The authentication contexts of which one is needed.
        acr_values: Vec<String>,
    },
    /// The user lacks a role.
    #[error("a role is missing")]
    RoleMissing,
    /// The session or token lacks scopes.
    #[error("scope is not sufficient")]
    InsufficientScope {
        /// The scopes that are needed.
        scopes: Vec<String>,
    },
}

impl Denied {
    /// Returns what the caller is told.
    ///
    /// A client or a kind of caller that may not is told `role_missing`: signed in, but not allowed.
    pub const fn code(&self) -> Code {
        match self {
            Denied::SessionMissing => Code::SessionMissing,
            Denied::TokenMissing => Code::TokenMissing,
            Denied::TenantMismatch => Code::TenantMismatch,
            Denied::StepUpRequired { .. } => Code::StepUpRequired,
            Denied::ClientRefused | Denied::SubjectKindRefused | Denied::RoleMissing => Code::RoleMissing,
            Denied::InsufficientScope { .. } => Code::InsufficientScope,
        }
    }
}

/// Permits whoever it is, where the rule asks nothing of anybody.
pub fn admit_anyone(rule: &Rule) -> Option<Authorized> {
    rule.is_public().then_some(Authorized(()))
}

/// Decides whether a caller may pass a rule: session or token, tenant, client and kind of caller, freshness and strength of
/// the sign-in, roles, scopes, in this order.
///
/// Freshness stands before roles: a step-up may bring another user or further roles, and RFC 9470 §3 has the caller try again.
/// The time is asked for only by a rule that needs it.
///
/// # Errors
/// [`Denied`], the first rule that was not met.
///
/// # Security
/// What cannot be read is not there: an identity body of another version has no roles, no scopes and no `auth_time`.
pub fn decide_at(
    rule: &Rule,
    caller: Caller<'_>,
    scope: &TenantScope,
    now: impl FnOnce() -> UnixTime,
) -> Result<Authorized, Denied> {
    if let Some(authorized) = admit_anyone(rule) {
        return Ok(authorized);
    }
    let tenant = match caller {
        Caller::Session(session, _) if rule.accepts_session() => session.tenant(),
        Caller::Bearer(_, context) if rule.accepts_bearer() => &context.tenant,
        caller => return Err(missing(rule, caller)),
    };
    if !scope.admits(tenant) {
        return Err(Denied::TenantMismatch);
    }
    match caller {
        Caller::Session(session, _) => decide_session(rule, session, now),
        Caller::Bearer(token, context) => decide_bearer(rule, token, context, now),
        Caller::Anonymous => Err(missing(rule, caller)),
    }
}

/// Says whether a rule that a session has passed would still admit it: tenant, roles and scopes.
///
/// For what goes on after the decision. How fresh and strong the sign-in has to be is asked at the beginning only: every
/// sign-in grows old, and nothing that is under way could be freshened.
///
/// # Errors
/// [`Denied`], the first that is not met any more.
pub fn still_admits(rule: &Rule, session: &LiveSession, scope: &TenantScope) -> Result<(), Denied> {
    if rule.is_public() {
        return Ok(());
    }
    if !scope.admits(session.tenant()) {
        return Err(Denied::TenantMismatch);
    }
    let body = session.body().ok();
    let roles = body.as_ref().map(|body| body.roles.as_slice()).unwrap_or_default();
    let scopes = body.as_ref().map(|body| body.scopes.as_slice()).unwrap_or_default();
    check_grants(rule, |role| roles.contains(&role), |scope| scopes.contains(&scope)).map(|_| ())
}

/// Says which credential is missing; where none would help, a caller who has one is told so.
fn missing(rule: &Rule, caller: Caller<'_>) -> Denied {
    match (rule.accepts_session(), rule.accepts_bearer(), caller) {
        (false, true, _) => Denied::TokenMissing,
        (false, false, Caller::Session(..) | Caller::Bearer(..)) => Denied::RoleMissing,
        _ => Denied::SessionMissing,
    }
}

fn decide_session(rule: &Rule, session: &LiveSession, now: impl FnOnce() -> UnixTime) -> Result<Authorized, Denied> {
    check_kind(rule, SubjectKind::User)?;
    if rule.roles().is_empty() && rule.scopes().is_empty() && !rule.asks_for_step_up() {
        return Ok(Authorized(()));
    }
    let body = session.body().ok();
    check_sign_in(
        rule,
        body.as_ref().and_then(|body| body.auth_time),
        body.as_ref().and_then(|body| body.acr),
        now,
    )?;
    let roles = body.as_ref().map(|body| body.roles.as_slice()).unwrap_or_default();
    let scopes = body.as_ref().map(|body| body.scopes.as_slice()).unwrap_or_default();
    check_grants(rule, |role| roles.contains(&role), |scope| scopes.contains(&scope))
}

fn decide_bearer(
    rule: &Rule,
    token: &VerifiedAccessToken,
    context: &BearerContext,
    now: impl FnOnce() -> UnixTime,
) -> Result<Authorized, Denied> {
    let is_client = |name: &String| token.client_id() == Some(name.as_str());
    if !rule.clients().iter().all(|group| group.iter().any(is_client)) {
        return Err(Denied::ClientRefused);
    }
    check_kind(rule, token.subject_kind())?;
    check_sign_in(rule, token.auth_time(), token.acr(), now)?;
    check_grants(
        rule,
        |role| context.roles.iter().any(|own| own == role),
        |scope| token.scopes().iter().any(|own| own == scope),
    )
}

fn check_kind(rule: &Rule, kind: SubjectKind) -> Result<(), Denied> {
    match rule.subject_kinds().iter().all(|wanted| *wanted == kind) {
        true => Ok(()),
        false => Err(Denied::SubjectKindRefused),
    }
}

fn check_sign_in(
    rule: &Rule,
    auth_time: Option<UnixTime>,
    acr: Option<&str>,
    now: impl FnOnce() -> UnixTime,
) -> Result<(), Denied> {
    let is_strong = rule
        .acr_groups()
        .iter()
        .all(|group| group.iter().any(|value| acr == Some(value.as_str())));
    let is_fresh = match (rule.max_age(), auth_time) {
        (None, _) => true,
        // Security: a sign-in of which nobody says when it was may be any age.
        (Some(_), None) => false,
        (Some(age), Some(auth_time)) => now().saturating_since(auth_time) <= age,
    };
    if is_strong && is_fresh {
        return Ok(());
    }
    Err(Denied::StepUpRequired {
        max_age: rule.max_age().map(|age| age.as_secs()),
        acr_values: wanted_acr(rule.acr_groups()),
    })
}

/// The values that meet every demand; where no single one does, the first demand's, which is then the next to be met.
fn wanted_acr(groups: &[Vec<String>]) -> Vec<String> {
    let Some((first, others)) = groups.split_first() else {
        return Vec::new();
    };
    let meets_all = |value: &&String| others.iter().all(|group| group.contains(value));
    let common: Vec<String> = first.iter().filter(meets_all).cloned().collect();
    if common.is_empty() { first.clone() } else { common }
}

fn check_grants(
    rule: &Rule,
    has_role: impl Fn(&str) -> bool,
    has_scope: impl Fn(&str) -> bool,
) -> Result<Authorized, Denied> {
    // `any` over an empty group is false: an empty list admits nobody.
    if !rule.roles().iter().all(|group| group.iter().any(|role| has_role(role))) {
        return Err(Denied::RoleMissing);
    }
    if !rule.scopes().iter().all(|scope| has_scope(scope)) {
        return Err(Denied::InsufficientScope {
            scopes: rule.scopes().to_vec(),
        });
    }
    Ok(Authorized(()))
}
