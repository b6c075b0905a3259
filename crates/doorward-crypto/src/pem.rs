//! PEM (RFC 7468), as much of it as an unencrypted private key needs.

use base64_simd::STANDARD;
use zeroize::Zeroizing;

/// What a private key's PEM label says about the DER inside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PrivateKeyFormat {
    /// `PRIVATE KEY`: PKCS#8 (RFC 5958).
    Pkcs8,
    /// `RSA PRIVATE KEY`: PKCS#1 (RFC 8017).
    Pkcs1,
    /// `EC PRIVATE KEY`: SEC1 (RFC 5915).
    Sec1,
}

/// Larger than an RSA key of 8192 bits in PEM.
const MAX_PEM: usize = 16 * 1024;

/// Reads the first private key of a PEM text; other blocks, as `EC PARAMETERS`, are passed over.
///
/// The error names what is wrong, never the content.
pub(crate) fn parse_private_key(text: &str) -> Result<(PrivateKeyFormat, Zeroizing<Vec<u8>>), &'static str> {
    if text.len() > MAX_PEM {
        return Err("pem text is larger than 16 KB");
    }
    let mut lines = text.lines().map(str::trim);
    while let Some(line) = lines.next() {
        let Some(label) = label(line, "-----BEGIN ") else {
            continue;
        };
        let format = match label {
            "PRIVATE KEY" => PrivateKeyFormat::Pkcs8,
            "RSA PRIVATE KEY" => PrivateKeyFormat::Pkcs1,
            "EC PRIVATE KEY" => PrivateKeyFormat::Sec1,
            "ENCRYPTED PRIVATE KEY" => return Err("private key is encrypted"),
            _ => continue,
        };
        return Ok((format, body(&mut lines, label)?));
    }
    Err("pem text has no private key")
}

fn label<'a>(line: &'a str, prefix: &str) -> Option<&'a str> {
    line.strip_prefix(prefix)?.strip_suffix("-----")
}

fn body<'a>(lines: &mut impl Iterator<Item = &'a str>, begun: &str) -> Result<Zeroizing<Vec<u8>>, &'static str> {
    let mut encoded = Zeroizing::new(String::with_capacity(MAX_PEM));
    for line in lines {
        if let Some(ended) = label(line, "-----END ") {
            if ended != begun {
                return Err("pem block ends with another label than it began with");
            }
            let der = STANDARD.decode_to_vec(encoded.as_bytes());
            return der.map(Zeroizing::new).map_err(|_| "pem block is not base64");
        }
        // A header as `Proc-Type: 4,ENCRYPTED` marks the old way of encrypting a key.
        if line.contains(':') {
            return Err("private key is encrypted or has pem headers");
        }
        encoded.push_str(line);
    }
    Err("pem block has no end")
}

/// Writes a PKCS#8 key as PEM.
pub(crate) fn write_pkcs8(der: &[u8]) -> String {
    let encoded = Zeroizing::new(STANDARD.encode_to_string(der));
    let mut out = String::with_capacity(encoded.len() + encoded.len() / 32 + 64);
    out.push_str("-----BEGIN PRIVATE KEY-----\n");
    let mut rest = encoded.as_str();
    while !rest.is_empty() {
        let (line, tail) = rest.split_at_checked(64).unwrap_or((rest, ""));
        out.push_str(line);
        out.push('\n');
        rest = tail;
    }
    out.push_str("-----END PRIVATE KEY-----\n");
    out
}

#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]
mod tests;
