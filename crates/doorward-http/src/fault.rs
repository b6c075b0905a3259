//! From what reqwest reports to what the port promises, without URLs and values.

use std::error::Error;
use std::io;

use doorward_core::ports::FetchError;

use crate::address::AddressRefused;

/// Sorts an error by its kind; its text, which may quote the URL, goes no further.
pub(crate) fn classify(error: &reqwest::Error) -> FetchError {
    if caused_by::<AddressRefused>(error) {
        FetchError::AddressRefused
    } else if error.is_timeout() {
        FetchError::Timeout
    } else if caused_by::<rustls::Error>(error) {
        FetchError::Tls
    } else if error.is_connect() {
        FetchError::Unreachable
    } else {
        FetchError::Interrupted
    }
}

fn caused_by<E: Error + 'static>(error: &(dyn Error + 'static)) -> bool {
    let mut next = Some(error);
    // The chain is short; the limit keeps a chain that bites its tail from holding us.
    for _ in 0..16 {
        let Some(error) = next else { return false };
        if error.is::<E>() {
            return true;
        }
        // An io::Error hides what it was made of from `source`.
        let inner = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        next = match inner {
            Some(inner) => Some(inner),
            None => error.source(),
        };
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_is_found_inside_nested_io_errors() {
        let refused = io::Error::other(AddressRefused);
        let nested = io::Error::other(io::Error::other(refused));
        assert!(caused_by::<AddressRefused>(&nested));
        assert!(!caused_by::<rustls::Error>(&nested));
    }
}
