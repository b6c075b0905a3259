//! Reading, writing and naming cookies.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod scan;
mod set_cookie;
mod settings;
