//! `--profile`: what a standard says of the objects, and nothing else.
//! Comes in: a Snapshot and the names of profiles. Goes out: an Assessment with their findings alone, each at its own
//! document. Never: a silent zero for what was not asked; a decision about pods (that is `semantics`').

use crate::assess::about;
use crate::coverage::coverage;
use crate::inputs::{Source, SourceTree};
use crate::join::Images;
use crate::rulings::Rulings;
use crate::written::Written;
use crate::{Settings, accept, ignore, vex};
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Profile {
    /// A level of the Pod Security Standards, at the version of the cluster.
    PodSecurity(Level),
}

/// Names as the command line takes them.
pub const PROFILES: [(&str, Profile); 2] = [
    ("pss-baseline", Profile::PodSecurity(Level::Baseline)),
    ("pss-restricted", Profile::PodSecurity(Level::Restricted)),
];

#[derive(Debug, thiserror::Error)]
#[error("expected {known}, found `{found}`", known = PROFILES.map(|(name, _)| name).join(" or "))]
pub struct UnknownProfile {
    found: String,
}

impl FromStr for Profile {
    type Err = UnknownProfile;

    fn from_str(text: &str) -> Result<Self, UnknownProfile> {
        let known = PROFILES.iter().find(|(name, _)| *name == text);
        known
            .map(|(_, profile)| *profile)
            .ok_or_else(|| UnknownProfile {
                found: text.to_owned(),
            })
    }
}

impl Profile {
    fn name(self) -> &'static str {
        let own = PROFILES.iter().find(|(_, profile)| *profile == self);
        own.map_or("a profile", |(name, _)| name)
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
    let (judged, gaps) = findings(snapshot, asked.profiles);
    ledger.gaps(gaps);
    let found = located(judged, snapshot, asked.sources, asked.tree);
    let coverage = coverage(Some(snapshot), &inventory, &Images::default(), &found, 0);
    let workloads = inventory.workloads.into_iter();
    let mut assessment = Assessment {
        about: about(Some(snapshot), None, settings),
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
        suppressed: Vec::new(),
        unjoined: Vec::new(),
        paths: Vec::new(),
        cuts: Vec::new(),
        actions: Vec::new(),
        coverage,
        sets: Vec::new(),
        inventories: Vec::new(),
    };
    assessment.coverage.rulings = rulings.given();
    ignore::apply(&rulings.ignores, &vex::Said::default(), &mut assessment);
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
    let names: BTreeSet<&str> = profiles.iter().map(|profile| profile.name()).collect();
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

/// A finding and the index of its object.
type Judged = (usize, Finding);

/// One finding for each control and object, in the order of the objects.
fn findings(snapshot: &Snapshot, profiles: &[Profile]) -> (Vec<Judged>, Vec<Gap>) {
    let version = Version::Minor(snapshot.version.minor);
    let mut found: BTreeMap<(usize, &'static str), Finding> = BTreeMap::new();
    let mut gaps = BTreeSet::new();
    for Profile::PodSecurity(level) in profiles {
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
