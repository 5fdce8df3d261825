//! What policies let through to a workload, as claims with the policies that decided.
//! Comes in: the evaluated policies, what shows that they are enforced. Goes out: claims for the kinds of sources that
//! exposure tells apart, and the workloads that get to a port.
//! Never: a policy that keeps somebody out where nothing shows that its kind is enforced (rule 2).

mod words;

use crate::PeerSet;
use crate::namespaces::{Namespaces, selects};
use crate::published::gap;
use crate::reach::{Pools, Protocol, Reach, Side, Source, Wanted};
use model::evidence::{Claim, EvidenceId, GapId, Ledger, Truth};
use model::object::ObjectRef;
use model::reach::Direction;
use model::situation::ExposureClass;
use rustc_hash::FxHashMap;
use semantics::view::{AdminAction, Inventory, WorkloadView};
use std::sync::Arc;
use words::{
    MOST_CITED, admits, controller_not_seen, from_node, hits, isolates, not_evaluated, open,
    refuses, said, translated, unenforced,
};

/// Whether the policies let a source through.
#[derive(Clone, Debug)]
pub(crate) struct Admission {
    pub(crate) claim: Claim,
    /// P(let through); differs from the claim's middle where policies were not seen: what was not seen
    /// isolates nothing, and the claim stays open.
    pub(crate) weight: f64,
    /// Whether some address ranges are let through, whatever the claim says.
    pub(crate) ranges: Truth,
}

/// What stands before the pods of one workload.
#[derive(Clone, Debug)]
pub(crate) struct Gate {
    pub(crate) workload: u32,
    classes: Vec<u32>,
    /// Its pods use the node's network, and what says so.
    host: Option<EvidenceId>,
    /// Whether something isolates the pods, of all that may.
    pub(crate) isolated: Claim,
    /// What may admit or deny in ways that are not evaluated.
    pub(crate) doubts: Vec<GapId>,
}

/// Workloads that get to a port.
pub(crate) struct Inside {
    /// Whether no workload of the cluster is kept out.
    pub(crate) everyone: Claim,
    /// Whether none of the namespace is.
    pub(crate) own: Claim,
    pub(crate) sets: Vec<PeerSet>,
}

/// Kinds of policies by who enforces them: group, name in texts, words in the names of plugins that do.
const KINDS: [(&str, &str, &[&str]); 5] = [
    // Every plugin that counts as evidence does.
    (NETWORK, "NetworkPolicy", &[""]),
    // network-policy-api, "Implementations".
    (
        "policy.networking.k8s.io",
        "policies of administrators",
        &[
            "calico",
            "felix",
            "ovn",
            "antrea",
            "kindnet",
            "kube-network-policies",
        ],
    ),
    ("cilium.io", "CiliumNetworkPolicies", &["cilium"]),
    ("projectcalico.org", "Calico's policies", &["calico"]),
    // What governs pods by them does so because the pods have a proxy.
    (MESH, "Istio's policies", &[]),
];
const MESH: &str = "security.istio.io";
const NETWORK: &str = "networking.k8s.io";

/// What policies say of a source, before what doubts them all.
type Answer = (Claim, Truth);

/// Ingress row, who stands for the source, what leaves that one, whether addresses are kept, the port.
#[derive(PartialEq, Eq, Hash)]
struct Question {
    row: u32,
    from: Option<(u32, u32)>,
    source: Source,
    wanted: Wanted,
}

pub(crate) struct Gates<'a> {
    inventory: &'a Inventory,
    reach: Reach<'a>,
    pools: Pools,
    declared: Option<bool>,
    /// Parallel to [`KINDS`]; made when a policy first needs it, so that a cluster without policies has no such gap.
    enforced: [Option<Claim>; KINDS.len()],
    /// A list of policies that was refused.
    unseen: Option<GapId>,
    isolated: FxHashMap<u32, Claim>,
    answers: FxHashMap<Question, Answer>,
    /// Kinds that are not evaluated, by namespace; `None` is the whole cluster.
    others: FxHashMap<Option<&'a str>, Vec<u32>>,
    other_gaps: FxHashMap<&'a str, GapId>,
}

impl<'a> Gates<'a> {
    pub(crate) fn of(
        inventory: &'a Inventory,
        declared: Option<bool>,
        unseen: Option<GapId>,
        ledger: &mut Ledger,
    ) -> Self {
        let mut others: FxHashMap<Option<&str>, Vec<u32>> = FxHashMap::default();
        for (n, policy) in (0_u32..).zip(&inventory.other_policies) {
            if policy.ingress && !policy.evaluated {
                let place = policy.namespace.as_deref();
                others.entry(place).or_default().push(n);
            }
        }
        let reach = Reach::of(inventory);
        let mut gates = Gates {
            inventory,
            pools: Pools::of(&reach),
            reach,
            declared,
            enforced: [const { None }; KINDS.len()],
            unseen,
            isolated: FxHashMap::default(),
            answers: FxHashMap::default(),
            others,
            other_gaps: FxHashMap::default(),
        };
        if declared.is_some() || !inventory.enforcing_cni.is_empty() {
            gates.enforcement(NETWORK, ledger);
        }
        gates
    }

    pub(crate) fn namespaces(&self) -> &Namespaces<'a> {
        self.reach.namespaces()
    }

    /// Whether something enforces policies of a group.
    fn enforcement(&mut self, group: &str, ledger: &mut Ledger) -> Claim {
        // Calico's own API, and the group in which it keeps the same objects.
        let group = group.strip_prefix("crd.").unwrap_or(group);
        let at = KINDS.iter().position(|(of, _, _)| *of == group);
        let at = at.unwrap_or_default();
        if let Some(Some(known)) = self.enforced.get(at) {
            return known.clone();
        }
        let (_, name, words) = KINDS[at];
        let plugin = self.inventory.enforcing_cni.iter().find(|plugin| {
            let of = |word: &&str| plugin.name.contains(word);
            words.iter().any(of)
        });
        let claim = match (self.declared, plugin) {
            _ if group == MESH => Claim::yes(said(
                "the proxies of the pods enforce Istio's policies",
                ledger,
            )),
            (Some(true), _) => Claim::yes(said(
                "the settings say that the network plugin enforces NetworkPolicy",
                ledger,
            )),
            (Some(false), _) => Claim::no(said(
                "the settings say that nothing enforces NetworkPolicy",
                ledger,
            )),
            (None, Some(plugin)) => Claim::yes(ledger.about(
                plugin,
                format!("{plugin} shows a network plugin that enforces {name}"),
            )),
            (None, None) => Claim::unknown(ledger.gap(unenforced(group, name))),
        };
        if let Some(slot) = self.enforced.get_mut(at) {
            *slot = Some(claim.clone());
        }
        claim
    }

    /// Of all kinds that select an end.
    fn enforcement_of(&mut self, policies: &[(ObjectRef, Truth)], ledger: &mut Ledger) -> Claim {
        let mut all: Option<Claim> = None;
        for (group, _, _) in KINDS {
            let of = |policy: &ObjectRef| {
                policy.group.strip_prefix("crd.").unwrap_or(&policy.group) == group
            };
            if policies.iter().any(|(policy, _)| of(policy)) {
                let one = self.enforcement(group, ledger);
                all = Some(match all {
                    Some(all) => all.and(one),
                    None => one,
                });
            }
        }
        match all {
            Some(all) => all,
            None => self.enforcement(NETWORK, ledger),
        }
    }

    /// What stands before a workload.
    pub(crate) fn gate(&mut self, workload: u32, view: &WorkloadView, ledger: &mut Ledger) -> Gate {
        let template = self.inventory.templates.get(view.template as usize);
        if template.is_some_and(|template| template.host_network) {
            // The API leaves it undefined; plugins treat such pods as the node.
            let open = ledger.about(
                &view.workload.object,
                "its pods use the node's network, which policies do not isolate",
            );
            return Gate {
                workload,
                classes: Vec::new(),
                host: Some(open),
                isolated: Claim::no(open),
                doubts: Vec::new(),
            };
        }
        let classes = self.reach.classes_of(workload).to_vec();
        let mut isolated: Option<Claim> = None;
        for class in &classes {
            let one = self.isolated(*class, ledger);
            isolated = Some(match isolated {
                // One pod that is open opens the workload.
                Some(all) => all.and(one),
                None => one,
            });
        }
        let mut doubts = self.doubts(view, ledger);
        if self.reach.apart().binary_search(&workload).is_ok() {
            doubts.push(ledger.gap(gap(
                "network-not-evaluated",
                "workloads have a primary network of their own, which is not evaluated",
                "networks",
                "",
            )));
        }
        let isolated = isolated.unwrap_or_else(|| {
            Claim::no(ledger.about(&view.workload.object, "it has no pods that policies select"))
        });
        let open = doubts.iter().copied().chain(self.unseen);
        let isolated = open.fold(isolated, |claim, gap| claim.or(Claim::unknown(gap)));
        Gate {
            workload,
            classes,
            host: None,
            isolated,
            doubts,
        }
    }

    /// Policies of kinds that are not evaluated.
    fn doubts(&mut self, view: &WorkloadView, ledger: &mut Ledger) -> Vec<GapId> {
        let mut doubts = Vec::new();
        for place in [None, Some(&*view.workload.key.namespace)] {
            for n in self.others.get(&place).into_iter().flatten() {
                let Some(policy) = self.inventory.other_policies.get(*n as usize) else {
                    continue;
                };
                let selector = policy.selector.as_ref();
                if selector.is_none_or(|s| selects(s, &view.pod_labels) != Truth::No) {
                    let kind = &*policy.object.kind;
                    let known = self.other_gaps.entry(kind);
                    doubts.push(*known.or_insert_with(|| ledger.gap(not_evaluated(kind))));
                }
            }
        }
        doubts.sort_unstable();
        doubts.dedup();
        doubts
    }

    fn isolated(&mut self, class: u32, ledger: &mut Ledger) -> Claim {
        let row = self.reach.ingress_row(class);
        if let Some(known) = self.isolated.get(&row) {
            return known.clone();
        }
        let from = self.reach.standing_for(Source::Cluster, class);
        let who = from.first().copied().unwrap_or(u32::MAX);
        let side = self.reach.ingress_side(class, who);
        let claim = if side.isolated == Truth::No && side.ports.sure.is_all() {
            let why = if side.selected_by.is_empty() {
                "no policy selects the pods for ingress"
            } else {
                "no policy that selects the pods keeps an arbitrary pod out"
            };
            Claim::no(said(why, ledger))
        } else {
            let enforced = self.enforcement_of(&side.selected_by, ledger);
            let mut by: Option<Claim> = None;
            let denying = side
                .said
                .iter()
                .filter(|said| said.action == AdminAction::Deny && said.truth == Truth::Yes);
            let isolating = side
                .isolated_by
                .iter()
                .chain(denying.map(|said| &said.policy));
            for policy in isolating.take(MOST_CITED) {
                let one = Claim::yes(ledger.about(policy, isolates(policy)));
                by = Some(match by {
                    Some(all) => all.or(one),
                    None => one,
                });
            }
            let by = by.unwrap_or_else(|| open(&side, Source::Cluster, None, ledger));
            by.and(enforced)
        };
        self.isolated.insert(row, claim.clone());
        claim
    }

    /// Whether traffic of a source gets to a port of the pods; port 0 is "some port".
    pub(crate) fn admit(
        &mut self,
        gate: &Gate,
        source: Source,
        port: (u16, &str),
        ledger: &mut Ledger,
    ) -> Admission {
        if let Some(open) = gate.host {
            return Admission {
                claim: Claim::yes(open),
                weight: 1.0,
                ranges: Truth::No,
            };
        }
        let mut all: Option<Answer> = None;
        for class in &gate.classes {
            let (claim, ranges) = self.ask(*class, source, wanted(port), ledger);
            all = Some(match all {
                Some((others, wide)) => (others.or(claim), wide.max(ranges)),
                None => (claim, ranges),
            });
        }
        let (mut claim, mut ranges) =
            all.unwrap_or_else(|| (gate.isolated.clone().not(), Truth::No));
        for doubt in &gate.doubts {
            claim = doubted(claim, *doubt);
        }
        if !gate.doubts.is_empty() {
            ranges = ranges.min(Truth::Unknown);
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
            ranges,
        }
    }

    /// Pods that stand for a source are asked one by one; any of them suffices.
    fn ask(&mut self, class: u32, source: Source, wanted: Wanted, ledger: &mut Ledger) -> Answer {
        if let Source::World { preserved } = source {
            let question = self.question(class, None, source, wanted);
            return self.answer(question, |gates| {
                gates.world(class, preserved, wanted, ledger)
            });
        }
        let mut all: Option<Claim> = None;
        for from in self.reach.standing_for(source, class) {
            let question = self.question(class, Some(from), source, wanted);
            let (one, _) = self.answer(question, |gates| {
                (gates.pods(class, from, source, wanted, ledger), Truth::No)
            });
            all = Some(match all {
                Some(all) => all.or(one),
                None => one,
            });
        }
        let claim = all.unwrap_or_else(|| Claim::unknown(ledger.gap(controller_not_seen())));
        (claim, Truth::No)
    }

    fn question(&self, class: u32, from: Option<u32>, source: Source, wanted: Wanted) -> Question {
        Question {
            row: self.reach.ingress_row(class),
            from: from.map(|from| (from, self.reach.out(from, class))),
            source,
            wanted,
        }
    }

    fn answer(&mut self, question: Question, ask: impl FnOnce(&mut Self) -> Answer) -> Answer {
        if let Some(known) = self.answers.get(&question) {
            return known.clone();
        }
        let answer = ask(self);
        self.answers.insert(question, answer.clone());
        answer
    }

    fn world(
        &mut self,
        class: u32,
        preserved: bool,
        wanted: Wanted,
        ledger: &mut Ledger,
    ) -> Answer {
        let source = Source::World { preserved };
        let world = self.reach.world(class, wanted);
        let side = self.reach.ingress_range(class, world.widest);
        let nothing = world.possible == ExposureClass::None;
        let rules = if world.sure == ExposureClass::Internet {
            admits(&side, source, wanted, ledger)
        } else if !preserved && !nothing {
            Claim::unknown(ledger.gap(translated()))
        } else if world.possible == ExposureClass::Internet {
            open(&side, source, wanted, ledger)
        } else {
            refuses(&side, source, wanted, ledger)
        };
        let claim = self.enforced_side(&side, rules, wanted, ledger);
        let ranges = if !preserved || nothing {
            Truth::No
        } else if world.sure == ExposureClass::None {
            Truth::Unknown
        } else {
            Truth::Yes
        };
        (claim, ranges)
    }

    /// What leaves the one end and what enters the other.
    fn pods(
        &mut self,
        class: u32,
        from: u32,
        source: Source,
        wanted: Wanted,
        ledger: &mut Ledger,
    ) -> Claim {
        let mut both: Option<Claim> = None;
        for side in [
            self.reach.egress_side(from, class),
            self.reach.ingress_side(class, from),
        ] {
            let rules = match side.ports.truth(wanted) {
                Truth::Yes => admits(&side, source, wanted, ledger),
                Truth::No => refuses(&side, source, wanted, ledger),
                Truth::Unknown => open(&side, source, wanted, ledger),
            };
            // An end that nothing governs has no part in the decision.
            if side.direction == Direction::Egress && side.selected_by.is_empty() {
                continue;
            }
            let one = self.enforced_side(&side, rules, wanted, ledger);
            both = Some(match both {
                Some(both) => both.and(one),
                None => one,
            });
        }
        let claim = both.unwrap_or_else(|| Claim::unknown(ledger.gap(controller_not_seen())));
        // Both ends let something through, but not the same.
        let together = self.reach.between(from, class).truth(wanted);
        let claim = if together == Truth::No && claim.truth() == Truth::Yes {
            Claim::no(said("the two ends let no port in common through", ledger))
        } else {
            claim
        };
        match (source, claim.truth()) {
            (Source::Node(_), Truth::No) => Claim::unknown(ledger.gap(from_node())),
            _ => claim,
        }
    }

    /// What the rules say counts as far as something enforces them.
    fn enforced_side(
        &mut self,
        side: &Side,
        rules: Claim,
        wanted: Wanted,
        ledger: &mut Ledger,
    ) -> Claim {
        if side.selected_by.is_empty() {
            return rules;
        }
        let enforced = self.enforcement_of(&side.selected_by, ledger);
        let open = enforced.clone().not().or(rules);
        // A rule of another kind that admits what NetworkPolicies deny does so only where it is enforced itself.
        if side.isolated == Truth::No || open.truth() != Truth::Yes {
            return open;
        }
        let other = side.said.iter().find(|said| {
            said.action == AdminAction::Allow
                && *said.policy.group != *NETWORK
                && hits(&said.ports, wanted)
        });
        match other.map(|said| self.enforcement(&said.policy.group, ledger)) {
            Some(other) if other.truth() == Truth::Unknown => open.and(other),
            _ => open,
        }
    }

    /// Workloads that get to a port, as far as the policies are enforced.
    pub(crate) fn inside(&mut self, gate: &Gate, port: (u16, &str), ledger: &mut Ledger) -> Inside {
        let open = |evidence| Inside {
            everyone: Claim::yes(evidence),
            own: Claim::yes(evidence),
            sets: Vec::new(),
        };
        if let Some(host) = gate.host {
            return open(host);
        }
        let (mut everyone, mut own, mut untold) = (false, false, false);
        let mut sets: Vec<PeerSet> = Vec::new();
        for class in &gate.classes {
            let gets = self.pools.gets(&self.reach, *class, wanted(port));
            everyone |= gets.everyone;
            own |= gets.own;
            untold |= gets.untold;
            sets.extend(gets.sets.iter().cloned());
        }
        if everyone {
            return open(said("policies keep no workload out", ledger));
        }
        if !gate.doubts.is_empty() {
            for set in &mut sets {
                set.id |= 1;
                set.sure = Arc::from([]);
            }
        }
        let mut kept_out = |ledger: &mut Ledger| {
            if untold {
                return Claim::unknown(ledger.gap(gap(
                    "peers-not-listed",
                    "policies admit too many different sets of workloads to list them all",
                    "networkpolicies",
                    "",
                )));
            }
            let out = Claim::no(said("policies keep some workloads out", ledger));
            let enforced = self.enforcement_of(&[], ledger);
            enforced.not().or(out)
        };
        let everyone = kept_out(ledger);
        let own = if own {
            Claim::yes(said(
                "policies keep no workload of the namespace out",
                ledger,
            ))
        } else {
            kept_out(ledger)
        };
        Inside {
            everyone,
            own,
            sets,
        }
    }
}

fn wanted((port, protocol): (u16, &str)) -> Wanted {
    // What policies cannot name, they cannot single out.
    (port > 0)
        .then(|| Protocol::parse(protocol).map(|protocol| (protocol, port)))
        .flatten()
}

/// It may be otherwise.
fn doubted(claim: Claim, gap: GapId) -> Claim {
    match claim.truth() {
        Truth::No => claim.or(Claim::unknown(gap)),
        Truth::Yes | Truth::Unknown => claim.and(Claim::unknown(gap)),
    }
}
