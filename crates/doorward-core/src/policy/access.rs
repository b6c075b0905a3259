//! With what one may call: a set.

/// Sessions, bearer tokens, both, none of them, or no need for any.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Access {
    pub(super) session: bool,
    pub(super) bearer: bool,
    anyone: bool,
}

impl Access {
    pub(super) const PUBLIC: Access = Access::of(false, false, true);
    pub(super) const SESSION: Access = Access::of(true, false, false);
    pub(super) const BEARER: Access = Access::of(false, true, false);

    const fn of(session: bool, bearer: bool, anyone: bool) -> Access {
        Access {
            session,
            bearer,
            anyone,
        }
    }

    pub(super) const fn is_public(self) -> bool {
        self.anyone
    }

    /// What is in either set; nothing is public any more.
    pub(super) const fn or(self, other: Access) -> Access {
        Access::of(self.session || other.session, self.bearer || other.bearer, false)
    }

    /// What is in both sets; a public rule adds and takes nothing.
    pub(super) const fn and(self, other: Access) -> Access {
        if self.anyone {
            other
        } else if other.anyone {
            self
        } else {
            Access::of(self.session && other.session, self.bearer && other.bearer, false)
        }
    }

    /// The set for a rule that asks for something: a session, where none was needed before.
    pub(super) const fn restricted(self) -> Access {
        if self.anyone { Access::SESSION } else { self }
    }
}

impl core::fmt::Display for Access {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match (self.anyone, self.session, self.bearer) {
            (true, ..) => "public",
            (_, true, true) => "session or bearer",
            (_, true, false) => "session",
            (_, false, true) => "bearer",
            (_, false, false) => "nobody",
        })
    }
}
