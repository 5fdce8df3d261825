//! Service accounts and weaknesses by hand.

use model::evidence::{Estimate, Ledger};
use model::object::ObjectRef;
use network::NetworkDeclarations;
use paths::{Relations, Weakness};
use semantics::authorizer::{Binding, Subject};
use semantics::rbac::Rule;
use semantics::view::{Inventory, ServiceAccount};

/// A right of the tests.
#[derive(Clone, Copy, Debug)]
pub(crate) enum RightClass {
    Read,
    Write,
    Exec,
    ReadSecrets,
    CreatePods,
    MintTokens,
    Nodes,
    Escalate,
    Everything,
}

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
    let group = "rbac.authorization.k8s.io";
    let role = ObjectRef::new(group, "ClusterRole", None, "some-role");
    let binding = ObjectRef::new(group, kind, place, name);
    for place in place.into_iter().chain([namespace]) {
        crate::world::namespace_of(world, place);
    }
    let authorizer = &mut world.authorizer;
    authorizer.bindings.push(Binding {
        object: binding,
        namespace: place.map(Into::into),
        subjects: vec![Subject::ServiceAccount {
            namespace: namespace.into(),
            name: name.into(),
        }],
        role: role.clone(),
        rules: Some(u32::try_from(authorizer.rules.len()).unwrap()),
    });
    authorizer.rules.push(rules(class));
    authorizer.roles.push(role.clone());
    world.service_accounts.push(ServiceAccount {
        namespace: namespace.into(),
        name: name.into(),
        automount_token: true,
        cloud_identity: None,
        seen: true,
    });
}

/// The Pod Security level of the first namespace.
pub(crate) fn enforce(world: &mut Inventory, level: Option<&str>) {
    let labels = &mut world.namespaces[0].labels;
    let key = "pod-security.kubernetes.io/enforce";
    match level {
        Some(level) => _ = labels.insert(key.into(), level.into()),
        None => _ = labels.remove(key),
    }
}

/// Rules of which a class of rights is made.
fn rules(class: RightClass) -> Vec<Rule> {
    let rule = |verbs: &[&str], group: &str, resources: &[&str]| Rule {
        verbs: verbs.iter().map(|verb| (*verb).into()).collect(),
        groups: vec![group.into()],
        resources: resources
            .iter()
            .map(|resource| (*resource).into())
            .collect(),
        ..Rule::default()
    };
    vec![match class {
        RightClass::Read => rule(&["get"], "", &["events"]),
        RightClass::Write => rule(&["create"], "", &["events"]),
        RightClass::Exec => rule(&["create"], "", &["pods/exec"]),
        RightClass::ReadSecrets => rule(&["list"], "", &["secrets"]),
        RightClass::CreatePods => rule(&["create"], "apps", &["deployments"]),
        RightClass::MintTokens => rule(&["create"], "", &["serviceaccounts/token"]),
        RightClass::Nodes => rule(
            &["create"],
            "",
            &["persistentvolumes", "persistentvolumeclaims", "pods"],
        ),
        RightClass::Escalate => rule(
            &["escalate", "update"],
            "rbac.authorization.k8s.io",
            &["clusterroles"],
        ),
        RightClass::Everything => rule(&["*"], "*", &["*"]),
    }]
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
