//! What would be refused if a namespace enforced a Pod Security level: plain data for reports.
//! Comes in: a world, a level. Goes out: a statement for each namespace that has workloads. Never: a change, a level of
//! its own choice. Exemptions of an AdmissionConfiguration are not seen: they only ever admit more.

use crate::run::each_pod;
use crate::world::World;
use model::object::ObjectRef;
use model::text::Text;
use semantics::pod_security::{Level, LevelVersion, Version, Violation, of_namespace, violations};
use std::collections::BTreeMap;
use std::fmt;

/// A namespace, and what a level would do to it.
#[derive(Clone, Debug)]
pub struct DryRun {
    pub namespace: Text,
    /// What was tried, in the version of the server.
    pub level: Level,
    /// What it enforces now; `None`: no label and no declared default says.
    pub enforced: Option<LevelVersion>,
    /// Workloads that are not over, refused or not.
    pub workloads: u64,
    /// In the order of workloads.
    pub refused: Vec<Refused>,
}

/// A workload whose new pods would be refused.
#[derive(Clone, Debug)]
pub struct Refused {
    pub object: ObjectRef,
    /// Index into the Snapshot's objects.
    pub at: u32,
    /// Pointers are into that object.
    pub violations: Vec<Violation>,
}

/// `namespace shop: enforcing restricted would refuse 7 of 12 workloads`.
impl fmt::Display for DryRun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "namespace {}: enforcing {} would refuse {} of {} workloads",
            self.namespace,
            self.level.as_str(),
            self.refused.len(),
            self.workloads
        )
    }
}

/// By namespace; namespaces without workloads are left out.
pub fn dry_run(world: &World<'_>, level: Level) -> Vec<DryRun> {
    let version = Version::Minor(world.snapshot.version.minor);
    let mut all: BTreeMap<Text, DryRun> = BTreeMap::new();
    each_pod(world, |object, at, pointer, pod| {
        let namespace: Text = object.namespace.clone().unwrap_or_else(|| "default".into());
        let one = all
            .entry(Text::clone(&namespace))
            .or_insert_with(|| DryRun {
                enforced: of_namespace(world.inventory, &namespace).enforce,
                namespace,
                level,
                workloads: 0,
                refused: Vec::new(),
            });
        one.workloads += 1;
        let violations = violations(pod, pointer, level, version);
        if !violations.is_empty() {
            one.refused.push(Refused {
                object: object.clone(),
                at,
                violations,
            });
        }
    });
    all.into_values().collect()
}
