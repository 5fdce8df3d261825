//! Hostile lock files and package descriptions; the first byte says of which kind: no panic, no hang, bounded memory.
#![no_main]

use image::catalog::TABLE;
use image::catalog::lang::lock::LOCK_TABLE;
use image::extract::{Extracts, File, Wants};

const PATHS: [&str; 30] = [
    "bun.lock",
    "Cargo.lock",
    "composer.lock",
    "conan.lock",
    "Gemfile.lock",
    "go.mod",
    "gradle.lockfile",
    "pom.xml",
    "mix.lock",
    "package-lock.json",
    "packages.lock.json",
    "pdm.lock",
    "Pipfile.lock",
    "pnpm-lock.yaml",
    "poetry.lock",
    "pubspec.lock",
    "pylock.toml",
    "renv.lock",
    "requirements.txt",
    "Package.resolved",
    "uv.lock",
    "yarn.lock",
    "a-1.dist-info/METADATA",
    "a-1.dist-info/RECORD",
    "node_modules/a/package.json",
    "specifications/a-1.gemspec",
    "vendor/composer/installed.json",
    "a.deps.json",
    "conda-meta/a.json",
    "library/a/DESCRIPTION",
];

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Some((kind, bytes)) = bytes.split_first() else { return };
    let path = PATHS[usize::from(*kind) % PATHS.len()];
    let mut out = Extracts::default();
    for row in TABLE.iter().chain(LOCK_TABLE) {
        if matches!(row.wants, Wants::Named(wants) if wants(path)) {
            (row.extract)(&File { path, mode: 0o644, bytes }, &mut out);
        }
    }
});
