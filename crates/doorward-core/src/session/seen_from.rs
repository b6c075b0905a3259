//! From where a session is used, as far as a request says: for its user, who looks at a list and asks "is that me?".
//!
//! # Security
//! A `User-Agent` is the sender's word and proves nothing; nobody is let in or kept out by it. No part of it is kept: what is written
//! down are names out of the tables here, so that no text of a sender reaches a page.

use core::net::IpAddr;

use serde::{Deserialize, Serialize};

/// More of a `User-Agent` is not looked at.
const MAX_USER_AGENT: usize = 512;

/// What a request says of the browser behind it.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct SeenFrom {
    /// The browser and its system as people name them, such as `Firefox on Linux`; empty where the browser does not say.
    pub device: String,
    /// What kind of address the request came from; `None` where the shell does not know it.
    pub address: Option<AddressClass>,
}

/// A kind of network address: enough to tell "at home" from "elsewhere", too little to find anybody by.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AddressClass {
    /// This machine.
    Loopback,
    /// A private network (RFC 1918, RFC 4193, link-local).
    Private,
    /// Anywhere else.
    Public,
}

/// Browsers by what only they say. Most also claim to be those that stand further down, so that the first one found counts.
const BROWSERS: [(&str, &str); 21] = [
    ("EdgiOS/", "Edge"),
    ("EdgA/", "Edge"),
    ("Edg/", "Edge"),
    ("Edge/", "Edge"),
    ("OPiOS/", "Opera"),
    ("OPT/", "Opera"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Vivaldi/", "Vivaldi"),
    ("DuckDuckGo/", "DuckDuckGo"),
    ("Ddg/", "DuckDuckGo"),
    ("YaBrowser/", "Yandex Browser"),
    ("Seamonkey/", "SeaMonkey"),
    ("FxiOS/", "Firefox"),
    ("Firefox/", "Firefox"),
    ("HeadlessChrome/", "Headless Chrome"),
    ("CriOS/", "Chrome"),
    ("Chromium/", "Chromium"),
    ("Chrome/", "Chrome"),
    ("Trident/", "Internet Explorer"),
    ("Safari/", "Safari"),
];

/// Systems, likewise: what runs on Android also says Linux, and an iPhone also says Mac OS X.
const SYSTEMS: [(&str, &str); 10] = [
    ("Windows", "Windows"),
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("CrOS", "ChromeOS"),
    ("Macintosh", "macOS"),
    ("FreeBSD", "FreeBSD"),
    ("OpenBSD", "OpenBSD"),
    ("Linux", "Linux"),
    ("X11", "Unix"),
];

/// Programs, by what they begin with.
const PROGRAMS: [(&str, &str); 9] = [
    ("curl/", "curl"),
    ("Wget/", "Wget"),
    ("HTTPie/", "HTTPie"),
    ("PostmanRuntime/", "Postman"),
    ("insomnia/", "Insomnia"),
    ("python-requests/", "Python Requests"),
    ("python-httpx/", "HTTPX"),
    ("Go-http-client/", "Go"),
    ("okhttp/", "OkHttp"),
];

impl SeenFrom {
    /// Reads a `User-Agent` header, where there is one, and the address of the peer, where it is known.
    pub fn of(user_agent: Option<&[u8]>, peer: Option<IpAddr>) -> SeenFrom {
        SeenFrom {
            device: user_agent.map(device).unwrap_or_default(),
            address: peer.map(AddressClass::of),
        }
    }
}

impl AddressClass {
    /// Tells of what kind an address is.
    pub fn of(address: IpAddr) -> AddressClass {
        // An IPv4 peer of a socket for both families is written as IPv6.
        match address.to_canonical() {
            address if address.is_loopback() => AddressClass::Loopback,
            IpAddr::V4(v4) if v4.is_private() || v4.is_link_local() => AddressClass::Private,
            IpAddr::V6(v6) if v6.is_unique_local() || v6.is_unicast_link_local() => AddressClass::Private,
            _ => AddressClass::Public,
        }
    }

    /// Returns the word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            AddressClass::Loopback => "loopback",
            AddressClass::Private => "private",
            AddressClass::Public => "public",
        }
    }
}

fn device(user_agent: &[u8]) -> String {
    let user_agent = user_agent.get(..MAX_USER_AGENT).unwrap_or(user_agent);
    if let Some((_, program)) = PROGRAMS
        .iter()
        .find(|(sign, _)| user_agent.starts_with(sign.as_bytes()))
    {
        return (*program).to_owned();
    }
    let named = |table: &[(&str, &'static str)]| {
        let found = table
            .iter()
            .find(|(sign, _)| memchr::memmem::find(user_agent, sign.as_bytes()).is_some());
        found.map(|(_, name)| *name)
    };
    match (named(&BROWSERS), named(&SYSTEMS)) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        (Some(name), None) | (None, Some(name)) => name.to_owned(),
        (None, None) => String::new(),
    }
}
