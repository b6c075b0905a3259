//! Who may talk to the provider at all.
//!
//! In this order: the Host names this machine (a foreign name means DNS rebinding); a state-changing page or control
//! request comes from the provider's own pages or from no page. Any web page can send requests to loopback, so the
//! address alone says nothing.

use std::net::{Ipv4Addr, Ipv6Addr};

use axum::{
    extract::Request,
    http::{HeaderMap, HeaderName, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Refuses every request whose Host is not a loopback name.
///
/// # Security
/// A web page whose own name resolves to 127.0.0.1 sends that name here; without this check it could read the tokens
/// of a signed-in developer as if it were of the same origin.
pub(crate) async fn require_loopback_host(request: Request, next: Next) -> Response {
    if authority(&request).is_some_and(is_loopback_authority) {
        return next.run(request).await;
    }
    (
        StatusCode::MISDIRECTED_REQUEST,
        "the development provider answers loopback host names only\n",
    )
        .into_response()
}

/// The one host, with its port, that a request names.
pub(crate) fn authority(request: &Request) -> Option<&str> {
    let mut hosts = request.headers().get_all(header::HOST).iter();
    match (hosts.next(), hosts.next()) {
        (Some(host), None) => host.to_str().ok(),
        (None, _) => request.uri().authority().map(|authority| authority.as_str()),
        (Some(_), Some(_)) => None,
    }
}

/// True if the request comes from a page of the provider itself, or from no page at all.
pub(crate) fn is_same_origin(headers: &HeaderMap) -> bool {
    let site_allowed = match headers.get(SEC_FETCH_SITE) {
        None => true,
        Some(site) => matches!(site.as_bytes(), b"same-origin" | b"none"),
    };
    let origin_allowed = match (headers.get(header::ORIGIN), headers.get(header::HOST)) {
        (None, _) => true,
        (Some(origin), Some(host)) => origin
            .as_bytes()
            .strip_prefix(b"http://")
            .or_else(|| origin.as_bytes().strip_prefix(b"https://"))
            .is_some_and(|authority| authority.eq_ignore_ascii_case(host.as_bytes())),
        (Some(_), None) => false,
    };
    site_allowed && origin_allowed
}

/// True for `host` or `host:port` where the host is a loopback name.
pub(crate) fn is_loopback_authority(authority: &str) -> bool {
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => match rest.split_once(']') {
            Some((address, port)) => {
                return address.parse::<Ipv6Addr>().is_ok_and(|address| address.is_loopback()) && is_port_suffix(port);
            }
            None => return false,
        },
        None => match authority.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        },
    };
    port.is_none_or(is_port) && is_loopback_name(host)
}

/// True for `localhost`, names below it, and addresses of 127.0.0.0/8.
pub(crate) fn is_loopback_name(host: &str) -> bool {
    if host.parse::<Ipv4Addr>().is_ok_and(|address| address.is_loopback()) {
        return true;
    }
    if host.len() > 253 {
        return false;
    }
    let host = host.to_ascii_lowercase();
    match host.strip_suffix("localhost") {
        Some("") => true,
        Some(labels) => labels.strip_suffix('.').is_some_and(|labels| {
            labels.split('.').all(|label| {
                !label.is_empty()
                    && label
                        .bytes()
                        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
            })
        }),
        None => false,
    }
}

fn is_port_suffix(text: &str) -> bool {
    text.is_empty() || text.strip_prefix(':').is_some_and(is_port)
}

fn is_port(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) && text.parse::<u16>().is_ok()
}

#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn only_loopback_authorities_pass() {
        for (authority, expected) in [
            ("localhost", true),
            ("LOCALHOST:6002", true),
            ("acme.localhost:6002", true),
            ("a.b-c.localhost", true),
            ("127.0.0.1", true),
            ("127.9.9.9:1", true),
            ("[::1]", true),
            ("[::1]:6002", true),
            ("", false),
            ("localhost:", false),
            ("localhost:99999", false),
            ("localhost:+1", false),
            ("localhost.evil.test", false),
            ("evillocalhost", false),
            (".localhost", false),
            ("a..localhost", false),
            ("evil.test", false),
            ("127.0.0.1.evil.test", false),
            ("127.1", false),
            ("0x7f.0.0.1", false),
            ("0.0.0.0", false),
            ("192.168.1.2", false),
            ("[::2]", false),
            ("[::1", false),
            ("[::1]x", false),
            ("::1", false),
            ("user@localhost", false),
        ] {
            assert_eq!(is_loopback_authority(authority), expected, "{authority:?}");
        }
    }

    #[test]
    fn only_own_pages_and_no_pages_count_as_same_origin() {
        for (site, origin, expected) in [
            (None, None, true),
            (Some("same-origin"), Some("http://localhost:6002"), true),
            (Some("none"), None, true),
            (None, Some("http://LOCALHOST:6002"), true),
            (Some("same-site"), None, false),
            (Some("cross-site"), None, false),
            (Some("same-origin"), Some("https://evil.test"), false),
            (None, Some("http://localhost:6001"), false),
            (None, Some("null"), false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, HeaderValue::from_static("localhost:6002"));
            if let Some(site) = site {
                headers.insert(SEC_FETCH_SITE, HeaderValue::from_static(site));
            }
            if let Some(origin) = origin {
                headers.insert(header::ORIGIN, HeaderValue::from_static(origin));
            }
            assert_eq!(is_same_origin(&headers), expected, "{site:?} {origin:?}");
        }
    }
}
