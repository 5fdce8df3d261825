//! A newer base that was scanned, as an action that may claim what it closes (rule 13). Comes in: what the base of an image
//! brought, and what each newer one still has. Goes out: the nearest base that closes something, the others beside it.
//! Never: a finding of the application's own layers; a later release without saying so.

use super::words::{image_name, plain, shell};
use crate::Settings;
use model::action::FixClass;
use model::assessment::{Assessment, ScannedImage};
use model::finding::Finding;
use model::matches::Package;
use model::text::Text;
use std::collections::BTreeSet;

/// A newer base of an image, scanned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MeasuredBase {
    /// A digest of the image that is built on it, or its name where it has none.
    pub image: Text,
    /// What it is built on: `debian:12.5-slim`.
    pub current: Text,
    /// What stands after FROM: `debian:12.11-slim@sha256:...`.
    pub from: Text,
    pub step: BaseStep,
    /// Kind, name and version of the packages that the present base brought.
    pub brought: BTreeSet<(Text, Text, Text)>,
    /// What the newer one has: id of a vulnerability, by every name of it, and package or source package.
    pub kept: BTreeSet<(Text, Text)>,
}

/// How far it goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum BaseStep {
    Same,
    Minor,
    Major,
}

/// What a base closes in an image.
pub(super) struct Claimed<'a> {
    base: &'a MeasuredBase,
    pub(super) closes: BTreeSet<u32>,
    /// Vulnerabilities that it has and the image does not.
    adds: usize,
    /// All bases that close something, the nearest first, with how many findings they close and add.
    all: Vec<(&'a MeasuredBase, usize, usize)>,
}

/// The nearest of the newer bases that closes something: a base change is one decision.
pub(super) fn claimed<'a>(
    assessment: &Assessment,
    settings: &'a Settings,
    image: &ScannedImage,
    index: u32,
) -> Option<Claimed<'a>> {
    let of = |base: &&MeasuredBase| {
        let identity = &image.identity;
        let mut digests = identity.config.iter().chain(&identity.manifests);
        digests.any(|digest| *digest == base.image) || image.name == base.image
    };
    let mut measured: Vec<(&MeasuredBase, BTreeSet<u32>, usize)> = settings
        .bases
        .iter()
        .filter(of)
        .map(|base| {
            let (closes, adds) = compare(assessment, base, index);
            (base, closes, adds)
        })
        .filter(|(_, closes, _)| !closes.is_empty())
        .collect();
    measured.sort_by(|a, b| {
        a.0.step
            .cmp(&b.0.step)
            .then_with(|| b.1.len().cmp(&a.1.len()))
            .then_with(|| a.0.from.cmp(&b.0.from))
    });
    let all = measured
        .iter()
        .map(|(base, closes, adds)| (*base, closes.len(), *adds));
    let all = all.collect();
    let (base, closes, adds) = measured.into_iter().next()?;
    Some(Claimed {
        base,
        closes,
        adds,
        all,
    })
}

fn compare(assessment: &Assessment, base: &MeasuredBase, index: u32) -> (BTreeSet<u32>, usize) {
    let mut closes = BTreeSet::new();
    let mut here: BTreeSet<&Text> = BTreeSet::new();
    for (n, finding) in (0u32..).zip(&assessment.findings) {
        if finding.image != Some(index) {
            continue;
        }
        here.extend(ids(assessment, finding));
        let package = finding
            .package
            .and_then(|n| assessment.packages.get(n as usize));
        let Some(package) = package else { continue };
        if !of_base(base, package) {
            continue;
        }
        let names = [Some(&package.name), package.upstream.as_ref()];
        let stays = names.into_iter().flatten().any(|name| {
            let mut ids = ids(assessment, finding);
            ids.any(|id| base.kept.contains(&(Text::clone(id), Text::clone(name))))
        });
        if !stays {
            closes.insert(n);
        }
    }
    let suppressed = assessment.suppressed.iter();
    for finding in suppressed.filter(|finding| finding.image == Some(index)) {
        here.extend(ids(assessment, finding));
    }
    // A CVE is known by one name here; ids of other forms would count it twice.
    let adds: BTreeSet<&Text> = base
        .kept
        .iter()
        .map(|(id, _)| id)
        .filter(|id| id.starts_with("CVE-") && !here.contains(id))
        .collect();
    (closes, adds.len())
}

fn ids<'a>(assessment: &'a Assessment, finding: &'a Finding) -> impl Iterator<Item = &'a Text> {
    let known = finding
        .vulnerability
        .and_then(|n| assessment.vulnerabilities.get(n as usize));
    let aliases = known.map_or(&[][..], |known| &known.aliases);
    std::iter::once(&finding.id).chain(aliases)
}

fn of_base(base: &MeasuredBase, package: &Package) -> bool {
    let key = (
        Text::clone(&package.kind),
        Text::clone(&package.name),
        Text::clone(&package.version),
    );
    base.brought.contains(&key)
}

impl Claimed<'_> {
    pub(super) fn title(&self, image: &ScannedImage) -> String {
        let from = self.base.from.split('@').next().unwrap_or(&self.base.from);
        format!("rebuild {} on {from}", image_name(image))
    }

    pub(super) fn class(&self) -> (FixClass, Text) {
        let to = self.base.from.split('@').next().unwrap_or(&self.base.from);
        let current = &self.base.current;
        match self.base.step {
            BaseStep::Same => (
                FixClass::NeedsTest,
                format!("a newer build of the same release: {current} to {to}").into(),
            ),
            BaseStep::Minor => (
                FixClass::NeedsTest,
                format!("the next release of the base: {current} to {to}").into(),
            ),
            BaseStep::Major => (
                FixClass::Breaking,
                format!("the base crosses a major version: {current} to {to}").into(),
            ),
        }
    }

    /// The line of the Dockerfile first.
    pub(super) fn exact(&self, image: &ScannedImage) -> Vec<Text> {
        let mut lines = vec![Text::from(format!("FROM {}", plain(&self.base.from)))];
        if image.is_image() {
            let tag = shell(&format!("{}:NEW", image_name(image)));
            lines.push(format!("docker build --pull -t {tag} .").into());
        }
        if self.adds > 0 {
            lines.push(format!("it brings {}", added(self.adds)).into());
        }
        for (base, closes, adds) in self.all.iter().skip(1) {
            let step = match base.step {
                BaseStep::Same => "",
                BaseStep::Minor => " the next release,",
                BaseStep::Major => " ANOTHER MAJOR VERSION,",
            };
            let brings = match adds {
                0 => String::new(),
                adds => format!(", brings {}", added(*adds)),
            };
            lines.push(format!("or,{step} closes {closes}{brings}:").into());
            lines.push(format!("FROM {}", plain(&base.from)).into());
        }
        lines
    }

    /// Why it is believed.
    pub(super) fn because(&self) -> Text {
        let to = self.base.from.split('@').next().unwrap_or(&self.base.from);
        format!("{to} was scanned").into()
    }
}

/// One base change an image, whichever base it is.
pub(super) fn key(image: &ScannedImage) -> String {
    format!("base\0{}", image_name(image))
}

fn added(count: usize) -> String {
    match count {
        1 => "1 vulnerability that the image does not have".to_owned(),
        many => format!("{many} vulnerabilities that the image does not have"),
    }
}
