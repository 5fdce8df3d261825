//! What namespaces enforce, and what they could. Exemptions of an AdmissionConfiguration are not seen.

use crate::dry_run::dry_run;
use crate::rule::Mapping::{Cis, Nsa, Owasp};
use crate::rule::{Fix, Form, Rule};
use crate::run::each_pod;
use crate::test::{Field, object};
use crate::world::{Sink, World};
use model::action::FixClass::NeedsTest;
use model::evidence::{Gap, GapWeight, Stage};
use model::snapshot::Origin;
use model::vulnerability::Severity::{Low, Medium};
use rustc_hash::FxHashMap;
use semantics::json::escape;
use semantics::pod_security::{CONTROLS, Level, LevelVersion, Version, of_namespace, violations};
use semantics::view::Namespace;

const PREFIX: &str = "pod-security.kubernetes.io/";
const ENFORCE: Field = object(&["metadata", "labels", "pod-security.kubernetes.io/enforce"]);
const MODES: [&str; 3] = ["enforce", "audit", "warn"];
/// Namespaces that the API server makes for the cluster's own parts, which need what levels forbid.
const SYSTEM: [&str; 3] = ["kube-node-lease", "kube-public", "kube-system"];

pub(super) static RULES: &[Rule] = &[
    Rule {
        id: "KP-PSS-030",
        slug: "namespace-without-level",
        severity: Medium,
        title: "namespace has no Pod Security level",
        why: "unless the API server's configuration sets a default or another admission controller says no, whoever may \
              create pods here may create privileged ones and own a node",
        advice: "label it with warn and audit first, then with enforce: baseline, restricted where the dry run refuses nothing",
        maps: &[Cis("5.2.1"), Nsa("pod security enforcement"), Owasp("K04")],
        form: Form::World(without_level),
        fix: Fix::Set(ENFORCE, "\"baseline\"", NeedsTest),
        minors: (23, u16::MAX),
        ..Rule::ROW
    },
    Rule {
        id: "KP-PSS-031",
        slug: "namespace-privileged-without-need",
        severity: Medium,
        title: "namespace admits privileged pods and has none",
        why: "whoever may create pods here may create privileged ones and own a node, and nothing that runs here needs it",
        advice: "enforce baseline",
        maps: &[Cis("5.2.1"), Nsa("pod security enforcement"), Owasp("K04")],
        form: Form::World(privileged_without_need),
        fix: Fix::Set(ENFORCE, "\"baseline\"", NeedsTest),
        minors: (23, u16::MAX),
        ..Rule::ROW
    },
    Rule {
        id: "KP-PSS-032",
        slug: "namespace-could-restrict",
        severity: Low,
        title: "namespace could enforce restricted today",
        why: "all that runs here meets it already: nothing breaks, and the next workload cannot ask for more",
        advice: "enforce restricted",
        maps: &[Cis("5.2.1"), Nsa("pod security enforcement"), Owasp("K04")],
        form: Form::World(could_restrict),
        fix: Fix::Set(ENFORCE, "\"restricted\"", NeedsTest),
        minors: (23, u16::MAX),
        ..Rule::ROW
    },
    Rule {
        id: "KP-PSS-033",
        slug: "namespace-level-unknown",
        severity: Medium,
        title: "namespace names a Pod Security level that does not exist",
        why: "of enforce the API server makes restricted and refuses pods that were meant to run; of audit and warn it makes \
              privileged, and they say nothing",
        advice: "the levels are privileged, baseline and restricted",
        maps: &[Owasp("K04")],
        form: Form::World(level_unknown),
        minors: (23, u16::MAX),
        ..Rule::ROW
    },
    Rule {
        id: "KP-PSS-034",
        slug: "namespace-version-old",
        severity: Low,
        title: "namespace pins an old version of its Pod Security level",
        why: "what the level learnt to refuse since then is admitted here; what it learnt to admit is refused",
        advice: "name the cluster's version, or latest",
        maps: &[Owasp("K04")],
        form: Form::World(version_old),
        minors: (23, u16::MAX),
        ..Rule::ROW
    },
    Rule {
        id: "KP-PSS-035",
        slug: "namespace-version-unknown",
        severity: Low,
        title: "namespace names a Pod Security version that the server does not know",
        why: "the server takes the newest that it knows: what was meant to be pinned changes with the next update",
        advice: "the form is v1.N with N up to the cluster's minor version, or latest",
        maps: &[Owasp("K04")],
        form: Form::World(version_unknown),
        minors: (23, u16::MAX),
        ..Rule::ROW
    },
    Rule {
        id: "KP-PSS-040",
        slug: "workload-refused",
        severity: Medium,
        title: "workload is not admitted by its own namespace",
        why: "pods that run were admitted before the level was raised, and no new one will be: it ends with the next restart, \
              and until then it is what the level was to keep out",
        advice: "change the fields that the level refuses; exemptions of the API server's configuration are not seen here",
        maps: &[Nsa("pod security enforcement"), Owasp("K04")],
        form: Form::World(refused),
        minors: (23, u16::MAX),
        ..Rule::ROW
    },
];

/// Namespaces that were seen, but for those of the cluster itself; what was not listed is told.
fn namespaces<'a>(
    world: &World<'a>,
    sink: &mut Sink<'_>,
) -> impl Iterator<Item = (u32, &'a Namespace)> + use<'a> {
    let snapshot = world.snapshot;
    if snapshot.origin == Origin::Live && !snapshot.saw_all("", "Namespace") {
        sink.unknown(Gap {
            class: "namespaces-not-seen".into(),
            what: "namespaces were not listed completely: what the others enforce is open".into(),
            stage: Stage::Relate,
            scope: "namespaces".into(),
            weight: GapWeight::Hides,
            close: "allow get and list on namespaces".into(),
        });
    }
    let indices: FxHashMap<&str, u32> = (0u32..)
        .zip(&snapshot.objects)
        .filter(|(_, object)| object.gvk.group.is_empty() && &*object.gvk.kind == "Namespace")
        .map(|(index, object)| (&*object.name, index))
        .collect();
    let seen = world.inventory.namespaces.iter();
    let seen = seen.filter(|one| one.seen && !SYSTEM.contains(&&*one.name));
    seen.filter_map(move |one| Some((*indices.get(&*one.name)?, one)))
}

fn pointer(label: &str) -> String {
    format!("/metadata/labels/{}", escape(label))
}

fn enforced(world: &World<'_>, namespace: &Namespace) -> Option<LevelVersion> {
    of_namespace(world.inventory, &namespace.name).enforce
}

/// Workloads of each namespace: how many, and how many of them the level refuses.
fn refusals(world: &World<'_>, level: Level) -> FxHashMap<String, (u64, usize)> {
    let runs = dry_run(world, level).into_iter();
    runs.map(|run| {
        (
            run.namespace.to_string(),
            (run.workloads, run.refused.len()),
        )
    })
    .collect()
}

fn without_level(world: &World<'_>, sink: &mut Sink<'_>) {
    let open: Vec<_> = namespaces(world, sink)
        .inspect(|_| sink.looked(1))
        .filter(|(_, namespace)| enforced(world, namespace).is_none())
        .collect();
    if open.is_empty() {
        return;
    }
    let (baseline, restricted) = (
        refusals(world, Level::Baseline),
        refusals(world, Level::Restricted),
    );
    for (index, namespace) in open {
        let count = |of: &FxHashMap<String, (u64, usize)>| {
            of.get(&*namespace.name).copied().unwrap_or_default()
        };
        let (all, beyond_baseline) = count(&baseline);
        let (_, beyond_restricted) = count(&restricted);
        let label = format!("{PREFIX}enforce");
        let says = format!(
            "no label says what it enforces; of its {all} workloads baseline would refuse {beyond_baseline}, restricted \
             {beyond_restricted}"
        );
        sink.object(world, index, pointer(&label), says);
    }
}

fn privileged_without_need(world: &World<'_>, sink: &mut Sink<'_>) {
    let open: Vec<_> = namespaces(world, sink)
        .inspect(|_| sink.looked(1))
        .filter(|(_, one)| enforced(world, one).is_some_and(|e| e.level == Level::Privileged))
        .collect();
    tell_unused(world, sink, &open, Level::Baseline, 0);
}

fn could_restrict(world: &World<'_>, sink: &mut Sink<'_>) {
    let open: Vec<_> = namespaces(world, sink)
        .inspect(|_| sink.looked(1))
        .filter(|(_, one)| enforced(world, one).is_some_and(|e| e.level == Level::Baseline))
        .collect();
    tell_unused(world, sink, &open, Level::Restricted, 1);
}

/// Namespaces where the level refuses nothing, that have so many workloads at least.
fn tell_unused(
    world: &World<'_>,
    sink: &mut Sink<'_>,
    open: &[(u32, &Namespace)],
    level: Level,
    least: u64,
) {
    if open.is_empty() {
        return;
    }
    let refusals = refusals(world, level);
    for (index, namespace) in open {
        let (all, refused) = refusals.get(&*namespace.name).copied().unwrap_or_default();
        if refused == 0 && all >= least {
            let label = format!("{PREFIX}enforce");
            let says = format!("{} refuses none of its {all} workloads", level.as_str());
            sink.object(world, *index, pointer(&label), says);
        }
    }
}

fn level_unknown(world: &World<'_>, sink: &mut Sink<'_>) {
    for (index, namespace) in namespaces(world, sink) {
        sink.looked(1);
        for mode in MODES {
            let label = format!("{PREFIX}{mode}");
            let said = namespace.labels.get(&*label);
            if let Some(said) = said.filter(|said| Level::parse(said).is_none()) {
                let says = format!("{label} is {said:?}, which is no level");
                sink.object(world, index, pointer(&label), says);
            }
        }
    }
}

/// The versions that a namespace pins for modes whose level is more than privileged.
fn versions<'n>(world: &World<'_>, namespace: &'n Namespace) -> Vec<(String, &'n str, Level)> {
    let policy = of_namespace(world.inventory, &namespace.name);
    let modes = MODES
        .into_iter()
        .zip([policy.enforce, policy.audit, policy.warn]);
    modes
        .filter_map(|(mode, known)| {
            let level = known?.level;
            let label = format!("{PREFIX}{mode}-version");
            let said = namespace.labels.get(&*label)?;
            (level > Level::Privileged).then_some((label, &**said, level))
        })
        .collect()
}

fn version_old(world: &World<'_>, sink: &mut Sink<'_>) {
    let server = world.snapshot.version.minor;
    for (index, namespace) in namespaces(world, sink) {
        sink.looked(1);
        for (label, said, level) in versions(world, namespace) {
            let Some(Version::Minor(pinned)) = Version::parse(said) else {
                continue;
            };
            let of_level = CONTROLS.iter().filter(|control| control.level <= level);
            let changed: Vec<&str> = of_level
                .filter(|one| one.changes().any(|minor| pinned < minor && minor <= server))
                .map(|control| control.id)
                .collect();
            if !changed.is_empty() {
                let says = format!("{label} is {said}; changed since: {}", changed.join(", "));
                sink.object(world, index, pointer(&label), says);
            }
        }
    }
}

fn version_unknown(world: &World<'_>, sink: &mut Sink<'_>) {
    let server = world.snapshot.version;
    for (index, namespace) in namespaces(world, sink) {
        sink.looked(1);
        for (label, said, _) in versions(world, namespace) {
            let known = match Version::parse(said) {
                None => false,
                Some(Version::Latest) => true,
                // Without a server's word its version is only the newest that is built in.
                Some(Version::Minor(minor)) => minor <= server.minor || !server.known,
            };
            if !known {
                let says = format!("{label} is {said:?}; the server is of v1.{}", server.minor);
                sink.object(world, index, pointer(&label), says);
            }
        }
    }
}

fn refused(world: &World<'_>, sink: &mut Sink<'_>) {
    let mut policies = FxHashMap::default();
    each_pod(world, |object, at, pointer, pod| {
        let namespace = object.namespace.as_deref().unwrap_or("default");
        let policy = policies
            .entry(namespace.to_owned())
            .or_insert_with(|| of_namespace(world.inventory, namespace).enforce);
        let Some(enforce) = policy else {
            return;
        };
        sink.looked(1);
        let broken = violations(pod, pointer, enforce.level, enforce.version);
        let Some(field) = broken.iter().flat_map(|one| &one.fields).next() else {
            return;
        };
        let controls: Vec<&str> = broken.iter().map(|one| one.control.id).collect();
        let says = format!(
            "{} of namespace {namespace} refuses it: {}",
            enforce.level.as_str(),
            controls.join(", ")
        );
        sink.found(object, Some(at), None, field.pointer.clone(), says);
    });
}
