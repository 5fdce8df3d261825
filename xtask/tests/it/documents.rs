//! Documents lead somewhere: a relative link that leads nowhere is a failure.

use super::{none, root};
use std::fs;
use std::path::{Path, PathBuf};

fn documents() -> Vec<PathBuf> {
    let mut files = Vec::new();
    for folder in ["", "docs", "docs/adr", "examples", "examples/shop"] {
        let Ok(entries) = fs::read_dir(root().join(folder)) else {
            continue;
        };
        files.extend(entries.flatten().map(|entry| entry.path()));
    }
    files.retain(|file| file.extension().is_some_and(|extension| extension == "md"));
    files.sort();
    assert!(files.len() > 10, "only {} documents found", files.len());
    files
}

/// Targets of `[text](target)` that are files here, without their fragments.
fn links(text: &str) -> Vec<&str> {
    text.split("](")
        .skip(1)
        .filter_map(|rest| rest.split_once(')'))
        .map(|(target, _)| target.split('#').next().unwrap_or_default())
        .filter(|target| !target.is_empty() && !target.contains("://"))
        .collect()
}

#[test]
fn links_between_documents_lead_somewhere() {
    let mut offenders = Vec::new();
    for file in documents() {
        let text = fs::read_to_string(&file).expect("a readable document");
        let folder = file.parent().unwrap_or(Path::new("."));
        for link in links(&text) {
            if !folder.join(link).exists() {
                offenders.push(format!("{} in {}", link, file.display()));
            }
        }
    }
    none("links that lead nowhere", &offenders);
}

#[test]
fn links_are_found() {
    assert_eq!(
        links("[a](b.md) [c](d.md#e) [f](https://g) [h](#i) text (j)"),
        ["b.md", "d.md"]
    );
}

#[test]
fn every_decision_is_in_the_list() {
    let folder = root().join("docs/adr");
    let list = fs::read_to_string(folder.join("README.md")).expect("the list of decisions");
    let offenders: Vec<String> = documents()
        .iter()
        .filter(|file| file.parent() == Some(folder.as_path()))
        .filter_map(|file| file.file_name()?.to_str().map(str::to_owned))
        .filter(|name| name != "README.md" && !list.contains(&format!("({name})")))
        .collect();
    none(
        "decisions that docs/adr/README.md does not list",
        &offenders,
    );
}
