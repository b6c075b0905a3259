//! `cargo xtask docs`: the parts of the documents that are generated from the code, so that they cannot drift.
//!
//! - `docs/reference/errors.md`: the table of error codes ([`codes`]); the same as types in `packages/client/src/codes.ts`.
//! - `docs/attacks.md`: which tests try which attack ([`attacks`]).
//! - `docs/reference/wristband.md`: which tests prove it ([`wristband`]).

use crate::failure::Failure;

mod attacks;
mod codes;
mod wristband;

/// Whether to write or only to compare.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    Write,
    Check,
}

/// A page with a generated part, and what makes the whole page anew from what it is now.
type Page = (&'static str, fn(&str) -> Result<String, Failure>);

const PAGES: [Page; 4] = [
    (codes::PAGE, codes::render),
    (codes::TYPES, codes::render_types),
    (attacks::PAGE, attacks::render),
    (wristband::PAGE, wristband::render),
];

/// Writes the generated parts or says which are not current.
pub(crate) fn run(mode: Mode) -> Result<(), Failure> {
    for (path, render) in PAGES {
        let (page, wanted) = compare(path, render)?;
        if page == wanted {
            println!("{path}: current");
            continue;
        }
        if mode == Mode::Check {
            return Err(Failure::new(format!(
                "{path} is out of date\nhint: run `cargo xtask docs`"
            )));
        }
        std::fs::write(path, wanted).map_err(|error| Failure::during(path, error))?;
        println!("{path}: written");
    }
    Ok(())
}

/// What is wrong with the generated parts: page and complaint.
pub(crate) fn complaints() -> Vec<(&'static str, String)> {
    let mut found = Vec::new();
    for (path, render) in PAGES {
        match compare(path, render) {
            Ok((page, wanted)) if page == wanted => {}
            Ok(_) => found.push((path, "is out of date: run `cargo xtask docs`".to_owned())),
            Err(failure) => found.push((path, failure.message)),
        }
    }
    if let Err(failure) = attacks::check() {
        found.push((attacks::PAGE, failure.message));
    }
    found
}

fn compare(path: &str, render: fn(&str) -> Result<String, Failure>) -> Result<(String, String), Failure> {
    let page = std::fs::read_to_string(path).map_err(|error| Failure::during(path, error))?;
    let wanted = render(&page)?;
    Ok((page, wanted))
}

/// The page's text before, between and after its marks.
fn parts<'p>(path: &str, page: &'p str, begin: &str, end: &str) -> Result<(&'p str, &'p str, &'p str), Failure> {
    let found = page.split_once(begin).and_then(|(before, rest)| {
        let (inside, after) = rest.split_once(end)?;
        Some((before, inside, after))
    });
    found.ok_or_else(|| Failure::new(format!("{path} has lost the marks of its generated part")))
}
