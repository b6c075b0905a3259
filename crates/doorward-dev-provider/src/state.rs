//! Everything the provider remembers. All of it is bounded; a restart forgets it.
//!
//! Codes, tokens and session cookies are kept by digest, so that looking one up compares no secret.

use std::collections::VecDeque;

use doorward_crypto::sha256_base64url;

use crate::{
    bounded::Bounded,
    endpoint::{Faults, Stats},
    keys::Keys,
    platform::{PlatformKnobs, Site},
    settings::RefreshTokenRotation,
};

/// How long an authorization code can be redeemed, in seconds (RFC 6749 §4.1.2 recommends ten minutes at most).
pub(crate) const CODE_TTL: u64 = 60;
/// How long a provider session lasts, in seconds.
pub(crate) const SESSION_TTL: u64 = 12 * 3600;
/// How long a refresh token lasts, in seconds, whether or not it is used.
pub(crate) const REFRESH_TOKEN_TTL: u64 = 14 * 24 * 3600;

const MAX_SESSIONS: usize = 1_000;
const MAX_CODES: usize = 2_000;
const MAX_GRANTS: usize = 10_000;
const MAX_TOKENS: usize = 10_000;
const MAX_MINTED: usize = 20_000;

/// What `/_control/settings` can change.
#[derive(Debug, Clone)]
pub(crate) struct Knobs {
    pub(crate) access_token_ttl: u64,
    pub(crate) rotation: RefreshTokenRotation,
    pub(crate) refresh_token: bool,
    pub(crate) auto_login: Option<String>,
    pub(crate) faults: Faults,
    pub(crate) platform: PlatformKnobs,
}

/// A browser that is signed in at one site of the provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Session {
    /// Where; a session counts nowhere else.
    pub(crate) site: Site,
    pub(crate) sid: String,
    pub(crate) subject: String,
    pub(crate) auth_time: u64,
    pub(crate) acr: String,
    pub(crate) identity_provider: String,
    pub(crate) expires_at: u64,
    /// Who has to hear of the end of this session.
    pub(crate) client_ids: Vec<String>,
}

/// The two ways in which the provider speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Face {
    /// A standard OpenID provider.
    Standard,
    /// The Wristband platform.
    Platform,
}

/// What a user let a client do; every token of one login belongs to one grant.
#[derive(Debug, Clone)]
pub(crate) struct Grant {
    /// Whether its tokens are those of the platform.
    pub(crate) face: Face,
    pub(crate) client_id: String,
    /// `None` for client credentials.
    pub(crate) login: Option<Login>,
    pub(crate) scopes: Vec<String>,
    pub(crate) audiences: Vec<String>,
    pub(crate) revoked: bool,
}

/// Who signed in, when and how.
#[derive(Debug, Clone)]
pub(crate) struct Login {
    pub(crate) subject: String,
    pub(crate) sid: String,
    pub(crate) auth_time: u64,
    pub(crate) acr: String,
    /// Who asked for the password: the platform itself or somebody it is connected to.
    pub(crate) identity_provider: String,
}

/// An authorization code, kept after its use so that a second use is noticed.
#[derive(Debug, Clone)]
pub(crate) struct Code {
    pub(crate) grant_id: String,
    pub(crate) redirect_uri: String,
    pub(crate) code_challenge: String,
    pub(crate) nonce: Option<String>,
    pub(crate) expires_at: u64,
    pub(crate) used: bool,
}

/// A refresh token, kept after its use so that a second use is noticed.
#[derive(Debug, Clone)]
pub(crate) struct RefreshToken {
    pub(crate) grant_id: String,
    pub(crate) expires_at: u64,
    pub(crate) used: bool,
}

/// An access token that was issued and not revoked.
#[derive(Debug, Clone)]
pub(crate) struct AccessToken {
    pub(crate) grant_id: String,
    pub(crate) scopes: Vec<String>,
    pub(crate) issued_at: u64,
    pub(crate) expires_at: u64,
    pub(crate) jti: String,
}

/// An ID token that was issued, by which a client can name a session at logout.
#[derive(Debug, Clone)]
pub(crate) struct IdToken {
    pub(crate) client_id: String,
    pub(crate) sid: String,
}

/// The memory of the provider.
pub(crate) struct State {
    pub(crate) knobs: Knobs,
    pub(crate) stats: Stats,
    pub(crate) keys: Keys,
    pub(crate) sessions: Bounded<Session>,
    pub(crate) grants: Bounded<Grant>,
    pub(crate) codes: Bounded<Code>,
    pub(crate) refresh_tokens: Bounded<RefreshToken>,
    pub(crate) access_tokens: Bounded<AccessToken>,
    pub(crate) id_tokens: Bounded<IdToken>,
    /// Client assertions that were used, by client and `jti`, with their end.
    pub(crate) assertions: Bounded<u64>,
    minted: VecDeque<String>,
}

impl State {
    pub(crate) fn new(knobs: Knobs, keys: Keys) -> Self {
        Self {
            knobs,
            stats: Stats::default(),
            keys,
            sessions: Bounded::new(MAX_SESSIONS),
            grants: Bounded::new(MAX_GRANTS),
            codes: Bounded::new(MAX_CODES),
            refresh_tokens: Bounded::new(MAX_TOKENS),
            access_tokens: Bounded::new(MAX_TOKENS),
            id_tokens: Bounded::new(MAX_TOKENS),
            assertions: Bounded::new(MAX_TOKENS),
            minted: VecDeque::new(),
        }
    }

    /// Remembers a secret for tests that search logs for it.
    pub(crate) fn record_minted(&mut self, secret: &str) {
        if self.minted.len() >= MAX_MINTED {
            self.minted.pop_front();
        }
        self.minted.push_back(secret.to_owned());
    }

    pub(crate) fn minted(&self) -> Vec<String> {
        self.minted.iter().cloned().collect()
    }

    /// The session of that cookie at `site`.
    ///
    /// # Security
    /// Browsers keep cookies apart by host; whoever holds a cookie can send it anywhere.
    pub(crate) fn session(&self, cookie: &str, site: &Site, now: u64) -> Option<&Session> {
        self.sessions
            .get(&digest(cookie))
            .filter(|session| session.site == *site && now < session.expires_at)
    }

    /// The grant of that ID unless it was revoked or forgotten.
    pub(crate) fn live_grant(&self, grant_id: &str) -> Option<&Grant> {
        self.grants.get(grant_id).filter(|grant| !grant.revoked)
    }

    /// An access token that counts, with its grant.
    pub(crate) fn live_access_token(&self, token: &str, now: u64) -> Option<(&AccessToken, &Grant)> {
        let access_token = self
            .access_tokens
            .get(&digest(token))
            .filter(|token| now < token.expires_at)?;
        Some((access_token, self.live_grant(&access_token.grant_id)?))
    }

    pub(crate) fn revoke_grant(&mut self, grant_id: &str) {
        if let Some(grant) = self.grants.get_mut(grant_id) {
            grant.revoked = true;
        }
    }
}

/// The key under which a secret is kept.
pub(crate) fn digest(secret: &str) -> String {
    sha256_base64url(secret.as_bytes())
}
