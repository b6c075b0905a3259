//! Logs: text on a terminal, JSON lines otherwise, always to stderr.

use std::io::{IsTerminal as _, Write as _};

use tracing_subscriber::EnvFilter;

use crate::failure::Failure;

/// The variable that says what is logged, in the syntax of `RUST_LOG`.
const FILTER_VARIABLE: &str = "DOORWARD_LOG";

/// Begins logging.
///
/// # Errors
/// [`Failure::Unusable`] if the filter in `DOORWARD_LOG` cannot be read.
#[allow(clippy::disallowed_methods, reason = "the binary is where the environment is read")]
pub(crate) fn begin() -> Result<(), Failure> {
    let directives = std::env::var(FILTER_VARIABLE).unwrap_or_default();
    let directives = if directives.trim().is_empty() {
        "info"
    } else {
        &directives
    };
    let filter = EnvFilter::builder().parse(directives).map_err(|_| {
        Failure::unusable(format!("{FILTER_VARIABLE} is not a log filter: {directives:?}")).with_hint(format!(
            "{FILTER_VARIABLE}=debug, or {FILTER_VARIABLE}=info,doorward=debug"
        ))
    })?;
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        // A log that cannot be written is reported on stderr, which would panic where stderr itself is gone.
        .log_internal_errors(false);
    if std::io::stderr().is_terminal() {
        builder.compact().with_target(false).init();
    } else {
        builder
            .json()
            .flatten_event(true)
            .with_current_span(false)
            .with_span_list(false)
            .init();
    }
    Ok(())
}

/// Prints a line for scripts. A closed stdout is no reason to stop serving.
pub(crate) fn to_stdout(line: &str) {
    let _ = writeln!(std::io::stdout().lock(), "{line}");
}

/// Prints a text for people.
pub(crate) fn to_stderr(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}
