//! The promises of a session store.
pub async fn run_store_suite() {}
