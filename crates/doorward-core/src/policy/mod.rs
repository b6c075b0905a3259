//! Who may do what: a rule and a caller in, an authorization or a denial out.

mod decide;
mod rule;
#[cfg(test)]
mod tests;

pub use self::{
    decide::{Authorized, Caller, Denied, decide},
    rule::{Rule, Unauthenticated},
};
