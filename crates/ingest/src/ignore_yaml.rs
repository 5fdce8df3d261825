//! Ignore files in YAML. Ours is read strictly: a word that is not known is an error, and every entry has an owner, a
//! reason and an end. Those of others are read as they read them.

use crate::IngestError;
use crate::ignore::{Given, IgnoreEntry, IgnoreFile, IgnoreForm, NameRule, PackageRule, last_day};
use jiff::civil::Date;
use model::matches::{Category, FixState};
use model::text::Text;
use serde::Deserialize;
use serde_saphyr::Spanned;
use std::collections::BTreeMap;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Own {
    /// `ignore:` with nothing below it is an empty list.
    ignore: Option<Vec<Spanned<OwnEntry>>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OwnEntry {
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    ids: Vec<String>,
    /// Name (`openssl*`) or purl.
    #[serde(default)]
    package: Option<String>,
    #[serde(default)]
    path: Option<String>,
    #[serde(default)]
    image: Option<String>,
    #[serde(default)]
    object: Option<String>,
    #[serde(default)]
    container: Option<String>,
    #[serde(default)]
    labels: BTreeMap<String, String>,
    owner: String,
    reason: String,
    expires: String,
    #[serde(default)]
    given: Option<OwnGiven>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct OwnGiven {
    kev: Option<bool>,
    exposed: Option<bool>,
}

/// Trivy's, in the order in which it names them.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Trivy {
    vulnerabilities: Option<Vec<Spanned<TrivyEntry>>>,
    misconfigurations: Option<Vec<Spanned<TrivyEntry>>>,
    secrets: Option<Vec<Spanned<TrivyEntry>>>,
    licenses: Option<Vec<Spanned<TrivyEntry>>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct TrivyEntry {
    id: String,
    paths: Option<Vec<String>>,
    purls: Option<Vec<String>>,
    expired_at: Option<String>,
    statement: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Grype {
    ignore: Option<Vec<Spanned<GrypeRule>>>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "kebab-case")]
struct GrypeRule {
    vulnerability: Option<String>,
    #[serde(alias = "includeAliases")]
    include_aliases: bool,
    reason: Option<String>,
    namespace: Option<String>,
    fix_state: Option<String>,
    package: Option<GrypePackage>,
    vex_status: Option<String>,
    vex_justification: Option<String>,
    match_type: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "kebab-case")]
struct GrypePackage {
    name: Option<String>,
    version: Option<String>,
    language: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
    location: Option<String>,
    upstream_name: Option<String>,
}

/// The words of a mapping, to tell the three forms apart.
type Words = BTreeMap<String, Option<serde::de::IgnoredAny>>;

#[derive(Deserialize, Default)]
#[serde(default)]
struct Rules {
    ignore: Option<Vec<Words>>,
}

pub(crate) fn read(name: &str, text: &str) -> Result<IgnoreFile, IngestError> {
    let form = form(name, text)?;
    let mut file = IgnoreFile {
        file: name.into(),
        form,
        entries: Vec::new(),
        notes: Vec::new(),
    };
    match form {
        IgnoreForm::Plimsoll => own(&mut file, text)?,
        IgnoreForm::Grype => grype(&mut file, text)?,
        IgnoreForm::TrivyYaml | IgnoreForm::TrivyText => trivy(&mut file, text)?,
    }
    Ok(file)
}

/// Words that only Grype's rules have.
const GRYPES: [&str; 7] = [
    "vulnerability",
    "include-aliases",
    "namespace",
    "fix-state",
    "vex-status",
    "vex-justification",
    "match-type",
];

fn form(name: &str, text: &str) -> Result<IgnoreForm, IngestError> {
    let words: Option<Words> = parse(name, text)?;
    let Some(words) = words.filter(|words| !words.is_empty()) else {
        // Nothing but comments.
        return Ok(IgnoreForm::Plimsoll);
    };
    let trivy = [
        "vulnerabilities",
        "misconfigurations",
        "secrets",
        "licenses",
    ];
    if trivy.iter().any(|list| words.contains_key(*list)) {
        return Ok(IgnoreForm::TrivyYaml);
    }
    let grypes = name.to_ascii_lowercase().contains("grype");
    if !words.contains_key("ignore") && !grypes {
        return Err(shape(
            name,
            "no ignore file: it has neither `ignore` nor Trivy's lists".into(),
        ));
    }
    let rules: Rules = parse(name, text)?;
    let entries = rules.ignore.unwrap_or_default();
    let own = |words: &Words| words.contains_key("owner") || words.contains_key("expires");
    let theirs = |words: &Words| GRYPES.iter().any(|word| words.contains_key(*word));
    Ok(
        if (grypes || entries.iter().any(theirs)) && !entries.iter().any(own) {
            IgnoreForm::Grype
        } else {
            IgnoreForm::Plimsoll
        },
    )
}

fn parse<T: for<'de> Deserialize<'de>>(name: &str, text: &str) -> Result<T, IngestError> {
    // Not the snippet: a file of secrets that is given by mistake must not be quoted.
    serde_saphyr::from_str(text).map_err(|error| shape(name, error.without_snippet().to_string()))
}

fn shape(name: &str, what: String) -> IngestError {
    IngestError::Shape {
        file: name.to_owned(),
        path: "ignore file".to_owned(),
        what,
    }
}

fn line<T>(entry: &Spanned<T>) -> u32 {
    u32::try_from(entry.referenced.line()).unwrap_or(u32::MAX)
}

fn own(file: &mut IgnoreFile, text: &str) -> Result<(), IngestError> {
    let read: Option<Own> = parse(&file.file, text)?;
    for entry in read.and_then(|own| own.ignore).into_iter().flatten() {
        let line = line(&entry);
        let wrong = |what: &str| shape(&file.file, format!("the entry at line {line} {what}"));
        let said = entry.value;
        let given = |text: &String| !text.trim().is_empty();
        if !given(&said.owner) || !given(&said.reason) {
            return Err(wrong("has an empty owner or reason"));
        }
        let expires: Date = said
            .expires
            .trim()
            .parse()
            .map_err(|_| wrong("has an `expires` that is no date YYYY-MM-DD"))?;
        let ids: Vec<Text> = said
            .id
            .into_iter()
            .chain(said.ids)
            .map(Into::into)
            .collect();
        if ids
            .iter()
            .any(|id| id.trim().is_empty() || id.contains('*'))
        {
            return Err(wrong(
                "has an id that is empty or has a wildcard; name each",
            ));
        }
        if ids.is_empty() && said.package.is_none() && said.path.is_none() {
            return Err(wrong(
                "names no id, package or path: it would take out everything",
            ));
        }
        let remembered = said.given.unwrap_or_default();
        let package = |name: String| {
            let mut rule = PackageRule::default();
            if name.starts_with("pkg:") {
                rule.purl = Some(name.into());
            } else {
                rule.name = Some(NameRule::Glob(name.into()));
            }
            rule
        };
        file.entries.push(IgnoreEntry {
            line,
            ids,
            aliases: true,
            packages: said.package.map(package).into_iter().collect(),
            paths: said.path.map(Into::into).into_iter().collect(),
            images: said.image.map(Into::into).into_iter().collect(),
            objects: said.object.map(Into::into).into_iter().collect(),
            containers: said.container.map(Into::into).into_iter().collect(),
            labels: said
                .labels
                .into_iter()
                .map(|(key, value)| (key.into(), value.into()))
                .collect(),
            owner: Some(said.owner.trim().into()),
            reason: Some(said.reason.trim().into()),
            expires: Some(expires),
            given: Given {
                known_exploited: remembered.kev,
                exposed: remembered.exposed,
            },
            ..IgnoreEntry::default()
        });
    }
    Ok(())
}

fn trivy(file: &mut IgnoreFile, text: &str) -> Result<(), IngestError> {
    let read: Trivy = parse(&file.file, text)?;
    let lists = [
        (Category::Vulnerability, read.vulnerabilities),
        (Category::Misconfiguration, read.misconfigurations),
        (Category::Secret, read.secrets),
        (Category::License, read.licenses),
    ];
    for (category, entries) in lists {
        for entry in entries.into_iter().flatten() {
            let line = line(&entry);
            let said = entry.value;
            if said.id.trim().is_empty() {
                file.notes
                    .push(format!("the entry at line {line} has no id and does not count").into());
                continue;
            }
            // A date, or a time that begins with one.
            let day = said
                .expired_at
                .as_deref()
                .map(|at| at.get(..10).unwrap_or(at).parse::<Date>());
            let Ok(end) = day.transpose() else {
                file.notes.push(
                    format!("the entry at line {line} has an `expired_at` that is no date and does not count").into(),
                );
                continue;
            };
            let purl = |purl: String| PackageRule {
                purl: Some(purl.into()),
                ..PackageRule::default()
            };
            file.entries.push(IgnoreEntry {
                line,
                ids: vec![said.id.trim().into()],
                aliases: true,
                categories: vec![category],
                packages: said.purls.into_iter().flatten().map(purl).collect(),
                paths: said.paths.into_iter().flatten().map(Into::into).collect(),
                reason: said.statement.map(Into::into),
                expires: end.and_then(last_day),
                ..IgnoreEntry::default()
            });
        }
    }
    Ok(())
}

fn grype(file: &mut IgnoreFile, text: &str) -> Result<(), IngestError> {
    let read: Grype = parse(&file.file, text)?;
    for entry in read.ignore.into_iter().flatten() {
        let line = line(&entry);
        let GrypeRule {
            vulnerability,
            include_aliases,
            reason,
            namespace,
            fix_state,
            package,
            vex_status,
            vex_justification,
            match_type,
        } = entry.value;
        let some = |text: Option<String>| text.filter(|text| !text.trim().is_empty());
        let note =
            |what: &str| Text::from(format!("the rule at line {line} {what} and does not count"));
        // How Grype matched (`exact-direct-match` ...) is not known of other sources.
        if some(match_type).is_some() {
            file.notes
                .push(note("asks for a match-type, which only Grype has,"));
            continue;
        }
        let states = match some(fix_state).map(|state| grype_states(&state)) {
            None => Vec::new(),
            Some(Some(states)) => states,
            Some(None) => {
                file.notes
                    .push(note("has a fix-state that Grype does not have"));
                continue;
            }
        };
        let package = package.unwrap_or_default();
        let text = |text: Option<String>| some(text).map(Text::from);
        let name = |name: Option<String>| some(name).map(|name| NameRule::Expression(name.into()));
        let rule = PackageRule {
            name: name(package.name),
            version: text(package.version),
            language: text(package.language),
            kind: text(package.kind),
            location: text(package.location),
            upstream: name(package.upstream_name),
            purl: None,
        };
        let entry = IgnoreEntry {
            line,
            ids: some(vulnerability).map(Into::into).into_iter().collect(),
            aliases: include_aliases,
            categories: vec![Category::Vulnerability],
            packages: (rule != PackageRule::default())
                .then_some(rule)
                .into_iter()
                .collect(),
            fix_states: states,
            namespace: text(namespace),
            vex_status: text(vex_status),
            vex_justification: text(vex_justification),
            reason: text(reason),
            ..IgnoreEntry::default()
        };
        let none = entry.ids.is_empty()
            && entry.packages.is_empty()
            && entry.fix_states.is_empty()
            && entry.namespace.is_none()
            && entry.vex_status.is_none();
        if none {
            file.notes.push(note("has no condition"));
        } else {
            file.entries.push(entry);
        }
    }
    Ok(())
}

/// Grype has four words; ours tell more apart.
fn grype_states(word: &str) -> Option<Vec<FixState>> {
    Some(match &*word.trim().to_ascii_lowercase() {
        "fixed" => vec![FixState::Fixed],
        "not-fixed" => vec![
            FixState::NotFixed,
            FixState::Deferred,
            FixState::UnderInvestigation,
        ],
        "wont-fix" => vec![FixState::WillNotFix, FixState::EndOfLife],
        "unknown" => vec![FixState::Unknown],
        _ => return None,
    })
}
