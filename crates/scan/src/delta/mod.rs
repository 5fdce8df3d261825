//! What a candidate object changes in a cluster that is in memory: new routes, exposures, grants.
//! Comes in: a Snapshot with its cluster, candidates. Goes out: a [`Delta`] each. Never: an answer that a whole second
//! look would not give; what cannot be told from a part is computed whole, and says so.
//!
//! ```text
//! role, binding            -> grants.rs     all bindings of the subjects that it is about
//! workload, Service,       -> workloads.rs  the workloads that it is about, in a cluster of their own
//! Ingress, NetworkPolicy
//! what bears on nothing    -> nothing
//! all else                 -> whole
//! ```

mod grants;
mod labels;
mod workloads;

use crate::attack::Cluster;
use model::evidence::{Ledger, Mark};
use model::graph::Widened;
use model::object::ObjectRef;
use model::situation::ExposureClass;
use model::snapshot::{Object, Origin, Snapshot};
use model::text::Text;
use network::WorkloadExposure;
use paths::{Added, Part, Steps};
use rustc_hash::{FxHashMap, FxHashSet};
use semantics::authorizer::Subject;
use semantics::declare::Declarations;
use semantics::view::{Inventory, Node, VolumeSource};
use std::collections::BTreeSet;
use std::net::IpAddr;

const RBAC: &str = "rbac.authorization.k8s.io";

/// A cluster that waits for candidates.
pub struct Standing<'a> {
    snapshot: &'a Snapshot,
    cluster: &'a Cluster,
    declarations: &'a Declarations,
    graph: paths::Standing<'a>,
    ledger: Ledger,
    /// Of a second look.
    second: Option<Ledger>,
    /// What the ledger held before the first question.
    mark: Mark,
    known: Known<'a>,
}

/// What a candidate adds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Delta {
    /// Routes that were not there, and the best path of each.
    pub routes: Added,
    pub beside: model::graph::Added,
    /// Why a second look at everything was needed; `None`: a part told all.
    pub whole: Option<&'static str>,
}

/// Places of objects and grants, found once.
struct Known<'a> {
    /// Objects of each namespace, by index into the Snapshot.
    namespaces: FxHashMap<&'a str, Vec<u32>>,
    by_subject: FxHashMap<&'a Subject, Vec<u32>>,
    by_role: FxHashMap<&'a ObjectRef, Vec<u32>>,
    /// Accounts whose pods have logs of a node, of which rights to read logs are a part of the escape.
    log_readers: FxHashSet<(&'a str, &'a str)>,
    /// Roles by their name alone.
    role_names: FxHashMap<&'a Text, Vec<u32>>,
    /// Names that rules of some role allow alone.
    named: FxHashSet<&'a Text>,
    workloads: FxHashMap<&'a ObjectRef, u32>,
    accounts: FxHashSet<(&'a str, &'a str)>,
    bindings: FxHashMap<&'a ObjectRef, u32>,
    roles: FxHashMap<&'a ObjectRef, u32>,
    /// Namespaces that are known.
    places: FxHashSet<&'a str>,
    /// Label keys by which ClusterRoles are put together.
    aggregated: FxHashSet<Text>,
    /// Keys that selectors of objects that are no workloads ask for.
    asked: FxHashSet<Text>,
    /// Objects without a namespace that bear on workloads.
    wide: Vec<u32>,
    uids: FxHashMap<&'a Text, u32>,
    /// Index of each object.
    at: FxHashMap<Key<'a>, u32>,
    /// Workloads that serve Ingresses.
    fronts: Vec<u32>,
}

/// Why a part would not tell everything.
struct Whole(&'static str);

impl<'a> Standing<'a> {
    /// `cluster` is of this Snapshot and these declarations.
    pub fn of(
        snapshot: &'a Snapshot,
        cluster: &'a Cluster,
        declarations: &'a Declarations,
    ) -> Self {
        let mut ledger = cluster.ledger.clone();
        let graph = paths::Standing::of(
            &cluster.inventory,
            &cluster.exposures,
            &cluster.weaknesses,
            &cluster.steps,
            &mut ledger,
        );
        Standing {
            snapshot,
            cluster,
            declarations,
            graph,
            second: None,
            mark: ledger.mark(),
            ledger,
            known: Known::of(snapshot, cluster),
        }
    }

    /// What evidence and gaps of the last answer point into.
    pub fn ledger(&self) -> &Ledger {
        self.second.as_ref().unwrap_or(&self.ledger)
    }

    /// What one object adds, new or in place of the one of its name. The answer's evidence stays in the ledger until
    /// the next question.
    pub fn consider(&mut self, candidate: &Object) -> Delta {
        let gvk = &candidate.gvk;
        let namespace = candidate.namespace.as_deref();
        let before = self
            .snapshot
            .find(&gvk.group, &gvk.kind, namespace, &candidate.name);
        if before.is_some_and(|before| before.json == candidate.json) {
            return Delta::default();
        }
        self.second = None;
        let mut ledger = std::mem::take(&mut self.ledger);
        ledger.forget(self.mark);
        let part = self.part(candidate, before, &mut ledger);
        self.ledger = ledger;
        match part {
            Ok(delta) => delta,
            Err(Whole(why)) => {
                let (delta, ledger) = self.whole(std::slice::from_ref(candidate));
                self.second = Some(ledger);
                Delta {
                    whole: Some(why),
                    ..delta
                }
            }
        }
    }

    /// What several objects add together.
    pub fn consider_all(&mut self, candidates: &[Object]) -> Delta {
        match candidates {
            [] => Delta::default(),
            [one] => self.consider(one),
            several => {
                let (delta, ledger) = self.whole(several);
                self.second = Some(ledger);
                delta
            }
        }
    }

    fn part(
        &self,
        candidate: &Object,
        before: Option<&Object>,
        ledger: &mut Ledger,
    ) -> Result<Delta, Whole> {
        let place = candidate.namespace.as_deref();
        if place.is_some_and(|place| !self.known.places.contains(place)) {
            return Err(Whole("its namespace was not seen"));
        }
        let Inventory { calico, mesh, .. } = &self.cluster.inventory;
        let elsewhere = !calico.policies.is_empty()
            || !mesh.policies.is_empty()
            || !mesh.authentication.is_empty();
        if elsewhere && &*candidate.gvk.group != RBAC {
            return Err(Whole(
                "policies of Calico or Istio name labels, accounts and sets of other namespaces",
            ));
        }
        match (&*candidate.gvk.group, &*candidate.gvk.kind) {
            (RBAC, "Role" | "ClusterRole" | "RoleBinding" | "ClusterRoleBinding") => {
                self.grants(candidate, before, ledger)
            }
            ("", "Secret") => self.secret(candidate, before),
            ("", "ServiceAccount") => self.account(candidate, before, ledger),
            (
                "",
                "ConfigMap" | "PersistentVolumeClaim" | "Event" | "ResourceQuota" | "LimitRange",
            ) => self.indifferent(candidate),
            ("", "Pod" | "Service")
            | ("networking.k8s.io", "Ingress" | "NetworkPolicy")
            | ("apps", "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet")
            | ("batch", "Job" | "CronJob") => self.workloads(candidate, before, ledger),
            // No part of the graph reads them.
            (
                "admissionregistration.k8s.io"
                | "autoscaling"
                | "coordination.k8s.io"
                | "policy"
                | "scheduling.k8s.io"
                | "storage.k8s.io",
                _,
            ) => Ok(Delta::default()),
            ("", "Namespace") => self.place(candidate, before),
            ("", "Node") => self.node(candidate, before),
            ("discovery.k8s.io", "EndpointSlice") => self.slice_of_endpoints(candidate, before),
            _ => Err(Whole("a kind that is about more than some workloads")),
        }
    }

    /// Kinds that the graph does not read; a claim may lead to a path of the node.
    fn indifferent(&self, candidate: &Object) -> Result<Delta, Whole> {
        let claim = &*candidate.gvk.kind == "PersistentVolumeClaim";
        if claim && !self.snapshot.of_kind("", "PersistentVolume").is_empty() {
            return Err(Whole("the claim may be of a path on the node"));
        }
        Ok(Delta::default())
    }

    /// Only tokens of accounts lead on.
    fn secret(&self, candidate: &Object, before: Option<&Object>) -> Result<Delta, Whole> {
        let token = |object: &Object| contains(&object.json, "kubernetes.io/service-account");
        let first = self.cluster.inventory.secrets.is_empty();
        if first || token(candidate) || before.is_some_and(token) {
            return Err(Whole("it holds a token of an account"));
        }
        Ok(Delta::default())
    }

    /// A new account is a member of its groups, and perhaps somebody in the cloud.
    fn account(
        &self,
        candidate: &Object,
        before: Option<&Object>,
        ledger: &mut Ledger,
    ) -> Result<Delta, Whole> {
        let namespace = candidate.namespace.as_deref();
        let place = namespace.and_then(|name| self.snapshot.find("", "Namespace", None, name));
        let mut alone = |object: &Object| {
            let objects = place.into_iter().chain([object]).cloned().collect();
            semantics::inventory(&self.slice(objects), self.declarations, ledger)
        };
        let says = |inventory: &Inventory| {
            let account = inventory.service_accounts.first();
            account.map(|account| (account.automount_token, account.cloud_identity.clone()))
        };
        let inventory = alone(candidate);
        if let Some(before) = before {
            if says(&alone(before)) == says(&inventory) {
                return Ok(Delta::default());
            }
            return Err(Whole("its pods get another token or identity"));
        }
        let known = namespace.is_some_and(|place| self.known.has_account(place, &candidate.name));
        if known || self.known.named.contains(&candidate.name) {
            return Err(Whole("workloads or roles name it already"));
        }
        let part = Part::Workloads {
            inventory: &inventory,
            exposures: &[],
            weaknesses: &[],
            steps: &Steps::default(),
            changed: &[],
        };
        Ok(Delta {
            routes: self.graph.added(part, &[], ledger),
            ..Delta::default()
        })
    }

    /// A namespace that holds nothing leads nowhere; of one that does, some labels decide.
    fn place(&self, candidate: &Object, before: Option<&Object>) -> Result<Delta, Whole> {
        let known = self.known.places.contains(&*candidate.name);
        match before {
            None if !known => Ok(Delta::default()),
            Some(before) if !labels::bear(&self.known.asked, before, candidate) => {
                Ok(Delta::default())
            }
            _ => Err(Whole(
                "labels of a namespace decide who reaches its pods and what they may be",
            )),
        }
    }

    fn node(&self, candidate: &Object, before: Option<&Object>) -> Result<Delta, Whole> {
        let mut ledger = Ledger::default();
        let mut says = |object: &Object| {
            let alone = self.slice(vec![object.clone()]);
            semantics::inventory(&alone, self.declarations, &mut ledger).nodes
        };
        let now = says(candidate);
        let same = match before {
            Some(before) => {
                let bare = |mut nodes: Vec<Node>| {
                    for node in &mut nodes {
                        node.labels.clear();
                    }
                    nodes
                };
                !labels::bear(&self.known.asked, before, candidate)
                    && bare(says(before)) == bare(now)
            }
            None => now.iter().all(|node| {
                let all = &self.cluster.inventory.nodes;
                all.iter().any(|known| self.twins(known, node))
            }),
        };
        if same {
            return Ok(Delta::default());
        }
        Err(Whole("a node like no other, or another one than it was"))
    }

    /// Nodes between which no pod, no route and no escape tells a difference.
    fn twins(&self, a: &Node, b: &Node) -> bool {
        let apart = |node: &Node| {
            let public = |ip: &IpAddr| match ip {
                IpAddr::V4(ip) => !ip.is_private(),
                IpAddr::V6(ip) => !ip.is_unique_local(),
            };
            !node.external_ips.is_empty() || node.internal_ips.iter().any(public)
        };
        let labels = |node: &Node| {
            let mut labels = node.labels.clone();
            labels.remove("kubernetes.io/hostname");
            labels.retain(|key, _| labels::told(&self.known.asked, key));
            labels
        };
        let what = |node: &Node| Node {
            name: "".into(),
            labels: labels(node),
            internal_ips: Vec::new(),
            ..node.clone()
        };
        !apart(a) && !apart(b) && what(a) == what(b)
    }

    /// Where a Service selects its pods, its end points say nothing more.
    fn slice_of_endpoints(
        &self,
        candidate: &Object,
        before: Option<&Object>,
    ) -> Result<Delta, Whole> {
        let mut ledger = Ledger::default();
        let mut says = |object: &Object| {
            let alone = self.slice(vec![object.clone()]);
            semantics::inventory(&alone, self.declarations, &mut ledger).endpoint_slices
        };
        if before.is_some_and(|before| says(before) == says(candidate)) {
            return Ok(Delta::default());
        }
        let selects = |object: &Object| {
            let name = object.label("kubernetes.io/service-name");
            let services = &self.cluster.inventory.services;
            services.iter().any(|service| {
                Some(&service.name) == name
                    && Some(&service.namespace) == object.namespace.as_ref()
                    && !service.selector.is_empty()
            })
        };
        if [Some(candidate), before].into_iter().flatten().all(selects) {
            return Ok(Delta::default());
        }
        Err(Whole("end points by hand may be of any workload"))
    }

    /// A Snapshot of some objects of the cluster, seen as completely as the cluster was.
    fn slice(&self, mut objects: Vec<Object>) -> Snapshot {
        // What the API server holds has one object of a name; the candidate came last.
        objects.sort_by(|a, b| key(a).cmp(&key(b)));
        let mut kept: Vec<Object> = Vec::with_capacity(objects.len());
        for object in objects {
            match kept.last_mut() {
                Some(last) if key(last) == key(&object) => *last = object,
                _ => kept.push(object),
            }
        }
        Snapshot {
            origin: self.snapshot.origin,
            cluster: self.snapshot.cluster.clone(),
            cluster_name: self.snapshot.cluster_name.clone(),
            version: self.snapshot.version,
            server_version: self.snapshot.server_version.clone(),
            taken_at: self.snapshot.taken_at,
            objects: kept,
            files: self.snapshot.files.clone(),
            listed: self.snapshot.listed.clone(),
            other_kinds: std::collections::BTreeMap::default(),
            gaps: Vec::new(),
        }
    }

    /// A second look at everything, with the candidates in place.
    pub fn whole(&self, candidates: &[Object]) -> (Delta, Ledger) {
        let mut objects = self.snapshot.objects.clone();
        objects.extend(candidates.iter().cloned());
        let after = self.slice(objects);
        let cluster = Cluster::after(&after, self.declarations, self.cluster);
        compare(self.cluster, &cluster)
    }
}

type Key<'o> = (&'o Text, &'o Text, &'o Option<Text>, &'o Text);

/// The order of a Snapshot's objects.
fn key(object: &Object) -> Key<'_> {
    (
        &object.gvk.group,
        &object.gvk.kind,
        &object.namespace,
        &object.name,
    )
}

/// All that is in one cluster and not in another, by two whole looks; the evidence is in the ledger.
pub fn compare(before: &Cluster, after: &Cluster) -> (Delta, Ledger) {
    let mut ledger = after.ledger.clone();
    let known: BTreeSet<(Text, Text)> = before
        .analysis(&mut before.ledger.clone())
        .routes()
        .into_iter()
        .collect();
    let analysis = after.analysis(&mut ledger);
    let mut routes = analysis.routes();
    routes.retain(|route| !known.contains(route));
    let new: BTreeSet<&(Text, Text)> = routes.iter().collect();
    let wanted = |entry: &str, sink: &str| new.contains(&(entry.into(), sink.into()));
    let paths = analysis.paths(wanted, &mut ledger);
    let delta = Delta {
        routes: Added { routes, paths },
        beside: beside(before, after),
        whole: Some("several objects"),
    };
    (delta, ledger)
}

/// What is exposed further and granted in one cluster and was not in another.
pub fn beside(before: &Cluster, after: &Cluster) -> model::graph::Added {
    let places: FxHashMap<&ObjectRef, &WorkloadExposure> = exposed(before).collect();
    let wider = |(object, exposure)| widened(object, places.get(object).copied(), exposure);
    model::graph::Added {
        exposures: exposed(after).filter_map(wider).collect(),
        grants: grants::gained(&before.inventory, &after.inventory),
    }
}

fn exposed(cluster: &Cluster) -> impl Iterator<Item = (&ObjectRef, &WorkloadExposure)> {
    let views = cluster.inventory.workloads.iter();
    let active = views
        .zip(&cluster.exposures)
        .filter(|(view, _)| view.workload.state == model::workload::WorkloadState::Active);
    active.map(|(view, exposure)| (&view.workload.object, exposure))
}

fn widened(
    workload: &ObjectRef,
    before: Option<&WorkloadExposure>,
    after: &WorkloadExposure,
) -> Option<Widened> {
    let wide = match before {
        Some(before) => after.direct.expected > before.direct.expected + 1e-9,
        None => after.direct.expected > network::probability(ExposureClass::Cluster) + 1e-9,
    };
    wide.then(|| Widened {
        workload: workload.clone(),
        before: before.map(|before| before.exposure.class),
        after: after.exposure.class,
    })
}

impl<'a> Known<'a> {
    fn of(snapshot: &'a Snapshot, cluster: &'a Cluster) -> Self {
        let inventory = &cluster.inventory;
        let mut known = Known {
            namespaces: FxHashMap::default(),
            by_subject: FxHashMap::default(),
            by_role: FxHashMap::default(),
            log_readers: FxHashSet::default(),
            named: FxHashSet::default(),
            workloads: (0..)
                .zip(&inventory.workloads)
                .map(|(n, view)| (&view.workload.object, n))
                .collect(),
            accounts: inventory
                .service_accounts
                .iter()
                .map(|account| (&*account.namespace, &*account.name))
                .collect(),
            bindings: (0..)
                .zip(&inventory.authorizer.bindings)
                .map(|(n, binding)| (&binding.object, n))
                .collect(),
            roles: (0..)
                .zip(&inventory.authorizer.roles)
                .map(|(n, role)| (role, n))
                .collect(),
            role_names: FxHashMap::default(),
            places: inventory.namespaces.iter().map(|n| &*n.name).collect(),
            aggregated: FxHashSet::default(),
            asked: FxHashSet::default(),
            wide: Vec::new(),
            uids: FxHashMap::default(),
            at: (0..)
                .zip(&snapshot.objects)
                .map(|(n, object)| (key(object), n))
                .collect(),
            fronts: network::controllers(inventory),
        };
        for object in snapshot.of_kind(RBAC, "ClusterRole") {
            if contains(&object.json, "\"aggregationRule\"") {
                labels::keys_asked(&object.json, &mut known.aggregated);
            }
        }
        for (n, object) in (0_u32..).zip(&snapshot.objects) {
            if object.gvk.kind.ends_with("Policy") || &*object.gvk.kind == "Gateway" {
                labels::keys_asked(&object.json, &mut known.asked);
            }
            let apart = matches!(
                (&*object.gvk.group, &*object.gvk.kind),
                (RBAC, _) | ("", "Secret" | "ConfigMap" | "Event")
            );
            if let Some(uid) = &object.uid {
                known.uids.insert(uid, n);
            }
            match object.namespace.as_deref() {
                Some(namespace) if !apart => {
                    known.namespaces.entry(namespace).or_default().push(n);
                }
                None if !apart
                    && !matches!(
                        &*object.gvk.kind,
                        "Node" | "Namespace" | "PersistentVolume" | "CustomResourceDefinition"
                    ) =>
                {
                    known.wide.push(n);
                }
                _ => {}
            }
        }
        for (n, binding) in (0_u32..).zip(&inventory.authorizer.bindings) {
            known.by_role.entry(&binding.role).or_default().push(n);
            for subject in &binding.subjects {
                known.by_subject.entry(subject).or_default().push(n);
            }
        }
        for (n, role) in (0_u32..).zip(&inventory.authorizer.roles) {
            known.role_names.entry(&role.name).or_default().push(n);
        }
        for rule in inventory.authorizer.rules.iter().flatten() {
            known.named.extend(&rule.names);
        }
        for view in &inventory.workloads {
            let Some(template) = inventory.templates.get(view.template as usize) else {
                continue;
            };
            let logs = template.volumes.iter().any(|volume| match &volume.source {
                VolumeSource::HostPath { path } => workloads::holds_logs(path),
                VolumeSource::Claim { host_path, .. } => {
                    host_path.as_deref().is_some_and(workloads::holds_logs)
                }
                _ => false,
            });
            if logs {
                let account = (&*view.workload.key.namespace, &*template.service_account);
                known.log_readers.insert(account);
            }
        }
        known
    }

    fn has_account(&self, namespace: &str, name: &str) -> bool {
        self.accounts.contains(&(namespace, name))
    }
}

fn contains(json: &[u8], text: &str) -> bool {
    json.windows(text.len()).any(|part| part == text.as_bytes())
}

/// Files name no place on a server: what a candidate is written in does not matter.
pub fn candidate(object: &Object, origin: Origin) -> Object {
    let mut object = object.clone();
    if origin == Origin::Live {
        object.place = model::snapshot::Place::Server;
    }
    object
}
