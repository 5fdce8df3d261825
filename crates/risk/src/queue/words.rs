//! The words of an action: title parts, what to type, why, how to take it back.
//! Names come from foreign documents: whatever a shell could read is quoted, control characters are dropped.

use super::upgrade::{Group, Upgrade};
use super::value::Board;
use super::{Candidate, best_score, certainty};
use crate::place::Places;
use model::action::{Action, ActionKind};
use model::assessment::{Assessment, ScannedImage};
use model::evidence::{Estimate, Fact};
use model::keys::sha256_hex;
use model::object::{ObjectRef, SourceSpan};
use model::snapshot::Origin;
use model::text::Text;
use model::workload::{ManagedBy, Workload};
use std::collections::BTreeSet;

/// The finished action.
pub(crate) fn action(
    assessment: &Assessment,
    places: &Places,
    board: &Board,
    candidate: &Candidate,
    removes: Estimate,
    ids: &mut BTreeSet<Text>,
) -> Action {
    let mut workloads: Vec<u32> = candidate
        .targets
        .iter()
        .filter_map(|target| board.targets.get(*target as usize))
        .filter_map(|target| Some(target.runs_in?.workload))
        .collect();
    workloads.sort_unstable();
    workloads.dedup();
    let best = best_score(assessment, &candidate.closes, board);
    Action {
        id: id(candidate, ids),
        kind: candidate.kind,
        title: plain(&candidate.title).into(),
        image: candidate.image,
        object: candidate.object.clone(),
        source: candidate.source.clone(),
        closes: candidate.closes.clone(),
        workloads,
        removes,
        points: best
            .and_then(|(_, score)| assessment.scores.get(score as usize))
            .map_or_else(|| crate::scale::shown(removes), |score| score.points),
        class: candidate.class,
        class_reason: Text::clone(&candidate.class_reason),
        certainty: certainty(candidate),
        why: why(assessment, places, board, candidate, best),
        exact: candidate.exact.clone(),
        undo: Text::clone(&candidate.undo),
    }
}

/// `v1:` and 128 bits over what the action is about; a second action of the same key is numbered.
fn id(candidate: &Candidate, ids: &mut BTreeSet<Text>) -> Text {
    let mut number = 0u32;
    loop {
        let key = if number == 0 {
            candidate.key.clone()
        } else {
            format!("{}\0{number}", candidate.key)
        };
        let digest = sha256_hex(key.as_bytes());
        let id = Text::from(format!("v1:{}", digest.get(..32).unwrap_or(&digest)));
        if ids.insert(Text::clone(&id)) {
            return id;
        }
        number += 1;
    }
}

/// The strongest reasons first: exploited, how likely, how exposed, what falls with it.
fn why(
    assessment: &Assessment,
    places: &Places,
    board: &Board,
    candidate: &Candidate,
    best: Option<(u32, u32)>,
) -> Vec<Text> {
    let mut why = Vec::new();
    let vulnerability = best
        .and_then(|(finding, _)| assessment.findings.get(finding as usize))
        .and_then(|finding| finding.vulnerability)
        .and_then(|index| assessment.vulnerabilities.get(index as usize));
    if let Some(known) = vulnerability {
        match &known.kev {
            Fact::Is(kev) if kev.ransomware => why.push("KEV, ransomware".into()),
            Fact::Is(_) => why.push("KEV".into()),
            Fact::Absent | Fact::Unknown(_) => {}
        }
        match &known.epss {
            Fact::Is(epss) if epss.score.is_finite() => {
                why.push(format!("EPSS {}", short(epss.score)).into());
            }
            Fact::Is(_) | Fact::Absent | Fact::Unknown(_) => why.push("no EPSS score".into()),
        }
    }
    why.extend(candidate.because.iter().cloned());
    let worst = candidate
        .targets
        .iter()
        .filter_map(|target| board.targets.get(*target as usize))
        .filter_map(|target| places.get(target.placement))
        .map(|(_, place)| place)
        .max_by(|a, b| {
            let worth =
                |place: &crate::place::Place| place.value().expected * place.reach.network.expected;
            worth(a).total_cmp(&worth(b))
        });
    if let Some(place) = worst {
        for words in [&place.exposure_words, &place.blast_words] {
            if !why.contains(words) {
                why.push(Text::clone(words));
            }
        }
    }
    why
}

/// `0.94`, `0.0014`; never rounded up to 1.
fn short(value: f64) -> String {
    let places = match value {
        v if v >= 0.995 => return format!("{:.3}", v.min(0.999)),
        v if v >= 0.01 => 2,
        v if v >= 0.001 => 4,
        _ => 5,
    };
    format!("{value:.places$}")
}

/// Repository without tag, or the name as the report gives it.
pub(crate) fn image_name(image: &ScannedImage) -> String {
    image
        .reference()
        .map_or_else(|| plain(&image.name), |reference| reference.name())
}

/// With the tag; a digest is left out, it is no place to move from.
pub(crate) fn tagged_name(image: &ScannedImage) -> String {
    match image.reference() {
        Some(reference) => match &reference.tag {
            Some(tag) => format!("{}:{tag}", reference.name()),
            None => reference.name(),
        },
        None => plain(&image.name),
    }
}

/// `openssl (libssl3, openssl) to 3.0.11-1~deb12u2`, more than one joined by `and`.
pub(crate) fn upgrades(groups: &[Group]) -> String {
    let one = |group: &Group| {
        let to = group.packages.first().map_or("", |upgrade| &upgrade.to);
        let names: Vec<&str> = group.packages.iter().map(|p| &*p.name).collect();
        match names.as_slice() {
            [name] => format!("{name} to {to}"),
            names => format!("{} ({}) to {to}", group.source, names.join(", ")),
        }
    };
    let all: Vec<String> = groups.iter().map(one).collect();
    plain(&all.join(" and "))
}

/// How many packages the groups have.
pub(crate) fn packages(groups: &[Group]) -> usize {
    groups.iter().map(|group| group.packages.len()).sum()
}

/// What to type for an image action, line by line.
pub(crate) fn upgrade_lines(
    board: &Board,
    image: &ScannedImage,
    targets: &[u32],
    groups: &[Group],
    kind: ActionKind,
) -> Vec<Text> {
    let mut lines: Vec<Text> = Vec::new();
    if kind == ActionKind::MoveTag {
        lines.extend(set_image(board, image, targets));
        for group in groups.iter().take(MOST_LINES) {
            lines.push(
                format!(
                    "the new image needs {} or later",
                    upgrades(std::slice::from_ref(group)).replacen(" to ", " ", 1)
                )
                .into(),
            );
        }
        if let Some(more) = groups
            .len()
            .checked_sub(MOST_LINES)
            .filter(|more| *more > 0)
        {
            lines.push(format!("and {more} more packages").into());
        }
        if containers(board, targets).next().is_none() {
            lines.push("if you build it yourself: rebuild it with these".into());
        }
        return lines;
    }
    let system: Vec<&Upgrade> = groups
        .iter()
        .filter(|group| group.system)
        .flat_map(|group| &group.packages)
        .collect();
    if kind == ActionKind::RebuildBase && !system.is_empty() && image.is_image() {
        lines.push(
            format!(
                "docker build --pull --no-cache -t {} .",
                shell(&format!("{}:NEW", image_name(image)))
            )
            .into(),
        );
    }
    lines.extend(system_line(&system).map(|line| {
        if !image.is_image() {
            Text::from(line.trim_start_matches("RUN ").to_owned())
        } else if kind == ActionKind::RebuildBase {
            Text::from(format!(
                "if the base is still old, in its Dockerfile: {line}"
            ))
        } else {
            Text::from(format!("in its Dockerfile: {line}"))
        }
    }));
    let libraries: Vec<&Upgrade> = groups
        .iter()
        .filter(|group| !group.system)
        .flat_map(|group| &group.packages)
        .collect();
    for upgrade in libraries.iter().take(MOST_LINES) {
        lines.push(library_line(upgrade).into());
    }
    if let Some(more) = libraries
        .len()
        .checked_sub(MOST_LINES)
        .filter(|more| *more > 0)
    {
        lines.push(format!("and {more} more libraries").into());
    }
    lines.extend(managed_lines(board, targets));
    lines
}

const MOST_LINES: usize = 8;

/// The distribution's own command that brings at least these versions.
fn system_line(upgrades: &[&Upgrade]) -> Option<String> {
    let first = upgrades.first()?;
    let manager = package_type(first);
    let many = upgrades.len() > MOST_LINES;
    let each = |form: fn(&Upgrade) -> String| {
        let mut all: Vec<String> = upgrades
            .iter()
            .map(|upgrade| shell(&form(upgrade)))
            .collect();
        all.sort();
        all.join(" ")
    };
    Some(match manager {
        "deb" | "dpkg" | "debian" | "ubuntu" if many => {
            "RUN apt-get update && apt-get upgrade -y".to_owned()
        }
        "deb" | "dpkg" | "debian" | "ubuntu" => format!(
            "RUN apt-get update && apt-get install -y --no-install-recommends {}",
            each(|u| format!("{}={}", u.name, u.to))
        ),
        "apk" | "alpine" | "wolfi" | "chainguard" if many => {
            "RUN apk upgrade --no-cache".to_owned()
        }
        "apk" | "alpine" | "wolfi" | "chainguard" => format!(
            "RUN apk add --no-cache --upgrade {}",
            each(|u| format!("{}>={}", u.name, u.to))
        ),
        _ if many => "RUN dnf upgrade -y".to_owned(),
        _ => format!(
            "RUN dnf upgrade -y {}",
            each(|u| format!("{}-{}", u.name, u.to))
        ),
    })
}

fn package_type(upgrade: &Upgrade) -> &str {
    upgrade
        .purl
        .as_deref()
        .and_then(|purl| purl.strip_prefix("pkg:"))
        .and_then(|rest| rest.split_once('/'))
        .map_or(&*upgrade.kind, |(kind, _)| kind)
}

/// The ecosystem's own command for one library.
fn library_line(upgrade: &Upgrade) -> String {
    let Upgrade { name, to, .. } = upgrade;
    match package_type(upgrade) {
        "npm" | "node-pkg" | "yarn" | "pnpm" => {
            format!("npm install {}", shell(&format!("{name}@{to}")))
        }
        "pypi" | "pip" | "python" | "python-pkg" | "poetry" => {
            format!("pip install {}", shell(&format!("{name}>={to}")))
        }
        "golang" | "gomod" | "gobinary" | "go-module" if &**name == "stdlib" => {
            format!(
                "build with Go {}",
                plain(to.trim_start_matches(['v', 'g', 'o']))
            )
        }
        "golang" | "gomod" | "gobinary" | "go-module" => {
            let to = to.trim_start_matches('v');
            format!("go get {}", shell(&format!("{name}@v{to}")))
        }
        "cargo" | "rust-crate" | "rustbinary" => {
            format!("cargo update -p {} --precise {}", shell(name), shell(to))
        }
        "gem" | "gemspec" | "bundler" => format!(
            "in its Gemfile: gem \"{}\", \">= {}\"",
            plain(name),
            plain(to)
        ),
        "composer" | "php-composer" => {
            format!("composer require {}", shell(&format!("{name}:^{to}")))
        }
        "nuget" | "dotnet" | "dotnet-core" => {
            format!("dotnet add package {} --version {}", shell(name), shell(to))
        }
        "maven" | "jar" | "pom" | "gradle" | "java-archive" => {
            format!("in pom.xml: {} version {}", plain(name), plain(to))
        }
        _ => format!("upgrade {} to {}", plain(name), plain(to)),
    }
}

/// Where the image is named: the file and line, or the command for the live object.
fn set_image(board: &Board, image: &ScannedImage, targets: &[u32]) -> Vec<Text> {
    let new = format!("{}:NEW", image_name(image));
    let mut lines: Vec<Text> = Vec::new();
    for (workload, container) in containers(board, targets) {
        let line = if let Some(managed) = &workload.managed_by {
            format!(
                "{}: image {new} for {}",
                at_source(managed, workload.source.as_ref()),
                workload.object
            )
        } else if let Some(source) = &workload.source {
            format!(
                "in {} set image: {new} in container {container} of {}",
                plain(&source.to_string()),
                workload.object
            )
        } else {
            format!(
                "kubectl {}set image {}/{} {}",
                namespace(workload.object.namespace.as_deref()),
                resource(&workload.object),
                shell(&workload.object.name),
                shell(&format!("{container}={new}"))
            )
        };
        let line = Text::from(plain(&line));
        if !lines.contains(&line) {
            lines.push(line);
        }
    }
    more(lines)
}

/// The first few lines, and how many there are beside them.
fn more(mut lines: Vec<Text>) -> Vec<Text> {
    if let Some(beside) = lines
        .len()
        .checked_sub(MOST_LINES)
        .filter(|beside| *beside > 0)
    {
        lines.truncate(MOST_LINES);
        lines.push(format!("and the same in {beside} more places").into());
    }
    lines
}

fn containers<'a>(
    board: &'a Board,
    targets: &'a [u32],
) -> impl Iterator<Item = (&'a Workload, &'a Text)> {
    targets.iter().filter_map(|target| {
        let target = board.targets.get(*target as usize)?;
        let workload = board.workload(target)?;
        let container = workload
            .containers
            .get(target.runs_in?.container as usize)?;
        Some((workload, &container.name))
    })
}

/// Rule 14: where the image's workloads are changed.
fn managed_lines(board: &Board, targets: &[u32]) -> Vec<Text> {
    let sources: BTreeSet<Text> = containers(board, targets)
        .filter_map(|(workload, _)| {
            let managed = workload.managed_by.as_ref()?;
            let source = at_source(managed, workload.source.as_ref());
            Some(Text::from(format!("{source}: the new image's tag")))
        })
        .collect();
    more(sources.into_iter().collect())
}

/// Who applies the object, and the file and line that it is written in where that is known.
pub(crate) fn at_source(managed: &ManagedBy, span: Option<&SourceSpan>) -> String {
    let place = span.map_or_else(String::new, |span| format!(", {span}"));
    plain(&format!(
        "at its source ({} {}{place})",
        managed.tool, managed.name
    ))
}

/// The change where the object is written: its manager's source, file and line, or its manifest.
/// `None` for a live object that nobody manages: there a command changes it.
pub(crate) fn in_writing(
    assessment: &Assessment,
    managed: Option<&ManagedBy>,
    span: Option<&SourceSpan>,
    object: &ObjectRef,
    what: &str,
) -> Option<String> {
    match (managed, span) {
        (Some(managed), span) => Some(format!("{}: {what}", at_source(managed, span))),
        (None, Some(span)) => Some(format!("in {span} {what}")),
        (None, None) if assessment.about.origin == Some(Origin::Files) => {
            Some(format!("in the manifest of {object}: {what}"))
        }
        (None, None) => None,
    }
}

pub(crate) fn image_undo(board: &Board, image: &ScannedImage, targets: &[u32]) -> Text {
    let mut undo: Vec<String> = containers(board, targets)
        .map(|(workload, _)| rollback(workload))
        .collect();
    undo.dedup();
    match undo.as_slice() {
        [] if image.is_image() => "use the image before".into(),
        [] => "install the versions before".into(),
        [one] => one.as_str().into(),
        [one, rest @ ..] => format!("{one}; the same for {} more", rest.len()).into(),
    }
}

/// How the version before comes back.
pub(crate) fn rollback(workload: &Workload) -> String {
    let object = &workload.object;
    let rolls = matches!(&*object.kind, "Deployment" | "StatefulSet" | "DaemonSet");
    if rolls && workload.source.is_none() && workload.managed_by.is_none() {
        return format!(
            "kubectl {}rollout undo {}/{}",
            namespace(object.namespace.as_deref()),
            resource(object),
            shell(&object.name)
        );
    }
    format!("apply the manifest of {object} as it was before")
}

/// `-n shop ` or nothing.
pub(crate) fn namespace(namespace: Option<&str>) -> String {
    namespace.map_or_else(String::new, |name| format!("-n {} ", shell(name)))
}

/// The resource as kubectl takes it: `deployment`, `rollout.argoproj.io`.
pub(crate) fn resource(object: &ObjectRef) -> String {
    let kind = object.kind.to_ascii_lowercase();
    let built_in = !object.group.contains('.') || object.group.ends_with(".k8s.io");
    shell(&if built_in {
        kind
    } else {
        format!("{kind}.{}", object.group)
    })
}

/// One word of a POSIX shell.
pub(crate) fn shell(word: &str) -> String {
    let word = plain(word);
    let safe = !word.is_empty()
        && word.bytes().all(|byte| {
            byte.is_ascii_alphanumeric()
                || matches!(
                    byte,
                    b'.' | b'_' | b'-' | b'/' | b':' | b'=' | b'@' | b'+' | b','
                )
        });
    if safe {
        return word;
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}

/// Without control characters: one line stays one line.
pub(crate) fn plain(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_escapes_the_shell() {
        for (word, expected) in [
            ("libssl3=3.0.11-1+deb12u2", "libssl3=3.0.11-1+deb12u2"),
            ("a;rm -rf /", "'a;rm -rf /'"),
            ("it's", "'it'\\''s'"),
            ("a\nb", "ab"),
            ("", "''"),
            ("$(x)", "'$(x)'"),
            ("3.0~deb", "'3.0~deb'"),
        ] {
            assert_eq!(shell(word), expected);
        }
    }
}
