//! Pod Security Standards against the test data of Kubernetes itself: the folder says the verdict, the file's stem the
//! control. One trial a file.

#![allow(clippy::expect_used, reason = "tests")]

use libtest_mimic::{Arguments, Failed, Trial};
use semantics::pod_security::{CONTROLS, Level, Version, evaluate};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// A control, or one file of it, whose pods violate another one as well, and why.
const BESIDE: &[(&str, &str)] = &[
    // The API server refuses host processes without `hostNetwork`.
    ("windowshostprocess", "hostnamespaces"),
    // It refuses privileged containers with `allowPrivilegeEscalation: false`, too.
    ("privileged", "allowprivilegeescalation"),
    // A container without any security context.
    ("allowprivilegeescalation3", "capabilities_restricted"),
];

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let Some(root) = testkit::shared("conformance/pod-security") else {
        let skipped = Trial::test("pod-security", || Ok(())).with_ignored_flag(true);
        return libtest_mimic::run(&arguments, vec![skipped]).exit_code();
    };
    let mut files = Vec::new();
    collect(&root, &mut files);
    files.sort();
    assert!(!files.is_empty(), "{} is empty", root.display());
    let trial = |file: PathBuf| {
        let name = file.strip_prefix(&root).expect("below the root");
        let name = name.display().to_string();
        let case = name.clone();
        Trial::test(name, move || check(&case, &file))
    };
    let trials: Vec<Trial> = files.into_iter().map(trial).collect();
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in folder.read_dir().expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|end| end == "yaml") {
            files.push(path);
        }
    }
}

/// `restricted/v1.24/fail/sysctls0.yaml`.
fn check(case: &str, file: &Path) -> Result<(), Failed> {
    let parts: Vec<&str> = case.split('/').collect();
    let &[level, version, verdict, name] = &*parts else {
        return Err(format!("{case} is not LEVEL/VERSION/VERDICT/FILE").into());
    };
    let level = Level::parse(level).ok_or("a level")?;
    let version = Version::parse(version).ok_or("a version")?;
    let pod: serde_json::Value = serde_saphyr::from_str(&std::fs::read_to_string(file)?)?;
    let judged = evaluate(&serde_json::to_vec(&pod)?, level, version).ok_or("no JSON")?;
    let violated: BTreeSet<&str> = judged.violations.iter().map(|v| v.control.id).collect();
    if !judged.malformed.is_empty() {
        return Err(format!("malformed: {:?}", judged.malformed).into());
    }
    if verdict == "pass" {
        if violated.is_empty() {
            return Ok(());
        }
        return Err(format!("{violated:?}").into());
    }
    let stem = name.trim_end_matches(".yaml");
    let control = stem.trim_end_matches(|c: char| c.is_ascii_digit());
    let family = |id: &str| {
        id == control
            || CONTROLS.iter().any(|c| {
                (c.id == id && c.replaces == Some(control))
                    || (c.id == control && c.replaces == Some(id))
            })
            || BESIDE.contains(&(control, id))
            || BESIDE.contains(&(stem, id))
    };
    if violated.contains(control) && violated.iter().all(|id| family(id)) {
        return Ok(());
    }
    Err(format!("expected {control}, found {violated:?}").into())
}
