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
    finder: Finder<'static>,
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
            finder: Finder::new(&format!("{SESSION_COOKIE}=")).into_owned(),
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

    /// Searches the whole header for the session's cookie: a second one would have to be noticed.
    pub fn scan<'h>(&self, headers: &'h HeaderMap) -> Option<&'h [u8]> {
        let mut found = None;
        for header in headers.get_all(COOKIE) {
            let header = header.as_bytes();
            let mut at = 0;
            while let Some(start) = self.finder.find(&header[at..]) {
                let begin = at + start;
                at = begin + self.finder.needle().len();
                if begin == 0 || header[..begin].ends_with(b"; ") {
                    let rest = &header[at..];
                    found = Some(&rest[..memchr(b';', rest).unwrap_or(rest.len())]);
                }
            }
        }
        found
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

/// The plaintext's head, read by hand.
pub struct Head<'p> {
    pub id: [u8; 16],
    pub csrf: [u8; 32],
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
        let (&[1, flags], rest) = plain.split_first_chunk()? else {
            return None;
        };
        let (&id, rest) = rest.split_first_chunk()?;
        let (&csrf, rest) = rest.split_first_chunk()?;
        let (numbers, rest) = rest.split_first_chunk::<48>()?;
        let number = |at: usize| -> Option<u64> { Some(u64::from_be_bytes(*numbers.get(8 * at..)?.first_chunk()?)) };
        let (&length, rest) = rest.split_first()?;
        let time = |at| Some(UnixTime::from_seconds(number(at)?));
        let time_if = |flag, at| if flags & flag == 0 { None } else { time(at) };
        Some(Self {
            id,
            csrf,
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
