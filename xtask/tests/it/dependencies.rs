//! Dependencies are decisions: each has its reason above it, and some are never taken.

use super::{none, root};
use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

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

/// What is really compiled: Cargo.lock also holds optional crates that nothing switches on.
#[test]
fn no_forbidden_crate_is_compiled() {
    let output = Command::new(env!("CARGO"))
        .args([
            "tree",
            "--workspace",
            "--offline",
            "--prefix",
            "none",
            "--format",
            "{p}",
        ])
        .current_dir(root())
        .output()
        .expect("cargo tree starts");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let tree = String::from_utf8(output.stdout).expect("names are UTF-8");
    let compiled: BTreeSet<&str> = tree
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    assert!(
        compiled.len() > 20,
        "cargo tree shows only {} crates",
        compiled.len()
    );
    let offenders: Vec<String> = FORBIDDEN
        .iter()
        .filter(|name| compiled.contains(*name))
        .map(|&name| name.to_owned())
        .collect();
    none("crates that are never taken", &offenders);
}
