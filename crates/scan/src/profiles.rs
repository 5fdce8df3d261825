//! `--profile`: what a standard says of the objects, and nothing else.
//! Comes in: a Snapshot and the names of profiles. Goes out: an Assessment with their findings alone, each at its own
//! document. Never: a silent zero for what was not asked; a decision about pods (that is `semantics`').

use crate::assess::about;
use crate::coverage::coverage;
use crate::inputs::{Source, SourceTree};
use crate::join::Images;
use crate::rulings::Rulings;
use crate::written::Written;
use crate::{Settings, accept, configuration, ignore, vex};
use checks::rule::Rule;
use cluster::manifests::Locator;
use model::assessment::Assessment;
use model::evidence::{Gap, GapWeight, Ledger, Stage};
use model::finding::Finding;
use model::matches::{Category, Fix, FixState};
use model::object::{ObjectRef, SourceSpan};
use model::snapshot::{Object, Origin, Place, Snapshot};
use model::text::Text;
use model::vulnerability::Severity;
use semantics::declare::Declarations;
use semantics::pod_security::{self, Level, Version, Violation};
use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;

/// A set of checks that is asked for by name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Profile {
    /// A level of the Pod Security Standards, at the version of the cluster.
    PodSecurity(Level),
    /// Rules of the rule table: a set, a family, or one rule.
    Rules(String),
}

/// Levels as the command line takes them.
const LEVELS: [(&str, Level); 2] = [
    ("pss-baseline", Level::Baseline),
    ("pss-restricted", Level::Restricted),
];

#[derive(Debug, thiserror::Error)]
#[error("expected {known}, a family as rbac, or the name of a check, found `{found}`", known = known())]
pub struct UnknownProfile {
    found: String,
}

fn known() -> String {
    let levels = LEVELS.iter().map(|(name, _)| *name);
    let sets = checks::profiles::SETS.iter().map(|(name, _)| *name);
    levels.chain(sets).collect::<Vec<_>>().join(", ")
}

impl FromStr for Profile {
    type Err = UnknownProfile;

    fn from_str(text: &str) -> Result<Self, UnknownProfile> {
        let level = LEVELS.iter().find(|(name, _)| *name == text);
        if let Some((_, level)) = level {
            return Ok(Profile::PodSecurity(*level));
        }
        if checks::profiles::named(text).is_some() {
            return Ok(Profile::Rules(text.to_owned()));
        }
        Err(UnknownProfile {
            found: text.to_owned(),
        })
    }
}

impl Profile {
    fn name(&self) -> &str {
        match self {
            Profile::PodSecurity(level) => {
                let own = LEVELS.iter().find(|(_, known)| known == level);
                own.map_or("a profile", |(name, _)| name)
            }
            Profile::Rules(name) => name,
        }
    }
}

/// What the profiles are asked of.
pub struct Asked<'a> {
    pub snapshot: &'a Snapshot,
    /// What the Snapshot was read from, where that was files.
    pub sources: &'a [Source],
    /// What a live cluster's objects are written in.
    pub tree: Option<&'a SourceTree>,
    pub profiles: &'a [Profile],
    pub declarations: &'a Declarations,
    /// Gaps of reading the inputs.
    pub gaps: Vec<Gap>,
}

/// The findings of the profiles. Images, vulnerabilities and paths are not looked at, and a gap says so.
pub fn assess(asked: Asked<'_>, rulings: &Rulings, settings: &Settings) -> Assessment {
    let snapshot = asked.snapshot;
    let mut ledger = Ledger::default();
    ledger.gaps(asked.gaps);
    ledger.gaps(snapshot.gaps.iter().cloned());
    let inventory = semantics::inventory(snapshot, asked.declarations, &mut ledger);
    ledger.gap(not_asked(asked.profiles));
    let (mut judged, gaps) = findings(snapshot, asked.profiles);
    ledger.gaps(gaps);
    let rules = asked_rules(asked.profiles);
    let said = configuration::ask(snapshot, &inventory, settings.now, &rules);
    ledger.gaps(said.gaps);
    judged.extend(said.open);
    let found = located(judged, snapshot, asked.sources, asked.tree);
    let coverage = coverage(Some(snapshot), &inventory, &Images::default(), &found, 0);
    let workloads = inventory.workloads.into_iter();
    let mut assessment = Assessment {
        about: about(Some(snapshot), None, settings.now, &settings.tool_version),
        ledger,
        workloads: workloads.map(|view| view.workload).collect(),
        images: Vec::new(),
        placements: Vec::new(),
        packages: Vec::new(),
        vulnerabilities: Vec::new(),
        situations: Vec::new(),
        scores: Vec::new(),
        factors: Vec::new(),
        findings: found,
        suppressed: said.provided,
        unjoined: Vec::new(),
        paths: Vec::new(),
        cuts: Vec::new(),
        actions: Vec::new(),
        coverage,
        sets: Vec::new(),
        inventories: Vec::new(),
        checks: said.described,
        credentials: Vec::new(),
    };
    assessment.coverage.rulings = rulings.given();
    let entries = rulings.entries(Some(snapshot), &mut assessment.ledger);
    ignore::apply(
        &entries,
        &vex::Said::default(),
        Some(snapshot),
        &mut assessment,
    );
    // Entries about what was not looked at are no worse for it.
    assessment
        .findings
        .retain(|finding| !ignore::STALE.contains(&&*finding.id));
    accept::accept(
        &asked.declarations.accepted_gaps,
        settings.now,
        &mut assessment.ledger,
    );
    assessment
}

fn not_asked(profiles: &[Profile]) -> Gap {
    let names: BTreeSet<&str> = profiles.iter().map(Profile::name).collect();
    let names: Vec<&str> = names.into_iter().collect();
    Gap {
        class: "not-asked".into(),
        what: format!(
            "only {} was asked for: images, vulnerabilities and paths were not looked at",
            names.join(" and ")
        )
        .into(),
        stage: Stage::Relate,
        scope: "profile".into(),
        weight: GapWeight::Notice,
        close: "leave --profile out".into(),
    }
}

/// The rules of all profiles, each once.
fn asked_rules(profiles: &[Profile]) -> Vec<&'static Rule> {
    let mut rules: Vec<&'static Rule> = Vec::new();
    for profile in profiles {
        let Profile::Rules(name) = profile else {
            continue;
        };
        for rule in checks::profiles::named(name).into_iter().flatten() {
            if !rules.iter().any(|known| known.id == rule.id) {
                rules.push(rule);
            }
        }
    }
    rules
}

/// A finding and the index of its object; `usize::MAX`: it is about none of the Snapshot.
type Judged = (usize, Finding);

/// One finding for each control and object, in the order of the objects.
fn findings(snapshot: &Snapshot, profiles: &[Profile]) -> (Vec<Judged>, Vec<Gap>) {
    let version = Version::Minor(snapshot.version.minor);
    let mut found: BTreeMap<(usize, &'static str), Finding> = BTreeMap::new();
    let mut gaps = BTreeSet::new();
    for profile in profiles {
        let Profile::PodSecurity(level) = profile else {
            continue;
        };
        for one in pod_security::evaluate_snapshot(snapshot, *level, version) {
            let Some(object) = snapshot.objects.get(one.object) else {
                continue;
            };
            for pointer in &one.judged.malformed {
                gaps.insert(malformed(object, pointer));
            }
            for violation in &one.judged.violations {
                found
                    .entry((one.object, violation.control.id))
                    .or_insert_with(|| finding(object, violation));
            }
        }
    }
    let found = found.into_iter();
    let found = found.map(|((object, _), finding)| (object, finding));
    (found.collect(), gaps.into_iter().collect())
}

fn malformed(object: &Object, pointer: &str) -> Gap {
    Gap {
        class: "field-malformed".into(),
        what: format!(
            "{pointer} of {} has a type that the API server refuses: what it would forbid is open",
            object.reference()
        )
        .into(),
        stage: Stage::Relate,
        scope: object.reference().to_string().into(),
        weight: GapWeight::Hides,
        close: "correct the field".into(),
    }
}

fn finding(object: &Object, violation: &Violation) -> Finding {
    let mut reasons: Vec<Text> = violation
        .fields
        .iter()
        .map(|field| field.to_string().into())
        .collect();
    if violation.more > 0 {
        reasons.push(format!("{} more such fields", violation.more).into());
    }
    if let Some(other) = violation.replaced_by {
        reasons.push(format!("the API server says {other} instead of it").into());
    }
    Finding {
        id: violation.control.id.into(),
        category: Category::Misconfiguration,
        severity: severity(violation.control.id),
        vulnerability: None,
        image: None,
        package: None,
        object: Some(object.reference()),
        field: violation
            .fields
            .first()
            .map(|field| field.pointer.as_str().into()),
        source: None,
        title: Some(violation.control.demand.into()),
        fix: Fix {
            state: FixState::Unknown,
            versions: Vec::new(),
        },
        // It is our own observation: no document says it.
        matches: Vec::new(),
        suppression: None,
        notes: reasons,
        container: None,
        scores: Vec::new(),
    }
}

/// High: the node is open. Medium: a wall is missing. Low: one wall of several.
fn severity(control: &str) -> Severity {
    match control {
        "privileged" | "hostnamespaces" | "hostpathvolumes" | "windowshostprocess" => {
            Severity::High
        }
        "hostports"
        | "hostprobesandhostlifecycle"
        | "capabilities_restricted"
        | "seccompprofile_restricted"
        | "restrictedvolumes" => Severity::Low,
        _ => Severity::Medium,
    }
}

/// Each finding at the document that it was made of: two documents may define objects of the same name.
fn located(
    judged: Vec<Judged>,
    snapshot: &Snapshot,
    sources: &[Source],
    tree: Option<&SourceTree>,
) -> Vec<Finding> {
    let spans = match (snapshot.origin, tree) {
        (Origin::Files, None) => own_spans(&judged, snapshot, sources),
        _ => Written::of(snapshot, sources, tree)
            .map(|mut written| {
                let asked: Vec<(&ObjectRef, &str)> = judged
                    .iter()
                    .filter_map(|(_, finding)| {
                        Some((finding.object.as_ref()?, finding.field.as_deref()?))
                    })
                    .collect();
                written.locate(&asked)
            })
            .unwrap_or_default(),
    };
    let mut spans = spans.into_iter();
    let with_source = |(_, mut finding): Judged| {
        finding.source = spans.next().flatten();
        finding
    };
    judged.into_iter().map(with_source).collect()
}

fn own_spans(
    judged: &[Judged],
    snapshot: &Snapshot,
    sources: &[Source],
) -> Vec<Option<SourceSpan>> {
    let place = |index: usize| {
        let object = snapshot.objects.get(index);
        object.map_or(Place::Server, |object| object.place)
    };
    let asked: Vec<(Place, &str)> = judged
        .iter()
        .map(|(index, finding)| (place(*index), finding.field.as_deref().unwrap_or("")))
        .collect();
    Locator::new(sources).locate_all(snapshot, &asked)
}
