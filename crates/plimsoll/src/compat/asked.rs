//! What a command line of another tool asks for. Comes in: its words, its variables, its configuration, and the table
//! of its flags. Goes out: the value of each flag and who gave it; words over variables over files, as those tools do.
//! Never: a word that is passed over.

use std::collections::BTreeMap;
use std::fmt::Write as _;

/// One flag of the other tool.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) long: &'static str,
    pub(super) short: Option<char>,
    /// Earlier names of it.
    pub(super) other: &'static [&'static str],
    /// Its key in the tool's configuration, `scan.skip-dirs`; empty: it has none.
    pub(super) key: &'static str,
    pub(super) takes: Takes,
    pub(super) becomes: Becomes,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Takes {
    /// `--quiet`, `--quiet=false`.
    Switch,
    One,
    /// May be repeated; commas separate.
    Many,
    /// May be repeated; a comma is part of the value.
    Each,
}

/// What is done about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Becomes {
    /// The same under this flag of ours.
    Flag(&'static str),
    /// Ours, put together in code; the words are for the help.
    Made(&'static str),
    /// Changes no result here, because.
    Nothing(&'static str),
    /// Would change the result and is not there, because.
    Refused(&'static str),
    /// These values ask for what is done anyway; any other one is refused, because.
    Only(&'static [&'static str], &'static str),
}

/// A flag's values, and who gave them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Given {
    pub(super) values: Vec<String>,
    /// `--skip-dirs`, `TRIVY_SKIP_DIRS`, `scan.skip-dirs of trivy.yaml`.
    pub(super) from: String,
}

/// All that was asked, by the flags' long names.
#[derive(Debug, Default)]
pub(super) struct Asked {
    pub(super) given: BTreeMap<&'static str, Given>,
    /// Words that are no flags.
    pub(super) targets: Vec<String>,
    /// What is no flag of the tool, and flags without their value.
    pub(super) wrong: Vec<String>,
}

/// Flags of ours that these tools have no word for; both shims take them.
#[rustfmt::skip] // a row a line
pub(super) const OURS: &[Row] = &[
    row("dry-run", "", Takes::Switch, Becomes::Made("our own command line is printed, and nothing is run")).once(&["explain-compat"]),
    row("db", "", Takes::One, Becomes::Flag("--db")),
    row("max-db-age", "", Takes::One, Becomes::Flag("--max-db-age")),
    row("min-coverage", "", Takes::One, Becomes::Flag("--min-coverage")),
    row("allow-unknown", "", Takes::Switch, Becomes::Flag("--allow-unknown")),
    row("baseline", "", Takes::One, Becomes::Flag("--baseline")),
    row("base-ref", "", Takes::One, Becomes::Flag("--base-ref")),
    row("ignorefile-base", "", Takes::Each, Becomes::Flag("--ignorefile-base")),
    row("grace", "", Takes::One, Becomes::Flag("--grace")),
    row("save", "", Takes::One, Becomes::Flag("--save")),
    row("also", "", Takes::Each, Becomes::Flag("--also")),
    row("now", "", Takes::One, Becomes::Flag("--now")),
    row("top", "", Takes::One, Becomes::Flag("--top")),
    row("redact-names", "", Takes::Switch, Becomes::Flag("--redact-names")),
    row("registry-auth", "", Takes::One, Becomes::Flag("--registry-auth")),
    row("registry-mirror", "", Takes::Each, Becomes::Flag("--registry-mirror")),
    row("insecure-registry", "", Takes::Each, Becomes::Flag("--insecure-registry")),
    row("registry-ca", "", Takes::Each, Becomes::Flag("--registry-ca")),
    row("cloud-identity", "", Takes::Switch, Becomes::Flag("--cloud-identity")),
    row("no-cache", "", Takes::Switch, Becomes::Flag("--no-cache")),
];

/// The tool's own rows, then ours.
pub(super) type Table = [&'static [Row]];

/// A row of the table, in the order of its columns.
pub(super) const fn row(
    long: &'static str,
    key: &'static str,
    takes: Takes,
    becomes: Becomes,
) -> Row {
    Row {
        long,
        short: None,
        other: &[],
        key,
        takes,
        becomes,
    }
}

impl Row {
    pub(super) const fn short(mut self, short: char) -> Self {
        self.short = Some(short);
        self
    }

    pub(super) const fn once(mut self, other: &'static [&'static str]) -> Self {
        self.other = other;
        self
    }
}

impl Given {
    pub(super) fn last(&self) -> &str {
        self.values.last().map_or("", String::as_str)
    }

    /// Go's `strconv.ParseBool`, which these tools read switches with.
    fn is_on(&self) -> Option<bool> {
        match self.last() {
            "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
            "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
            _ => None,
        }
    }

    /// Nothing was asked: an empty text or list, a switch that is off.
    pub(super) fn is_empty(&self, takes: Takes) -> bool {
        self.values.iter().all(String::is_empty)
            || takes == Takes::Switch && self.is_on() == Some(false)
    }
}

impl Asked {
    /// Of the words alone.
    pub(super) fn of(words: &[String], table: &Table) -> Self {
        let mut asked = Asked::default();
        let mut words = words.iter();
        while let Some(word) = words.next() {
            if word == "--" {
                asked.targets.extend(words.by_ref().cloned());
            } else if let Some(long) = word.strip_prefix("--") {
                let (name, value) = match long.split_once('=') {
                    Some((name, value)) => (name, Some(value)),
                    None => (long, None),
                };
                match find(table, name) {
                    Some(row) => {
                        let from = format!("--{name}");
                        asked.flag(row, &from, value, &mut words);
                    }
                    None => asked.wrong.push(format!("--{name} is not known here")),
                }
            } else if let Some(shorts) = word.strip_prefix('-').filter(|rest| !rest.is_empty()) {
                asked.shorts(shorts, table, &mut words);
            } else {
                asked.targets.push(word.clone());
            }
        }
        asked
    }

    /// `-qf json`, `-fjson`, `-f=json`.
    fn shorts<'w>(
        &mut self,
        shorts: &str,
        table: &Table,
        words: &mut impl Iterator<Item = &'w String>,
    ) {
        let mut rest = shorts;
        while let Some(short) = rest.chars().next() {
            rest = rest.get(short.len_utf8()..).unwrap_or("");
            let known = rows(table).find(|row| row.short == Some(short));
            let Some(row) = known else {
                self.wrong.push(format!("-{short} is not known here"));
                return;
            };
            let inline = match rest.strip_prefix('=') {
                Some(value) => Some(value),
                None if row.takes == Takes::Switch || rest.is_empty() => None,
                None => Some(rest),
            };
            self.flag(row, &format!("-{short}"), inline, words);
            if inline.is_some() {
                return;
            }
        }
    }

    fn flag<'w>(
        &mut self,
        row: &'static Row,
        from: &str,
        inline: Option<&str>,
        words: &mut impl Iterator<Item = &'w String>,
    ) {
        let value = match (row.takes, inline) {
            (_, Some(value)) => value.to_owned(),
            (Takes::Switch, None) => "true".to_owned(),
            (_, None) => {
                let Some(value) = words.next() else {
                    self.wrong.push(format!("{from} needs a value"));
                    return;
                };
                value.clone()
            }
        };
        let given = self.given.entry(row.long).or_insert_with(|| Given {
            values: Vec::new(),
            from: from.to_owned(),
        });
        given.add(row.takes, &value);
        if row.takes == Takes::Switch && given.is_on().is_none() {
            self.wrong
                .push(format!("{from} takes true or false, not `{value}`"));
        }
    }

    /// Takes a value from a variable or a file, unless somebody who counts more gave one.
    pub(super) fn fall_back(&mut self, row: &'static Row, values: &[String], from: String) {
        let mut given = Given {
            values: Vec::new(),
            from,
        };
        for value in values {
            given.add(row.takes, value);
        }
        if given.is_empty(row.takes) || self.given.contains_key(row.long) {
            return;
        }
        if row.takes == Takes::Switch && given.is_on().is_none() {
            let (from, value) = (&given.from, given.last());
            self.wrong
                .push(format!("{from} takes true or false, not `{value}`"));
            return;
        }
        self.given.insert(row.long, given);
    }

    pub(super) fn one(&self, long: &str) -> Option<&str> {
        let value = self.given.get(long).map(Given::last);
        value.filter(|value| !value.is_empty())
    }

    pub(super) fn all(&self, long: &str) -> &[String] {
        self.given.get(long).map_or(&[], |given| &given.values)
    }

    pub(super) fn is_on(&self, long: &str) -> bool {
        let given = self.given.get(long);
        given.and_then(Given::is_on).unwrap_or(false)
    }

    /// Who gave it, for messages.
    pub(super) fn from(&self, long: &'static str) -> String {
        let given = self.given.get(long);
        given.map_or_else(|| format!("--{long}"), |given| given.from.clone())
    }
}

impl Given {
    fn add(&mut self, takes: Takes, value: &str) {
        match takes {
            Takes::Switch | Takes::One => self.values = vec![value.to_owned()],
            Takes::Each => self.values.push(value.to_owned()),
            Takes::Many => {
                let values = value.split(',').map(str::trim).filter(|v| !v.is_empty());
                self.values.extend(values.map(str::to_owned));
            }
        }
    }
}

/// The row of a long name, or of an earlier one.
pub(super) fn find(table: &Table, name: &str) -> Option<&'static Row> {
    rows(table).find(|row| row.long == name || row.other.contains(&name))
}

pub(super) fn rows(table: &Table) -> impl Iterator<Item = &'static Row> {
    table.iter().flat_map(|rows| rows.iter())
}

/// The table as a help text: their flag, what becomes of it.
pub(super) fn help(table: &Table) -> String {
    let mut text = String::new();
    for row in rows(table) {
        let mut flag = format!("--{}", row.long);
        if let Some(short) = row.short {
            let _ = write!(flag, ", -{short}");
        }
        for other in row.other {
            let _ = write!(flag, ", --{other}");
        }
        let what = match row.becomes {
            Becomes::Flag(ours) => ours.to_owned(),
            Becomes::Made(what) => what.to_owned(),
            Becomes::Nothing(why) => format!("no effect: {why}"),
            Becomes::Refused(why) => format!("not supported: {why}"),
            Becomes::Only(values, why) => {
                format!("{}; else not supported: {why}", values.join(", "))
            }
        };
        let _ = writeln!(text, "  {flag:<32} {what}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROWS: &[Row] = &[
        row("format", "format", Takes::One, Becomes::Made("")).short('f'),
        row("quiet", "quiet", Takes::Switch, Becomes::Nothing("")).short('q'),
        row("severity", "severity", Takes::Many, Becomes::Made("")).short('s'),
        row("output", "output", Takes::Each, Becomes::Made("")).once(&["out"]),
    ];
    const TABLE: &Table = &[ROWS];

    /// `flag=value,value` of all that is given, then the targets, then what is wrong.
    #[track_caller]
    fn check(line: &str, expected: &str) {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        let asked = Asked::of(&words, TABLE);
        let given = asked
            .given
            .iter()
            .map(|(name, given)| format!("{name}={}", given.values.join(",")));
        let rest = asked.targets.iter().cloned();
        let wrong = asked.wrong.iter().map(|text| format!("! {text}"));
        let all: Vec<String> = given.chain(rest).chain(wrong).collect();
        assert_eq!(all.join(" "), expected, "{line}");
    }

    #[test]
    fn words() {
        check("image app:1", "image app:1");
        check("--format json app", "format=json app");
        check("--format=json app", "format=json app");
        check("-f json app", "format=json app");
        check("-fjson app", "format=json app");
        check("-f=json app", "format=json app");
        check("-qf json app", "format=json quiet=true app");
        check("-qfjson app", "format=json quiet=true app");
        check("-q=false app", "quiet=false app");
        check("--quiet app", "quiet=true app");
        check("--quiet=false app", "quiet=false app");
        check("-s HIGH,LOW -s CRITICAL", "severity=HIGH,LOW,CRITICAL");
        check("--format a --format b", "format=b");
        check("--out a,b --output c", "output=a,b,c");
        check("-- --format app", "--format app");
        check("- app", "- app");
        check("--format", "! --format needs a value");
        check("--nothing x", "x ! --nothing is not known here");
        check("-x", "! -x is not known here");
        check(
            "--quiet=maybe",
            "quiet=maybe ! --quiet takes true or false, not `maybe`",
        );
    }

    #[test]
    fn who_counts_more() {
        let words = ["--severity".to_owned(), "HIGH".to_owned()];
        let mut asked = Asked::of(&words, TABLE);
        let give = |asked: &mut Asked, name: &str, value: &str| {
            let row = find(TABLE, name).unwrap();
            asked.fall_back(row, &[value.to_owned()], name.to_uppercase());
        };
        give(&mut asked, "severity", "LOW");
        give(&mut asked, "format", "json");
        give(&mut asked, "format", "table");
        give(&mut asked, "quiet", "");
        assert_eq!(asked.all("severity"), ["HIGH"]);
        assert_eq!(asked.one("format"), Some("json"));
        assert_eq!(asked.from("format"), "FORMAT");
        assert!(!asked.given.contains_key("quiet"));
        give(&mut asked, "quiet", "perhaps");
        assert_eq!(asked.wrong.len(), 1);
    }
}
