//! Measuring by turns: cases that are compared run in the same process, in alternating rounds.
//!
//! On a shared machine the same code takes twice as long in one minute as in the next. What is
//! compared therefore runs back to back, the order reversed every other round, and a ratio is taken
//! within each round before the rounds are summed up by their median.

#![allow(
    clippy::disallowed_methods,
    reason = "a benchmark reads the machine's clock, that is all it does"
)]

mod process;
mod rounds;
mod spread;

pub use process::{cpu_time, load_average};
pub use rounds::{Case, Rounds, alternate};
pub use spread::Spread;
