//! Query strings and form bodies, read strictly.
//!
//! The rules, in the order applied: at most 64 KB; split at `&`, empty pieces skipped; at most 128 parameters; `+` is a
//! space; every percent escape is complete and well-formed; the result is UTF-8 without NUL. What breaks one is an error
//! for the whole text: a reader that skips a bad pair would read something else than the browser sent.

use thiserror::Error;

/// The most bytes a query string or form body may have.
pub const MAX_BYTES: usize = 64 * 1024;
/// The most parameters a query string or form body may have.
pub const MAX_PARAMETERS: usize = 128;

/// Why a query string or form body is not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ParamsError {
    /// More than [`MAX_BYTES`].
    #[error("parameters have more than {MAX_BYTES} bytes")]
    TooLarge,
    /// More than [`MAX_PARAMETERS`].
    #[error("there are more than {MAX_PARAMETERS} parameters")]
    TooMany,
    /// A broken percent escape, bytes that are not UTF-8, or a NUL.
    #[error("parameters are not valid percent-encoded text")]
    Malformed,
}

/// A parameter that must occur at most once occurs twice or more.
///
/// RFC 6749 §3.1 forbids repetition; two readers that each take another one of the two values is how it is exploited.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("parameter {name:?} is given more than once")]
pub struct RepeatedParameter {
    /// The name asked for, as this code spells it.
    pub name: String,
}

/// The decoded parameters of a query string or a form body, in their order.
///
/// # Example
/// ```
/// use doorward_oidc::Params;
///
/// let params = Params::parse("state=abc&code=x%20y").unwrap();
/// assert_eq!(params.once("code").unwrap(), Some("x y"));
/// assert!(Params::parse("a=1&a=2").unwrap().once("a").is_err());
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Params {
    pairs: Vec<(String, String)>,
}

impl Params {
    /// Reads a query string (without its `?`) or an `application/x-www-form-urlencoded` body.
    ///
    /// # Errors
    /// [`ParamsError::TooLarge`] and [`ParamsError::TooMany`] at the caps, [`ParamsError::Malformed`] for a broken escape,
    /// bytes that are not UTF-8, or a NUL.
    ///
    /// # Security
    /// Every byte comes from the browser.
    pub fn parse(raw: &str) -> Result<Self, ParamsError> {
        if raw.len() > MAX_BYTES {
            return Err(ParamsError::TooLarge);
        }
        let mut pairs = Vec::new();
        for piece in raw.split('&').filter(|piece| !piece.is_empty()) {
            if pairs.len() == MAX_PARAMETERS {
                return Err(ParamsError::TooMany);
            }
            let (name, value) = piece.split_once('=').unwrap_or((piece, ""));
            pairs.push((decode(name)?, decode(value)?));
        }
        Ok(Self { pairs })
    }

    /// Returns the value of a parameter that may occur at most once.
    ///
    /// # Errors
    /// [`RepeatedParameter`] if it occurs again, with whatever value.
    pub fn once(&self, name: &str) -> Result<Option<&str>, RepeatedParameter> {
        self.any_of_once(&[name])
    }

    /// Returns the value of a parameter with several spellings, which may occur at most once in all of them together.
    ///
    /// # Errors
    /// [`RepeatedParameter`], naming the spelling met second.
    pub fn any_of_once(&self, names: &[&str]) -> Result<Option<&str>, RepeatedParameter> {
        let mut found = None;
        for (name, value) in &self.pairs {
            if !names.contains(&name.as_str()) {
                continue;
            }
            if found.is_some() {
                return Err(RepeatedParameter { name: name.clone() });
            }
            found = Some(value.as_str());
        }
        Ok(found)
    }

    /// Iterates over names and values in the order given.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.pairs.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

/// Names only: values may be codes and tokens.
impl std::fmt::Debug for Params {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.pairs.iter().map(|(name, _)| name)).finish()
    }
}

fn decode(text: &str) -> Result<String, ParamsError> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        let byte = match byte {
            b'+' => b' ',
            b'%' => hex_digit(bytes.next())? * 16 + hex_digit(bytes.next())?,
            other => other,
        };
        if byte == 0 {
            return Err(ParamsError::Malformed);
        }
        decoded.push(byte);
    }
    String::from_utf8(decoded).map_err(|_| ParamsError::Malformed)
}

fn hex_digit(byte: Option<u8>) -> Result<u8, ParamsError> {
    match byte {
        Some(digit @ b'0'..=b'9') => Ok(digit - b'0'),
        Some(digit @ b'a'..=b'f') => Ok(digit - b'a' + 10),
        Some(digit @ b'A'..=b'F') => Ok(digit - b'A' + 10),
        _ => Err(ParamsError::Malformed),
    }
}
