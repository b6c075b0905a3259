//! What is axum's own: extractors, our endpoints as routes, and the default-deny router.

mod extract;
mod router;
mod routes;
#[cfg(feature = "ws")]
mod websocket;

pub use extract::{Bearer, Caller, Session, SessionRejection};
pub use router::{ProtectedRouter, RouteRule};
pub(crate) use routes::{resource_routes, routes};
#[cfg(feature = "ws")]
pub use websocket::SessionSocket;
