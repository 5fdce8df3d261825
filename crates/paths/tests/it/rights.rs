//! Service accounts and weaknesses by hand.

use model::evidence::{Estimate, Ledger};
use model::object::ObjectRef;
use network::NetworkDeclarations;
use paths::{Relations, Weakness};
use semantics::view::{Inventory, Right, RightClass, ServiceAccount};

/// An account with one right, cluster-wide or in a namespace, by a binding of its own name.
pub(crate) fn account(
    world: &mut Inventory,
    namespace: &str,
    name: &str,
    class: RightClass,
    place: Option<&str>,
) {
    let kind = if place.is_some() {
        "RoleBinding"
    } else {
        "ClusterRoleBinding"
    };
    world.service_accounts.push(ServiceAccount {
        namespace: namespace.into(),
        name: name.into(),
        automount_token: true,
        rights: vec![Right {
            class,
            namespace: place.map(Into::into),
            binding: ObjectRef::new("rbac.authorization.k8s.io", kind, place, name),
            role: ObjectRef::new(
                "rbac.authorization.k8s.io",
                "ClusterRole",
                None,
                "some-role",
            ),
        }],
        cloud_identity: None,
        seen: true,
    });
}

pub(crate) fn weakness(workload: u32, likelihood: f64) -> Weakness {
    Weakness {
        workload,
        container: 0,
        label: "CVE-2024-1 in libfoo".into(),
        likelihood: Estimate::exact(likelihood),
        fixable: Some("upgrade libfoo to 1.2".into()),
        image: "example.com/app:1".into(),
    }
}

pub(crate) fn relate(world: &Inventory, weaknesses: &[Weakness]) -> (Relations, Ledger) {
    let mut ledger = Ledger::default();
    let exposures = network::exposures(world, &NetworkDeclarations::default(), &mut ledger);
    let declared = NetworkDeclarations::default();
    let hosts = network::hosts(!world.nodes.is_empty(), true, &declared, &mut ledger);
    let relations = paths::relate(world, &exposures, &hosts, weaknesses, &mut ledger);
    (relations, ledger)
}
