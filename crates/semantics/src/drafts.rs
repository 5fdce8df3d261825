//! Unites carriers and pods by the root that names their workload.
//! Comes in: carriers, pods, owners. Goes out: one draft a workload. Never: a pod or a template that belongs to none.

use crate::lens::Lens;
use crate::owners::{Carriers, OwnerRef, Owners, Root, position};
use crate::running::Running;
use crate::templates::{Carrier, Template, carries, read_templates, spec_pointer};
use crate::view::{Labels, Pod};
use model::object::ObjectRef;
use model::snapshot::{Object, Place};
use model::text::Text;
use model::workload::WorkloadState;
use rustc_hash::FxHashMap;
use std::collections::{BTreeMap, BTreeSet};

/// A workload while it is put together.
pub(crate) struct Draft {
    pub object: Option<u32>,
    pub reference: ObjectRef,
    pub template: Template,
    pub state: WorkloadState,
    pub replicas: u32,
    pub batch: bool,
    /// Labels and annotations of the root, or of what stands for it.
    pub labels: Labels,
    pub annotations: Labels,
    pub file: Option<Text>,
    pub operator: Option<ObjectRef>,
    pub pods: Vec<u32>,
    pub running: Vec<BTreeSet<Text>>,
}
#[derive(Default)]
pub(crate) struct Drafts {
    pub all: Vec<Draft>,
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
    pub(crate) fn read_carriers(
        &mut self,
        lens: &mut Lens,
        owners: &Owners<'_>,
        carriers: &Carriers,
    ) {
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
                    let key = *order.entry(root.clone()).or_insert((carrier.object, at));
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
                .filter(|object| {
                    carrier.owner.is_some() && carries(&object.gvk.group, &object.gvk.kind)
                })
                .and_then(|object| pod_template(lens, object));
            for template in carrier.templates.iter().chain(borrowed).chain(&again) {
                if let Some(draft) = draft(lens, owners, carrier, template, operator.clone()) {
                    self.push(Root::Seen(carrier.object), draft);
                }
            }
        }
        for (root, members) in standing.into_values() {
            let members: Vec<&Carrier> = members
                .iter()
                .filter_map(|at| carriers.all.get(*at))
                .collect();
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
    pub(crate) fn read_pods(
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

    pub(crate) fn tell_unseen(&self, lens: &mut Lens) {
        for ((group, kind), count) in &self.unseen {
            let dot = if group.is_empty() { "" } else { "." };
            lens.notice(
                "owner-not-seen",
                format!("{kind}{dot}{group}"),
                format!("owners of kind {kind} that were named but not seen: {count}; what they own stands for them"),
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
        file: file(owners, object),
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
        let group = if *kind == "Rollout" {
            "argoproj.io"
        } else {
            "apps"
        };
        position(
            owners.snapshot(),
            group,
            kind,
            named.namespace.as_deref(),
            name,
        )
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
        file: file(owners, object),
        operator: None,
        pods: Vec::new(),
        running: Vec::new(),
    };
    rename(owners, carriers, root, &mut draft);
    Some(draft)
}

pub(crate) fn pod_template(lens: &mut Lens, pod: &Object) -> Option<Template> {
    lens.read(pod, |lens, root| {
        let mut templates = Vec::new();
        read_templates(lens, pod, root, &mut templates);
        templates.pop()
    })
    .flatten()
}

/// Path of the file that an object was read from.
fn file(owners: &Owners<'_>, object: &Object) -> Option<Text> {
    match object.place {
        Place::Server => None,
        Place::File { file, .. } => owners.snapshot().files.get(file as usize).cloned(),
    }
}
