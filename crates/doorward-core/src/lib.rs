//! The rules of Doorward without I/O: sessions, cookies, CSRF, return URLs, policy, and the ports.
//!
//! Everything here is values in, values out: no clock, no network, no environment, no waiting. What the rules need from
//! the world they name as [`ports`]; the engine drives them. The order of checks is held by types: a check hands back a
//! value that only it can make ([`session::LiveSession`], [`csrf::OriginPassed`], [`csrf::CsrfPassed`],
//! [`policy::Authorized`]), and the next step demands it.
//!
//! Where things are:
//! - [`request`]: what the rules see of a request.
//! - [`origin`], [`return_url`]: which pages may call us, and where a browser may be sent.
//! - [`cookie`]: reading, writing and naming cookies.
//! - [`session`]: identity and token part, their seals, their lifetime.
//! - [`login_ticket`]: what one pending login remembers.
//! - [`csrf`]: the origin rule and the token.
//! - [`bearer`], [`challenge`]: the token a request brings, and what is said where it does not do.
//! - [`tenant`], [`policy`]: who may do what.

pub mod bearer;
pub mod challenge;
pub mod code;
pub mod cookie;
pub mod csrf;
pub mod login_ticket;
pub mod origin;
pub mod policy;
pub mod ports;
pub mod request;
pub mod return_url;
pub mod session;
pub mod tenant;

pub use doorward_crypto::{Random, SecretString};
pub use doorward_oidc::{OutboundRequest, Reach, UnixTime, is_localhost_name, is_public_address};

#[cfg(test)]
mod test_support;
