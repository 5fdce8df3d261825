//! Environments that should not meet: a staging workload that reaches a production one.
//! Comes in: workloads with declared environments, the network. Goes out: findings of our own, one a production
//! workload. Never: a word about workloads whose environment nobody declared.

use crate::reach::conn;
use model::finding::Finding;
use model::matches::{Category, Fix, FixState};
use model::text::Text;
use model::vulnerability::Severity;
use model::workload::{Environment, WorkloadState};
use network::reach::{Peer, Reach};
use semantics::view::Inventory;

/// Stable id of the check.
pub const STAGING_REACHES_PRODUCTION: &str = "staging-reaches-production";
/// Pairs that are asked; a cluster with more is told about the first ones.
const MOST_PAIRS: usize = 4_000_000;

pub fn findings(inventory: &Inventory) -> Vec<Finding> {
    let of = |wanted: Environment| -> Vec<u32> {
        (0_u32..)
            .zip(&inventory.workloads)
            .filter(|(_, view)| {
                view.workload.environment == Some(wanted)
                    && view.workload.state == WorkloadState::Active
            })
            .map(|(n, _)| n)
            .collect()
    };
    let (staging, production) = (of(Environment::Staging), of(Environment::Production));
    if staging.is_empty() || production.is_empty() {
        return Vec::new();
    }
    let reach = Reach::of(inventory);
    let asked = production.iter().take((MOST_PAIRS / staging.len()).max(1));
    asked
        .filter_map(|to| reached(inventory, &reach, &staging, *to))
        .collect()
}

/// The finding of a production workload, with the first that reaches it and how many more do.
fn reached(inventory: &Inventory, reach: &Reach<'_>, staging: &[u32], to: u32) -> Option<Finding> {
    let mut first = None;
    let mut count = 0_usize;
    for from in staging {
        let ports = reach.ports(Peer::Workload(*from), Peer::Workload(to));
        if ports.sure.is_empty() {
            continue;
        }
        count += 1;
        first = first.or_else(|| Some((*from, conn(&ports).0)));
    }
    let (from, ports) = first?;
    let name = |n: u32| {
        inventory
            .workloads
            .get(n as usize)
            .map(|view| &view.workload.object)
    };
    let (from, object) = (name(from)?, name(to)?);
    let more = match count - 1 {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    Some(Finding {
        id: Text::from(STAGING_REACHES_PRODUCTION),
        category: Category::Exposure,
        severity: Severity::Medium,
        vulnerability: None,
        image: None,
        package: None,
        object: Some(object.clone()),
        field: None,
        source: None,
        title: Some(format!("staging reaches production: {from}{more} on {ports}").into()),
        fix: Fix {
            state: FixState::Unknown,
            versions: Vec::new(),
        },
        // It is our own observation: no document says it.
        matches: Vec::new(),
        suppression: None,
        notes: vec![format!("plimsoll reach {} {} says why", peer(from), peer(object)).into()],
        container: None,
        scores: Vec::new(),
    })
}

/// As `plimsoll reach` takes it.
fn peer(object: &model::object::ObjectRef) -> String {
    let namespace = object.namespace.as_deref().unwrap_or("default");
    format!("{namespace}/{}[{}]", object.name, object.kind)
}
