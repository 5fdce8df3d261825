//! `docs/checks`: a page a rule, written by `cargo xtask gen`, compared here.

use checks::{pages, table};
use std::collections::BTreeMap;
use std::path::PathBuf;

#[test]
fn generated_pages_of_the_rules() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/checks");
    let mut expected: BTreeMap<String, String> = table::all()
        .map(|rule| (pages::file(rule), pages::page(rule)))
        .collect();
    expected.insert("README.md".to_owned(), pages::index());
    let there = folder.read_dir().into_iter().flatten();
    let there: Vec<String> = there
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    if std::env::var_os("PLIMSOLL_GENERATE").is_some() {
        std::fs::create_dir_all(&folder).unwrap();
        for gone in there.iter().filter(|name| !expected.contains_key(*name)) {
            std::fs::remove_file(folder.join(gone)).unwrap();
        }
        for (name, text) in &expected {
            std::fs::write(folder.join(name), text).unwrap();
        }
        return;
    }
    for (name, text) in &expected {
        let written = std::fs::read_to_string(folder.join(name)).unwrap_or_default();
        assert!(
            written == *text,
            "docs/checks/{name} is not what the rule says: cargo xtask gen"
        );
    }
    assert!(
        there.iter().all(|name| expected.contains_key(name)),
        "docs/checks has pages of no rule: cargo xtask gen"
    );
}
