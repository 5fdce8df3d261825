//! Every remedy that is offered for real files, written into them: the finding is gone, none is new, and what was not to
//! be changed is the same byte for byte.

#![allow(clippy::print_stdout, reason = "what was offered is printed")]

use checks::fixes::{Fixes, Refused};
use checks::rule::Rule;
use checks::world::{Beside, Found, World};
use checks::{Said, run, table};
use cluster::manifests::{DEFAULT_MAX_BYTES, Input, Options, read};
use cluster::{patch, tree};
use model::evidence::Ledger;
use model::remedy::{Operation, Remedy};
use model::snapshot::{Place, Snapshot};
use semantics::declare::Declarations;
use semantics::view::Inventory;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

fn snapshot(text: &str) -> Snapshot {
    let options = Options {
        kubernetes_minor: Some(36),
        max_bytes: DEFAULT_MAX_BYTES,
        redaction_key: [0; 32],
    };
    let input = Input::Bytes {
        name: "file.yaml".into(),
        bytes: text.as_bytes().into(),
    };
    read(&[input], &options).unwrap()
}

fn inventory(snapshot: &Snapshot) -> Inventory {
    semantics::inventory(snapshot, &Declarations::default(), &mut Ledger::default())
}

fn ask(snapshot: &Snapshot, rules: &[&'static Rule]) -> Said {
    let inventory = inventory(snapshot);
    let world = World {
        snapshot,
        inventory: &inventory,
        beside: &Beside::default(),
    };
    run(&world, rules)
}

#[derive(Default)]
struct Counts {
    files: usize,
    found: usize,
    offered: usize,
    merged: usize,
    refused: BTreeMap<String, usize>,
    unwritten: BTreeMap<String, usize>,
}

fn files(folder: &Path, out: &mut Vec<PathBuf>) {
    for entry in folder.read_dir().unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, out);
        } else if path.extension().is_some_and(|e| e == "yaml" || e == "yml") {
            out.push(path);
        }
    }
    out.sort();
}

/// How many findings each rule has more than before.
fn more(before: &Said, after: &Said) -> BTreeMap<&'static str, i64> {
    let count = |said: &Said, at: usize| i64::try_from(said.answers[at].found).unwrap();
    let rules = before.answers.iter().enumerate();
    rules
        .map(|(at, answer)| (answer.rule.slug, count(after, at) - count(before, at)))
        .filter(|(_, more)| *more != 0)
        .collect()
}

/// Values that stand on a line of their own in block style.
fn leaves(value: &serde_json::Value) -> usize {
    match value {
        serde_json::Value::Array(list) => list.iter().map(leaves).sum(),
        serde_json::Value::Object(map) => map.values().map(|one| 1 + leaves(one)).sum(),
        _ => 1,
    }
}

/// The text with the remedy written into it, checked.
fn write(
    text: &str,
    snapshot: &Snapshot,
    found: &[&Found],
    remedy: &Remedy,
) -> Result<String, String> {
    let object = &snapshot.objects[found[0].at.unwrap() as usize];
    let Place::File { document, item, .. } = object.place else {
        unreachable!("a place in a file");
    };
    let after =
        patch::apply(text, document, item, &remedy.operations).map_err(|e| e.to_string())?;
    // Bytes of other documents, and lines that are neither changed nor new.
    let starts = tree::document_starts(text);
    let start = starts[document as usize];
    let end = starts
        .get(document as usize + 1)
        .copied()
        .unwrap_or(text.len());
    assert_eq!(text[..start], after[..start]);
    assert!(after.ends_with(&text[end..]));
    let new = &after[start..after.len() - (text.len() - end)];
    let mut lines = new.lines();
    let lost = text[start..end].lines().filter(|line| {
        !lines.clone().any(|other| {
            let same = other == *line;
            if same {
                lines.by_ref().find(|other| other == line);
            }
            same
        })
    });
    let mut value: serde_json::Value = serde_json::from_slice(&object.json).unwrap();
    let replaced = |one: &Operation| value.pointer(one.path()).map_or(0, leaves);
    let changes = remedy.operations.iter();
    let changes = changes.filter(|one| one.path().contains('/'));
    let most: usize = changes.map(|one| 12 + replaced(one)).sum();
    assert!(lost.count() <= most, "{text}\nbecame\n{after}");
    // Taken back as JSON, the object is as it was.
    let before = value.clone();
    semantics::json_patch::apply(&mut value, &remedy.operations).unwrap();
    if !remedy.undo.is_empty() {
        semantics::json_patch::apply(&mut value, &remedy.undo).unwrap();
        assert_eq!(value, before);
    }
    Ok(after)
}

fn try_file(path: &Path, rules: &[&'static Rule], counts: &mut Counts) {
    let text = std::fs::read_to_string(path).unwrap();
    let snapshot = snapshot(&text);
    let inventory = inventory(&snapshot);
    let beside = Beside::default();
    let world = World {
        snapshot: &snapshot,
        inventory: &inventory,
        beside: &beside,
    };
    let before = run(&world, rules);
    let rebuild = |snapshot: &Snapshot| self::inventory(snapshot);
    let fixes = Fixes::new(world, rules).rebuilt_by(&rebuild);
    counts.files += 1;
    counts.found += before.found.len();
    let mut of_object: BTreeMap<u32, Vec<&Found>> = BTreeMap::new();
    for found in &before.found {
        let remedy = match fixes.offer(found) {
            Ok(remedy) => remedy,
            Err(refused) => {
                let why = match refused {
                    Refused::NoFix(_) => "no fix".to_owned(),
                    other => other.to_string(),
                };
                *counts
                    .refused
                    .entry(format!("{}: {why}", found.rule.slug))
                    .or_default() += 1;
                continue;
            }
        };
        counts.offered += 1;
        of_object.entry(found.at.unwrap()).or_default().push(found);
        match write(&text, &snapshot, &[found], &remedy) {
            Ok(after) => {
                let more = more(&before, &ask(&self::snapshot(&after), rules));
                assert!(
                    more.get(found.rule.slug).is_some_and(|more| *more < 0),
                    "{} is still in {}:\n{after}",
                    found.rule.slug,
                    path.display()
                );
                assert!(
                    more.values().all(|more| *more < 0),
                    "{more:?} in {}",
                    path.display()
                );
            }
            Err(why) => *counts.unwritten.entry(why).or_default() += 1,
        }
    }
    for found in of_object.values() {
        let Ok(remedy) = fixes.offer_all(found) else {
            continue;
        };
        counts.merged += 1;
        if let Ok(after) = write(&text, &snapshot, found, &remedy) {
            let more = more(&before, &ask(&self::snapshot(&after), rules));
            assert!(
                more.values().all(|more| *more < 0),
                "{more:?} in {}",
                path.display()
            );
            let gone: i64 = more.values().sum();
            assert!(
                -gone >= i64::try_from(found.len()).unwrap(),
                "{more:?} in {}",
                path.display()
            );
        }
    }
}

fn try_folder(name: &str, folder: &Path) {
    let rules: Vec<&'static Rule> = table::all().collect();
    let mut paths = Vec::new();
    files(folder, &mut paths);
    let mut counts = Counts::default();
    for path in &paths {
        try_file(path, &rules, &mut counts);
    }
    let Counts {
        files,
        found,
        offered,
        merged,
        refused,
        unwritten,
    } = counts;
    println!(
        "{name}: {files} files, {found} findings, {offered} remedies offered, {merged} merged by object"
    );
    println!("  not offered: {refused:?}");
    println!("  offered and not written: {unwritten:?}");
    let left: usize = unwritten.values().sum();
    assert!(files > 0 && offered >= 20 * left, "{unwritten:?}");
}

#[test]
fn remedies_are_written_into_the_shop() {
    try_folder(
        "shop",
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/shop/k8s"),
    );
}

#[test]
fn remedies_are_written_into_the_public_suites() {
    for suite in ["pod-security", "network-policy", "rbac-paths"] {
        if let Some(folder) = testkit::shared(&format!("conformance/{suite}")) {
            try_folder(suite, &folder);
        }
    }
}
