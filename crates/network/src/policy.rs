//! Ingress semantics of networking.k8s.io NetworkPolicy: who isolates a workload, whom the rules admit.
//! Comes in: policies, namespaces, workloads. Goes out: claims with the policies that decided.
//! Never: a pair of workloads; a peer is evaluated once, whoever the policy protects.

use crate::PeerSet;
use crate::address;
use crate::namespaces::{Namespaces, selects};
use model::evidence::{Claim, Evidence, Gap, GapId, GapWeight, Ledger, Stage, Truth};
use model::object::ObjectRef;
use model::situation::ExposureClass;
use model::text::Text;
use model::workload::ContainerKind;
use rustc_hash::FxHashMap;
use semantics::view::{
    Inventory, NetworkPolicy, PodSpec, PolicyPeer, PolicyPort, PolicyRule, Selector, TargetPort,
    WorkloadView,
};
use std::sync::Arc;

/// Where traffic comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Source {
    /// From outside of the cluster. `preserved`: the pod sees the client's address.
    World { preserved: bool },
    /// Any pod of any namespace.
    Cluster,
    /// Any pod of the workload's own namespace.
    Namespace,
    /// The pods of one workload.
    Workload(u32),
    /// Some pod of the cluster that was not seen.
    SomePod,
}

/// Whether the policies let a source through.
#[derive(Clone, Debug)]
pub(crate) struct Admission {
    pub(crate) claim: Claim,
    /// P(let through); differs from the claim's middle where policies were not seen: what was not seen
    /// isolates nothing, and the claim stays open.
    pub(crate) weight: f64,
    /// Address ranges are let through whatever the claim says.
    pub(crate) ranges: bool,
}

/// What stands before the pods of one workload.
#[derive(Clone, Debug)]
pub(crate) struct Guard {
    pub(crate) workload: u32,
    namespace: u32,
    /// Index into [`Policies::groups`]; `None` on the host network.
    group: Option<u32>,
    /// By NetworkPolicies alone.
    by_policies: Claim,
    /// Everything that may isolate.
    pub(crate) isolated: Claim,
    /// Kinds that may admit or deny in ways that are not evaluated.
    pub(crate) other: Vec<GapId>,
}

pub(crate) struct Policies<'a> {
    inventory: &'a Inventory,
    namespaces: Namespaces<'a>,
    of_namespace: FxHashMap<&'a str, Vec<u32>>,
    enforced: Enforced,
    unseen: Option<GapId>,
    peers: FxHashMap<PeerKey, PeerSet>,
    /// Sets of policies that select some pod together: most pods of a namespace share one.
    groups: Vec<Group>,
    group_ids: FxHashMap<(u32, Vec<(u32, bool)>), u32>,
    answers: FxHashMap<Question, (Option<Claim>, bool)>,
    /// Other kinds by namespace; `None` is the whole cluster.
    others: FxHashMap<Option<&'a str>, Vec<u32>>,
    other_gaps: FxHashMap<&'a str, GapId>,
}

struct Group {
    /// Policies that select the pods, and whether that is certain.
    policies: Arc<[(u32, bool)]>,
    by: Claim,
    /// A rule names a port: what it means depends on the pod.
    named_ports: bool,
}

/// Group, template where ports are named (else `u32::MAX`), source, port, protocol.
type Question = (u32, u32, Source, u16, Text);

/// Policies that one conclusion cites; a pod behind a thousand of them needs no thousand proofs.
const MOST_CITED: usize = 8;

/// `or` that stops citing when enough says the same.
fn gather(all: Option<(Claim, usize)>, claim: Claim) -> (Claim, usize) {
    match all {
        None => (claim, 1),
        Some((all, cited)) if all.truth() == claim.truth() && cited >= MOST_CITED => (all, cited),
        Some((all, cited)) => (all.or(claim), cited + 1),
    }
}

/// Equal peers of many policies are one set: selectors, and the namespace where it is the policy's own.
type PeerKey = (Selector, Option<Selector>, Option<Text>);

enum Enforced {
    Known(Claim),
    /// Made when a policy first needs it, so that a cluster without policies has no such gap.
    NotSaid,
}

/// The port that a name means in a pod: of its application containers and sidecars.
pub(crate) fn named_port(template: &PodSpec, name: &str, protocol: &str) -> Option<u16> {
    template
        .containers
        .iter()
        .filter(|c| matches!(c.kind, ContainerKind::App | ContainerKind::Sidecar))
        .flat_map(|c| &c.ports)
        .find(|p| p.name.as_deref() == Some(name) && &*p.protocol == protocol)
        .map(|p| p.port)
}

impl<'a> Policies<'a> {
    pub(crate) fn of(
        inventory: &'a Inventory,
        declared: Option<bool>,
        unseen: Option<GapId>,
        ledger: &mut Ledger,
    ) -> Self {
        let mut of_namespace: FxHashMap<&str, Vec<u32>> = FxHashMap::default();
        for (n, policy) in (0_u32..).zip(&inventory.network_policies) {
            if policy.isolates_ingress {
                of_namespace.entry(&policy.namespace).or_default().push(n);
            }
        }
        let mut others: FxHashMap<Option<&str>, Vec<u32>> = FxHashMap::default();
        for (n, policy) in (0_u32..).zip(&inventory.other_policies) {
            if policy.ingress {
                others
                    .entry(policy.namespace.as_deref())
                    .or_default()
                    .push(n);
            }
        }
        Policies {
            inventory,
            namespaces: Namespaces::of(inventory),
            of_namespace,
            enforced: enforced(inventory, declared, ledger),
            unseen,
            peers: FxHashMap::default(),
            groups: Vec::new(),
            group_ids: FxHashMap::default(),
            answers: FxHashMap::default(),
            others,
            other_gaps: FxHashMap::default(),
        }
    }

    pub(crate) fn namespaces(&self) -> &Namespaces<'a> {
        &self.namespaces
    }

    fn policy(&self, n: u32) -> Option<(&'a NetworkPolicy, ObjectRef)> {
        let policy = self.inventory.network_policies.get(n as usize)?;
        let object = ObjectRef::new(
            "networking.k8s.io",
            "NetworkPolicy",
            Some(&policy.namespace),
            &policy.name,
        );
        Some((policy, object))
    }

    fn enforcement(&mut self, ledger: &mut Ledger) -> Claim {
        if let Enforced::Known(claim) = &self.enforced {
            return claim.clone();
        }
        let claim = Claim::unknown(ledger.gap(Gap {
            class: "policy-enforcement-unknown".into(),
            what: "there are NetworkPolicies, but nothing shows that the network plugin enforces them".into(),
            stage: Stage::Relate,
            scope: "networkpolicies".into(),
            weight: GapWeight::Widens,
            close: "declare it in plimsoll.yaml: network: {enforced: true}".into(),
        }));
        self.enforced = Enforced::Known(claim.clone());
        claim
    }

    /// Which policies isolate the pods of a workload for ingress.
    pub(crate) fn guard(
        &mut self,
        workload: u32,
        view: &WorkloadView,
        ledger: &mut Ledger,
    ) -> Guard {
        let name = &view.workload.key.namespace;
        let namespace = self.namespaces.find(name).unwrap_or(u32::MAX);
        if self
            .inventory
            .templates
            .get(view.template as usize)
            .is_some_and(|t| t.host_network)
        {
            // The API leaves it undefined; plugins treat such pods as the node.
            let open = Claim::no(ledger.about(
                &view.workload.object,
                "its pods use the node's network, which policies do not isolate",
            ));
            return Guard {
                workload,
                namespace,
                group: None,
                by_policies: open.clone(),
                isolated: open,
                other: Vec::new(),
            };
        }
        let mut policies = Vec::new();
        for &n in self.of_namespace.get(&**name).into_iter().flatten() {
            let Some(policy) = self.inventory.network_policies.get(n as usize) else {
                continue;
            };
            match selects(&policy.selector, &view.pod_labels) {
                Truth::No => {}
                truth => policies.push((n, truth == Truth::Yes)),
            }
        }
        let group = self.group(namespace, name, policies, ledger);
        let by_policies = match self.groups.get(group as usize) {
            Some(group) => group.by.clone(),
            None => self.enforcement(ledger),
        };
        let mut other = Vec::new();
        for place in [None, Some(&**name)] {
            for &n in self.others.get(&place).into_iter().flatten() {
                let Some(policy) = self.inventory.other_policies.get(n as usize) else {
                    continue;
                };
                let selector = policy.selector.as_ref();
                if selector.is_none_or(|s| selects(s, &view.pod_labels) != Truth::No) {
                    let kind = &*policy.object.kind;
                    let gap = self
                        .other_gaps
                        .entry(kind)
                        .or_insert_with(|| ledger.gap(not_evaluated(kind)));
                    other.push(*gap);
                }
            }
        }
        other.sort_unstable();
        other.dedup();
        let open = other.iter().copied().chain(self.unseen);
        let isolated = open.fold(by_policies.clone(), |claim, gap| {
            claim.or(Claim::unknown(gap))
        });
        Guard {
            workload,
            namespace,
            group: Some(group),
            by_policies,
            isolated,
            other,
        }
    }

    fn group(
        &mut self,
        namespace: u32,
        name: &str,
        policies: Vec<(u32, bool)>,
        ledger: &mut Ledger,
    ) -> u32 {
        let key = (namespace, policies);
        if let Some(known) = self.group_ids.get(&key) {
            return *known;
        }
        let mut by: Option<(Claim, usize)> = None;
        let mut named_ports = false;
        for &(n, sure) in &key.1 {
            let Some((policy, object)) = self.policy(n) else {
                continue;
            };
            let claim = if sure {
                let statement = format!(
                    "NetworkPolicy {}/{} isolates the pods for ingress",
                    policy.namespace, policy.name
                );
                Claim::yes(ledger.about(&object, statement))
            } else {
                Claim::unknown(ledger.gap(malformed(&object)))
            };
            by = Some(gather(by, claim));
            let ports = policy.ingress.iter().flat_map(|rule| &rule.ports);
            named_ports |= ports
                .into_iter()
                .any(|port| matches!(port.port, Some(TargetPort::Name(_))));
        }
        let by = match by {
            Some((by, _)) => by.and(self.enforcement(ledger)),
            None => Claim::no(ledger.about(
                &ObjectRef::new("", "Namespace", None, name),
                "no NetworkPolicy of the namespace selects the pods for ingress",
            )),
        };
        let id = u32::try_from(self.groups.len()).unwrap_or(u32::MAX);
        self.groups.push(Group {
            policies: Arc::from(&*key.1),
            by,
            named_ports,
        });
        self.group_ids.insert(key, id);
        id
    }

    fn policies_of(&self, guard: &Guard) -> Arc<[(u32, bool)]> {
        let group = guard
            .group
            .and_then(|group| self.groups.get(group as usize));
        group.map_or_else(|| Arc::from([]), |group| Arc::clone(&group.policies))
    }

    /// Whether traffic of a source reaches a port of the pods; port 0 is "some port".
    pub(crate) fn admit(
        &mut self,
        guard: &Guard,
        source: Source,
        port: (u16, &str),
        ledger: &mut Ledger,
    ) -> Admission {
        let (rules, ranges) = self.rules(guard, source, port, ledger);
        let open = guard.by_policies.clone().not();
        let mut claim = match rules {
            Some(rules) => open.or(rules),
            None => open,
        };
        for gap in &guard.other {
            // They may deny what is admitted here, and admit what is denied.
            claim = match claim.truth() {
                Truth::No => claim.or(Claim::unknown(*gap)),
                Truth::Yes | Truth::Unknown => claim.and(Claim::unknown(*gap)),
            };
        }
        let weight = match claim.truth() {
            Truth::Yes => 1.0,
            Truth::Unknown => 0.5,
            Truth::No => 0.0,
        };
        if let (Some(gap), Truth::Yes) = (self.unseen, claim.truth()) {
            claim = claim.and(Claim::unknown(gap));
        }
        Admission {
            claim,
            weight,
            ranges: ranges && guard.other.is_empty(),
        }
    }

    /// What the rules of all selecting policies say together; `None` without such policies.
    fn rules(
        &mut self,
        guard: &Guard,
        source: Source,
        port: (u16, &str),
        ledger: &mut Ledger,
    ) -> (Option<Claim>, bool) {
        let Some((id, group)) = guard
            .group
            .and_then(|id| Some((id, self.groups.get(id as usize)?)))
        else {
            return (None, false);
        };
        if group.policies.is_empty() {
            return (None, false);
        }
        let view = self.inventory.workloads.get(guard.workload as usize);
        let template = view
            .filter(|_| group.named_ports)
            .map_or(u32::MAX, |view| view.template);
        let question = (id, template, source, port.0, Text::from(port.1));
        if let Some(known) = self.answers.get(&question) {
            return known.clone();
        }
        let answer = self.ask(guard, source, port, ledger);
        self.answers.insert(question, answer.clone());
        answer
    }

    fn ask(
        &self,
        guard: &Guard,
        source: Source,
        port: (u16, &str),
        ledger: &mut Ledger,
    ) -> (Option<Claim>, bool) {
        let mut all: Option<(Claim, usize)> = None;
        let mut ranges = false;
        for &(n, sure) in self.policies_of(guard).iter() {
            let Some((policy, object)) = self.policy(n) else {
                continue;
            };
            let mut best = Truth::No;
            let mut missing = None;
            for rule in &policy.ingress {
                if !self.rule_has_port(rule, guard, port) {
                    continue;
                }
                let (truth, gap, narrow) = self.rule_admits(rule, guard, source, policy, ledger);
                ranges |= narrow && sure;
                if truth > best {
                    best = truth;
                }
                missing = missing.or(gap);
            }
            let what = describe(source);
            let on = if port.0 == 0 {
                String::new()
            } else {
                format!(" on port {}", port.0)
            };
            let claim = match best {
                Truth::Yes => Claim::yes(ledger.about(
                    &object,
                    format!(
                        "NetworkPolicy {}/{} admits {what}{on}",
                        policy.namespace, policy.name
                    ),
                )),
                Truth::No => Claim::no(ledger.about(
                    &object,
                    format!(
                        "NetworkPolicy {}/{} does not admit {what}{on}",
                        policy.namespace, policy.name
                    ),
                )),
                Truth::Unknown => {
                    Claim::unknown(missing.unwrap_or_else(|| ledger.gap(malformed(&object))))
                }
            };
            let claim = if sure {
                claim
            } else {
                Claim::unknown(ledger.gap(malformed(&object))).and(claim)
            };
            all = Some(gather(all, claim));
        }
        (all.map(|(all, _)| all), ranges)
    }

    fn rule_has_port(&self, rule: &PolicyRule, guard: &Guard, port: (u16, &str)) -> bool {
        let template = self
            .inventory
            .workloads
            .get(guard.workload as usize)
            .and_then(|view| self.inventory.templates.get(view.template as usize));
        rule.ports.is_empty()
            || rule
                .ports
                .iter()
                .any(|allowed| port_matches(allowed, template, port))
    }

    /// Truth, the gap of an unknown, and whether address ranges are let through whose clients the pod sees.
    fn rule_admits(
        &self,
        rule: &PolicyRule,
        guard: &Guard,
        source: Source,
        policy: &NetworkPolicy,
        ledger: &mut Ledger,
    ) -> (Truth, Option<GapId>, bool) {
        if rule.peers.is_empty() {
            return (Truth::Yes, None, false);
        }
        let (mut best, mut gap, mut narrow) = (Truth::No, None, false);
        for peer in &rule.peers {
            let truth = match peer {
                PolicyPeer::Pods { pods, namespaces } => {
                    self.pods_admitted(pods, namespaces.as_ref(), guard, source, policy)
                }
                PolicyPeer::Block { cidr, except } => match source {
                    Source::World { preserved } => {
                        match address::class_of_ranges(std::slice::from_ref(cidr), except) {
                            ExposureClass::Internet => Truth::Yes,
                            _ if preserved => {
                                narrow = true;
                                Truth::No
                            }
                            _ => {
                                gap = Some(ledger.gap(translated()));
                                Truth::Unknown
                            }
                        }
                    }
                    _ if address::overlaps_private(cidr, except) => {
                        gap = Some(ledger.gap(block_on_pods()));
                        Truth::Unknown
                    }
                    _ => Truth::No,
                },
            };
            if truth == Truth::Unknown && gap.is_none() {
                gap = Some(ledger.gap(match source {
                    Source::SomePod => controller_not_seen(),
                    _ => peer_unknown(policy),
                }));
            }
            best = best.max(truth);
        }
        (best, gap, narrow)
    }

    fn pods_admitted(
        &self,
        pods: &Selector,
        namespaces: Option<&Selector>,
        guard: &Guard,
        source: Source,
        policy: &NetworkPolicy,
    ) -> Truth {
        let all_pods = pods.is_everything();
        match source {
            Source::World { .. } => Truth::No,
            Source::Cluster => match namespaces {
                Some(selector) if all_pods && selector.is_everything() => Truth::Yes,
                Some(selector) if pods.malformed || selector.malformed => Truth::Unknown,
                _ => Truth::No,
            },
            Source::Namespace => match namespaces {
                _ if pods.malformed => Truth::Unknown,
                _ if !all_pods => Truth::No,
                None => Truth::Yes,
                Some(selector) => self.namespaces.selected(selector, guard.namespace),
            },
            Source::Workload(n) => self.peer_admits(pods, namespaces, &policy.namespace, n),
            Source::SomePod => match namespaces {
                Some(selector) if all_pods && selector.is_everything() => Truth::Yes,
                _ => Truth::Unknown,
            },
        }
    }

    fn peer_admits(
        &self,
        pods: &Selector,
        namespaces: Option<&Selector>,
        own: &str,
        workload: u32,
    ) -> Truth {
        let Some(view) = self.inventory.workloads.get(workload as usize) else {
            return Truth::Unknown;
        };
        let name = &view.workload.key.namespace;
        let namespace = match namespaces {
            None if &**name == own => Truth::Yes,
            None => Truth::No,
            Some(selector) => self
                .namespaces
                .find(name)
                .map_or(Truth::Unknown, |n| self.namespaces.selected(selector, n)),
        };
        namespace.min(selects(pods, &view.pod_labels))
    }

    /// Sets of workloads that the rules name for any of `ports`, beyond "everything of the namespace".
    pub(crate) fn peers(&mut self, guard: &Guard, ports: &[(u16, Text)]) -> Vec<PeerSet> {
        let mut sets = Vec::new();
        for &(n, sure) in self.policies_of(guard).iter() {
            let Some((policy, _)) = self.policy(n) else {
                continue;
            };
            for rule in &policy.ingress {
                let any = ports.is_empty()
                    || ports
                        .iter()
                        .any(|(port, protocol)| self.rule_has_port(rule, guard, (*port, protocol)));
                for peer in rule.peers.iter().filter(|_| any) {
                    let PolicyPeer::Pods { pods, namespaces } = peer else {
                        continue;
                    };
                    // "Everything" is said by the claims on the cluster and the namespace.
                    if pods.is_everything()
                        && namespaces.as_ref().is_none_or(Selector::is_everything)
                    {
                        continue;
                    }
                    let own = namespaces.is_none().then(|| Text::clone(&policy.namespace));
                    let key = (pods.clone(), namespaces.clone(), own);
                    let known = self.peers.get(&key).cloned();
                    let set = known.unwrap_or_else(|| {
                        let id = u32::try_from(self.peers.len() * 2).unwrap_or(u32::MAX);
                        let set = self.peer_set(id, pods, namespaces.as_ref(), &policy.namespace);
                        self.peers.insert(key, set.clone());
                        set
                    });
                    if !set.possible.is_empty() {
                        let unsure = PeerSet {
                            id: set.id | 1,
                            sure: Arc::from([]),
                            ..set.clone()
                        };
                        sets.push(if sure { set } else { unsure });
                    }
                }
            }
        }
        sets
    }

    fn peer_set(
        &self,
        id: u32,
        pods: &Selector,
        namespaces: Option<&Selector>,
        own: &str,
    ) -> PeerSet {
        let (mut sure, mut possible) = (Vec::new(), Vec::new());
        let mut take = |namespace: u32, at_most: Truth| {
            for &workload in self
                .namespaces
                .workloads
                .get(namespace as usize)
                .into_iter()
                .flatten()
            {
                let Some(view) = self.inventory.workloads.get(workload as usize) else {
                    continue;
                };
                match at_most.min(selects(pods, &view.pod_labels)) {
                    Truth::Yes => {
                        sure.push(workload);
                        possible.push(workload);
                    }
                    Truth::Unknown => possible.push(workload),
                    Truth::No => {}
                }
            }
        };
        match namespaces {
            None => {
                if let Some(n) = self.namespaces.find(own) {
                    take(n, Truth::Yes);
                }
            }
            Some(selector) => {
                for n in self.namespaces.by_name.values() {
                    match self.namespaces.selected(selector, *n) {
                        Truth::No => {}
                        truth => take(*n, truth),
                    }
                }
            }
        }
        sure.sort_unstable();
        possible.sort_unstable();
        let possible: Arc<[u32]> = possible.into();
        let sure = if sure.len() == possible.len() {
            Arc::clone(&possible)
        } else {
            sure.into()
        };
        PeerSet { id, sure, possible }
    }
}

fn enforced(inventory: &Inventory, declared: Option<bool>, ledger: &mut Ledger) -> Enforced {
    let said = |statement: &str| Evidence {
        statement: statement.into(),
        object: None,
        pointer: None,
        source: None,
    };
    match (declared, inventory.enforcing_cni.first()) {
        (Some(true), _) => Enforced::Known(Claim::yes(ledger.evidence(said(
            "the settings say that the network plugin enforces NetworkPolicy",
        )))),
        (Some(false), _) => Enforced::Known(Claim::no(
            ledger.evidence(said("the settings say that nothing enforces NetworkPolicy")),
        )),
        (None, Some(cni)) => Enforced::Known(Claim::yes(ledger.about(
            cni,
            format!("{cni} shows a network plugin that enforces NetworkPolicy"),
        ))),
        (None, None) => Enforced::NotSaid,
    }
}

/// NetworkPolicyPort: no port is all ports of the protocol; a name means what the pod says; `endPort` closes a range.
fn port_matches(
    allowed: &PolicyPort,
    template: Option<&PodSpec>,
    (port, protocol): (u16, &str),
) -> bool {
    if port == 0 {
        return true;
    }
    if &*allowed.protocol != protocol {
        return false;
    }
    match &allowed.port {
        None => true,
        Some(TargetPort::Number(first)) => (*first..=allowed.end.unwrap_or(*first)).contains(&port),
        Some(TargetPort::Name(name)) => template
            .and_then(|t| named_port(t, name, protocol))
            .is_some_and(|named| named == port),
    }
}

fn describe(source: Source) -> &'static str {
    match source {
        Source::World { .. } => "traffic from outside of the cluster",
        Source::Cluster => "every pod of the cluster",
        Source::Namespace => "every pod of its namespace",
        Source::Workload(_) => "the pods of the controller",
        Source::SomePod => "the controller that was not seen",
    }
}

fn gap(class: &str, what: impl Into<Text>, scope: impl Into<Text>, close: &str) -> Gap {
    Gap {
        class: class.into(),
        what: what.into(),
        stage: Stage::Relate,
        scope: scope.into(),
        weight: GapWeight::Widens,
        close: close.into(),
    }
}

fn malformed(policy: &ObjectRef) -> Gap {
    gap(
        "policy-selector",
        format!("a selector of {policy} is not understood"),
        policy.to_string(),
        "",
    )
}

fn not_evaluated(kind: &str) -> Gap {
    gap(
        "policy-kind-not-evaluated",
        format!("rules of {kind} objects are not evaluated: they may isolate or admit"),
        kind,
        "",
    )
}

fn translated() -> Gap {
    gap(
        "source-address-translated",
        "an ipBlock meets traffic whose source address the node or proxy replaces: what it admits depends on the plugin",
        "networkpolicies",
        "set externalTrafficPolicy: Local, or admit the proxy by labels",
    )
}

fn block_on_pods() -> Gap {
    gap(
        "ip-block-on-pods",
        "an ipBlock covers addresses of pods: whether it admits them depends on the plugin",
        "networkpolicies",
        "name pods by labels instead",
    )
}

fn controller_not_seen() -> Gap {
    gap(
        "ingress-controller-not-seen",
        "the pods that publish an Ingress, Gateway or Route were not seen: whether policies admit them is open",
        "ingresses",
        "give the controller's manifests too",
    )
}

fn peer_unknown(policy: &NetworkPolicy) -> Gap {
    gap(
        "policy-peer-unknown",
        "a policy names namespaces by labels that were not seen",
        format!("networkpolicy {}/{}", policy.namespace, policy.name),
        "give the Namespace objects too",
    )
}
