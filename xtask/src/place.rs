//! Where things lie: the project's root and the cache folders outside of it.
//! Reads the environment, writes nothing.

use std::env;
use std::path::{Path, PathBuf};

/// The project's root folder.
pub(crate) fn root() -> &'static Path {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here)
}

/// Validators of the tests: `venv/` (`PyPI`) and `npm/node_modules/`.
/// `PLIMSOLL_TOOLS` if set, else `plimsoll-tools` in the user's cache.
pub(crate) fn tools() -> PathBuf {
    env::var_os("PLIMSOLL_TOOLS").map_or_else(|| cache().join("plimsoll-tools"), PathBuf::from)
}

/// The API server and etcd of the end-to-end tests.
pub(crate) fn e2e() -> PathBuf {
    cache().join("plimsoll-e2e")
}

/// Real data of the tests; absent on most machines.
pub(crate) fn shared() -> PathBuf {
    env::var_os("PLIMSOLL_SHARED").map_or_else(|| root().join("../shared"), PathBuf::from)
}

/// True if `PLIMSOLL_REQUIRE` (a comma-separated list) turns the absence of `what` into a failure.
pub(crate) fn required(what: &str) -> bool {
    env::var("PLIMSOLL_REQUIRE").is_ok_and(|list| list.split(',').any(|entry| entry.trim() == what))
}

/// The first executable file of that name on `PATH`.
pub(crate) fn on_path(program: &str) -> Option<PathBuf> {
    env::split_paths(&env::var_os("PATH")?)
        .map(|folder| folder.join(program))
        .find(|file| file.is_file())
}

fn cache() -> PathBuf {
    let absolute = |name| {
        env::var_os(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    absolute("XDG_CACHE_HOME")
        .or_else(|| absolute("HOME").map(|home| home.join(".cache")))
        .unwrap_or_else(|| root().join("target"))
}
