//! The ports [`Fetch`](doorward_core::ports::Fetch) and [`Tasks`](doorward_core::ports::Tasks) on reqwest and tokio.
//!
//! [`HttpClient`] is the only place where the product opens a connection of its own accord. It keeps the manners that
//! the rules above rely on: no redirects, no proxy, no cookies, no content coding, certificates always checked, limits on
//! time and bytes, and addresses refused after name resolution. [`TokioTasks`] runs what must outlive a request, and
//! [`read_text`] reads a small file meanwhile.

mod address;
mod builder;
mod client;
mod fault;
mod file;
mod tasks;

pub use builder::{HttpClientBuilder, HttpClientError};
pub use client::HttpClient;
pub use file::{read_text, read_text_here};
pub use tasks::TokioTasks;
