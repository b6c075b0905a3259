//! Reads `application/x-www-form-urlencoded` parameters, from a query or a body.
//!
//! RFC 6749 §3.1 and §3.2: a parameter without a value counts as omitted; none may be given twice. RFC 8707 §2 makes
//! one exception, `resource`.

use std::borrow::Cow;

use axum::http::{HeaderMap, header::CONTENT_TYPE};
use url::form_urlencoded;

const MAX_BYTES: usize = 16 * 1024;
const MAX_COUNT: usize = 64;

/// Parameters of one request, in the order they came.
#[derive(Clone, Default)]
pub(crate) struct Params {
    pairs: Vec<(String, String)>,
}

/// Why parameters could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ParamsError {
    #[error("request has more than {MAX_BYTES} bytes of parameters")]
    TooLarge,
    #[error("request has more than {MAX_COUNT} parameters")]
    TooMany,
    #[error("request body is not application/x-www-form-urlencoded")]
    ContentType,
}

impl Params {
    pub(crate) fn parse(text: &[u8]) -> Result<Self, ParamsError> {
        if text.len() > MAX_BYTES {
            return Err(ParamsError::TooLarge);
        }
        let pairs: Vec<_> = form_urlencoded::parse(text)
            .take(MAX_COUNT + 1)
            .map(|(name, value)| (name.into_owned(), value.into_owned()))
            .collect();
        if pairs.len() > MAX_COUNT {
            return Err(ParamsError::TooMany);
        }
        Ok(Self { pairs })
    }

    /// Reads a form body, whose content type must say that it is one.
    pub(crate) fn parse_body(headers: &HeaderMap, body: &[u8]) -> Result<Self, ParamsError> {
        let content_type = headers
            .get(CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        let media_type = content_type.split(';').next().unwrap_or_default().trim();
        if !media_type.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            return Err(ParamsError::ContentType);
        }
        Self::parse(body)
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.pairs
            .iter()
            .find(|(key, value)| key == name && !value.is_empty())
            .map(|(_, value)| value.as_str())
    }

    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.pairs
            .iter()
            .filter(move |(key, value)| key == name && !value.is_empty())
            .map(|(_, value)| value.as_str())
    }

    /// Names the first parameter that was given more than once.
    pub(crate) fn repeated(&self) -> Option<&str> {
        let mut rest = self.pairs.as_slice();
        while let Some(((name, _), tail)) = rest.split_first() {
            if name != "resource" && tail.iter().any(|(other, _)| other == name) {
                return Some(name);
            }
            rest = tail;
        }
        None
    }

    /// The parameters as a query.
    pub(crate) fn encode(&self) -> String {
        form_urlencoded::Serializer::new(String::new())
            .extend_pairs(self.iter())
            .finish()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.pairs.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

/// Appends `pairs` to the query of `url`, leaving what is there byte for byte as it was.
pub(crate) fn append_query(url: &str, pairs: &[(&str, Cow<'_, str>)]) -> String {
    let mut encoded = form_urlencoded::Serializer::new(String::new());
    for (name, value) in pairs {
        encoded.append_pair(name, value);
    }
    let encoded = encoded.finish();
    let separator = match url.split_once('?') {
        _ if encoded.is_empty() => "",
        None => "?",
        Some((_, query)) if query.is_empty() || query.ends_with('&') => "",
        Some(_) => "&",
    };
    format!("{url}{separator}{encoded}")
}

/// True for text that can stand in a space-separated list of RFC 6749 scope tokens.
pub(crate) fn is_scope_token(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 128
        && text
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\')
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
    use super::*;

    #[test]
    fn an_empty_value_counts_as_omitted() {
        let params = Params::parse(b"state=&scope=openid").unwrap();
        assert_eq!(params.get("state"), None);
        assert_eq!(params.get("scope"), Some("openid"));
    }

    #[test]
    fn a_parameter_given_twice_is_named() {
        assert_eq!(Params::parse(b"a=1&b=2&a=3").unwrap().repeated(), Some("a"));
        assert_eq!(Params::parse(b"a=1&b=2").unwrap().repeated(), None);
        assert_eq!(Params::parse(b"resource=1&resource=2").unwrap().repeated(), None);
    }

    #[test]
    fn too_much_is_refused() {
        assert_eq!(
            Params::parse(&vec![b'a'; MAX_BYTES + 1]).err(),
            Some(ParamsError::TooLarge)
        );
        assert_eq!(
            Params::parse("a=1&".repeat(MAX_COUNT + 1).as_bytes()).err(),
            Some(ParamsError::TooMany)
        );
        assert!(Params::parse("a=1&".repeat(MAX_COUNT).as_bytes()).is_ok());
    }

    #[test]
    fn a_query_is_appended_to_not_replaced() {
        for (url, expected) in [
            ("http://localhost/cb", "http://localhost/cb?code=a%26b"),
            ("http://localhost/cb?x=1", "http://localhost/cb?x=1&code=a%26b"),
            ("http://localhost/cb?", "http://localhost/cb?code=a%26b"),
        ] {
            assert_eq!(append_query(url, &[("code", "a&b".into())]), expected);
        }
        assert_eq!(append_query("http://localhost/cb", &[]), "http://localhost/cb");
    }
}
