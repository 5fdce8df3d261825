//! Every report of the shared conformance data, one trial a file: as many matches come out as stand in it.

#[path = "../it/count.rs"]
mod count;

use libtest_mimic::{Arguments, Failed, Trial};
use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let Some(reports) = testkit::shared("conformance/reports") else {
        let absent = Trial::test("reports", || Ok(())).with_ignored_flag(true);
        return libtest_mimic::run(&arguments, vec![absent]).exit_code();
    };
    let mut files = Vec::new();
    let mut folders = vec![reports.clone()];
    while let Some(folder) = folders.pop() {
        for entry in folder.read_dir().into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "json") {
                files.push(path);
            }
        }
    }
    files.sort();
    let trials: Vec<Trial> = files
        .into_iter()
        .map(|path| {
            let name = path
                .strip_prefix(&reports)
                .unwrap_or(&path)
                .display()
                .to_string();
            Trial::test(name, move || check(&path))
        })
        .collect();
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn check(path: &Path) -> Result<(), Failed> {
    let bytes = std::fs::read(path)?;
    let name = path.display().to_string();
    let sets = ingest::read(&name, &bytes, &ingest::Limits::default())
        .map_err(|error| error.to_string())?;
    let found: usize = sets.iter().map(|set| set.matches.len()).sum();
    let expected = count::matches(&serde_json::from_slice(&bytes)?);
    if found != expected {
        return Err(format!("{found} matches, the document has {expected}").into());
    }
    for set in &sets {
        for found in &set.matches {
            let sound = (found.artifact as usize) < set.artifacts.len()
                && (found.advisory as usize) < set.advisories.len()
                && found
                    .package
                    .is_none_or(|package| (package as usize) < set.packages.len());
            if !sound {
                return Err(format!("an index points nowhere: {found:?}").into());
            }
        }
    }
    Ok(())
}
