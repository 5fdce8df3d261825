//! The distribution of an artifact. Comes in: what a document calls its operating system, and the package URLs of its
//! packages. Goes out: the release, or why it is not known. Never: one of several that contradict each other.

use model::inventory::{Component, Release};
use std::collections::BTreeSet;

/// The id of `os-release` for the words that scanners use.
pub(super) fn id(word: &str) -> String {
    let word = word.trim().to_ascii_lowercase();
    match &*word {
        "alma" => "almalinux",
        "amazon" | "amazonlinux" => "amzn",
        "cbl-mariner" => "mariner",
        "oracle" | "oraclelinux" => "ol",
        "redhat" => "rhel",
        "rockylinux" => "rocky",
        "suse linux enterprise micro" | "slem" => "sle-micro",
        "suse linux enterprise server" | "suse" => "sles",
        "opensuse.leap" => "opensuse-leap",
        "opensuse.tumbleweed" => "opensuse-tumbleweed",
        other => other,
    }
    .to_owned()
}

/// A release of which only id and version are known.
pub(super) fn release(word: &str, version: &str) -> Option<Release> {
    let id = id(word);
    (!id.is_empty()).then(|| Release {
        id: id.into(),
        like: Vec::new(),
        version: version.trim().into(),
        codename: None,
        title: None,
        end_of_life: None,
    })
}

/// What several say: the most exact of those that agree (`12` and `12.5`).
pub(super) fn agreed(said: &[Release]) -> Result<Option<Release>, String> {
    let Some(longest) = said.iter().max_by_key(|release| release.version.len()) else {
        return Ok(None);
    };
    let agrees = |release: &Release| {
        release.id == longest.id
            && longest
                .version
                .strip_prefix(&*release.version)
                .is_some_and(|rest| {
                    release.version.is_empty() || rest.is_empty() || rest.starts_with('.')
                })
    };
    if said.iter().all(agrees) {
        return Ok(Some(longest.clone()));
    }
    let names: BTreeSet<String> = said
        .iter()
        .map(|release| format!("{} {}", release.id, release.version))
        .map(|name| name.trim_end().to_owned())
        .collect();
    let names: Vec<String> = names.into_iter().take(4).collect();
    Err(names.join(", "))
}

/// What the package URLs of the distribution's packages say, each once.
pub(super) fn of_packages<'c>(components: impl Iterator<Item = &'c Component>) -> Vec<Release> {
    let mut said: Vec<Release> = Vec::new();
    let mut texts: BTreeSet<(&str, &str)> = BTreeSet::new();
    for component in components {
        // Reading a purl anew costs more than seeing that its distribution is known.
        let Some((_, rest)) = component.purl.split_once("distro=") else {
            continue;
        };
        let distro = rest.split('&').next().unwrap_or(rest);
        let namespace = component.namespace.as_deref().unwrap_or("");
        if !texts.insert((namespace, distro)) || texts.len() > 64 {
            continue;
        }
        let purl = model::purl::Purl::parse(&component.purl).ok();
        if let Some(found) = purl.and_then(|purl| purl.release()) {
            let found = Release {
                id: id(&found.id).into(),
                ..found
            };
            if !said.contains(&found) {
                said.push(found);
            }
        }
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_agree_or_are_told() {
        let check = |said: &[(&str, &str)], expected: Result<Option<(&str, &str)>, &str>| {
            let said: Vec<Release> = said
                .iter()
                .map(|(id, version)| release(id, version).unwrap())
                .collect();
            let found = agreed(&said);
            let found = found
                .as_ref()
                .map(|found| found.as_ref().map(|found| (&*found.id, &*found.version)));
            assert_eq!(found.map_err(|what| &**what), expected, "{said:?}");
        };
        check(&[], Ok(None));
        check(&[("debian", "12")], Ok(Some(("debian", "12"))));
        check(
            &[("debian", "12"), ("Debian", "12.5")],
            Ok(Some(("debian", "12.5"))),
        );
        check(
            &[("debian", "1"), ("debian", "12")],
            Err("debian 1, debian 12"),
        );
        check(
            &[("alma", "9"), ("rocky", "9")],
            Err("almalinux 9, rocky 9"),
        );
        check(
            &[("debian", ""), ("debian", "12")],
            Ok(Some(("debian", "12"))),
        );
        check(
            &[("suse linux enterprise server", "15.4")],
            Ok(Some(("sles", "15.4"))),
        );
    }
}
