//! Workloads, and what leads to them or isolates them, as candidates.
//! Comes in: the candidate, what stands in its place. Goes out: what the workloads that it is about gain. Never: a
//! workload whose neighbours would decide, looked at without them.

use super::{Delta, Standing, Whole, contains, key, widened};
use model::evidence::Ledger;
use model::object::ObjectRef;
use model::snapshot::Object;
use model::text::Text;
use network::NetworkDeclarations;
use paths::{Part, Steps};
use semantics::authorizer::{Authorizer, Binding, Subject};
use semantics::view::{Inventory, Labels, Selector, Volume, VolumeSource, WorkloadView};
use std::collections::BTreeSet;

/// A change that is about more workloads is looked at whole.
const MOST: usize = 500;
const NO_SELECTOR: Whole = Whole("a Service without selector leads anywhere");
/// Owners of owners.
const DEEPEST: usize = 8;

/// Whether a directory of the node holds the logs of its pods, or leads there.
pub(super) fn holds_logs(path: &str) -> bool {
    let path = path.trim_end_matches('/');
    path.is_empty() || "/var/log".starts_with(path) || path.starts_with("/var/log")
}

impl Standing<'_> {
    pub(super) fn workloads(
        &self,
        candidate: &Object,
        before: Option<&Object>,
        ledger: &mut Ledger,
    ) -> Result<Delta, Whole> {
        let base = &self.cluster.inventory;
        let routed = !base.gateways.is_empty() || !base.routes.is_empty();
        let weak = !self.cluster.weaknesses.is_empty();
        let Some(place) = candidate.namespace.as_deref().filter(|_| !routed && !weak) else {
            return Err(Whole(
                "routes of gateways, or vulnerabilities that neighbours reach, are about more workloads",
            ));
        };
        let mut about: BTreeSet<u32> = BTreeSet::new();
        for object in [Some(candidate), before].into_iter().flatten() {
            self.concerned(object, &mut about)?;
        }
        if before.is_some_and(runs) && about.is_empty() {
            return Err(Whole("its workload is not known"));
        }
        let front = |n: &u32| base.workloads.get(*n as usize);
        let serves = self.known.fronts.iter().filter_map(front);
        if serves
            .clone()
            .any(|view| &*view.workload.key.namespace == place)
            || about.len() > MOST
        {
            return Err(Whole(
                "it is beside what serves Ingresses, or about many workloads",
            ));
        }
        let slice = self.slice(self.objects(candidate, place, &about));
        let mut inventory = semantics::inventory(&slice, self.declarations, ledger);
        let root = self.root(candidate)?;
        let changed = self.changed(&inventory, &about, &root)?;
        inventory.nodes.clone_from(&base.nodes);
        inventory.enforcing_cni.clone_from(&base.enforcing_cni);
        inventory.tunnels.clone_from(&base.tunnels);
        let declared = NetworkDeclarations {
            enforced: self.declarations.network.enforced,
            public_nodes: self.declarations.public_nodes,
        };
        inventory.authorizer = self.log_rights(&inventory, &changed)?;
        let exposures = network::exposures(&inventory, &declared, ledger);
        let steps = Steps::of(&inventory, ledger);
        let part = Part::Workloads {
            inventory: &inventory,
            exposures: &exposures,
            weaknesses: &[],
            steps: &steps,
            changed: &changed,
        };
        let replaced: Vec<ObjectRef> = about
            .iter()
            .filter_map(|n| Some(base.workloads.get(*n as usize)?.workload.object.clone()))
            .collect();
        let mut delta = Delta {
            routes: self.graph.added(part, &replaced, ledger),
            ..Delta::default()
        };
        for n in &changed {
            let (Some(view), Some(exposure)) = (
                inventory.workloads.get(*n as usize),
                exposures.get(*n as usize),
            ) else {
                continue;
            };
            let object = &view.workload.object;
            let old = self.known.workloads.get(object);
            let old = old.and_then(|n| self.cluster.exposures.get(*n as usize));
            let wider = widened(object, old, exposure);
            delta.beside.exposures.extend(wider);
        }
        Ok(delta)
    }

    /// The workloads of the slice that the candidate is about.
    fn changed(
        &self,
        inventory: &Inventory,
        about: &BTreeSet<u32>,
        root: &ObjectRef,
    ) -> Result<Vec<u32>, Whole> {
        let base = &self.cluster.inventory;
        let mut changed = Vec::new();
        for (n, view) in (0_u32..).zip(&inventory.workloads) {
            let object = &view.workload.object;
            let known = self.known.workloads.get(object);
            if object != root && !known.is_some_and(|n| about.contains(n)) {
                continue;
            }
            changed.push(n);
            let of_network = inventory.enforcing_cni.iter().chain(&base.enforcing_cni);
            let tunnels = inventory.tunnels.iter().chain(&base.tunnels);
            let mut network = of_network.chain(tunnels.map(|tunnel| &tunnel.object));
            if network::controllers(inventory).contains(&n) || network.any(|own| own == object) {
                return Err(Whole("the workload is a part of the network"));
            }
            self.stands_alone(inventory, view)?;
        }
        Ok(changed)
    }

    /// The rights of accounts whose pods hold logs of nodes: to read them is a part of that escape.
    fn log_rights(&self, inventory: &Inventory, changed: &[u32]) -> Result<Authorizer, Whole> {
        let standing = &self.cluster.inventory.authorizer;
        let mut bindings: BTreeSet<u32> = BTreeSet::new();
        let views = changed
            .iter()
            .filter_map(|n| inventory.workloads.get(*n as usize));
        for view in views {
            let template = inventory.templates.get(view.template as usize);
            let holds = |volume: &Volume| match &volume.source {
                VolumeSource::HostPath { path } => holds_logs(path),
                _ => false,
            };
            let Some(template) = template.filter(|t| t.volumes.iter().any(holds)) else {
                continue;
            };
            let account = Subject::ServiceAccount {
                namespace: Text::clone(&view.workload.key.namespace),
                name: Text::clone(&template.service_account),
            };
            bindings.extend(self.bindings_of(&account)?);
        }
        let mut part = Authorizer {
            complete: standing.complete,
            ..Authorizer::default()
        };
        for binding in bindings
            .iter()
            .filter_map(|n| standing.bindings.get(*n as usize))
        {
            let rules = binding.rules.and_then(|n| standing.rules.get(n as usize));
            let place = u32::try_from(part.rules.len()).ok();
            part.bindings.push(Binding {
                rules: place.filter(|_| rules.is_some()),
                ..binding.clone()
            });
            part.rules.extend(rules.cloned());
            part.roles.extend(rules.map(|_| binding.role.clone()));
        }
        Ok(part)
    }

    /// What the workload is does not hang on what the slice leaves out.
    fn stands_alone(&self, inventory: &Inventory, view: &WorkloadView) -> Result<(), Whole> {
        let template = inventory.templates.get(view.template as usize);
        let template = template.ok_or(Whole("a workload without a template"))?;
        let namespace = &view.workload.key.namespace;
        if !self.known.has_account(namespace, &template.service_account) {
            return Err(Whole("its service account was not seen"));
        }
        if self.known.named.contains(&view.workload.object.name) {
            return Err(Whole("rules of roles name the workload"));
        }
        for volume in &template.volumes {
            match &volume.source {
                VolumeSource::Claim { .. }
                    if !self.snapshot.of_kind("", "PersistentVolume").is_empty() =>
                {
                    return Err(Whole("its claims may be of paths on the node"));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// The object that a chain of owners of pods begins with; an owner that was not seen may be anybody's.
    fn root(&self, object: &Object) -> Result<ObjectRef, Whole> {
        let mut at = object;
        for _ in 0..DEEPEST {
            match owner(at)? {
                None => return Ok(at.reference()),
                Some(owner) if owner.runs() => {
                    let owning = self.owning(at, &owner);
                    at = owning.ok_or(Whole("its owner was not seen"))?;
                }
                Some(_) => return Err(Whole("its owner is of a kind that runs no pods itself")),
            }
        }
        Err(Whole("its owners own each other"))
    }

    fn owning(&self, object: &Object, owner: &Owner) -> Option<&Object> {
        let uid = owner.uid.as_ref().and_then(|uid| self.known.uids.get(uid));
        let by_uid = uid.and_then(|n| self.snapshot.objects.get(*n as usize));
        let by_uid =
            by_uid.filter(|found| found.name == owner.name && found.namespace == object.namespace);
        by_uid.or_else(|| {
            let namespace = object.namespace.as_deref();
            self.snapshot
                .find(owner.group(), &owner.kind, namespace, &owner.name)
        })
    }

    /// Workloads of the cluster that an object is about.
    fn concerned(&self, object: &Object, about: &mut BTreeSet<u32>) -> Result<(), Whole> {
        let base = &self.cluster.inventory;
        let place = object.namespace.as_deref().unwrap_or("");
        if !matches!(&*object.gvk.kind, "Service" | "Ingress" | "NetworkPolicy") {
            let root = self.root(object)?;
            about.extend(self.known.workloads.get(&root));
            return Ok(());
        }
        let mut ledger = Ledger::default();
        let alone = self.slice(vec![object.clone()]);
        let alone = semantics::inventory(&alone, self.declarations, &mut ledger);
        let mut selectors: Vec<Labels> = Vec::new();
        let service = |service: &semantics::view::Service| {
            let alias = &*service.kind == "ExternalName";
            (!alias && !service.selector.is_empty()).then(|| service.selector.clone())
        };
        for own in &alone.services {
            selectors.push(service(own).ok_or(NO_SELECTOR)?);
        }
        for (_, name, _) in alone.ingresses.iter().flat_map(|ingress| &ingress.backends) {
            let mut here = base.services.iter();
            let found = here.find(|s| &*s.namespace == place && s.name == *name);
            if let Some(found) = found {
                selectors.push(service(found).ok_or(NO_SELECTOR)?);
            }
        }
        for policy in &alone.network_policies {
            let Selector {
                equals, malformed, ..
            } = &policy.selector;
            selectors.push(if *malformed {
                Labels::new()
            } else {
                equals.clone()
            });
        }
        let carries = |labels: &Labels, wanted: &Labels| {
            wanted
                .iter()
                .all(|(key, value)| labels.get(key) == Some(value))
        };
        for (n, view) in (0_u32..).zip(&base.workloads) {
            if &*view.workload.key.namespace != place {
                continue;
            }
            let pods = view.pods.iter().filter_map(|n| base.pods.get(*n as usize));
            let mut labels = pods.map(|pod| &pod.labels).chain([&view.pod_labels]);
            if labels.any(|labels| selectors.iter().any(|wanted| carries(labels, wanted))) {
                about.insert(n);
            }
        }
        Ok(())
    }

    /// Everything that bears on the workloads: their own objects, what their namespace holds beside other workloads,
    /// what serves its Ingresses.
    fn objects(&self, candidate: &Object, place: &str, about: &BTreeSet<u32>) -> Vec<Object> {
        let base = &self.cluster.inventory;
        let at = |n: &u32| self.snapshot.objects.get(*n as usize);
        let mut picked: BTreeSet<u32> = self.known.wide.iter().copied().collect();
        let mut places: BTreeSet<&str> = BTreeSet::from([place]);
        let mut own: BTreeSet<u32> = about.clone();
        let ingress = |object: &Object| &*object.gvk.kind == "Ingress";
        let here = self.known.namespaces.get(place).into_iter().flatten();
        if ingress(candidate) || here.filter_map(at).any(ingress) {
            own.extend(&self.known.fronts);
        }
        for n in own {
            let Some(view) = base.workloads.get(n as usize) else {
                continue;
            };
            places.insert(&view.workload.key.namespace);
            self.of_workload(view, &mut picked);
        }
        for place in &places {
            let all = self.known.namespaces.get(place).into_iter().flatten();
            picked.extend(all.filter(|n| at(n).is_some_and(|object| !runs(object))));
        }
        let namespaces = places
            .iter()
            .filter_map(|place| self.snapshot.find("", "Namespace", None, place));
        let mut objects: Vec<Object> = picked.iter().filter_map(at).cloned().collect();
        objects.extend(namespaces.cloned());
        objects.push(candidate.clone());
        objects
    }

    /// A workload's object, its pods and what stands between.
    fn of_workload(&self, view: &WorkloadView, picked: &mut BTreeSet<u32>) {
        let base = &self.cluster.inventory;
        picked.extend(view.object);
        let pods = view.pods.iter().filter_map(|n| base.pods.get(*n as usize));
        for pod in pods {
            let mut at = self.snapshot.objects.get(pod.object as usize);
            picked.insert(pod.object);
            for _ in 0..DEEPEST {
                let Some((object, Ok(Some(owner)))) = at.map(|at| (at, owner(at))) else {
                    break;
                };
                at = self.owning(object, &owner);
                let place = at.and_then(|at| self.known.at.get(&key(at)));
                picked.extend(place);
            }
        }
    }
}

/// Objects that run pods or own those that do.
fn runs(object: &Object) -> bool {
    runs_of(&object.gvk.group, &object.gvk.kind)
}

fn runs_of(group: &str, kind: &str) -> bool {
    matches!(
        (group, kind),
        ("", "Pod" | "ReplicationController" | "PodTemplate") | ("apps" | "batch", _)
    )
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Owner {
    #[serde(default)]
    uid: Option<Text>,
    #[serde(default)]
    api_version: Text,
    kind: Text,
    name: Text,
    #[serde(default)]
    controller: Option<bool>,
}

impl Owner {
    fn group(&self) -> &str {
        self.api_version
            .split_once('/')
            .map_or("", |(group, _)| group)
    }

    fn runs(&self) -> bool {
        runs_of(self.group(), &self.kind)
    }
}

#[derive(serde::Deserialize)]
struct Document {
    metadata: Metadata,
}
#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    #[serde(default)]
    owner_references: Vec<Owner>,
}

/// The owner that controls an object, else the first.
fn owner(object: &Object) -> Result<Option<Owner>, Whole> {
    if !contains(&object.json, "\"ownerReferences\"") {
        return Ok(None);
    }
    let read = serde_json::from_slice(&object.json);
    let Document { metadata } = read.map_err(|_| Whole("its owners are malformed"))?;
    let mut owners = metadata.owner_references;
    let at = owners
        .iter()
        .position(|owner| owner.controller == Some(true));
    Ok((!owners.is_empty()).then(|| owners.swap_remove(at.unwrap_or(0))))
}
