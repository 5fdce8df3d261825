//! Workloads and their pods: carriers are united by root owner, pods add what really runs.
//! Comes in: a Snapshot. Goes out: workload views, distinct templates, pods. Never: a workload counted twice.

use crate::attribution::{Subject, attribute};
use crate::declare::Declarations;
use crate::json::Node;
use crate::lens::Lens;
use crate::owners::{Carriers, OwnerRef, Owners, Root, lasts, position};
use crate::podspec::images;
use crate::templates::{Carrier, Template, carrier, carries, may_carry, read_templates, spec_pointer};
use crate::view::{Labels, Namespace, Pod, PodSpec, VolumeSource, WorkloadView};
use model::evidence::Ledger;
use model::image::{ImageReference, is_digest};
use model::keys::WorkloadKey;
use model::object::ObjectRef;
use model::snapshot::{Object, Origin, Place, Snapshot};
use model::text::Text;
use model::workload::{Container, Workload, WorkloadState};
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

/// A pod that exists, with what the joins below need of it.
struct Running {
    pod: Pod,
    owner: Option<OwnerRef>,
    /// (name, image) as its spec says, in the order of the pod spec's containers.
    images: Vec<(Text, Text)>,
}

/// A workload while it is put together.
struct Draft {
    object: Option<u32>,
    reference: ObjectRef,
    template: Template,
    state: WorkloadState,
    replicas: u32,
    batch: bool,
    /// Labels and annotations of the root, or of what stands for it.
    labels: Labels,
    annotations: Labels,
    file: Option<Text>,
    operator: Option<ObjectRef>,
    pods: Vec<u32>,
    running: Vec<BTreeSet<Text>>,
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
    drafts.from_carriers(lens, &owners, &carriers);
    drafts.from_pods(lens, &owners, &carriers, &running);
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
                read_pod(lens, snapshot, index, object, root, &mut carriers, &mut running);
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
    let exists = snapshot.origin == Origin::Live
        || (phase.is_some() && spec.word("nodeName").is_some());
    let own = carrier(lens, object, index, root, |owner| owner.is_none() || !exists);
    let owner = own.owner.clone();
    if owner.is_none() || (!exists && !finished) {
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
    let statuses = ["initContainerStatuses", "containerStatuses", "ephemeralContainerStatuses"];
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

#[derive(Default)]
struct Drafts {
    all: Vec<Draft>,
    by_root: FxHashMap<Root, Vec<usize>>,
    /// Named but unseen owners by (group, kind).
    unseen: BTreeMap<(Text, Text), u64>,
}

impl Drafts {
    fn push(&mut self, root: Root, draft: Draft) {
        if let Root::Named(owner) = &root
            && !self.by_root.contains_key(&root)
        {
            let kind = (Text::clone(&owner.group), Text::clone(&owner.kind));
            *self.unseen.entry(kind).or_default() += 1;
        }
        self.by_root.entry(root).or_default().push(self.all.len());
        self.all.push(draft);
    }

    /// One draft for each root that has a template; for other roots the best of their carriers stands in.
    fn from_carriers(&mut self, lens: &mut Lens, owners: &Owners<'_>, carriers: &Carriers) {
        let mut standing: BTreeMap<(u32, usize), (Root, Vec<usize>)> = BTreeMap::new();
        let mut order: FxHashMap<Root, (u32, usize)> = FxHashMap::default();
        let mut realised: BTreeSet<u32> = BTreeSet::new();
        let mut own: Vec<(usize, Option<ObjectRef>)> = Vec::new();
        let mut cycles = 0u64;
        for (at, carrier) in carriers.all.iter().enumerate() {
            let climb = owners.climb(carrier.object, carriers);
            cycles += u64::from(climb.cyclic);
            if let Some(operator) = &climb.operator
                && let Some(by) = position_of(owners, operator)
            {
                realised.insert(by);
            }
            match &climb.root {
                Root::Seen(root) if *root == carrier.object => own.push((at, climb.operator)),
                Root::Seen(root) if carriers.of(*root).is_some_and(has_template) => {}
                _ if carrier.templates.is_empty() => {}
                root => {
                    let key = *order
                        .entry(root.clone())
                        .or_insert((carrier.object, at));
                    standing
                        .entry(key)
                        .or_insert_with(|| (root.clone(), Vec::new()))
                        .1
                        .push(at);
                }
            }
        }
        for (at, operator) in own {
            let Some(carrier) = carriers.all.get(at) else {
                continue;
            };
            // What an operator made of a custom resource is judged instead of the resource's own template.
            if realised.contains(&carrier.object) {
                continue;
            }
            let borrowed = template_of(owners, carriers, carrier);
            // In a circle of owners each thought the other would be read.
            let again = (carrier.templates.is_empty() && borrowed.is_none())
                .then(|| owners.object(carrier.object))
                .flatten()
                .filter(|object| carrier.owner.is_some() && carries(&object.gvk.group, &object.gvk.kind))
                .and_then(|object| pod_template(lens, object));
            for template in carrier.templates.iter().chain(borrowed).chain(&again) {
                if let Some(draft) = draft(lens, owners, carrier, template, operator.clone()) {
                    self.push(Root::Seen(carrier.object), draft);
                }
            }
        }
        for (root, members) in standing.into_values() {
            let members: Vec<&Carrier> =
                members.iter().filter_map(|at| carriers.all.get(*at)).collect();
            self.stand_in(lens, owners, carriers, root, &members);
        }
        if cycles > 0 {
            lens.notice(
                "owner-cycle",
                "ownerReferences".to_owned(),
                format!("{cycles} objects own themselves in a circle; one of the circle was taken as the workload"),
                "",
            );
        }
    }

    /// The newest carrier that runs gives the template of a root without one.
    fn stand_in(
        &mut self,
        lens: &mut Lens,
        owners: &Owners<'_>,
        carriers: &Carriers,
        root: Root,
        members: &[&Carrier],
    ) {
        let best = members.iter().max_by_key(|carrier| {
            let active = match carrier.state {
                WorkloadState::Active => 2,
                WorkloadState::Dormant => 1,
                WorkloadState::History => 0,
            };
            (active, carrier.revision, carrier.object)
        });
        let Some(best) = best else { return };
        let Some(template) = best.templates.first() else {
            return;
        };
        let Some(mut draft) = draft(lens, owners, best, template, None) else {
            return;
        };
        rename(owners, carriers, &root, &mut draft);
        draft.replicas = members
            .iter()
            .filter(|carrier| carrier.state == WorkloadState::Active)
            .map(|carrier| carrier.replicas)
            .fold(0, u32::saturating_add);
        self.push(root, draft);
    }

    /// Gives every pod to the workload of its root; makes one where only pods speak of it.
    fn from_pods(
        &mut self,
        lens: &mut Lens,
        owners: &Owners<'_>,
        carriers: &Carriers,
        running: &[Running],
    ) {
        for (index, run) in (0u32..).zip(running) {
            let root = pod_root(owners, carriers, run);
            if !self.by_root.contains_key(&root) {
                let Some(draft) = draft_of_pod(lens, owners, carriers, &root, run) else {
                    continue;
                };
                self.push(root.clone(), draft);
            }
            let candidates = self.by_root.get(&root).map_or(&[][..], Vec::as_slice);
            if let &[only] = candidates {
                self.give(only, index);
                continue;
            }
            let names: BTreeSet<&Text> = run.images.iter().map(|(name, _)| name).collect();
            let fits = |at: &&usize| {
                self.all.get(**at).is_some_and(|draft| {
                    draft
                        .template
                        .spec
                        .containers
                        .iter()
                        .all(|container| names.contains(&container.name))
                })
            };
            let chosen = candidates.iter().find(fits).or(candidates.first()).copied();
            if let Some(at) = chosen {
                self.give(at, index);
            }
        }
    }

    fn give(&mut self, at: usize, pod: u32) {
        if let Some(draft) = self.all.get_mut(at) {
            draft.pods.push(pod);
            // Pods run although the object says 0: a scale-down is under way.
            draft.state = WorkloadState::Active;
        }
    }

    fn tell_unseen(&self, lens: &mut Lens) {
        for ((group, kind), count) in &self.unseen {
            let dot = if group.is_empty() { "" } else { "." };
            lens.notice(
                "owner-not-seen",
                format!("{kind}{dot}{group}"),
                format!("{count} owners of kind {kind} are named but were not seen; what they own stands for them"),
                "allow listing them, or add them to the files",
            );
        }
    }
}

fn has_template(carrier: &Carrier) -> bool {
    !carrier.templates.is_empty() || carrier.template_of.is_some()
}

fn position_of(owners: &Owners<'_>, reference: &ObjectRef) -> Option<u32> {
    let owner = OwnerRef {
        group: Text::clone(&reference.group),
        kind: Text::clone(&reference.kind),
        name: Text::clone(&reference.name),
        uid: None,
    };
    owners.find(&owner, reference.namespace.as_deref())
}

/// The template that an Argo Rollout takes from a Deployment (`spec.workloadRef`).
fn template_of<'c>(
    owners: &Owners<'_>,
    carriers: &'c Carriers,
    carrier: &Carrier,
) -> Option<&'c Template> {
    let (kind, name) = carrier.template_of.as_ref()?;
    if !carrier.templates.is_empty() {
        return None;
    }
    let object = owners.object(carrier.object)?;
    let reference = ObjectRef {
        kind: Text::clone(kind),
        namespace: object.namespace.clone(),
        name: Text::clone(name),
        group: if &**kind == "PodTemplate" { "" } else { "apps" }.into(),
    };
    carriers
        .of(position_of(owners, &reference)?)?
        .templates
        .first()
}

fn draft(
    lens: &mut Lens,
    owners: &Owners<'_>,
    carrier: &Carrier,
    template: &Template,
    operator: Option<ObjectRef>,
) -> Option<Draft> {
    let object = owners.object(carrier.object)?;
    Some(Draft {
        object: Some(carrier.object),
        reference: object.reference(),
        template: template.clone(),
        state: carrier.state,
        replicas: carrier.replicas,
        batch: carrier.batch,
        labels: lens.pairs(&object.labels),
        annotations: carrier.annotations.clone(),
        file: owners.file(object),
        operator,
        pods: Vec::new(),
        running: Vec::new(),
    })
}

/// Makes a draft that was read from something else the draft of `root`.
fn rename(owners: &Owners<'_>, carriers: &Carriers, root: &Root, draft: &mut Draft) {
    match root {
        Root::Seen(index) => {
            draft.object = Some(*index);
            if let Some(object) = owners.object(*index) {
                draft.reference = object.reference();
                draft.labels = object.labels.iter().cloned().collect();
            }
            if let Some(carrier) = carriers.of(*index) {
                draft.annotations.clone_from(&carrier.annotations);
                draft.batch |= carrier.batch;
            }
        }
        Root::Named(reference) => {
            draft.object = None;
            draft.reference = reference.clone();
            draft.batch |= matches!(&*reference.kind, "Job" | "CronJob");
        }
    }
    let pointer = spec_pointer(&draft.reference.group, &draft.reference.kind);
    draft.template.pointer = pointer.into();
}

fn pod_root(owners: &Owners<'_>, carriers: &Carriers, run: &Running) -> Root {
    let Some(owner) = &run.owner else {
        return Root::Seen(run.pod.object);
    };
    let namespace = owners
        .object(run.pod.object)
        .and_then(|pod| pod.namespace.as_deref());
    let climb = owners.climb_from(owner, namespace, carriers);
    if let Root::Named(named) = &climb.root
        && let Some(deployment) = deployment_of(owners, named, &run.pod)
    {
        return Root::Seen(deployment);
    }
    climb.root
}

/// ReplicaSets that could not be listed: `web-5d4f8c` of pods with `pod-template-hash: 5d4f8c` is Deployment `web`.
fn deployment_of(owners: &Owners<'_>, named: &ObjectRef, pod: &Pod) -> Option<u32> {
    if &*named.kind != "ReplicaSet" {
        return None;
    }
    let hash = pod.labels.get("pod-template-hash")?;
    let name = named.name.strip_suffix(&**hash)?.strip_suffix('-')?;
    ["Deployment", "Rollout"].iter().find_map(|kind| {
        let group = if *kind == "Rollout" { "argoproj.io" } else { "apps" };
        position(owners.snapshot(), group, kind, named.namespace.as_deref(), name)
    })
}

fn draft_of_pod(
    lens: &mut Lens,
    owners: &Owners<'_>,
    carriers: &Carriers,
    root: &Root,
    run: &Running,
) -> Option<Draft> {
    let object = owners.object(run.pod.object)?;
    let template = pod_template(lens, object)?;
    let mut draft = Draft {
        object: Some(run.pod.object),
        reference: object.reference(),
        template,
        state: WorkloadState::Active,
        replicas: 1,
        batch: false,
        labels: run.pod.labels.clone(),
        annotations: Labels::new(),
        file: owners.file(object),
        operator: None,
        pods: Vec::new(),
        running: Vec::new(),
    };
    rename(owners, carriers, root, &mut draft);
    Some(draft)
}

fn pod_template(lens: &mut Lens, pod: &Object) -> Option<Template> {
    lens.read(pod, |lens, root| {
        let mut templates = Vec::new();
        read_templates(lens, pod, root, &mut templates);
        templates.pop()
    })
    .flatten()
}

/// Containers are those that run: what pods have beside the template is added (injected sidecars, the older side of a
/// rollout, debug containers), a declared image that none of them runs under its name is left out.
fn join_pods(lens: &mut Lens, owners: &Owners<'_>, draft: &mut Draft, running: &[Running]) {
    let declared = draft.template.spec.containers.len();
    let mut used = vec![false; declared];
    for index in &draft.pods {
        let Some(run) = running.get(*index as usize) else {
            continue;
        };
        let mut spec_of_pod: Option<PodSpec> = None;
        for (position, (name, image)) in run.images.iter().enumerate() {
            if let Some(at) = container_at(&draft.template.spec, name, image) {
                if let Some(used) = used.get_mut(at) {
                    *used = true;
                }
                continue;
            }
            if spec_of_pod.is_none() {
                spec_of_pod = owners
                    .object(run.pod.object)
                    .and_then(|object| pod_template(lens, object))
                    .map(|template| template.spec);
            }
            if let Some(spec) = &spec_of_pod {
                add_container(&mut draft.template.spec, spec, position);
            }
        }
    }
    let containers = &draft.template.spec.containers;
    let replaced: Vec<bool> = containers
        .iter()
        .enumerate()
        .map(|(at, container)| {
            let added = containers.get(declared..).unwrap_or(&[]);
            used.get(at) == Some(&false) && added.iter().any(|other| other.name == container.name)
        })
        .collect();
    let mut at = 0;
    draft.template.spec.containers.retain(|_| {
        at += 1;
        replaced.get(at - 1) != Some(&true)
    });
    let spec = &draft.template.spec;
    let mut digests = vec![BTreeSet::new(); spec.containers.len()];
    for run in draft.pods.iter().filter_map(|at| running.get(*at as usize)) {
        for (name, _, id) in &run.pod.running {
            let image = run.images.iter().find(|(spec_name, _)| spec_name == name);
            let at = image.and_then(|(name, image)| container_at(spec, name, image));
            if let Some(set) = at.and_then(|at| digests.get_mut(at))
                && let Some(digest) = running_digest(id)
            {
                set.insert(lens.word(&digest));
            }
        }
    }
    draft.running = digests;
}

fn container_at(spec: &PodSpec, name: &Text, image: &Text) -> Option<usize> {
    spec.containers
        .iter()
        .position(|container| container.name == *name && container.image == *image)
}

fn add_container(spec: &mut PodSpec, of_pod: &PodSpec, position: usize) {
    let Some(mut container) = of_pod.containers.get(position).cloned() else {
        return;
    };
    container.pointer = spec
        .containers
        .iter()
        .find(|declared| declared.name == container.name)
        .map_or_else(|| "".into(), |declared| Text::clone(&declared.pointer));
    for volume in &of_pod.volumes {
        let mounted = container.mounts.iter().any(|m| m.volume == volume.name);
        if mounted && !spec.volumes.iter().any(|known| known == volume) {
            spec.volumes.push(volume.clone());
        }
    }
    spec.containers.push(container);
}

/// The digest in a kubelet's `imageID`: `docker-pullable://repo@sha256:..`, `repo@sha256:..`, `sha256:..`,
/// or bare hexadecimal digits (CRI-O).
pub(crate) fn running_digest(id: &str) -> Option<String> {
    let id = id.rsplit_once("://").map_or(id, |(_, rest)| rest);
    let digest = id.rsplit_once('@').map_or(id, |(_, digest)| digest);
    if is_digest(digest) {
        return Some(digest.to_ascii_lowercase());
    }
    let bare = digest.len() == 64 && digest.bytes().all(|byte| byte.is_ascii_hexdigit());
    bare.then(|| format!("sha256:{}", digest.to_ascii_lowercase()))
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
        let template = *known
            .entry(draft.template.spec)
            .or_insert_with_key(|spec| {
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
    let pods = std::mem::take(running).into_iter().map(|run| run.pod).collect();
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

impl<'s> Owners<'s> {
    /// Path of the file that an object was read from.
    fn file(&self, object: &Object) -> Option<Text> {
        match object.place {
            Place::Server => None,
            Place::File { file, .. } => self.snapshot().files.get(file as usize).cloned(),
        }
    }
}
