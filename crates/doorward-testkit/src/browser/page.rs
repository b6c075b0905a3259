//! What a browser got: status, headers, body, and the form in it.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, StatusCode};
use serde::de::DeserializeOwned;
use url::Url;

use super::set_cookie::CookieRefused;

/// Why a script never sees the answer to its request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Blocked {
    /// The preflight was not allowed: the request itself was never sent, and the page shows the preflight's answer.
    Preflight,
    /// The request was sent and had its effect; its answer lacks the CORS headers that would show it.
    Response,
}

/// One answer, as it arrived.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Page {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, whole.
    pub body: Bytes,
    /// The address that answered, without a fragment.
    pub url: Url,
    /// Whether the browser would have kept the answer from the script that asked.
    pub blocked: Option<Blocked>,
    /// The `Set-Cookie` headers that were not taken, and why.
    pub refused_cookies: Vec<(String, CookieRefused)>,
    /// How the request was made, for following a redirect in the same manner.
    pub(super) asked: super::request::Asked,
}

/// The first form of a page.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Form {
    /// Where it goes, absolute.
    pub action: Url,
    /// Whether it is sent by POST.
    pub is_post: bool,
    /// Its named fields, a named button among them, in order.
    pub fields: Vec<(String, String)>,
}

impl Page {
    /// The value of a header that stands there once.
    ///
    /// # Panics
    /// If the header stands there more than once, or is not text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let name: HeaderName = name.parse().expect("a header name");
        let mut values = self.headers.get_all(&name).iter();
        let first = values.next()?;
        assert!(values.next().is_none(), "header {name} stands there twice");
        Some(first.to_str().expect("a header value of visible ASCII"))
    }

    /// Where a redirect leads, resolved against the page's own address.
    ///
    /// # Panics
    /// If `Location` is no address.
    #[must_use]
    pub fn location(&self) -> Option<Url> {
        let location = self.header("location")?;
        Some(self.url.join(location).expect("a Location that is an address"))
    }

    /// The body as text.
    ///
    /// # Panics
    /// If it is not UTF-8.
    #[must_use]
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("a body in UTF-8")
    }

    /// The body as a value.
    ///
    /// # Panics
    /// If it is not the JSON form of `T`; the message shows status and body.
    #[must_use]
    pub fn json<T: DeserializeOwned>(&self) -> T {
        match serde_json::from_slice(&self.body) {
            Ok(value) => value,
            Err(error) => panic!(
                "body of {} {} is not the expected json: {error}: {}",
                self.status,
                self.url,
                String::from_utf8_lossy(&self.body)
            ),
        }
    }

    /// The `code` member of a problem document; empty where there is none.
    #[must_use]
    pub fn problem_code(&self) -> String {
        let value: serde_json::Value = serde_json::from_slice(&self.body).unwrap_or_default();
        value["code"].as_str().unwrap_or_default().to_owned()
    }

    /// Every raw `Set-Cookie` header, in order.
    #[must_use]
    pub fn set_cookies(&self) -> Vec<&str> {
        let values = self.headers.get_all(http::header::SET_COOKIE).iter();
        values
            .map(|value| value.to_str().expect("a Set-Cookie of visible ASCII"))
            .collect()
    }

    /// The raw `Set-Cookie` headers for cookies of this name.
    #[must_use]
    pub fn set_cookie(&self, name: &str) -> Vec<&str> {
        let named = |header: &&str| header.split('=').next().is_some_and(|found| found == name);
        self.set_cookies().into_iter().filter(named).collect()
    }

    /// The first form in the body, if there is one.
    #[must_use]
    pub fn form(&self) -> Option<Form> {
        let html = std::str::from_utf8(&self.body).ok()?;
        let start = find_tag(html, "form")?;
        let (attributes, rest) = attributes(&html[start..]);
        let end = rest.find("</form").unwrap_or(rest.len());
        let get = |wanted: &str, from: &[(String, String)]| {
            let found = from.iter().find(|(name, _)| name == wanted);
            found.map(|(_, value)| value.clone())
        };
        let mut fields = Vec::new();
        let mut inner = &rest[..end];
        while let Some(at) = inner.find('<') {
            let tag = &inner[at..];
            let is_field = ["input", "button"].iter().any(|name| find_tag(tag, name) == Some(0));
            if !is_field {
                inner = &tag[1..];
                continue;
            }
            let (found, after) = self::attributes(tag);
            if let Some(name) = get("name", &found) {
                fields.push((name, get("value", &found).unwrap_or_default()));
            }
            inner = after;
        }
        let action = get("action", &attributes).unwrap_or_default();
        Some(Form {
            action: self.url.join(&action).ok()?,
            is_post: get("method", &attributes).is_some_and(|m| m.eq_ignore_ascii_case("post")),
            fields,
        })
    }
}

/// Where the first start tag of this name begins.
fn find_tag(html: &str, name: &str) -> Option<usize> {
    html.match_indices('<').map(|(at, _)| at).find(|at| {
        let rest = &html[at + 1..];
        rest.get(..name.len())
            .is_some_and(|found| found.eq_ignore_ascii_case(name))
            && rest[name.len()..].starts_with([' ', '>', '/', '\n', '\t', '\r'])
    })
}

/// The attributes of the tag that `html` begins with, and what comes after the tag.
fn attributes(html: &str) -> (Vec<(String, String)>, &str) {
    let mut found = Vec::new();
    let mut rest = html[1..].trim_start_matches(|c: char| c.is_ascii_alphanumeric());
    loop {
        rest = rest.trim_start_matches([' ', '\n', '\t', '\r', '/']);
        if rest.is_empty() {
            return (found, rest);
        }
        if let Some(after) = rest.strip_prefix('>') {
            return (found, after);
        }
        let end = rest.find(['=', ' ', '>', '\n', '\t', '/']).unwrap_or(rest.len()).max(1);
        let name = rest[..end].to_ascii_lowercase();
        rest = &rest[end..];
        let Some(value) = rest.strip_prefix('=') else {
            found.push((name, String::new()));
            continue;
        };
        let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''));
        let (value, after) = match quote {
            Some(quote) => value[1..].split_once(quote).unwrap_or((&value[1..], "")),
            None => value.split_at(value.find([' ', '>', '\n']).unwrap_or(value.len())),
        };
        found.push((name, unescape(value)));
        rest = after;
    }
}

fn unescape(text: &str) -> String {
    text.replace("&quot;", "\"")
        .replace("&#34;", "\"")
        .replace("&#x22;", "\"")
        .replace("&#39;", "'")
        .replace("&#x27;", "'")
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&amp;", "&")
}
