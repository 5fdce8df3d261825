//! Workloads and their pods: carriers are read, united by root owner (`drafts`), joined with what runs (`running`).
//! Comes in: a Snapshot. Goes out: workload views, distinct templates, pods. Never: a workload counted twice.

use crate::attribution::{Subject, attribute};
use crate::declare::Declarations;
use crate::drafts::{Draft, Drafts};
use crate::json::Node;
use crate::lens::Lens;
use crate::owners::{Carriers, OwnerRef, Owners, lasts};
use crate::podspec::images;
use crate::running::{Running, join_pods};
use crate::templates::{carrier, carries, may_carry};
use crate::view::{Labels, Namespace, Pod, PodSpec, VolumeSource, WorkloadView};
use model::evidence::Ledger;
use model::image::ImageReference;
use model::keys::WorkloadKey;
use model::snapshot::{Object, Origin, Snapshot};
use model::text::Text;
use model::workload::{Container, Workload};
use rustc_hash::FxHashMap;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// Host paths of claims by (namespace, claim).
pub(crate) type HostPaths = FxHashMap<(Text, Text), Text>;

pub(crate) struct Workloads {
    pub views: Vec<WorkloadView>,
    pub templates: Vec<PodSpec>,
    pub pods: Vec<Pod>,
}

/// What the workloads are attributed by.
pub(crate) struct Surroundings<'a> {
    pub declarations: &'a Declarations,
    /// Ordered by name.
    pub namespaces: &'a [Namespace],
    /// Annotations of namespaces that were seen.
    pub namespace_annotations: &'a BTreeMap<Text, Labels>,
    pub host_paths: &'a HostPaths,
}
pub(crate) fn workloads(
    lens: &mut Lens,
    snapshot: &Snapshot,
    around: &Surroundings<'_>,
    ledger: &mut Ledger,
) -> Workloads {
    let owners = Owners::new(snapshot);
    let (carriers, mut running) = read(lens, snapshot, &owners);
    let mut drafts = Drafts::default();
    drafts.read_carriers(lens, &owners, &carriers);
    drafts.read_pods(lens, &owners, &carriers, &running);
    drafts.tell_unseen(lens);
    let mut drafts = drafts.all;
    for draft in &mut drafts {
        join_pods(lens, &owners, draft, &running);
    }
    finish(snapshot, around, ledger, drafts, &mut running)
}

/// One pass over all objects that carry templates or may own one that does.
fn read(lens: &mut Lens, snapshot: &Snapshot, owners: &Owners<'_>) -> (Carriers, Vec<Running>) {
    let mut carriers = Carriers::default();
    let mut running = Vec::new();
    for (index, object) in (0u32..).zip(&snapshot.objects) {
        if !may_carry(&object.gvk) {
            continue;
        }
        if object.gvk.group.is_empty() && &*object.gvk.kind == "Pod" {
            lens.read(object, |lens, root| {
                read_pod(
                    lens,
                    snapshot,
                    index,
                    object,
                    root,
                    &mut carriers,
                    &mut running,
                );
            });
            continue;
        }
        let namespace = object.namespace.as_deref();
        let stays = lasts(object);
        // A template is read once, from the object that will name the workload, or stands for one that was not seen.
        let wanted = |owner: Option<&OwnerRef>| match owner {
            None => true,
            Some(owner) if stays && !carries(&owner.group, &owner.kind) => true,
            Some(owner) => {
                !carries(&owner.group, &owner.kind) || owners.find(owner, namespace).is_none()
            }
        };
        let read = lens.read(object, |lens, root| {
            carrier(lens, object, index, root, wanted)
        });
        if let Some(read) = read {
            carriers.push(read);
        }
    }
    (carriers, running)
}

/// A pod is a carrier where nothing owns it, and runs where a kubelet or scheduler has spoken of it.
fn read_pod(
    lens: &mut Lens,
    snapshot: &Snapshot,
    index: u32,
    object: &Object,
    root: Node<'_>,
    carriers: &mut Carriers,
    running: &mut Vec<Running>,
) {
    let status = root.get("status");
    let phase = status.text("phase");
    let finished = matches!(phase, Some("Succeeded" | "Failed"));
    let spec = root.get("spec");
    let exists =
        snapshot.origin == Origin::Live || (phase.is_some() && spec.word("nodeName").is_some());
    // A finished pod of an exported Job shows a workload that is over, where the Job itself was not exported.
    let alone = !exists || (finished && snapshot.origin == Origin::Files);
    let own = carrier(lens, object, index, root, |owner| owner.is_none() || alone);
    let owner = own.owner.clone();
    if owner.is_none() || alone {
        carriers.push(own);
    }
    if finished || !exists {
        return;
    }
    let mut ips: Vec<IpAddr> = status
        .list("podIPs")
        .filter_map(|ip| ip.text("ip"))
        .chain(status.text("podIP"))
        .filter_map(|ip| ip.parse().ok())
        .collect();
    let mut seen = BTreeSet::new();
    ips.retain(|ip| seen.insert(*ip));
    let statuses = [
        "initContainerStatuses",
        "containerStatuses",
        "ephemeralContainerStatuses",
    ];
    let pod = Pod {
        namespace: lens.namespace(object),
        name: Text::clone(&object.name),
        labels: lens.pairs(&object.labels),
        workload: 0,
        node: lens.option(spec.word("nodeName")),
        ips,
        running: statuses
            .iter()
            .flat_map(|key| status.list(key))
            .map(|status| {
                (
                    lens.word(status.text("name").unwrap_or("")),
                    lens.word(status.text("image").unwrap_or("")),
                    lens.word(status.text("imageID").unwrap_or("")),
                )
            })
            .collect(),
        object: index,
    };
    running.push(Running {
        pod,
        owner,
        images: images(lens, spec),
    });
}
/// Orders, attributes and shares templates.
fn finish(
    snapshot: &Snapshot,
    around: &Surroundings<'_>,
    ledger: &mut Ledger,
    mut drafts: Vec<Draft>,
    running: &mut Vec<Running>,
) -> Workloads {
    let default = Text::from("default");
    drafts.sort_by(|a, b| {
        let key = |draft: &Draft| {
            let namespace = draft.reference.namespace.clone();
            (
                namespace.unwrap_or_else(|| Text::clone(&default)),
                Text::clone(&draft.reference.name),
                Text::clone(&draft.reference.kind),
                Text::clone(&draft.reference.group),
                draft.object,
            )
        };
        key(a).cmp(&key(b))
    });
    let pods_seen = snapshot.origin == Origin::Live && snapshot.saw_all("", "Pod");
    let mut templates: Vec<PodSpec> = Vec::new();
    let mut known: FxHashMap<PodSpec, u32> = FxHashMap::default();
    let mut views = Vec::with_capacity(drafts.len());
    for (index, mut draft) in (0u32..).zip(drafts) {
        for run in draft.pods.iter().filter_map(|at| usize::try_from(*at).ok()) {
            if let Some(run) = running.get_mut(run) {
                run.pod.workload = index;
            }
        }
        let namespace = draft.reference.namespace.clone();
        let namespace = namespace.unwrap_or_else(|| Text::clone(&default));
        resolve_claims(&mut draft, &namespace, around.host_paths);
        let workload = workload(around, ledger, &draft, namespace, pods_seen);
        let template = *known.entry(draft.template.spec).or_insert_with_key(|spec| {
            templates.push(spec.clone());
            u32::try_from(templates.len() - 1).unwrap_or(u32::MAX)
        });
        views.push(WorkloadView {
            workload,
            template,
            pod_labels: draft.template.labels,
            pods: draft.pods,
            object: draft.object,
            spec_pointer: draft.template.pointer,
            batch: draft.batch,
        });
    }
    let pods = std::mem::take(running)
        .into_iter()
        .map(|run| run.pod)
        .collect();
    Workloads {
        views,
        templates,
        pods,
    }
}

/// A StatefulSet's claim `data` is bound as `data-db-0`, `data-db-1` ...; the first stands for all.
fn resolve_claims(draft: &mut Draft, namespace: &Text, host_paths: &HostPaths) {
    for volume in &mut draft.template.spec.volumes {
        if let VolumeSource::Claim { name, host_path } = &mut volume.source {
            let of = |claim: Text| host_paths.get(&(Text::clone(namespace), claim)).cloned();
            *host_path = of(Text::clone(name))
                .or_else(|| of(format!("{name}-{}-0", draft.reference.name).into()));
        }
    }
}

fn workload(
    around: &Surroundings<'_>,
    ledger: &mut Ledger,
    draft: &Draft,
    namespace: Text,
    pods_seen: bool,
) -> Workload {
    let of_namespace = around
        .namespaces
        .binary_search_by(|known| known.name.cmp(&namespace))
        .ok()
        .and_then(|at| around.namespaces.get(at))
        .filter(|known| known.seen);
    let none = Labels::new();
    let attribution = attribute(
        &Subject {
            object: &draft.reference,
            namespace: &namespace,
            labels: &draft.labels,
            annotations: &draft.annotations,
            pod_labels: &draft.template.labels,
            of_namespace: of_namespace.map(|known| {
                let annotations = around.namespace_annotations.get(&known.name);
                (&known.labels, annotations.unwrap_or(&none))
            }),
            file: draft.file.as_deref(),
            operator: draft.operator.as_ref(),
        },
        around.declarations,
        ledger,
    );
    let containers = draft.template.spec.containers.iter().enumerate();
    let containers = containers.map(|(at, container)| Container {
        name: Text::clone(&container.name),
        kind: container.kind,
        image: Text::clone(&container.image),
        reference: ImageReference::parse(&container.image),
        running: draft
            .running
            .get(at)
            .map_or_else(Vec::new, |digests| digests.iter().cloned().collect()),
        pointer: if container.pointer.is_empty() || draft.template.pointer.is_empty() {
            "".into()
        } else {
            format!("{}{}", draft.template.pointer, container.pointer).into()
        },
    });
    let counted = u32::try_from(draft.pods.len()).unwrap_or(u32::MAX);
    Workload {
        key: WorkloadKey {
            namespace,
            kind: Text::clone(&draft.reference.kind),
            name: Text::clone(&draft.reference.name),
            group: Text::clone(&draft.reference.group),
        },
        object: draft.reference.clone(),
        state: draft.state,
        pods: if pods_seen || counted > 0 {
            counted
        } else {
            draft.replicas
        },
        containers: containers.collect(),
        owner: attribution.owner,
        environment: attribution.environment,
        criticality: attribution.criticality,
        managed_by: attribution.managed_by,
        source: None,
    }
}
