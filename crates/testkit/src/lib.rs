//! For tests only: recorded traffic of real API servers, played back; a real registry, real stores. Never shipped.

#[cfg(feature = "candidates")]
pub mod candidates;
#[cfg(feature = "registry")]
pub mod registry;
#[cfg(feature = "replay")]
pub mod replay;
#[cfg(feature = "stores")]
pub mod stores;

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

/// Where `cargo xtask test --install` puts what tests call: `PLIMSOLL_TOOLS`, else `plimsoll-tools` in the user's cache.
pub fn tools() -> PathBuf {
    let cache = || {
        std::env::var_os("XDG_CACHE_HOME")
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
            .or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache")))
            .unwrap_or_default()
            .join("plimsoll-tools")
    };
    std::env::var_os("PLIMSOLL_TOOLS").map_or_else(cache, PathBuf::from)
}

/// `minbase/` and `full/`, the root file systems that xtask's `root.rs` makes; `None` where they are absent.
pub fn roots() -> Option<PathBuf> {
    let roots = tools().join("root-1");
    roots.is_dir().then_some(roots)
}

/// Whether `PLIMSOLL_REQUIRE` names `what`.
pub fn required(what: &str) -> bool {
    std::env::var("PLIMSOLL_REQUIRE").is_ok_and(|all| all.split(',').any(|one| one.trim() == what))
}
