//! Who may do what: a rule and a caller in, an authorization or a denial out.

mod access;
mod decide;
mod rule;
#[cfg(test)]
mod tests;

pub use doorward_oidc::SubjectKind;

pub use self::{
    decide::{Authorized, BearerContext, Caller, Denied, admit_anyone, decide_at, still_admits},
    rule::{Rule, Unauthenticated},
};
