//! The matcher. Comes in: what is installed, the database. Goes out: matches that explain themselves, gaps for what
//! nobody could judge. Never: a clock, a CPE, a release judged by another's feed, nothing said where nothing is known.
//!
//! ```text
//! component -> question (ecosystem, names, versions) -> answer (one hit a vulnerability) -> match with its basis
//! ```

mod answer;
mod linked;
mod question;
mod silence;

pub use silence::{Silence, Why, why_not};

use crate::cvss;
use crate::ecosystem::{self, Covering};
use crate::intelligence::Intelligence;
use crate::record::Statement;
use answer::{Answer, Answers, Hit, Role, compared};
use jiff::civil::Date;
use model::evidence::{Gap, GapWeight, Stage};
use model::inventory::{Component, Inventory};
use model::matches::{
    Advisory, Artifact, ArtifactKind, Basis, Category, Fix, FixState, Match, MatchSet, MatchSource,
    Package, Suppression,
};
use model::text::{Interner, Text};
use model::vulnerability::Severity;
use question::{Question, Unasked, covering, full_name, question, title};
use rustc_hash::FxHashMap;
use std::collections::{BTreeMap, BTreeSet};

/// Names in one sentence; the rest is a number.
const NAMES: usize = 5;

/// Matches every component of `inventory`. `today` tells whether its release has ended; without it nothing is said of
/// that. Components are judged in their order, the hits of one by vulnerability.
pub fn matches(inventory: &Inventory, intel: &Intelligence, today: Option<Date>) -> MatchSet {
    let release = inventory.release.as_ref();
    let mut matcher = Matcher {
        inventory,
        intel,
        covering: release.and_then(|release| covering(intel, release)),
        ended: release
            .and_then(|release| release.end_of_life)
            .zip(today)
            .filter(|(end, today)| end < today)
            .map(|(end, _)| end),
        answers: Answers::new(intel),
        texts: Interner::default(),
        advisories: FxHashMap::default(),
        severities: FxHashMap::default(),
        unasked: BTreeMap::new(),
        unordered: BTreeSet::new(),
        set: MatchSet {
            source: source(inventory, intel),
            artifacts: vec![inventory.artifact.clone()],
            packages: Vec::new(),
            advisories: Vec::new(),
            matches: Vec::new(),
            bases: Vec::new(),
            gaps: Vec::new(),
        },
    };
    for component in &inventory.components {
        matcher.component(component);
    }
    matcher.finish()
}

fn source(inventory: &Inventory, intel: &Intelligence) -> MatchSource {
    MatchSource {
        tool: "plimsoll".into(),
        tool_version: Some(env!("CARGO_PKG_VERSION").into()),
        format: "plimsoll".into(),
        file: inventory.artifact.name.clone(),
        digest: intel.info().digest,
        created: None,
    }
}

struct Matcher<'a> {
    inventory: &'a Inventory,
    intel: &'a Intelligence,
    covering: Option<Covering>,
    /// The day on which the release's support ended.
    ended: Option<Date>,
    answers: Answers<'a>,
    texts: Interner,
    /// By vulnerability and feed.
    advisories: FxHashMap<(Text, Text), u32>,
    severities: FxHashMap<Text, Severity>,
    /// Names of components that nobody could be asked of.
    unasked: BTreeMap<Unasked, BTreeSet<Text>>,
    /// Components whose version has no order, with advisories on their name.
    unordered: BTreeSet<Text>,
    set: MatchSet,
}

impl Matcher<'_> {
    fn component(&mut self, component: &Component) {
        if self.is_judged_by_owner(component) {
            return;
        }
        let release = self.inventory.release.as_ref();
        let question = match question(component, release, self.covering.as_ref(), self.intel) {
            Ok(question) => question,
            Err(reason) => {
                let name = self.texts.text(&full_name(component));
                self.unasked.entry(reason).or_default().insert(name);
                return;
            }
        };
        let answer = self.answers.answer(&question);
        match self.intel.noted(answer) {
            Some(Answer::Hits(hits)) if !hits.is_empty() => {
                let package = self.package(component, &question);
                for hit in hits {
                    self.hit(component, &question, package, &hit);
                }
            }
            Some(Answer::Unordered) => {
                let version = if question.version.is_empty() {
                    "no version"
                } else {
                    &question.version
                };
                let name = format!("{} ({version})", question.name);
                self.unordered.insert(self.texts.text(&name));
            }
            Some(Answer::Hits(_) | Answer::Nameless) | None => {}
        }
    }

    /// A language package that the distribution installed is judged by its vendor, where a feed covers the release.
    fn is_judged_by_owner(&self, component: &Component) -> bool {
        !ecosystem::is_system(&component.kind)
            && component.owner.is_some()
            && self.covering.is_some()
    }

    fn hit(&mut self, component: &Component, question: &Question, package: u32, hit: &Hit) {
        let feed = hit.statement.feed.clone();
        let severity = self.severity(hit);
        let advisory = self.advisory(hit, feed);
        let owned = component.owner.is_some() && !question.system;
        let mut notes: Vec<String> = Vec::new();
        if owned {
            notes.push("installed by the distribution, which may have repaired it".to_owned());
        }
        notes.extend(question.assumed.clone());
        if !hit.entry.modules.is_empty() {
            notes.push(format!("of module {}", hit.entry.modules.join(" or ")));
        }
        let paid = hit.extended && hit.state == FixState::Fixed;
        if paid {
            notes.push("only Ubuntu Pro has the fix".to_owned());
        }
        let fix = Fix {
            state: match hit.state {
                _ if owned => FixState::Unknown,
                _ if paid => FixState::NotFixed,
                FixState::NotFixed if question.system && self.ended.is_some() => {
                    FixState::EndOfLife
                }
                state => state,
            },
            versions: match &hit.verdict.fixed {
                Some(fixed) if !owned => std::iter::once(fixed)
                    .chain(&hit.branches)
                    .map(|fix| self.texts.text(fix))
                    .collect(),
                _ => Vec::new(),
            },
        };
        let basis = self.basis(question, hit, &notes);
        let suppression = self.suppression(component, hit);
        self.set.matches.push(Match {
            category: Category::Vulnerability,
            artifact: 0,
            advisory,
            package: Some(package),
            target: None,
            field: None,
            severity,
            fix,
            suppression,
            basis: Some(basis),
        });
    }

    /// Kept and marked: what the program cannot run.
    fn suppression(&mut self, component: &Component, hit: &Hit) -> Option<Suppression> {
        let linux = self.inventory.release.is_some();
        let linked = component
            .linked
            .and_then(|index| self.inventory.linked.get(index as usize));
        let imports = hit.imports.as_deref().unwrap_or(&[]);
        let reason = linked::unreachable(imports, linked, linux)
            .or_else(|| self.not_importable(component, hit))
            .or_else(|| platform(component, &hit.platforms, linux))
            .or_else(|| self.rejected(hit))?;
        Some(Suppression {
            by: self.texts.text("plimsoll"),
            reason: self.texts.text(&reason),
        })
    }

    /// A CVE that its numbering authority took back, and that nobody repaired.
    fn rejected(&self, hit: &Hit) -> Option<String> {
        let id = hit.ids.first().filter(|id| id.starts_with("CVE-"))?;
        if hit.state == FixState::Fixed {
            return None;
        }
        let record = self.intel.noted(self.intel.find(id)).flatten()?;
        let own = |one: &&Statement| one.id == *id && one.feed.starts_with("vulnrichment");
        let taken = record.statements.iter().find(own)?.withdrawn?;
        Some(format!("rejected: {id} was taken back on {taken}"))
    }

    /// What is wrong with a program is not wrong with those that import packages of it.
    fn not_importable(&self, component: &Component, hit: &Hit) -> Option<String> {
        let advisory = hit.of_program.as_deref()?;
        let program = component
            .linked
            .and_then(|index| self.inventory.linked.get(index as usize));
        let who = match program {
            Some(program) if linked::is_library(program, &full_name(component)) => &*program.path,
            // Who asks for one package asks for what others import.
            None if self.inventory.artifact.kind == ArtifactKind::Unknown => "another program",
            _ => return None,
        };
        Some(format!(
            "not reachable: {advisory} is of the program {}, not of packages that {who} imports",
            full_name(component)
        ))
    }

    fn basis(&mut self, question: &Question, hit: &Hit, notes: &[String]) -> u32 {
        let texts = &mut self.texts;
        let statement = &hit.statement;
        let source = hit.role == Role::Source;
        let ecosystem = match (&question.extended, hit.extended) {
            (Some(extended), true) => extended,
            _ => &question.ecosystem,
        };
        // The day on which a notice was published is the day of its fix.
        let published = statement
            .published
            .filter(|_| hit.verdict.fixed.is_some() && !statement.covers.is_empty());
        let basis = Basis {
            advisory: texts.text(&statement.id),
            feed: texts.text(&statement.feed),
            ecosystem: texts.text(ecosystem),
            package: texts.text(if source {
                &question.source
            } else {
                &question.name
            }),
            of_source: source && question.system,
            version: texts.text(compared(question, hit.role)),
            order: texts.text(&format!("{:?}", question.scheme).to_ascii_lowercase()),
            introduced: texts.option(hit.verdict.introduced.as_deref()),
            fixed: texts.option(hit.verdict.fixed.as_deref()),
            last_affected: texts.option(hit.verdict.last_affected.as_deref()),
            fixed_on: hit.entry.fixed_on.or(published),
            also: hit.also.clone(),
            notes: notes.iter().map(|note| texts.text(note)).collect(),
        };
        self.set.bases.push(basis);
        last(&self.set.bases)
    }

    fn advisory(&mut self, hit: &Hit, feed: Text) -> u32 {
        let id = hit
            .ids
            .first()
            .cloned()
            .unwrap_or_else(|| hit.statement.id.clone());
        if let Some(known) = self.advisories.get(&(id.clone(), feed.clone())) {
            return *known;
        }
        // A notice is titled by the package that it repairs, not by the vulnerability.
        let own = hit.statement.covers.is_empty();
        let title = hit
            .statement
            .title
            .filter(|_| own)
            .and_then(|title| self.intel.title(title));
        self.set.advisories.push(Advisory {
            id: id.clone(),
            aliases: hit
                .ids
                .iter()
                .filter(|alias| **alias != id)
                .cloned()
                .collect(),
            covers: Vec::new(),
            title,
            severity: hit
                .statement
                .severity
                .filter(|_| own)
                .unwrap_or(Severity::Unknown),
            cvss: hit.statement.cvss.iter().filter(|_| own).cloned().collect(),
            vectors: Vec::new(),
            cwes: Vec::new(),
            url: None,
            feed: Some(feed.clone()),
            published: hit.statement.published,
        });
        let index = last(&self.set.advisories);
        self.advisories.insert((id, feed), index);
        index
    }

    /// The vendor's rating of the package, its rating of the vulnerability, what everybody's CVSS says, else the rating of
    /// the notice that collects it.
    fn severity(&mut self, hit: &Hit) -> Severity {
        let known = |severity: &Severity| *severity != Severity::Unknown;
        let notice = !hit.statement.covers.is_empty();
        let own = hit
            .entry
            .severity
            .or(hit.statement.severity.filter(|_| !notice));
        if let Some(own) = own.filter(known) {
            return own;
        }
        let of_notice = || hit.statement.severity.unwrap_or(Severity::Unknown);
        let Some(id) = hit.ids.first() else {
            return of_notice();
        };
        let of_all = if let Some(known) = self.severities.get(id) {
            *known
        } else {
            let found = self.of_all(id);
            self.severities.insert(id.clone(), found);
            found
        };
        Some(of_all).filter(known).unwrap_or_else(of_notice)
    }

    fn of_all(&self, id: &str) -> Severity {
        let found = self.intel.noted(self.intel.find(id)).flatten();
        let statements = found.iter().flat_map(|record| &record.statements);
        let valid: Vec<_> = statements
            .filter(|statement| statement.withdrawn.is_none())
            .collect();
        match cvss::best(valid.iter().flat_map(|statement| &statement.cvss)) {
            Some(best) => Severity::of_cvss(best.base),
            None => valid
                .iter()
                .filter_map(|one| one.severity)
                .max()
                .unwrap_or(Severity::Unknown),
        }
    }

    fn package(&mut self, component: &Component, question: &Question) -> u32 {
        let layer = component.at.iter().find_map(|place| place.layer);
        let layer = layer.and_then(|layer| self.inventory.layers.get(layer as usize));
        let source = component
            .source
            .as_ref()
            .filter(|source| source.name != component.name);
        let name = if question.system {
            component.name.to_string()
        } else {
            full_name(component)
        };
        self.set.packages.push(Package {
            name: self.texts.text(&name),
            version: component.version.clone(),
            kind: component.kind.clone(),
            purl: (!component.purl.is_empty()).then(|| component.purl.clone()),
            upstream: source.map(|source| source.name.clone()),
            locations: component
                .at
                .iter()
                .map(|place| place.path.clone())
                .collect(),
            layer: layer.map(|layer| layer.diff_id.clone()),
        });
        last(&self.set.packages)
    }

    fn finish(mut self) -> MatchSet {
        let scope = scope(&self.inventory.artifact);
        let mut gaps = Vec::new();
        for (reason, names) in &self.unasked {
            gaps.push(unasked(reason, names, &scope));
        }
        gaps.extend(self.without_modules(&scope));
        if !self.unordered.is_empty() {
            gaps.push(gap(
                "version-unknown",
                format!(
                    "advisories speak of packages whose version cannot be compared: {}",
                    listed(&self.unordered)
                ),
                &scope,
                "",
            ));
        }
        if let (Some(end), Some(release), true) =
            (self.ended, &self.inventory.release, self.has_system())
        {
            gaps.push(gap(
                "release-ended",
                format!(
                    "security support of {} ended on {end}: what was found since is in no feed",
                    title(release)
                ),
                &scope,
                "build the image on a supported release",
            ));
        }
        gaps.extend(self.intel.damage());
        gaps.sort();
        self.set.gaps = gaps;
        self.set
    }

    /// Go programs that were built without modules, of which only the standard library is known.
    fn without_modules(&self, scope: &str) -> Vec<Gap> {
        let mut gaps = Vec::new();
        let programs = (0u32..).zip(&self.inventory.linked);
        for (index, program) in programs {
            let components = self.inventory.components.iter();
            let own: Vec<String> = components
                .filter(|component| component.linked == Some(index))
                .map(full_name)
                .filter(|name| name != "stdlib")
                .collect();
            // With modules each of them is a component.
            if own.len() > 1 {
                continue;
            }
            let modules = linked::unknown_modules(program, &own);
            let what = match (modules.len(), &program.functions) {
                (0, None) if own.is_empty() => format!(
                    "{} is a Go program that says nothing of what it is built of: not judged",
                    program.path
                ),
                (0, _) => continue,
                (count, _) => format!(
                    "{} was built without module information: {count} of its modules not judged ({})",
                    program.path,
                    listed(&modules)
                ),
            };
            gaps.push(gap(
                "go-modules-unknown",
                what,
                scope,
                "build it with Go modules (GO111MODULE=on), or scan its go.sum with --lock-files",
            ));
        }
        gaps
    }

    fn has_system(&self) -> bool {
        let mut components = self.inventory.components.iter();
        components.any(|component| ecosystem::is_system(&component.kind))
    }
}

/// Platforms that the artifact is not: a RubyGems `platform`, systems of RustSec.
fn platform(component: &Component, platforms: &[String], linux: bool) -> Option<String> {
    if platforms.is_empty() {
        return None;
    }
    let here = match &*component.kind {
        // A gem for JRuby says so (purl-spec, gem: `platform=java`).
        "gem" => platforms.iter().any(|one| one != "jruby") || component.purl.contains("platform="),
        "cargo" if linux => platforms.iter().any(|one| one == "linux"),
        _ => true,
    };
    (!here).then(|| {
        format!(
            "not reachable: only on {} is it affected",
            platforms.join(", ")
        )
    })
}

fn last<T>(all: &[T]) -> u32 {
    u32::try_from(all.len().saturating_sub(1)).unwrap_or(u32::MAX)
}

/// `image docker.io/library/nginx:1.25`.
fn scope(artifact: &Artifact) -> String {
    let kind = match artifact.kind {
        ArtifactKind::Image => "image",
        ArtifactKind::Filesystem => "rootfs",
        ArtifactKind::Repository => "repository",
        ArtifactKind::Sbom => "sbom",
        ArtifactKind::Node => "node",
        ArtifactKind::KubernetesObject => "object",
        ArtifactKind::Unknown => "artifact",
    };
    format!("{kind} {}", artifact.name)
}

/// Rule 1: what nobody judges is said, and stops a gate.
fn unasked(reason: &Unasked, names: &BTreeSet<Text>, scope: &str) -> Gap {
    let (count, names) = (names.len(), listed(names));
    let packages = if count == 1 {
        "package was"
    } else {
        "packages were"
    };
    let (class, what, close) = match reason {
        Unasked::NoRelease => (
            "release-unknown",
            format!(
                "no file says which release the packages are of: {count} {packages} not judged ({names})"
            ),
            "of a package list (scan sbom): --distro NAME:VERSION",
        ),
        Unasked::NotCovered(release) => (
            "release-not-covered",
            format!("no feed covers {release}: {count} {packages} not judged ({names})"),
            "plimsoll db update",
        ),
        Unasked::NoFeed(ecosystem) => (
            "ecosystem-not-covered",
            format!("there is no feed of {ecosystem}: {count} {packages} not judged ({names})"),
            "plimsoll db update",
        ),
        Unasked::NoSource => (
            "package-not-judged",
            format!("no feed speaks of {names}: {count} {packages} not judged"),
            "",
        ),
        Unasked::NoGroup => (
            "group-unknown",
            format!(
                "nothing says the group of {names}, and advisories speak of several: {count} {packages} not judged"
            ),
            "",
        ),
        Unasked::Foreign(vendor) => (
            "vendor-not-covered",
            format!("no feed of {vendor} is known: {count} {packages} not judged ({names})"),
            "",
        ),
    };
    gap(class, what, scope, close)
}

fn listed<T: AsRef<str>>(names: &BTreeSet<T>) -> String {
    let first: Vec<&str> = names.iter().take(NAMES).map(AsRef::as_ref).collect();
    match names.len().saturating_sub(NAMES) {
        0 => first.join(", "),
        more => format!("{} and {more} more", first.join(", ")),
    }
}

fn gap(class: &str, what: String, scope: &str, close: &str) -> Gap {
    Gap {
        class: class.into(),
        what: what.into(),
        stage: Stage::Match,
        scope: scope.into(),
        weight: GapWeight::Hides,
        close: close.into(),
    }
}
