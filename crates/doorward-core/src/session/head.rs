//! The fixed head of an identity part:
//! `version (1) | flags (1) | id (16) | csrf (32) | provider tag (8) | revision, issued, idle, absolute, access token end, refresh (8 each,
//! big endian) | tenant length (1)`, and then the tenant.

use doorward_oidc::UnixTime;

use super::SessionId;

pub(super) const VERSION: u8 = 2;
pub(super) const HAS_TOKEN_PART: u8 = 1;
pub(super) const HAS_ACCESS_TOKEN_END: u8 = 2;
pub(super) const HAS_REFRESH: u8 = 4;

/// The head of a plaintext, each field read where it lies.
#[derive(Clone, Copy)]
pub(super) struct Head<'p>(&'p [u8; HEAD_BYTES]);

/// Version, flags, ID, CSRF token, the provider's tag, six numbers, the tenant's length.
pub(super) const HEAD_BYTES: usize = 1 + 1 + 16 + 32 + 8 + 6 * 8 + 1;

impl<'p> Head<'p> {
    /// Reads the head of a plaintext that [`of`](Self::of) took before.
    #[inline]
    pub(super) fn at(plain: &'p [u8]) -> Head<'p> {
        // There is one; the fallback, a session that ended in 1970, only spares a panic path.
        Head(plain.first_chunk().unwrap_or(&[0; HEAD_BYTES]))
    }

    /// Takes a head of our version before a tenant in UTF-8.
    #[inline]
    pub(super) fn of(plain: &'p [u8]) -> Option<Head<'p>> {
        let head = Head(plain.first_chunk()?);
        let tenant = plain.get(HEAD_BYTES..head.end())?;
        (head.0[0] == VERSION && core::str::from_utf8(tenant).is_ok()).then_some(head)
    }

    pub(super) fn id(self) -> SessionId {
        SessionId::from_bytes(*self.field::<2, 16>())
    }

    pub(super) fn csrf(self) -> &'p [u8; 32] {
        self.field::<18, 32>()
    }

    pub(super) fn provider_tag(self) -> &'p [u8; 8] {
        self.field::<50, 8>()
    }

    pub(super) fn revision(self) -> u64 {
        self.number::<58>()
    }

    pub(super) fn issued_at(self) -> UnixTime {
        self.time::<66>()
    }

    pub(super) fn idle_expires_at(self) -> UnixTime {
        self.time::<74>()
    }

    pub(super) fn absolute_expires_at(self) -> UnixTime {
        self.time::<82>()
    }

    pub(super) fn access_token_expires_at(self) -> Option<UnixTime> {
        self.has(HAS_ACCESS_TOKEN_END).then(|| self.time::<90>())
    }

    pub(super) fn refresh_at(self) -> Option<UnixTime> {
        self.has(HAS_REFRESH).then(|| self.time::<98>())
    }

    pub(super) fn has_token_part(self) -> bool {
        self.has(HAS_TOKEN_PART)
    }

    /// Where the tenant ends and the body begins.
    pub(super) fn end(self) -> usize {
        HEAD_BYTES + usize::from(self.0[HEAD_BYTES - 1])
    }

    fn has(self, flag: u8) -> bool {
        self.0[1] & flag != 0
    }

    fn time<const AT: usize>(self) -> UnixTime {
        UnixTime::from_seconds(self.number::<AT>())
    }

    fn number<const AT: usize>(self) -> u64 {
        u64::from_be_bytes(*self.field::<AT, 8>())
    }

    #[inline]
    fn field<const AT: usize, const LENGTH: usize>(self) -> &'p [u8; LENGTH] {
        const { assert!(AT + LENGTH < HEAD_BYTES, "field lies beyond the head") };
        // Inside, as was asserted; the fallback only spares a panic path.
        self.0.get(AT..).and_then(<[u8]>::first_chunk).unwrap_or(&[0; LENGTH])
    }
}
