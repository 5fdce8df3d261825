//! Service accounts: those that were seen, and those that pods and bindings name.
//! Comes in: a Snapshot, workloads. Goes out: views with rights. Never: a token.

use crate::authorizer::Authorizer;
use crate::json::Node;
use crate::lens::Lens;
use crate::rbac::rights;
use crate::view::{PodSpec, ServiceAccount, WorkloadView};
use model::snapshot::Snapshot;
use model::text::Text;
use std::collections::BTreeMap;

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
    let rights = rights(lens, snapshot, authorizer, seen.keys().cloned().chain(used));
    rights
        .into_iter()
        .map(|((namespace, name), rights)| {
            let known = seen.get(&(Text::clone(&namespace), Text::clone(&name)));
            ServiceAccount {
                namespace,
                name,
                automount_token: known.is_none_or(|(automount, _)| *automount),
                rights,
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
