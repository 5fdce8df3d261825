//! Every Rust file is a room: a header says what lives there, and it has an end.

use super::{none, root};
use std::fs;
use std::path::{Path, PathBuf};

/// Lines of a file; beyond it there is a second room in it.
const LONGEST: usize = 800;
/// Tables of rows and of cases and the samples that tests share are read by looking up, not through.
const LONGEST_TEST: usize = 1_200;

fn rust_files() -> Vec<PathBuf> {
    let mut files = Vec::new();
    for folder in ["crates", "xtask", "fuzz", "benches"] {
        walk(&root().join(folder), &mut files);
    }
    files.sort();
    assert!(files.len() > 20, "only {} Rust files found", files.len());
    files
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for entry in entries.flatten() {
        let path = entry.path();
        if path.is_dir() {
            if path.file_name().is_none_or(|name| name != "target") {
                walk(&path, files);
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

fn offenders(is_wrong: impl Fn(&Path, &str) -> bool) -> Vec<String> {
    rust_files()
        .iter()
        .filter(|file| {
            is_wrong(
                file,
                &fs::read_to_string(file).expect("a readable source file"),
            )
        })
        .map(|file| {
            file.strip_prefix(root())
                .unwrap_or(file)
                .display()
                .to_string()
        })
        .collect()
}

#[test]
fn every_file_has_a_header() {
    none(
        "files that do not begin with `//!`",
        &offenders(|_, text| !text.starts_with("//! ")),
    );
}

#[test]
fn no_file_is_too_long() {
    let longest = |file: &Path| {
        let table = file.file_name().is_some_and(|name| name == "table.rs");
        if table || file.components().any(|part| part.as_os_str() == "tests") {
            LONGEST_TEST
        } else {
            LONGEST
        }
    };
    let wrong = offenders(|file, text| text.lines().count() > longest(file));
    none(&format!("files of more than {LONGEST} lines"), &wrong);
}
