//! Calico's policies as rules of tiers.
//! Comes in: views. Goes out: policies, whom a rule means over all classes and intervals, and what they ask of pods and
//! of the address space. Never: a rule that depends on what was not seen as one that is certain.
//!
//! Source: calico docs "Get started with policy tiers", "Network policy"; `libcalico-go` converts labels of namespaces
//! and service accounts to labels of end points, which is why one expression asks for all three.

use super::classes::{Asked, Class};
use super::meets::Meets;
use super::nets::{Nets, mark};
use super::rules::{
    Chain, DEFAULT_TIER, Governed, Layer, Meant, Peers, Policy, Reading, Rule, except, named,
    place, ports,
};
use super::space::Space;
use ipnet::IpNet;
use model::evidence::Truth;
use model::reach::Direction;
use model::text::Text;
use semantics::expression::ACCOUNT_NAME;
use semantics::view::{
    AdminAction, CalicoPeer, CalicoPolicy, CalicoRule, Expression, Inventory, Label, LabelOf,
    Labels, NetworkSet, Test,
};
use std::collections::BTreeMap;

/// Tiers that Calico makes itself and their orders; policies of other APIs are in them.
const OWN_TIERS: [(&str, f64, bool); 5] = [
    ("adminnetworkpolicy", 1e3, true),
    ("kube-admin", 1e3, true),
    (DEFAULT_TIER, 1e6, false),
    ("baselineadminnetworkpolicy", 1e7, true),
    ("kube-baseline", 1e7, true),
];
/// Order of a NetworkPolicy in the default tier.
pub(crate) const NETWORK_POLICY: f64 = 1e3;

fn rules(policy: &CalicoPolicy, direction: Direction) -> Option<&Vec<CalicoRule>> {
    match direction {
        Direction::Ingress => policy.ingress.as_ref(),
        Direction::Egress => policy.egress.as_ref(),
    }
}

pub(crate) fn asked<'a>(inventory: &'a Inventory, asked: &mut Asked<'a>) {
    for policy in &inventory.calico.policies {
        let mut ask = |expression: &'a Expression| {
            expression.labels(&mut |label| match label.of {
                LabelOf::Pod => _ = asked.labels.insert(&label.key),
                LabelOf::Account => asked.accounts = true,
                LabelOf::Namespace => {}
            });
        };
        let all = [Direction::Ingress, Direction::Egress];
        let all = all.iter().filter_map(|d| rules(policy, *d)).flatten();
        let peers = all.clone().map(|rule| &rule.peer);
        let selectors = peers.clone().flat_map(|p| [&p.selector, &p.not_selector]);
        policy.subject.iter().for_each(&mut ask);
        selectors.flatten().for_each(&mut ask);
        asked.addresses |= peers
            .clone()
            .any(|p| !p.nets.is_empty() || !p.not_nets.is_empty() || p.four.is_some());
        for rule in all {
            named(asked, rule.ports.as_deref().unwrap_or_default());
            named(asked, &rule.not_ports);
        }
    }
}

pub(crate) fn blocks<'a>(
    inventory: &'a Inventory,
    direction: Direction,
    all: &mut Vec<(&'a IpNet, &'a [IpNet])>,
) {
    let calico = &inventory.calico;
    let of = calico.policies.iter().filter_map(|p| rules(p, direction));
    for peer in of.flatten().map(|rule| &rule.peer) {
        let nets = peer.nets.iter().chain(&peer.not_nets);
        all.extend(nets.map(|net| (net, &[][..])));
    }
    if !calico.policies.is_empty() {
        let nets = calico.sets.iter().flat_map(|set| &set.nets);
        all.extend(nets.map(|net| (net, &[][..])));
    }
}

/// Where a tier stands, whether it passes on what it does not decide, and whether that is known.
fn tier(inventory: &Inventory, name: &str) -> (f64, bool, bool) {
    let own = OWN_TIERS.iter().find(|(own, _, _)| *own == name);
    let seen = inventory.calico.tiers.iter().find(|t| &*t.name == name);
    match (own, seen) {
        (Some((_, order, passes)), _) => (*order, *passes, name == DEFAULT_TIER),
        (None, Some(tier)) => (tier.order, tier.passes, true),
        // Before all others, where what it may say counts the most; it is certain of nothing.
        (None, None) => (f64::NEG_INFINITY, false, false),
    }
}

impl Reading<'_> {
    pub(crate) fn calico(&mut self, policy: &CalicoPolicy) -> Policy {
        let (order, passes, known) = tier(self.inventory, &policy.tier);
        // Whether one of a NetworkPolicy's own order comes before or after it is not documented: it is taken to come before,
        // and not to be certain.
        let tied = policy.order.total_cmp(&NETWORK_POLICY).is_eq() && &*policy.tier == DEFAULT_TIER;
        let mut rules = |direction: Direction| {
            let rules = rules(policy, direction)?;
            let read = rules.iter().enumerate().map(|(n, rule)| {
                let tied = tied && rule.action != AdminAction::Allow;
                Rule {
                    name: place(direction, n),
                    action: rule.action,
                    peers: self.intern(direction, vec![Meant::Calico(rule.peer.clone())]),
                    ports: except(ports(rule.ports.as_ref()), &rule.not_ports),
                    malformed: rule.malformed,
                    narrowed: rule.narrowed || tied,
                }
            });
            Some(read.collect::<Vec<Rule>>())
        };
        let rules = [rules(Direction::Ingress), rules(Direction::Egress)];
        Policy {
            object: policy.object.clone(),
            layer: Layer {
                chain: Chain::Network,
                tier: order,
                name: Text::clone(&policy.tier),
                order: if tied {
                    policy.order.next_down()
                } else {
                    policy.order
                },
            },
            governed: self.calico_subject(policy, known),
            isolates: [!passes && rules[0].is_some(), !passes && rules[1].is_some()],
            rules,
        }
    }

    fn calico_subject(&self, policy: &CalicoPolicy, known: bool) -> Governed {
        let namespace = policy.namespace.as_deref();
        let namespace = namespace.map(|name| self.namespaces.find(name).unwrap_or(u32::MAX));
        let candidates: Vec<u32> = match namespace {
            Some(n) => {
                let of = self.classes.in_namespace.get(n as usize);
                of.cloned().unwrap_or_default()
            }
            None => (0_u32..).take(self.classes.all.len()).collect(),
        };
        let all = candidates.into_iter().filter_map(|n| {
            let class = self.classes.all.get(n as usize)?;
            let mut meets = match &policy.subject {
                Some(subject) => self.holds(subject, class).into(),
                None => Meets::MaybeNot,
            };
            if !known {
                meets = meets.min(Meets::MaybeSo);
            }
            // Such pods are no end points of Calico's; a policy of the whole cluster may mean their node.
            if class.host_network {
                meets = match namespace {
                    Some(_) => Meets::No,
                    None => meets.min(Meets::MaybeNot),
                };
            }
            (meets != Meets::No).then_some((n, meets))
        });
        Governed::Listed(namespace, all.collect())
    }

    /// Whether a class carries what an expression asks for.
    fn holds(&self, expression: &Expression, class: &Class) -> Truth {
        let accounts = &self.inventory.calico.accounts;
        expression.truth(&|label: &Label| match label.of {
            LabelOf::Pod => match (class.namespace, &*label.key) {
                (_, "projectcalico.org/orchestrator") => Ok(Some("k8s")),
                (None, _) => Err(()),
                _ => Ok(class.labels.get(&label.key).map(|value| &**value)),
            },
            LabelOf::Namespace => match class.namespace {
                Some(n) => self.namespaces.label(n, &label.key),
                None => Err(()),
            },
            LabelOf::Account => {
                let name = class.account.as_ref().ok_or(())?;
                if &*label.key == ACCOUNT_NAME {
                    return Ok(Some(name));
                }
                if name.is_empty() {
                    return Ok(None);
                }
                let namespace = class.namespace.ok_or(())?;
                let of = self
                    .namespaces
                    .label(namespace, "kubernetes.io/metadata.name")?;
                let key = (Text::from(of.unwrap_or("")), Text::clone(name));
                of_account(accounts, &key, &label.key)
            }
        })
    }

    /// The same of a network set, whose labels are its own and those of its namespace.
    fn holds_set(&self, expression: &Expression, set: &NetworkSet) -> Truth {
        expression.truth(
            &|label: &Label| match (label.of, set.namespace.as_deref()) {
                (LabelOf::Pod, _) => Ok(set.labels.get(&label.key).map(|value| &**value)),
                (LabelOf::Namespace, Some(name)) => match self.namespaces.find(name) {
                    Some(n) => self.namespaces.label(n, &label.key),
                    None if &*label.key == "kubernetes.io/metadata.name" => Ok(Some(
                        // The set outlives every borrow of the label.
                        set.namespace.as_deref().unwrap_or(""),
                    )),
                    None => Err(()),
                },
                (LabelOf::Namespace | LabelOf::Account, _) => Ok(None),
            },
        )
    }

    /// Whom a rule means.
    pub(crate) fn calico_peers(&self, direction: Direction, peer: &CalicoPeer) -> Peers {
        let space = &self.spaces[direction as usize];
        let nets = Nets::of(space, &peer.nets, &peer.not_nets, peer.four);
        let default = if peer.selector.is_none() && peer.nets.is_empty() {
            Meets::Yes
        } else {
            Meets::No
        };
        let class = |n: u32| {
            let class = self.classes.all.get(n as usize)?;
            let meets = self.means_class(peer, class).min(nets.class(class));
            (meets != default).then_some((n, meets))
        };
        let classes = match peer.selector.as_ref().and_then(home) {
            Some(names) => self
                .in_namespaces(names)
                .into_iter()
                .filter_map(class)
                .collect(),
            None => (0_u32..)
                .take(self.classes.all.len())
                .filter_map(class)
                .collect(),
        };
        let mut intervals = self.means_intervals(space, peer);
        for (n, meets) in intervals.iter_mut().enumerate() {
            if !nets.interval(n) {
                *meets = Meets::No;
            }
        }
        let intervals = (0_u32..).zip(intervals);
        Peers {
            pods: default,
            ranges: default,
            classes,
            intervals: intervals.filter(|(_, meets)| *meets != default).collect(),
        }
    }

    /// Classes of namespaces by name, and those of which the namespace is not known; ordered.
    fn in_namespaces(&self, names: &[Text]) -> Vec<u32> {
        let known = names.iter().filter_map(|name| self.namespaces.find(name));
        let mut all: Vec<u32> = known
            .filter_map(|n| self.classes.in_namespace.get(n as usize))
            .flatten()
            .copied()
            .collect();
        let somewhere = (0_u32..).zip(&self.classes.all);
        all.extend(
            somewhere
                .filter(|(_, c)| c.namespace.is_none())
                .map(|(n, _)| n),
        );
        all.sort_unstable();
        all.dedup();
        all
    }

    /// What labels say of addresses outside of the pods: network sets, and end points of nodes.
    fn means_intervals(&self, space: &Space, peer: &CalicoPeer) -> Vec<Meets> {
        let of_sets = |expression: &Expression| -> Vec<Meets> {
            let mut means = vec![Meets::No; space.len()];
            for set in &self.inventory.calico.sets {
                let holds: Meets = self.holds_set(expression, set).into();
                if holds == Meets::No {
                    continue;
                }
                if set.names {
                    for at in &mut means {
                        *at = (*at).max(Meets::MaybeNot);
                    }
                }
                mark(space, &set.nets, |n| {
                    means.get_mut(n).map(|at| *at = (*at).max(holds))
                });
            }
            means
        };
        let mut means = match &peer.selector {
            None => vec![Meets::Yes; space.len()],
            Some(selector) => of_sets(selector),
        };
        let nodes = |selector: &Expression| {
            // An end point of a node carries labels of its own, and is in no namespace.
            let outside = |label: &Label| match label.of {
                LabelOf::Pod => Err(()),
                LabelOf::Namespace | LabelOf::Account => Ok(None),
            };
            self.inventory.calico.host_endpoints && selector.truth(&outside) != Truth::No
        };
        if peer.selector.as_ref().is_some_and(nodes) {
            for at in &mut means {
                *at = (*at).max(Meets::MaybeNot);
            }
        }
        if let Some(not) = &peer.not_selector {
            let unsure = nodes(not);
            for (at, not) in means.iter_mut().zip(of_sets(not)) {
                *at = (*at).min(match not {
                    Meets::No if unsure => Meets::MaybeSo,
                    Meets::No => Meets::Yes,
                    Meets::Yes => Meets::No,
                    Meets::MaybeNot | Meets::MaybeSo => Meets::MaybeSo,
                });
            }
        }
        means
    }

    fn means_class(&self, peer: &CalicoPeer, class: &Class) -> Meets {
        let selected = peer.selector.as_ref().map(|of| self.holds(of, class));
        let mut meets: Meets = selected.unwrap_or(Truth::Yes).into();
        if let Some(not) = &peer.not_selector {
            meets = meets.min(match self.holds(not, class) {
                Truth::No => Meets::Yes,
                Truth::Unknown => Meets::MaybeSo,
                Truth::Yes => Meets::No,
            });
        }
        // Such pods are no end points, so no label means them; their node may be one.
        if class.host_network && selected.is_some() {
            meets = meets.min(Meets::MaybeNot);
        }
        meets
    }
}

/// The only namespaces in which it can hold.
fn home(expression: &Expression) -> Option<&[Text]> {
    match expression {
        Expression::Is(label, Test::OneOf, names)
            if label.of == LabelOf::Namespace && &*label.key == "kubernetes.io/metadata.name" =>
        {
            Some(names)
        }
        Expression::And(all) => all.iter().find_map(home),
        _ => None,
    }
}

fn of_account<'a>(
    accounts: &'a BTreeMap<(Text, Text), Labels>,
    key: &(Text, Text),
    label: &str,
) -> Result<Option<&'a str>, ()> {
    let labels = accounts.get(key).ok_or(())?;
    Ok(labels.get(label).map(|value| &**value))
}
