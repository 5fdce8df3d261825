//! The rules of the house as tests: who may depend on whom, what every file begins with, what
//! the README shows. In: the checked-in tree; out: one failure that names every offender.
#![expect(clippy::expect_used, reason = "a broken tree is a failed test")]

mod dependencies;
mod documents;
mod edges;
mod files;
mod readme;

use std::path::Path;

/// The project's root folder.
fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("xtask lies in the project")
}

/// Fails with all of the offenders, one a line.
fn none(what: &str, offenders: &[String]) {
    assert!(
        offenders.is_empty(),
        "{what}:\n  {}",
        offenders.join("\n  ")
    );
}
