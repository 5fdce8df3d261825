//! Real manifests: every file of the suites is read, one trial a file. Files that Kubernetes itself would refuse are
//! listed below with the reason.

#![allow(clippy::expect_used, reason = "tests")]

use cluster::manifests::{DEFAULT_MAX_BYTES, Input, Locator, Options, read};
use libtest_mimic::{Arguments, Failed, Trial};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

const SUITES: [&str; 3] = ["pod-security", "network-policy", "rbac-paths"];

/// File, and what the error must say.
const REFUSED: &[(&str, &str)] = &[];

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let mut trials = Vec::new();
    for suite in SUITES {
        let Some(root) = testkit::shared(&format!("conformance/{suite}")) else {
            trials.push(Trial::test(suite, || Ok(())).with_ignored_flag(true));
            continue;
        };
        let mut files = Vec::new();
        find(&root, &mut files);
        files.sort();
        assert!(!files.is_empty(), "{} is empty", root.display());
        for file in files {
            let name = file.strip_prefix(&root).unwrap_or(&file).display();
            trials.push(Trial::test(format!("{suite}/{name}"), move || check(&file)));
        }
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn find(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in folder.read_dir().expect("a folder of the suite") {
        let path = entry.expect("an entry of the suite").path();
        if path.is_dir() {
            find(&path, files);
        } else if path.extension().is_some_and(|e| e == "yaml" || e == "yml") {
            files.push(path);
        }
    }
}

fn check(file: &Path) -> Result<(), Failed> {
    let options = Options {
        kubernetes_minor: None,
        max_bytes: DEFAULT_MAX_BYTES,
        redaction_key: [0; 32],
    };
    let inputs = [Input::Path(file.to_owned())];
    let refused = REFUSED.iter().find(|(name, _)| file.ends_with(name));
    let snapshot = match (read(&inputs, &options), refused) {
        (Ok(snapshot), None) => snapshot,
        (Ok(_), Some(_)) => return Err("was read, but is listed as refused".into()),
        (Err(error), Some((_, expected))) if error.to_string().contains(expected) => return Ok(()),
        (Err(error), _) => return Err(error.to_string().into()),
    };
    if let Some(gap) = snapshot.gaps.first() {
        return Err(format!("gap: {}", gap.what).into());
    }
    if snapshot.objects.is_empty() && snapshot.other_kinds.is_empty() {
        return Err("nothing was read".into());
    }
    let text = std::fs::read_to_string(file)?;
    let mut locator = Locator::new(&inputs);
    for object in &snapshot.objects {
        serde_json::from_slice::<serde_json::Value>(&object.json)?;
        let span = locator
            .locate(&snapshot, object.place, "/metadata/name")
            .ok_or("no place")?;
        let line = text
            .lines()
            .nth(span.line as usize - 1)
            .ok_or("no such line")?;
        let key: String = line
            .chars()
            .skip(span.column as usize - 1)
            .take(4)
            .collect();
        if key.trim_matches('"') != "name" && key != "\"nam" {
            return Err(format!("{span} is not the name of {}", object.reference()).into());
        }
    }
    Ok(())
}
