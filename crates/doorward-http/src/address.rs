//! Which addresses may be connected to.
//!
//! A check of the name before the connection would be worth nothing: the name may resolve to another address a moment
//! later (DNS rebinding). So the resolver itself drops what is not public, and the connection is made to what it returned.

use std::error::Error;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use doorward_core::{Reach, is_localhost_name, is_public_address};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

/// The most addresses of one name that are tried.
const MAX_ADDRESSES: usize = 16;

/// What a name may resolve to. Names under `localhost` are this machine and nothing else.
pub(crate) struct Resolver(pub(crate) Reach);

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let reach = self.0;
        Box::pin(async move {
            let found = lookup(name.as_str()).await?;
            let any = !found.is_empty();
            let admitted: Vec<SocketAddr> = match reach {
                Reach::Any => found,
                Reach::PublicOnly => found
                    .into_iter()
                    .filter(|address| is_public_address(address.ip()))
                    .collect(),
            };
            if any && admitted.is_empty() {
                return Err(AddressRefused.into());
            }
            Ok(Box::new(admitted.into_iter()) as Addrs)
        })
    }
}

/// The addresses of a name; the port is put in by the connector.
async fn lookup(name: &str) -> std::io::Result<Vec<SocketAddr>> {
    // Security: plain http is allowed to these names, because they never leave the machine. That is held here: nobody is
    // asked (RFC 6761, section 6.3), and a resolver that knows no `tenant.localhost` does not stop one from being reached.
    if is_localhost_name(name) {
        return Ok(vec![
            SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            SocketAddr::from((Ipv6Addr::LOCALHOST, 0)),
        ]);
    }
    let found = tokio::net::lookup_host((name, 0)).await?;
    Ok(found.take(MAX_ADDRESSES).collect())
}

/// Every address of the name was refused.
#[derive(Debug)]
pub(crate) struct AddressRefused;

impl fmt::Display for AddressRefused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no address of the host is public")
    }
}

impl Error for AddressRefused {}

/// Tells whether a URL may be asked at all, before anything is resolved.
///
/// An address literal never reaches the resolver, so it is judged here.
pub(crate) fn admits(url: &Url, reach: Reach) -> bool {
    let literal = match url.host() {
        Some(Host::Ipv4(address)) => Some(IpAddr::V4(address)),
        Some(Host::Ipv6(address)) => Some(IpAddr::V6(address)),
        Some(Host::Domain(_)) => None,
        None => return false,
    };
    match (url.scheme(), reach) {
        ("https" | "http", Reach::Any) => true,
        // Security: plain http is for an issuer on this machine, or one whose owner accepted the danger; both are
        // `Reach::Any`. Any other host that metadata names has to speak https.
        ("https", Reach::PublicOnly) => literal.is_none_or(is_public_address),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // attacks: C14
    #[test]
    fn literals_and_schemes_are_judged_before_resolving() {
        for (url, any, public_only) in [
            ("https://id.example.com/token", true, true),
            ("http://id.example.com/token", true, false),
            ("http://localhost:6002/token", true, false),
            ("https://127.0.0.1/", true, false),
            ("https://169.254.169.254/latest/meta-data", true, false),
            ("https://10.0.0.1/", true, false),
            ("https://[::1]/", true, false),
            ("https://[::ffff:127.0.0.1]/", true, false),
            ("https://[fe80::1]/", true, false),
            // The URL parser reads what a resolver might: a decimal, a hexadecimal and a short form of 127.0.0.1.
            ("https://2130706433/", true, false),
            ("https://0x7f000001/", true, false),
            ("https://127.1/", true, false),
            ("https://8.8.8.8/", true, true),
            ("https://[2606:4700::1111]/", true, true),
            ("ftp://id.example.com/", false, false),
            ("data:text/plain,x", false, false),
        ] {
            let parsed: Url = url.parse().unwrap();
            assert_eq!(admits(&parsed, Reach::Any), any, "{url}");
            assert_eq!(admits(&parsed, Reach::PublicOnly), public_only, "{url}");
        }
    }
}
