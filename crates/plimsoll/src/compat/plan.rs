//! What becomes of a command line of another tool: one of ours. Comes in: what was asked. Goes out: our words, notes on
//! what changes nothing, refusals of what would change the result. Never: runs anything.

use super::asked::{Asked, Becomes, Table, Takes, rows};
use super::login::Login;
use std::path::{Path, PathBuf};

/// Where the shim runs.
#[derive(Clone, Debug, Default)]
pub(super) struct Surroundings {
    pub(super) folder: PathBuf,
    pub(super) home: Option<PathBuf>,
    /// `$XDG_CONFIG_HOME`.
    pub(super) configuration: Option<PathBuf>,
    /// The tool's own variables: `TRIVY_...`, `GRYPE_...`.
    pub(super) variables: Vec<(String, String)>,
    /// Something is given on standard input.
    pub(super) piped: bool,
}

impl Surroundings {
    /// A file of the current folder, by its name, where it is there.
    pub(super) fn here(&self, name: &str) -> Option<PathBuf> {
        let file = self.folder.join(name);
        file.is_file().then(|| PathBuf::from(name))
    }

    pub(super) fn at(&self, path: &str) -> PathBuf {
        self.folder.join(path)
    }
}

#[derive(Debug, Default)]
pub(super) struct Plan {
    /// `scan image`, then flags.
    pub(super) words: Vec<String>,
    /// What was asked for and changes nothing, one sentence each.
    pub(super) notes: Vec<String>,
    /// What was asked for, would change the result, and is not there.
    pub(super) refused: Vec<String>,
    /// A login and the registry that it is for.
    pub(super) login: Option<(Login, String)>,
    /// The tool's code for "something was found".
    pub(super) found: u8,
    pub(super) dry_run: bool,
    /// Print this and do nothing.
    pub(super) only_say: Option<String>,
}

impl Plan {
    pub(super) fn flag(&mut self, flag: &str) {
        self.words.push(flag.to_owned());
    }

    pub(super) fn value(&mut self, flag: &str, value: impl Into<String>) {
        // One word, so that no value is taken for a flag.
        self.words.push(format!("{flag}={}", value.into()));
    }

    pub(super) fn note(&mut self, from: &str, why: &str) {
        self.notes.push(format!("{from} has no effect: {why}"));
    }

    pub(super) fn refuse(&mut self, from: &str, why: &str) {
        self.refused.push(format!("{from} is not supported: {why}"));
    }

    /// Whether our own line has the flag already.
    pub(super) fn has(&self, flag: &str) -> bool {
        let is = |word: &String| {
            let rest = word.strip_prefix(flag);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('='))
        };
        self.words.iter().any(is)
    }

    /// What is scanned, in front of all flags.
    pub(super) fn scan(&mut self, what: &str, target: Option<&str>, flags: &[String]) {
        let mut words = vec!["scan".to_owned(), what.to_owned()];
        if let Some(target) = target {
            if target.starts_with('-') && !(target == "-" && what == "sbom") {
                self.refused
                    .push(format!("`{target}` is no target: it begins with a dash"));
            }
            words.push(target.to_owned());
        }
        words.extend_from_slice(flags);
        words.append(&mut self.words);
        self.words = words;
    }

    /// All rows that need no code of their own.
    pub(super) fn follow(&mut self, asked: &Asked, table: &Table) {
        for row in rows(table) {
            let Some(given) = asked.given.get(row.long) else {
                continue;
            };
            match row.becomes {
                Becomes::Made(_) => {}
                Becomes::Flag(ours) if row.takes == Takes::Switch => {
                    if asked.is_on(row.long) {
                        self.flag(ours);
                    }
                }
                Becomes::Flag(ours) => {
                    for value in given.values.iter().filter(|value| !value.is_empty()) {
                        self.value(ours, value);
                    }
                }
                Becomes::Nothing(why) => self.note(&given.from, why),
                Becomes::Refused(why) => {
                    if !given.is_empty(row.takes) {
                        self.refuse(&given.from, why);
                    }
                }
                Becomes::Only(values, why) => {
                    let strange = given.values.iter().find(|v| !values.contains(&v.as_str()));
                    if let Some(value) = strange.filter(|value| !value.is_empty()) {
                        self.refuse(&format!("{}={value}", given.from), why);
                    }
                }
            }
        }
    }

    /// Our line as a shell takes it.
    pub(super) fn line(&self) -> String {
        let mut line = String::from("plimsoll");
        for word in &self.words {
            line.push(' ');
            line.push_str(&quoted(word));
        }
        line
    }
}

fn quoted(word: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_./:,=@+%".contains(&b);
    if !word.is_empty() && word.bytes().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// The host of a reference, as credentials name it.
pub(super) fn host(reference: &str) -> Option<String> {
    let reference = model::image::ImageReference::parse(reference)?;
    Some(reference.registry.to_string())
}

/// A file that a flag names, seen from the folder where the shim runs.
pub(super) fn is_there(around: &Surroundings, path: &str) -> bool {
    around.at(path).exists()
}

/// `{` or white space before it: a document, no archive.
pub(super) fn is_document(path: &Path) -> bool {
    use std::io::Read as _;
    let mut start = [0; 64];
    let Ok(mut file) = std::fs::File::open(path) else {
        return false;
    };
    let Ok(read) = file.read(&mut start) else {
        return false;
    };
    let start = start.get(..read).unwrap_or(&[]);
    let start = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(start);
    let first = start.iter().find(|b| !b.is_ascii_whitespace());
    matches!(first, Some(b'{' | b'<')) || start.starts_with(b"SPDXVersion")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_for_a_shell() {
        for (word, expected) in [
            ("scan", "scan"),
            ("ghcr.io/a/b:1@sha256:0", "ghcr.io/a/b:1@sha256:0"),
            ("", "''"),
            ("a b", "'a b'"),
            ("$(id)", "'$(id)'"),
            ("it's", r"'it'\''s'"),
        ] {
            assert_eq!(quoted(word), expected);
        }
    }
}
