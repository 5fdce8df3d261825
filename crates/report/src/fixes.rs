//! Vulnerabilities grouped by what repairs them. In: a view. Out: one entry for each package and version, however many
//! artifacts have it: the fixable ones first, those with the highest risk first. Never: a fix that no source names.

use crate::installed::{Installed, Origin, Units};
use crate::view::{View, at};
use crate::wording::{count, counted, points, severity};
use model::evidence::{Estimate, Fact};
use model::finding::Finding;
use model::matches::{Category, FixState, Package};
use model::text::Text;
use model::version;
use model::vulnerability::Severity;
use std::cmp::{Ordering, Reverse};
use std::collections::{BTreeMap, BTreeSet};

pub(crate) struct Repair<'a> {
    pub(crate) images: BTreeSet<u32>,
    pub(crate) origin: Origin,
    /// Of the packages that are upgraded together, ordered.
    pub(crate) names: BTreeSet<&'a str>,
    pub(crate) installed: &'a str,
    /// The version that closes all of them; `None`: there is none.
    pub(crate) to: Option<&'a Text>,
    /// What each of them is fixed in.
    fixes: Vec<&'a [Text]>,
    /// Where there is no version.
    pub(crate) state: FixState,
    /// In the order of the Assessment, never empty.
    pub(crate) findings: Vec<&'a Finding>,
    pub(crate) worst: Severity,
    /// The highest score.
    pub(crate) points: Option<Estimate>,
}

pub(crate) struct Repairs<'a> {
    pub(crate) fixed: Vec<Repair<'a>>,
    pub(crate) unfixed: Vec<Repair<'a>>,
}

/// What stands in one line: the packages of one source package, in one version, from one part of artifacts.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Key<'a> {
    origin: Origin,
    kind: &'a str,
    source: &'a str,
    installed: &'a str,
    /// `None`: there is a fix.
    state: Option<FixState>,
}

/// Of the open vulnerabilities, those that no container here runs too.
pub(crate) fn repairs<'a>(view: &View<'a>, units: &Units<'a>) -> Repairs<'a> {
    let all = view.assessment;
    let mut groups: BTreeMap<Key, Repair> = BTreeMap::new();
    for finding in all.findings.iter().chain(&all.unjoined) {
        let package = at(&all.packages, finding.package);
        let (Category::Vulnerability, Some(package)) = (finding.category, package) else {
            continue;
        };
        let unit = units.of(finding).map(|(_, unit)| unit);
        let installed = unit.and_then(|unit| {
            let first = unit.find(package).first()?;
            unit.packages.get(usize::try_from(*first).ok()?).copied()
        });
        let installed = installed.unwrap_or(Installed::Package(package));
        let origin = unit.map_or(Origin::Unknown, |unit| unit.origin(installed));
        let to = fix(package, finding);
        let key = Key {
            origin,
            kind: &package.kind,
            source: source(package, installed),
            installed: &package.version,
            state: to.is_none().then_some(finding.fix.state),
        };
        let repair = groups.entry(key).or_insert_with(|| Repair {
            images: BTreeSet::new(),
            origin,
            names: BTreeSet::new(),
            installed: &package.version,
            to: None,
            fixes: Vec::new(),
            state: finding.fix.state,
            findings: Vec::new(),
            worst: Severity::Unknown,
            points: None,
        });
        repair.add(view, package, finding, to);
    }
    groups.values_mut().for_each(Repair::settle);
    let (mut fixed, mut unfixed): (Vec<Repair>, Vec<Repair>) =
        groups.into_values().partition(|repair| repair.to.is_some());
    fixed.sort_by(Repair::order);
    unfixed.sort_by(Repair::order);
    Repairs { fixed, unfixed }
}

/// Binary packages of one source are upgraded at once.
fn source<'a>(package: &'a Package, installed: Installed<'a>) -> &'a str {
    let component = installed.component().and_then(|c| c.source.as_ref());
    let source = component
        .map(|source| &*source.name)
        .or(package.upstream.as_deref());
    let of_system =
        installed.is_of_system() || matches!(&*package.kind, "deb" | "apk" | "rpm" | "alpm");
    source
        .filter(|name| of_system && !name.is_empty())
        .unwrap_or(&package.name)
}

fn fix<'a>(package: &Package, finding: &'a Finding) -> Option<&'a Text> {
    let named = matches!(finding.fix.state, FixState::Fixed | FixState::Unknown);
    named
        .then(|| version::choose(&package.version, &finding.fix.versions))
        .flatten()
}

impl<'a> Repair<'a> {
    fn add(
        &mut self,
        view: &View,
        package: &'a Package,
        finding: &'a Finding,
        to: Option<&'a Text>,
    ) {
        self.images.extend(finding.image);
        self.names.insert(&package.name);
        self.findings.push(finding);
        self.worst = self.worst.max(finding.severity);
        let points = view.score(finding).map(|scored| scored.score.points);
        if points.is_some_and(|p| self.points.is_none_or(|own| p.expected > own.expected)) {
            self.points = points;
        }
        self.to = self.to.or(to);
        if to.is_some() {
            self.fixes.push(&finding.fix.versions);
        }
    }

    /// Names the one version that closes all of them.
    fn settle(&mut self) {
        self.fixes.sort_unstable();
        self.fixes.dedup();
        if self.to.is_some() {
            self.to = version::choose_for_all(self.installed, &self.fixes);
        }
    }

    fn order(&self, other: &Self) -> Ordering {
        let expected = |repair: &Self| repair.points.map_or(-1.0, |points| points.expected);
        expected(other).total_cmp(&expected(self)).then_with(|| {
            let rest = |r: &Self| Reverse((r.worst, r.findings.len()));
            rest(self).cmp(&rest(other))
        })
    }

    /// Distinct ones: several packages of a source share them.
    pub(crate) fn vulnerabilities(&self) -> usize {
        let ids: BTreeSet<&str> = self.findings.iter().map(|finding| &*finding.id).collect();
        ids.len()
    }

    /// With severity, or how likely they are exploited where nobody rates them; known exploited ones first, then by risk.
    pub(crate) fn ids(&self, view: &View) -> Vec<String> {
        let mut seen = BTreeSet::new();
        let findings = self
            .findings
            .iter()
            .filter(|finding| seen.insert(&*finding.id));
        let mut ids: Vec<(&Finding, bool)> = findings
            .map(|finding| {
                let known = view.vulnerability(finding);
                (
                    *finding,
                    known.is_some_and(|v| matches!(v.kev, Fact::Is(_))),
                )
            })
            .collect();
        let points = |finding: &Finding| {
            view.score(finding)
                .map_or(-1.0, |s| s.score.points.expected)
        };
        ids.sort_by(|(a, a_kev), (b, b_kev)| {
            b_kev
                .cmp(a_kev)
                .then_with(|| points(b).total_cmp(&points(a)))
                .then_with(|| b.severity.cmp(&a.severity))
        });
        ids.into_iter()
            .map(|(finding, kev)| {
                let kev = if kev { " KEV" } else { "" };
                let epss = view.vulnerability(finding).map(|known| &known.epss);
                match (finding.severity, epss) {
                    (Severity::Unknown, Some(Fact::Is(epss))) => {
                        format!("{} EPSS {}{kev}", finding.id, probability(epss.score))
                    }
                    (rated, _) => format!("{} {}{kev}", finding.id, severity(rated)),
                }
            })
            .collect()
    }

    /// `libssl3, openssl 3.0.11-1~deb12u1`.
    pub(crate) fn what(&self) -> String {
        let names: Vec<&str> = self.names.iter().copied().collect();
        let installed = if self.installed.is_empty() {
            "of unknown version"
        } else {
            self.installed
        };
        format!("{} {installed}", listed(&names, NAMES, ", "))
    }

    /// Whether the version that closes all is of another major version (rule 13).
    pub(crate) fn crosses(&self) -> bool {
        self.to.is_some_and(|to| {
            !self.installed.is_empty() && version::major(self.installed) != version::major(to)
        })
    }

    /// `upgrade openssl 3.0.11 to 3.0.13`, or what is known instead of a fix.
    pub(crate) fn title(&self) -> String {
        match self.to {
            Some(to) if self.crosses() => {
                format!("upgrade {} to {to}, another major version", self.what())
            }
            Some(to) => format!("upgrade {} to {to}", self.what()),
            None => format!("{}: {}", self.what(), crate::wording::fix_state(self.state)),
        }
    }

    /// `base image`, `application layer`, and which artifact where there are several.
    pub(crate) fn place(&self, view: &View, several: bool) -> Option<String> {
        let images = self.images.iter().filter(|_| several);
        let mut names = images.filter_map(|image| at(&view.assessment.images, Some(*image)));
        let name = names.next().map(|first| match names.count() {
            0 => first.name.to_string(),
            more => format!("{} and {} more", first.name, count(more)),
        });
        match (self.origin.words(), name) {
            (Some(origin), Some(name)) => Some(format!("{origin} of {name}")),
            (Some(origin), None) => Some(origin.to_owned()),
            (None, name) => name,
        }
    }

    pub(crate) fn score(&self) -> String {
        self.points
            .map_or_else(|| "-".to_owned(), |estimate| points(&estimate))
    }
}

/// Names of packages in a line.
const NAMES: usize = 3;

/// The first ones, and how many more there are.
pub(crate) fn listed<T: AsRef<str>>(all: &[T], most: usize, separator: &str) -> String {
    let shown: Vec<&str> = all.iter().take(most).map(AsRef::as_ref).collect();
    let shown = shown.join(separator);
    match all.len().saturating_sub(most) {
        0 => shown,
        more => format!("{shown} and {} more", count(more)),
    }
}

/// `0.03`; `<0.01`.
fn probability(score: f64) -> String {
    if score < 0.01 {
        return "<0.01".to_owned();
    }
    format!("{:.2}", score.min(0.99))
}

/// What to do about findings that no feed rates; `None` where there are none.
pub(crate) fn unrated(view: &View) -> Option<String> {
    let open = view.assessment.findings.iter();
    let count = open
        .filter(|one| one.category == Category::Vulnerability && one.severity == Severity::Unknown)
        .count();
    let first =
        view.assessment.findings.iter().find(|one| {
            one.category == Category::Vulnerability && one.severity == Severity::Unknown
        })?;
    Some(format!(
        "{} without a severity, since no feed of the database rates them: judge them by the risk before the line and by EPSS; a gate on a severity stops at them unless --allow-unknown; plimsoll explain {} says what is known of one",
        counted(count, "finding"),
        first.id
    ))
}

impl Repairs<'_> {
    /// `12 fixes close 40 of 57 open vulnerabilities`.
    pub(crate) fn heading(&self) -> String {
        let sum = |all: &[Repair]| all.iter().map(Repair::vulnerabilities).sum::<usize>();
        let (closed, stay) = (sum(&self.fixed), sum(&self.unfixed));
        let all = closed + stay;
        let of = match all {
            1 => "1 vulnerability".to_owned(),
            n => format!("{} vulnerabilities", count(n)),
        };
        // One of several packages of a source is several findings.
        let repairs = self.fixed.iter().chain(&self.unfixed);
        let findings: usize = repairs.map(|repair| repair.findings.len()).sum();
        let of = if findings > all {
            format!("{of} ({})", counted(findings, "finding"))
        } else {
            of
        };
        match (self.fixed.len(), all) {
            (_, 0) => "nothing to do for what was judged".to_owned(),
            (0, _) => format!("no fix is known for {of}"),
            (1, _) => format!("1 fix closes {} of {of}", count(closed)),
            (n, _) => format!("{} fixes close {} of {of}", count(n), count(closed)),
        }
    }

    /// `5 vulnerabilities of 3 packages; the highest risk first`.
    pub(crate) fn unfixed_heading(&self) -> String {
        let open: usize = self.unfixed.iter().map(Repair::vulnerabilities).sum();
        let open = match open {
            1 => "1 vulnerability".to_owned(),
            n => format!("{} vulnerabilities", count(n)),
        };
        format!(
            "{open} of {}, the highest risk first",
            counted(self.unfixed.len(), "package")
        )
    }

    /// How the work is divided between who makes the base image and who builds on it; `None` where layers do not say it.
    pub(crate) fn division(&self) -> Option<String> {
        let of = |origin: Origin| {
            let fixes = self.fixed.iter().filter(|repair| repair.origin == origin);
            let closed: usize = fixes.clone().map(Repair::vulnerabilities).sum();
            (fixes.count(), closed)
        };
        let ((base, closed), (own, own_closed)) = (of(Origin::Base), of(Origin::Application));
        let fixes = |n: usize| {
            if n == 1 {
                "1 fix".to_owned()
            } else {
                format!("{} fixes", count(n))
            }
        };
        let on_base = (base > 0).then(|| {
            format!(
                "{} in the base image, closing {}: a newer base may bring them, which was not verified",
                fixes(base),
                count(closed)
            )
        });
        let on_own = (own > 0).then(|| {
            format!(
                "{} in the application's layers, closing {}",
                fixes(own),
                count(own_closed)
            )
        });
        let parts: Vec<String> = on_base.into_iter().chain(on_own).collect();
        (!parts.is_empty()).then(|| parts.join("; "))
    }
}

/// Whether lines must say which artifact they are of.
pub(crate) fn several(units: &Units) -> bool {
    units.all.len() > 1
}
