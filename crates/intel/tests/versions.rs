//! The published version comparisons of all ecosystems: one trial a line, judged in both directions. The floor is all
//! of them. Without the shared data each file is reported as ignored.

#![allow(clippy::expect_used, reason = "tests")]

use intel::version::Scheme;
use libtest_mimic::{Arguments, Failed, Trial};
use std::cmp::Ordering;
use std::process::ExitCode;

/// File and the ecosystem whose order it lists.
const FILES: [(&str, &str); 12] = [
    ("alpine", "Alpine"),
    ("cran", "CRAN"),
    ("debian", "Debian"),
    ("hackage", "Hackage"),
    ("maven", "Maven"),
    ("nuget", "NuGet"),
    ("packagist", "Packagist"),
    ("pub", "Pub"),
    ("pypi", "PyPI"),
    ("redhat", "Red Hat"),
    ("rubygems", "RubyGems"),
    ("semver", "npm"),
];

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let mut trials = Vec::new();
    for (file, ecosystem) in FILES {
        let scheme = Scheme::of(ecosystem).expect("an ecosystem that is known");
        let Some(path) = testkit::shared(&format!("conformance/versions/{file}-versions.txt"))
        else {
            trials.push(Trial::test(file, || Ok(())).with_ignored_flag(true));
            continue;
        };
        let text = std::fs::read_to_string(path).expect("a file of comparisons");
        let before = trials.len();
        for (at, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') || line.starts_with("//") {
                continue;
            }
            let name = format!("{file}:{} {line}", at + 1);
            let line = line.to_owned();
            trials.push(Trial::test(name, move || check(scheme, &line)));
        }
        assert!(trials.len() > before, "{file} has no comparison");
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn check(scheme: Scheme, line: &str) -> Result<(), Failed> {
    let mut words = line.split_whitespace();
    let (Some(a), Some(sign), Some(b), None) =
        (words.next(), words.next(), words.next(), words.next())
    else {
        return Err("expected `A < B`".into());
    };
    let expected = match sign {
        "<" => Ordering::Less,
        "=" => Ordering::Equal,
        ">" => Ordering::Greater,
        other => return Err(format!("`{other}` is no sign").into()),
    };
    for (a, b, expected) in [(a, b, expected), (b, a, expected.reverse())] {
        let found = scheme.compare(a, b);
        if found != Some(expected) {
            return Err(format!("{a} and {b}: expected {expected:?}, found {found:?}").into());
        }
    }
    Ok(())
}
