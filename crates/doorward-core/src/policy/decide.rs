//! The decision.

use super::Rule;
use crate::{code::Code, csrf::CsrfPassed, session::LiveSession, tenant::TenantScope};

/// Who calls, as the guard found out.
#[derive(Clone, Copy, Debug)]
pub enum Caller<'a> {
    /// A live session, from a request that was not forged.
    Session(&'a LiveSession, &'a CsrfPassed),
    /// Nobody we know.
    Anonymous,
}

/// The permission to call what is behind the rule; only [`decide`] makes one.
#[derive(Debug)]
pub struct Authorized(());

/// Why a caller was not let in.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Denied {
    /// The rule asks for a session and there is none.
    #[error("a session is needed")]
    SessionMissing,
    /// The session belongs to another tenant.
    #[error("session belongs to another tenant")]
    TenantMismatch,
    /// The user lacks a role.
    #[error("a role is missing")]
    RoleMissing,
    /// The session lacks scopes.
    #[error("scope is not sufficient")]
    InsufficientScope {
        /// The scopes that are needed.
        scopes: Vec<String>,
    },
}

impl Denied {
    /// Returns what the caller is told.
    pub const fn code(&self) -> Code {
        match self {
            Denied::SessionMissing => Code::SessionMissing,
            Denied::TenantMismatch => Code::TenantMismatch,
            Denied::RoleMissing => Code::RoleMissing,
            Denied::InsufficientScope { .. } => Code::InsufficientScope,
        }
    }
}

/// Decides whether a caller may pass a rule: session, tenant, roles, scopes, in this order.
///
/// # Errors
/// [`Denied`], the first rule that was not met.
///
/// # Security
/// What cannot be read is not there: an identity body of another version has no roles and no scopes.
pub fn decide(rule: &Rule, caller: Caller<'_>, scope: &TenantScope) -> Result<Authorized, Denied> {
    if rule.is_public() {
        return Ok(Authorized(()));
    }
    let Caller::Session(session, _) = caller else {
        return Err(Denied::SessionMissing);
    };
    if !scope.admits(session.tenant()) {
        return Err(Denied::TenantMismatch);
    }
    if rule.roles().is_empty() && rule.scopes().is_empty() {
        return Ok(Authorized(()));
    }
    let body = session.body().ok();
    let roles = body.as_ref().map(|body| body.roles.as_slice()).unwrap_or_default();
    let has_role = |role: &String| roles.contains(&role.as_str());
    // `any` over an empty group is false: an empty list admits nobody.
    if !rule.roles().iter().all(|group| group.iter().any(has_role)) {
        return Err(Denied::RoleMissing);
    }
    let scopes = body.as_ref().map(|body| body.scopes.as_slice()).unwrap_or_default();
    if !rule.scopes().iter().all(|scope| scopes.contains(&scope.as_str())) {
        return Err(Denied::InsufficientScope {
            scopes: rule.scopes().to_vec(),
        });
    }
    Ok(Authorized(()))
}
