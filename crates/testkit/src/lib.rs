//! For tests only: recorded traffic of real API servers, played back; a real registry. Never shipped.

#[cfg(feature = "registry")]
pub mod registry;
#[cfg(feature = "replay")]
pub mod replay;

use std::path::PathBuf;

/// The folder of real test data: `PLIMSOLL_SHARED`, else `../shared` from the project's root; `None` where it is absent.
/// Panics where `PLIMSOLL_REQUIRE` says that it must be there.
#[allow(clippy::panic, clippy::print_stderr)] // a test's way to fail and to say that it was skipped
pub fn shared(below: &str) -> Option<PathBuf> {
    let root = std::env::var_os("PLIMSOLL_SHARED").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared")),
        PathBuf::from,
    );
    let path = root.join(below);
    if path.exists() {
        return Some(path);
    }
    assert!(
        !required("shared"),
        "{} is absent, and PLIMSOLL_REQUIRE asks for it",
        path.display()
    );
    eprintln!("skipped: {} is absent", path.display());
    None
}

/// Whether `PLIMSOLL_REQUIRE` names `what`.
pub fn required(what: &str) -> bool {
    std::env::var("PLIMSOLL_REQUIRE").is_ok_and(|all| all.split(',').any(|one| one.trim() == what))
}
