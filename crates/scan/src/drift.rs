//! Several builds under one tag (rule 10): what was tested is not what runs.
//! Comes in: workloads with the digests that their pods run. Goes out: findings of our own.

use model::finding::Finding;
use model::matches::{Category, Fix, FixState};
use model::text::Text;
use model::vulnerability::Severity;
use model::workload::{Container, Workload};
use semantics::view::Inventory;

/// Stable id of the check.
pub const SEVERAL_DIGESTS: &str = "several-digests-under-one-tag";

/// One finding for each container whose pods run different builds of a reference without a digest.
pub fn findings(inventory: &Inventory) -> Vec<Finding> {
    let workloads = inventory.workloads.iter().map(|view| &view.workload);
    workloads
        .flat_map(|workload| {
            workload
                .containers
                .iter()
                .map(move |container| (workload, container))
        })
        .filter(|(_, container)| container.running.len() > 1 && !is_pinned(container))
        .map(|(workload, container)| finding(workload, container))
        .collect()
}

fn is_pinned(container: &Container) -> bool {
    container
        .reference
        .as_ref()
        .is_some_and(|reference| reference.digest.is_some())
}

fn finding(workload: &Workload, container: &Container) -> Finding {
    let title = format!(
        "container {} runs {} builds of {}",
        container.name,
        container.running.len(),
        container.image
    );
    Finding {
        id: Text::from(SEVERAL_DIGESTS),
        category: Category::Misconfiguration,
        severity: Severity::Medium,
        vulnerability: None,
        image: None,
        package: None,
        object: Some(workload.object.clone()),
        field: None,
        source: None,
        title: Some(title.into()),
        fix: Fix {
            state: FixState::Unknown,
            versions: Vec::new(),
        },
        // It is our own observation: no document says it.
        matches: Vec::new(),
        suppression: None,
        notes: Vec::new(),
        container: None,
        scores: Vec::new(),
    }
}
