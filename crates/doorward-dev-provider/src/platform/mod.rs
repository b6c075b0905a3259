//! The second face of the provider: the paths, hosts and tokens of the Wristband platform.
//!
//! What a platform adds is where it is found (one host per application and per tenant), what its tokens look like and
//! how a browser finds its tenant. Users, clients, codes, refresh tokens, keys, statistics and controls are those of the
//! standard face. A session, a code or a token of one face counts as unknown at the other.

mod api;
pub(crate) mod browser;
pub(crate) mod claims;
mod identifiers;
mod info;
mod knobs;
pub(crate) mod placeholder;
mod routes;
mod settings;
mod site;

pub(crate) use self::{
    browser::LOGIN,
    knobs::{MaxAgeExceeded, PlatformKnobs},
    routes::mount,
    site::{OWN_IDENTITY_PROVIDER, Platform, Site},
};
pub use self::{
    info::{PlatformInfo, PlatformTenant, PlatformUser},
    settings::PlatformSettings,
};
