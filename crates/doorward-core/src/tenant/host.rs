//! Host names: of requests, of the configuration, of a platform's tenants.
//!
//! Rules in the order applied:
//! 1. length, and no character besides letters, digits, `-`, `_`, `.` and what is beyond ASCII;
//! 2. one trailing dot goes;
//! 3. what is beyond ASCII, or claims to have been, passes UTS 46, the mapping that browsers apply;
//! 4. at most 253 bytes in labels of 1 to 63 (RFC 1035 §2.3.4) that neither begin nor end with `-`;
//! 5. a name that ends in a number is an IPv4 address in its usual form, or refused.

use std::{
    net::{Ipv4Addr, Ipv6Addr},
    sync::Arc,
};

use serde::{Deserialize, Serialize};
use url::Host;

use crate::origin::is_loopback_host;

const MAX_HOST: usize = 253;
const MAX_LABEL: usize = 63;
/// A host of 253 bytes never comes from more characters than that, and the dot.
const MAX_TEXT: usize = 4 * (MAX_HOST + 1);

/// A host name in lower case and ASCII, without a trailing dot; or an address, IPv6 in brackets.
///
/// Equal hosts are equal texts, so that a map may be keyed by one.
///
/// # Security
/// A `Host` header and the `tenant_custom_domain` of a login link are the browser's. A parsed host may stand in a URL
/// and cannot end its authority; whether it is one of ours, or the platform's, is for the caller to ask.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct HostName(Arc<str>);

/// A text that is no host name.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HostNameError {
    /// Nothing at all, or a dot alone.
    #[error("host name is empty")]
    Empty,
    /// More than 253 bytes.
    #[error("host name is longer than 253 characters")]
    TooLong,
    /// A scheme, a port, a path, user information, white space, a control character or an escape.
    #[error("host name must be letters, digits, \"-\", \"_\" and \".\" alone")]
    Character,
    /// An empty label, one of more than 63 bytes, or one with `-` at an end.
    #[error("host name must have labels of 1 to 63 characters that neither begin nor end with \"-\"")]
    Label,
    /// A text beyond ASCII, or its `xn--` form, that is no internationalised domain name.
    #[error("host name is no valid internationalised domain name")]
    International,
    /// Something like an IP address that is none in its usual form.
    #[error("host name is neither a name nor an address in its usual form")]
    Address,
    /// What follows the colon is no port from 1 to 65535.
    #[error("port of the host must be a number from 1 to 65535")]
    Port,
}

impl HostName {
    /// Parses a host without a port.
    ///
    /// # Errors
    /// [`HostNameError`], one variant for each rule; a port is [`HostNameError::Character`].
    pub fn parse(text: &str) -> Result<HostName, HostNameError> {
        if text.is_empty() {
            return Err(HostNameError::Empty);
        }
        if text.len() > MAX_TEXT {
            return Err(HostNameError::TooLong);
        }
        if text.starts_with('[') {
            return bracketed(text);
        }
        // Before anything is mapped: the mapping undoes percent signs.
        if text.bytes().any(|byte| byte.is_ascii() && !is_host_byte(byte)) {
            return Err(HostNameError::Character);
        }
        let lowered = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
        let host = if lowered.is_ascii() && !lowered.split('.').any(|label| label.starts_with("xn--")) {
            lowered
        } else {
            let mapped = to_ascii(&lowered).ok_or(HostNameError::International)?;
            if lowered.is_ascii() && mapped != lowered {
                return Err(HostNameError::International);
            }
            mapped
        };
        check(&host)?;
        Ok(HostName(host.into()))
    }

    /// Parses a `Host` header or an `:authority`: a host and, after a colon, its port.
    ///
    /// No port means the default of the request's scheme.
    ///
    /// # Errors
    /// [`HostNameError`]. User information is [`HostNameError::Character`]: RFC 9110 §4.2.4 lets no sender write it.
    pub fn host_and_port(text: &str) -> Result<(HostName, Option<u16>), HostNameError> {
        let colon = match text.strip_prefix('[').and_then(|rest| rest.find(']')) {
            // The bracket that opens, and the one that closes.
            Some(inner) => Some(inner + 2).filter(|end| *end < text.len()),
            None => text.find(':'),
        };
        let Some((host, rest)) = colon.and_then(|colon| text.split_at_checked(colon)) else {
            return Ok((HostName::parse(text)?, None));
        };
        let host = HostName::parse(host)?;
        let digits = rest
            .strip_prefix(':')
            .filter(|digits| (1..=5).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit()))
            .ok_or(HostNameError::Port)?;
        let port = digits
            .parse()
            .ok()
            .filter(|port| *port != 0)
            .ok_or(HostNameError::Port)?;
        Ok((host, Some(port)))
    }

    /// Returns the host, in lower case and ASCII; an IPv6 address stands in brackets.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Tells whether this is an IP address and no name.
    pub fn is_address(&self) -> bool {
        self.0.starts_with('[') || self.0.parse::<Ipv4Addr>().is_ok()
    }

    /// Tells whether the host is a loopback name or address.
    pub fn is_loopback(&self) -> bool {
        is_loopback_host(&self.0)
    }

    /// Returns the first label, if what follows it is exactly `root`.
    pub(super) fn label_before(&self, root: &HostName) -> Option<&str> {
        // Security: cut at the first dot and compared whole, so that neither `evilapp.example.com` nor
        // `a.b.app.example.com` lies below `app.example.com`.
        let (label, rest) = self.0.split_once('.')?;
        (rest == root.as_str()).then_some(label)
    }
}

/// Maps a name as browsers do; `None` where it is invalid or an address.
pub(super) fn to_ascii(name: &str) -> Option<String> {
    match Host::parse(name) {
        Ok(Host::Domain(domain)) => Some(domain),
        _ => None,
    }
}

fn bracketed(text: &str) -> Result<HostName, HostNameError> {
    let address: Ipv6Addr = text
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .and_then(|inner| inner.parse().ok())
        .ok_or(HostNameError::Address)?;
    // As URLs write it, which is not everywhere as the standard library does.
    Ok(HostName(Host::<String>::Ipv6(address).to_string().into()))
}

fn check(host: &str) -> Result<(), HostNameError> {
    if host.is_empty() {
        return Err(HostNameError::Empty);
    }
    if host.len() > MAX_HOST {
        return Err(HostNameError::TooLong);
    }
    if !host.bytes().all(is_host_byte) {
        return Err(HostNameError::Character);
    }
    let is_label =
        |label: &str| (1..=MAX_LABEL).contains(&label.len()) && !label.starts_with('-') && !label.ends_with('-');
    if !host.split('.').all(is_label) {
        return Err(HostNameError::Label);
    }
    // `127.1`, `0x7f.1` and `017700000001` are addresses to a browser, and names to almost everything else.
    let last = host.rsplit('.').next().unwrap_or_default();
    let hexadecimal = last.strip_prefix("0x").unwrap_or("-");
    let is_number =
        last.bytes().all(|byte| byte.is_ascii_digit()) || hexadecimal.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_number && host.parse::<Ipv4Addr>().is_err() {
        return Err(HostNameError::Address);
    }
    Ok(())
}

const fn is_host_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.')
}

impl core::fmt::Display for HostName {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(&self.0)
    }
}

impl core::str::FromStr for HostName {
    type Err = HostNameError;

    fn from_str(text: &str) -> Result<HostName, HostNameError> {
        HostName::parse(text)
    }
}

impl TryFrom<String> for HostName {
    type Error = HostNameError;

    fn try_from(text: String) -> Result<HostName, HostNameError> {
        HostName::parse(&text)
    }
}

impl From<HostName> for String {
    fn from(host: HostName) -> String {
        host.as_str().to_owned()
    }
}
