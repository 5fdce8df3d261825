//! Dependencies are decisions: each has its reason above it, and some are never taken.

use super::{none, root};
use std::fs;

/// One crypto provider everywhere (aws-lc-rs), and no C library of the machine for TLS.
const FORBIDDEN: &[&str] = &["ring", "openssl", "openssl-sys", "native-tls"];

fn read(file: &str) -> String {
    fs::read_to_string(root().join(file)).expect("a file of the project's root")
}

/// Third-party entries of `[workspace.dependencies]` without a comment on the line above.
fn without_reason(manifest: &str) -> Vec<String> {
    let mut offenders = Vec::new();
    let mut inside = false;
    let mut above = "";
    for line in manifest.lines() {
        if line.starts_with('[') {
            inside = line == "[workspace.dependencies]";
        } else if let Some((name, value)) = line.split_once(" = ")
            && inside
            && name
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
            && !value.contains("path = ")
            && !above.starts_with('#')
        {
            offenders.push(name.to_owned());
        }
        above = line;
    }
    offenders
}

#[test]
fn every_dependency_has_a_reason() {
    none(
        "no reason above these in Cargo.toml",
        &without_reason(&read("Cargo.toml")),
    );
}

#[test]
fn a_missing_reason_is_seen() {
    let manifest = "[workspace.dependencies]\nmodel = { path = \"m\" }\n# why\na = \"1\"\nb = \"1\"\n[profile.dev]\nopt-level = 1\n";
    assert_eq!(without_reason(manifest), ["b"]);
}

#[test]
fn no_forbidden_crate_is_locked() {
    let lock = read("Cargo.lock");
    let locked: Vec<&str> = lock
        .lines()
        .filter_map(|line| line.strip_prefix("name = \""))
        .map(|name| name.trim_end_matches('"'))
        .collect();
    assert!(
        locked.len() > 20,
        "Cargo.lock shows only {} crates",
        locked.len()
    );
    let offenders: Vec<String> = locked
        .iter()
        .filter(|name| FORBIDDEN.contains(name))
        .map(|&name| name.to_owned())
        .collect();
    none("crates that are never taken", &offenders);
}
