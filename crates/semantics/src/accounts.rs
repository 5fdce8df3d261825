//! Service accounts: those that were seen, and those that pods and bindings name.
//! Comes in: a Snapshot, workloads, bindings. Goes out: views. Never: a token.

use crate::authorizer::{Authorizer, Subject};
use crate::json::Node;
use crate::lens::Lens;
use crate::rbac::tell_missing;
use crate::view::{PodSpec, ServiceAccount, WorkloadView};
use model::snapshot::Snapshot;
use model::text::Text;
use std::collections::{BTreeMap, BTreeSet};

/// Annotations that give pods a cloud identity: EKS (IRSA), GKE and Azure workload identity.
const CLOUD_IDENTITIES: [&str; 3] = [
    "eks.amazonaws.com/role-arn",
    "iam.gke.io/gcp-service-account",
    "azure.workload.identity/client-id",
];

pub(crate) fn service_accounts(
    lens: &mut Lens,
    snapshot: &Snapshot,
    authorizer: &Authorizer,
    workloads: &[WorkloadView],
    templates: &[PodSpec],
) -> Vec<ServiceAccount> {
    let mut seen: BTreeMap<(Text, Text), (bool, Option<Text>)> = BTreeMap::new();
    for object in snapshot.of_kind("", "ServiceAccount") {
        let read = lens.read(object, |lens, root| {
            let automount = root.flag("automountServiceAccountToken");
            (automount.unwrap_or(true), cloud_identity(lens, root))
        });
        let key = (lens.namespace(object), lens.word(&object.name));
        seen.insert(key, read.unwrap_or((true, None)));
    }
    let used = workloads.iter().filter_map(|view| {
        let spec = templates.get(view.template as usize)?;
        Some((
            Text::clone(&view.workload.key.namespace),
            Text::clone(&spec.service_account),
        ))
    });
    let mut all: BTreeSet<(Text, Text)> = seen.keys().cloned().chain(used).collect();
    let bindings = authorizer.bindings.iter().filter(|b| b.rules.is_some());
    let subjects = bindings.flat_map(|binding| &binding.subjects);
    for (namespace, name) in subjects.filter_map(Subject::account) {
        all.insert((lens.word(namespace), lens.word(name)));
    }
    tell_missing(lens, snapshot, authorizer);
    all.into_iter()
        .map(|key| {
            let known = seen.get(&key);
            let (namespace, name) = key.clone();
            ServiceAccount {
                namespace,
                name,
                automount_token: known.is_none_or(|(automount, _)| *automount),
                cloud_identity: known.and_then(|(_, identity)| identity.clone()),
                seen: known.is_some(),
            }
        })
        .collect()
}

fn cloud_identity(lens: &mut Lens, root: Node<'_>) -> Option<Text> {
    let annotations = root.at(&["metadata", "annotations"]);
    CLOUD_IDENTITIES
        .iter()
        .find_map(|key| annotations.word(key))
        .map(|identity| lens.word(identity))
}
