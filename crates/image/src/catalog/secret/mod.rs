//! Secrets in files and in texts: keys, tokens, passwords. Comes in: one file, or a text of the image's configuration.
//! Goes out: remarks that say which kind, where, and of which name. Never: a byte of a secret, but for the beginning that
//! all of its kind have.
//!
//! One pass over the bytes finds the fixed parts of all rules ([`anchors`]); only there a rule looks further: forms that
//! issuers gave their tokens ([`tokens`]), private keys ([`keys`]), values that a name calls secret ([`assigned`]). Some
//! files are known by name ([`files`]). All of it is linear: no rule goes back.

mod anchors;
mod assigned;
mod encoding;
mod files;
mod keys;
mod place;
mod plausible;
#[cfg(test)]
mod tests;
mod tokens;

use crate::extract::{Extract, Extractor, Extracts, File, Wants};
use crate::remark;
pub(crate) use place::is_public;

use anchors::Anchors;
use assigned::{Assigned, Style};
use model::checks;
use model::inventory::{Place, Remark};
use model::text::Text;
use place::Place as Kind;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::LazyLock;
use tokens::TOKENS;

/// Bytes of the largest text that is searched: configuration is smaller, and larger texts are data.
const LARGEST: u64 = 8 << 20;

pub const SECRETS: Extractor = Extractor {
    name: "secrets",
    wants: Wants::Texts {
        named: place::is_searched,
        matters: place::matters,
    },
    limit: LARGEST,
    extract,
};

/// One place of a secret. Ranges are of the text that was searched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    check: &'static str,
    /// The secret, with what all of its kind begin with.
    at: Range<usize>,
    /// How all of its kind begin.
    start: &'static str,
    /// The name that it has: a variable, an account, a registry.
    name: Range<usize>,
}

impl Seen {
    fn bare(check: &'static str, at: Range<usize>) -> Self {
        Seen::named(check, at, 0..0)
    }

    fn named(check: &'static str, at: Range<usize>, name: Range<usize>) -> Self {
        Seen {
            check,
            at,
            start: "",
            name,
        }
    }
}

/// The fixed parts of all rules, and which rule each is of.
static RULES: LazyLock<(Anchors, Vec<Rule>)> = LazyLock::new(|| {
    let mut rules: Vec<(&str, Rule)> = Vec::new();
    let tokens = (0..).zip(TOKENS);
    rules.extend(tokens.map(|(index, token)| (token.anchor, Rule::Token(index))));
    let keys = (0..).zip(keys::ANCHORS);
    rules.extend(keys.map(|(index, anchor)| (anchor, Rule::Key(index))));
    rules.extend(assigned::ANCHORS.map(|anchor| (anchor, Rule::Assigned)));
    rules.push((assigned::URL, Rule::Url));
    let (parts, rules) = rules.into_iter().unzip();
    (Anchors::new(parts), rules)
});

#[derive(Clone, Copy)]
enum Rule {
    Token(usize),
    Key(usize),
    Assigned,
    Url,
}

/// A file that has a NUL this early is none of text (git's rule).
pub(crate) const START: usize = 8_000;

pub(crate) fn is_text(start: &[u8]) -> bool {
    let start = start.get(..START.min(start.len())).unwrap_or(start);
    memchr::memchr(0, start).is_none()
}

fn extract(file: &File<'_>, out: &mut Extracts) {
    if !is_text(file.bytes) {
        return;
    }
    let mut seen = search(file.bytes, place::of(file.path));
    if files::is_known(file.path) {
        seen.extend(files::find(file.path, file.bytes));
    }
    let seen = sorted(in_file(file, seen));
    out.all.extend(remarks(file, &seen).map(Extract::Remark));
}

/// Everything that rules find, as they find it.
fn search(text: &[u8], place: Kind) -> Vec<Seen> {
    let (anchors, rules) = &*RULES;
    let mut all = Vec::new();
    // Several words of one name lead to one value, and a key has its label twice.
    let mut after = [0; 2];
    anchors.each(text, |part, at| match rules.get(part) {
        Some(Rule::Token(index)) => {
            let found = TOKENS
                .get(*index)
                .and_then(|token| Some((token, token.find(text, at)?)));
            all.extend(found.map(|(token, range)| Seen {
                start: if range.start == at { token.anchor } else { "" },
                ..Seen::bare(token.check, range)
            }));
        }
        Some(Rule::Key(anchor)) if at >= after[0] => {
            if let Some(key) = keys::find(text, *anchor, at) {
                after[0] = key.at.end;
                let check = if key.is_encrypted {
                    "secret-private-key-encrypted"
                } else {
                    "secret-private-key"
                };
                all.push(Seen::bare(check, key.at));
            }
        }
        Some(Rule::Assigned) if at >= after[1] => {
            let found = place
                .style
                .and_then(|style| assigned::find(text, at, style));
            if let Some(Assigned { check, name, value }) = found {
                after[1] = value.end;
                all.push(Seen::named(check, value, name));
            }
        }
        Some(Rule::Url) if !place.is_public => {
            let found = assigned::in_url(text, at);
            all.extend(found.map(|found| Seen::bare(found.check, found.value)));
        }
        _ => {}
    });
    all
}

/// What the file makes of a find: the same key means another thing in another file.
fn in_file(file: &File<'_>, seen: Vec<Seen>) -> Vec<Seen> {
    let holds = |word: &str| memchr::memmem::find(file.bytes, word.as_bytes()).is_some();
    let is_configuration = place::of(file.path).style == Some(Style::Plain);
    let is_cluster = || is_configuration && holds("current-context") && holds("clusters");
    let is_login = files::is_login(file.path);
    let is_public = is_public(file.path);
    let mut all = Vec::with_capacity(seen.len());
    for mut one in seen {
        one.check = match one.check {
            "secret-private-key" if file.path.starts_with("etc/ssh/ssh_host_") => {
                "secret-ssh-host-key"
            }
            "secret-private-key" if holds("\"service_account\"") => "secret-gcp-service-account",
            "secret-private-key" | "secret-password" | "secret-json-web-token" if is_cluster() => {
                "secret-kubeconfig"
            }
            "secret-password" if is_login => "secret-login-file",
            // Samples in code that everybody has: whoever wrote them gave them to all.
            "secret-private-key"
            | "secret-private-key-encrypted"
            | "secret-json-web-token"
            | "secret-aws-access-key-id"
            | "secret-google-api-key"
                if is_public =>
            {
                continue;
            }
            check => check,
        };
        all.push(one);
    }
    all
}

/// In the order of the text, without what another rule says better.
fn sorted(mut seen: Vec<Seen>) -> Vec<Seen> {
    let generic = |one: &Seen| {
        matches!(
            one.check,
            "secret-password"
                | "secret-login-file"
                | "secret-password-in-url"
                | "secret-kubeconfig"
        )
    };
    seen.sort_by_key(|one| (one.at.start, std::cmp::Reverse(one.at.end)));
    let special: Vec<Range<usize>> = seen
        .iter()
        .filter(|one| !generic(one))
        .map(|one| one.at.clone())
        .collect();
    let has_secret = seen.iter().any(|one| one.check == "secret-aws-access-key");
    let mut all: Vec<Seen> = Vec::with_capacity(seen.len());
    for one in seen {
        let overlaps = |other: &Range<usize>| other.start < one.at.end && one.at.start < other.end;
        let first = special.partition_point(|other| other.end <= one.at.start);
        let better = generic(&one) && special.get(first).is_some_and(overlaps);
        let again = all
            .last()
            .is_some_and(|last| last.check == one.check && overlaps(&last.at));
        let id = has_secret && one.check == "secret-aws-access-key-id";
        if !better && !again && !id {
            all.push(one);
        }
    }
    all
}

/// One remark for each check: its first place, and how many there are.
fn remarks<'f>(file: &'f File<'_>, seen: &[Seen]) -> impl Iterator<Item = Remark> + use<'f> {
    let mut groups: BTreeMap<&'static str, (usize, Text, u32)> = BTreeMap::new();
    let (mut line, mut counted) = (1u32, 0);
    for one in seen {
        let between = file.bytes.get(counted..one.at.start).unwrap_or(&[]);
        line = line.saturating_add(
            u32::try_from(memchr::memchr_iter(b'\n', between).count()).unwrap_or(u32::MAX),
        );
        counted = counted.max(one.at.start);
        let group = groups
            .entry(one.check)
            .or_insert_with(|| (0, shown(file.bytes, one), line));
        group.0 += 1;
    }
    groups
        .into_iter()
        .map(|(check, (count, what, line))| Remark {
            check: check.into(),
            place: Place {
                path: "".into(),
                layer: None,
            },
            line: Some(line),
            what: match count {
                1 => what,
                n => format!("{what}, and {} more", n - 1).into(),
            },
        })
}

/// `GitHub token ghp_…`, `password or key in a file: DB_PASSWORD`: nothing of the secret itself.
fn shown(text: &[u8], one: &Seen) -> Text {
    let title = checks::check(one.check).map_or(one.check, |check| check.title);
    match (one.start, name(text, &one.name)) {
        ("", None) => title.into(),
        ("", Some(name)) => format!("{title}: {name}").into(),
        (start, _) => format!("{title} {start}\u{2026}").into(),
    }
}

/// A name as it may be shown. One that is no name stays out.
fn name(text: &[u8], at: &Range<usize>) -> Option<String> {
    let name = text
        .get(at.clone())
        .filter(|name| (1..=64).contains(&name.len()))?;
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-.:/".contains(byte);
    let is_name = name.iter().all(plain) && !plausible::is_key(name);
    is_name.then(|| String::from_utf8_lossy(name).into_owned())
}

/// How the configuration of an image is searched.
const CONFIGURATION: Kind = Kind {
    style: Some(Style::Plain),
    is_public: false,
};

/// The remark of a text of the image's configuration, such as `NAME=value` of the `environment`; `None`: there is no
/// secret in it.
pub(crate) fn of_configuration(text: &str, place: &str) -> Option<Remark> {
    let seen = sorted(search(text.as_bytes(), CONFIGURATION));
    let first = seen.first()?;
    let generic = matches!(first.check, "secret-password" | "secret-password-in-url");
    let (check, what) = if generic {
        let title = checks::check(first.check).map_or("", |check| check.title);
        let name = name(text.as_bytes(), &first.name);
        let check = match place {
            "history" => "secret-in-history",
            _ => "secret-in-environment",
        };
        (
            check,
            name.map_or_else(|| title.to_owned(), |name| format!("the value of {name}")),
        )
    } else {
        (first.check, shown(text.as_bytes(), first).to_string())
    };
    Some(Remark {
        check: check.into(),
        place: Place {
            path: format!("{}: {place}", remark::CONFIGURATION).into(),
            layer: None,
        },
        line: None,
        what: format!("{what}, in the {place}").into(),
    })
}

/// A text of the image's configuration with what may be a secret left out.
pub(crate) fn redacted(text: &str) -> Cow<'_, str> {
    let seen = sorted(search(text.as_bytes(), CONFIGURATION));
    if seen.is_empty() {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut from = 0;
    for one in seen {
        if one.at.start < from {
            from = from.max(one.at.end);
            continue;
        }
        out.push_str(text.get(from..one.at.start).unwrap_or(""));
        out.push_str("[secret]");
        from = one.at.end;
    }
    out.push_str(text.get(from..).unwrap_or(""));
    Cow::Owned(out)
}

/// What a fuzzer looks at: the remarks of a file, and the text that is shown instead of it.
pub fn probe(path: &str, bytes: &[u8]) -> (Vec<Remark>, String) {
    let mut out = Extracts::default();
    let file = File {
        path,
        mode: 0o644,
        bytes,
    };
    extract(&file, &mut out);
    let all = out.all.into_iter().filter_map(|one| match one {
        Extract::Remark(remark) => Some(remark),
        _ => None,
    });
    (
        all.collect(),
        redacted(&String::from_utf8_lossy(bytes)).into_owned(),
    )
}
