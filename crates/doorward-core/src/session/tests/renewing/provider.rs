//! A provider with refresh tokens that count once.

/// What becomes of a refresh token that comes a second time.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Rotation {
    /// It is refused, and nothing else happens.
    Plain,
    /// It is refused, and so is from then on every token that came of it.
    ReuseDetection,
    /// The one before the newest counts once more.
    Grace,
}

pub(super) const ROTATIONS: [Rotation; 3] = [Rotation::Plain, Rotation::ReuseDetection, Rotation::Grace];

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Reply {
    /// A new refresh token.
    Token(u8),
    /// `invalid_grant`.
    Refused,
    /// An outage.
    Unavailable,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) struct Provider {
    rotation: Rotation,
    pub(super) newest: u8,
    is_revoked: bool,
    has_forgiven: bool,
}

impl Provider {
    pub(super) const fn new(rotation: Rotation) -> Provider {
        Provider {
            rotation,
            newest: 0,
            is_revoked: false,
            has_forgiven: false,
        }
    }

    pub(super) fn call(&mut self, token: u8) -> Reply {
        let is_again = token < self.newest;
        match self.rotation {
            _ if self.is_revoked => return Reply::Refused,
            Rotation::Plain if is_again => return Reply::Refused,
            Rotation::ReuseDetection if is_again => {
                self.is_revoked = true;
                return Reply::Refused;
            }
            Rotation::Grace if is_again => {
                if self.has_forgiven || token + 1 != self.newest {
                    return Reply::Refused;
                }
                self.has_forgiven = true;
            }
            Rotation::Plain | Rotation::ReuseDetection | Rotation::Grace => {}
        }
        self.newest += 1;
        Reply::Token(self.newest)
    }
}
