//! The steps that lead from a cookie header to a session, each by itself and with nothing around it.

use aws_lc_rs::aead::{AES_256_GCM_SIV, Aad, LessSafeKey, Nonce, UnboundKey};
use base64_simd::URL_SAFE_NO_PAD;
use doorward_core::UnixTime;
use doorward_crypto::{KeyRing, SecretString};
use http::HeaderMap;
use http::header::COOKIE;
use memchr::memchr;
use memchr::memmem::Finder;

use super::{SECRET, SESSION_COOKIE, SignedIn};

const HEAD_BYTES: usize = 17;
const TAG_BYTES: usize = 16;

/// What each step works on: the very bytes of a session that signed in.
pub struct Parts {
    session: Finder<'static>,
    csrf: Finder<'static>,
    /// The identity cookie's value.
    pub value: Vec<u8>,
    key: LessSafeKey,
    nonce: [u8; 12],
    associated: Vec<u8>,
    /// Ciphertext and tag under `key`, as long as the cookie's.
    pub sealed: Vec<u8>,
    /// The cookie's plaintext.
    pub plain: Vec<u8>,
}

impl Parts {
    /// Takes a session apart.
    pub fn of(signed_in: &SignedIn) -> Self {
        let value = signed_in.identity().as_bytes().to_vec();
        let sealer = KeyRing::new(vec![SecretString::new(SECRET)]).unwrap().sealer("session");
        let plain = sealer
            .open(&sealer.associated(SESSION_COOKIE), &value)
            .unwrap()
            .into_vec();
        // The product's key stays where it is; for the time it takes one key is as good as another.
        let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM_SIV, &[7; 32]).unwrap());
        let mut parts = Self {
            session: Finder::new(SESSION_COOKIE).into_owned(),
            csrf: Finder::new("CSRF-TOKEN=").into_owned(),
            key,
            nonce: [9; 12],
            // Version, and purpose and name behind their lengths.
            associated: vec![1; 1 + 8 + "session".len() + 8 + SESSION_COOKIE.len()],
            sealed: plain.clone(),
            plain,
            value,
        };
        let aad = Aad::from(parts.associated.as_slice());
        let nonce = Nonce::assume_unique_for_key(parts.nonce);
        let mut sealed = parts.sealed.clone();
        parts.key.seal_in_place_append_tag(nonce, aad, &mut sealed).unwrap();
        parts.sealed = sealed;
        assert_eq!(
            URL_SAFE_NO_PAD.decode_to_vec(&parts.value).unwrap().len(),
            HEAD_BYTES + parts.plain.len() + TAG_BYTES,
            "the sealed format has changed; change this with it"
        );
        parts
    }

    /// Finds the session's cookie and the CSRF cookie, looking at a pair of ours directly and searching
    /// only what is not.
    pub fn scan<'h>(&self, headers: &'h HeaderMap) -> [Option<&'h [u8]>; 2] {
        let (mut session, mut csrf) = (None, None);
        for header in headers.get_all(COOKIE) {
            let mut rest = header.as_bytes();
            while !rest.is_empty() {
                let end = memchr(b';', rest).unwrap_or(rest.len());
                if let Some(after) = rest.strip_prefix(SESSION_COOKIE.as_bytes()) {
                    if after[0] == b'=' {
                        session = Some(&rest[SESSION_COOKIE.len() + 1..end]);
                    }
                } else if let Some(after) = rest.strip_prefix(self.csrf.needle()) {
                    csrf = Some(until_semicolon(after));
                } else {
                    let next = self.session.find(rest).unwrap_or(rest.len());
                    csrf = csrf.or(find(&self.csrf, &rest[..next]));
                    rest = &rest[next..];
                    continue;
                }
                rest = rest.get(end + "; ".len()..).unwrap_or_default();
            }
        }
        [session, csrf]
    }

    /// Finds the session's cookie alone, reading every byte of the header by the same search.
    pub fn plain_scan<'h>(&self, headers: &'h HeaderMap) -> Option<&'h [u8]> {
        let mut session = None;
        for header in headers.get_all(COOKIE) {
            let header = header.as_bytes();
            let mut at = 0;
            while let Some(found) = self.session.find(&header[at..]) {
                let start = at + found;
                at = start + SESSION_COOKIE.len();
                if header[at] == b'=' && begins_pair(header, start) {
                    session = Some(until_semicolon(&header[at + 1..]));
                }
            }
        }
        session
    }

    /// Decodes the value into a fresh buffer.
    pub fn decode(&self) -> Vec<u8> {
        URL_SAFE_NO_PAD.decode_to_vec(&self.value).unwrap()
    }

    /// Copies the sealed bytes, as [`open`](Self::open) must before it can overwrite them.
    pub fn copy<'b>(&self, buffer: &'b mut [u8]) -> &'b mut [u8] {
        buffer.copy_from_slice(&self.sealed);
        buffer
    }

    /// Copies and opens the sealed bytes in place.
    pub fn open(&self, buffer: &mut [u8]) -> u8 {
        let buffer = self.copy(buffer);
        let nonce = Nonce::assume_unique_for_key(self.nonce);
        let plain = self
            .key
            .open_in_place(nonce, Aad::from(self.associated.as_slice()), buffer)
            .unwrap();
        plain[0]
    }

    /// Reads the head of the plaintext: everything the guard decides by.
    pub fn read(&self) -> Head<'_> {
        Head::read(&self.plain).unwrap()
    }
}

fn find<'h>(name: &Finder<'_>, part: &'h [u8]) -> Option<&'h [u8]> {
    let mut found = name.find_iter(part).filter(|start| begins_pair(part, *start));
    found
        .next()
        .map(|start| until_semicolon(&part[start + name.needle().len()..]))
}

fn begins_pair(header: &[u8], at: usize) -> bool {
    at == 0 || header[..at].ends_with(b"; ")
}

fn until_semicolon(rest: &[u8]) -> &[u8] {
    &rest[..memchr(b';', rest).unwrap_or(rest.len())]
}

/// The plaintext's head, read by hand.
pub struct Head<'p> {
    pub id: [u8; 16],
    pub csrf: [u8; 32],
    pub provider: [u8; 8],
    pub revision: u64,
    pub issued_at: UnixTime,
    pub idle_expires_at: UnixTime,
    pub absolute_expires_at: UnixTime,
    pub access_token_expires_at: Option<UnixTime>,
    pub refresh_at: Option<UnixTime>,
    pub tenant: &'p str,
}

impl<'p> Head<'p> {
    fn read(plain: &'p [u8]) -> Option<Self> {
        let (&[2, flags], rest) = plain.split_first_chunk()? else {
            return None;
        };
        let (&id, rest) = rest.split_first_chunk()?;
        let (&csrf, rest) = rest.split_first_chunk()?;
        let (&provider, rest) = rest.split_first_chunk()?;
        let (numbers, rest) = rest.split_first_chunk::<48>()?;
        let number = |at: usize| -> Option<u64> { Some(u64::from_be_bytes(*numbers.get(8 * at..)?.first_chunk()?)) };
        let (&length, rest) = rest.split_first()?;
        let time = |at| Some(UnixTime::from_seconds(number(at)?));
        let time_if = |flag, at| if flags & flag == 0 { None } else { time(at) };
        Some(Self {
            id,
            csrf,
            provider,
            revision: number(0)?,
            issued_at: time(1)?,
            idle_expires_at: time(2)?,
            absolute_expires_at: time(3)?,
            access_token_expires_at: time_if(2, 4),
            refresh_at: time_if(4, 5),
            tenant: std::str::from_utf8(rest.get(..usize::from(length))?).ok()?,
        })
    }
}
