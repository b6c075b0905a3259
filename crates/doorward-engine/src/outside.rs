//! The world as the engine sees it: four ports, and the store where there is one.

use std::sync::Arc;

use doorward_core::ports::{Clock, Fetch, Random, Tasks};

/// The ports, shared by everything that waits.
#[derive(Clone)]
pub(crate) struct Ports {
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
    pub(crate) fetch: Arc<dyn Fetch>,
    pub(crate) tasks: Arc<dyn Tasks>,
}
