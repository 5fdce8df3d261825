//! Alpine's security database (secdb.alpinelinux.org): what each release fixed. Comes in: one repository's JSON, as
//! Wolfi and Chainguard write it too. Goes out: a draft a vulnerability. Never: takes version `0` for a fix.

use super::specific::below;
use super::{Affected, Draft, Names, usable_id};
use crate::ecosystem;
use model::matches::FixState;
use serde::Deserialize;
use std::borrow::Cow;
use std::collections::BTreeMap;

#[derive(Deserialize)]
struct Database<'a> {
    #[serde(borrow, default)]
    distroversion: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    urlprefix: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    apkurl: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    packages: Vec<Entry<'a>>,
}

#[derive(Deserialize)]
struct Entry<'a> {
    #[serde(borrow)]
    pkg: Package<'a>,
}

#[derive(Deserialize)]
struct Package<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
    /// Ids by the version that fixed them; `null` stands for none.
    #[serde(borrow, default)]
    secfixes: BTreeMap<Cow<'a, str>, Option<Vec<Cow<'a, str>>>>,
}

/// Whether a file of the feed is a database.
pub fn is_record(name: &str) -> bool {
    super::ends(name, &[".json"])
}

/// Reads one repository.
pub fn parse(bytes: &[u8], out: &mut Vec<Draft>) -> Result<(), String> {
    let database: Database<'_> = serde_json::from_slice(bytes).map_err(|e| e.to_string())?;
    let release = release(&database).ok_or_else(|| "it names no release".to_owned())?;
    let mut drafts: BTreeMap<String, Draft> = BTreeMap::new();
    for Entry { pkg } in &database.packages {
        if !(1..=512).contains(&pkg.name.len()) {
            continue;
        }
        for (version, named) in &pkg.secfixes {
            if version.is_empty() || version.len() > 256 {
                continue;
            }
            for text in named.iter().flatten() {
                add(&mut drafts, &affected(&release, &pkg.name, version), text);
            }
        }
    }
    out.extend(drafts.into_values());
    Ok(())
}

fn release(database: &Database<'_>) -> Option<String> {
    let version = database.distroversion.as_deref();
    if let Some(version) = version.filter(|version| !version.is_empty()) {
        return ecosystem::canonical(&format!("Alpine:{version}"));
    }
    let addresses = [&database.urlprefix, &database.apkurl];
    let says = |word: &str| {
        addresses
            .iter()
            .any(|address| address.as_deref().is_some_and(|text| text.contains(word)))
    };
    if says("wolfi") {
        return Some("Wolfi".to_owned());
    }
    says("chainguard").then(|| "Chainguard".to_owned())
}

fn affected(release: &str, package: &str, version: &str) -> Affected {
    let unaffected = version == "0";
    Affected {
        ecosystem: release.to_owned(),
        package: package.to_owned(),
        names: Names::Source,
        ranges: if unaffected {
            Vec::new()
        } else {
            vec![below(version)]
        },
        state: unaffected.then_some(FixState::NotAffected),
        ..Affected::default()
    }
}

/// One text names a vulnerability, several, or one with its other names: `CVE-2018-1000 XSA-1`, `CVE-1 CVE-2 XSA-3 XPTI`.
fn add(drafts: &mut BTreeMap<String, Draft>, affected: &Affected, text: &str) {
    let text = text.replace("CVE ", "CVE-");
    let words = text.split([' ', ',', '\t']).filter(|word| is_name(word));
    let words: Vec<&str> = words.collect();
    let cves: Vec<&str> = words
        .iter()
        .copied()
        .filter(|word| word.starts_with("CVE-"))
        .collect();
    for id in if cves.is_empty() { &words } else { &cves } {
        let draft = drafts.entry((*id).to_owned()).or_insert_with(|| Draft {
            id: (*id).to_owned(),
            ..Draft::default()
        });
        if !draft.affected.contains(affected) {
            draft.affected.push(affected.clone());
        }
    }
    // Another name may collect several CVEs, here or in another text.
    if !cves.is_empty() {
        for other in words.iter().filter(|word| !cves.contains(word)) {
            let draft = drafts.entry((*other).to_owned()).or_insert_with(|| Draft {
                id: (*other).to_owned(),
                ..Draft::default()
            });
            for cve in &cves {
                if !draft.covers.iter().any(|known| known == cve) {
                    draft.covers.push((*cve).to_owned());
                }
            }
        }
    }
}

/// `CVE-2018-1`, `XSA-1`, `TALOS-2017-0488`, not `(AoE)` or `XPTI`.
fn is_name(word: &str) -> bool {
    usable_id(word)
        && word.starts_with(|c: char| c.is_ascii_alphabetic())
        && word.contains('-')
        && word.bytes().any(|b| b.is_ascii_digit())
        && word
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b':' | b'.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<Draft> {
        let mut out = Vec::new();
        parse(text.as_bytes(), &mut out).unwrap();
        out
    }

    type States = Vec<(Option<FixState>, usize)>;

    #[test]
    fn a_repository() {
        let drafts = read(
            r#"{"distroversion":"v3.11","packages":[{"pkg":{"name":"x","secfixes":{
                "1-r1":["CVE-2018-1000 XSA-1","CVE 2018-2000","CVE-2018-3000 (AoE)"],"0":["CVE-2018-4000"],
                "2-r0":["CVE-2018-5000 CVE-2018-6000 XSA-2 XPTI","CVE-2018-1000"],"3":null}}}]}"#,
        );
        let told: Vec<(&str, States, usize)> = drafts
            .iter()
            .map(|d| {
                (
                    &*d.id,
                    d.affected
                        .iter()
                        .map(|a| (a.state, a.ranges.len()))
                        .collect(),
                    d.covers.len(),
                )
            })
            .collect();
        let fixed = || vec![(None, 1)];
        assert_eq!(
            told,
            [
                ("CVE-2018-1000", vec![(None, 1), (None, 1)], 0),
                ("CVE-2018-2000", fixed(), 0),
                ("CVE-2018-3000", fixed(), 0),
                ("CVE-2018-4000", vec![(Some(FixState::NotAffected), 0)], 0),
                ("CVE-2018-5000", fixed(), 0),
                ("CVE-2018-6000", fixed(), 0),
                ("XSA-1", vec![], 1),
                ("XSA-2", vec![], 2),
            ]
        );
        assert_eq!(drafts[0].affected[0].ecosystem, "Alpine:v3.11");
        let wolfi = read(
            r#"{"urlprefix":"https://packages.wolfi.dev","packages":[{"pkg":{"name":"x","secfixes":{"1":["GHSA-a-1"]}}}]}"#,
        );
        assert_eq!(wolfi[0].affected[0].ecosystem, "Wolfi");
        assert!(parse(br#"{"packages":[]}"#, &mut Vec::new()).is_err());
    }
}
