//! Policies of all kinds in one form: who is governed, and rules in the order in which they are asked.
//! Comes in: the inventory's policies. Goes out: layers of rules, each peer evaluated once over all classes.
//! Never: reachability.

use super::classes::{Asked, Class, Classes, NamedPort};
use super::meets::Meets;
use super::ports::{PortSet, Protocol};
use super::space::Space;
use super::{calico, cilium, mesh};
use crate::address;
use crate::namespaces::Namespaces;
use ipnet::IpNet;
use model::object::ObjectRef;
use model::reach::Direction;
use model::text::Text;
use rustc_hash::FxHashMap;
use semantics::view::{
    AdminAction, AdminPeer, AdminPods, AdminTier, CalicoPeer, Inventory, MeshSource, PolicyPeer,
    PolicyPort, Selector, TargetPort,
};
use std::cmp::Ordering;
use std::net::IpAddr;

/// Traffic must get through each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Chain {
    Network,
    /// Proxies of a mesh beside the pods.
    Mesh,
}

/// The tier in which NetworkPolicies are, by Calico's name.
pub(crate) const DEFAULT_TIER: &str = "default";

/// Where a policy stands. Tiers are asked in their order, as Calico numbers them; in each its policies in theirs.
#[derive(Clone, Debug)]
pub(crate) struct Layer {
    pub(crate) chain: Chain,
    pub(crate) tier: f64,
    pub(crate) name: Text,
    pub(crate) order: f64,
}

impl Layer {
    fn of(tier: f64, name: &str, order: f64) -> Self {
        Layer {
            chain: Chain::Network,
            tier,
            name: name.into(),
            order,
        }
    }

    fn admin(priority: i64) -> Self {
        Layer::of(1e3, "adminnetworkpolicy", priority as f64)
    }

    /// Cilium's rules that deny: before whatever allows.
    pub(crate) fn deny() -> Self {
        Layer::of(1e6, "", 0.0)
    }

    /// NetworkPolicy, Cilium's rules that allow: they only add, and what none allows is denied.
    pub(crate) fn developer() -> Self {
        Layer::of(1e6, DEFAULT_TIER, calico::NETWORK_POLICY)
    }

    fn baseline(priority: i64) -> Self {
        Layer::of(1e7, "baselineadminnetworkpolicy", priority as f64)
    }

    fn cmp_tier(&self, other: &Layer) -> Ordering {
        let chain = self.chain.cmp(&other.chain);
        let tier = chain.then(self.tier.total_cmp(&other.tier));
        tier.then_with(|| self.name.cmp(&other.name))
    }
}

pub(crate) struct Policy {
    pub(crate) object: ObjectRef,
    pub(crate) layer: Layer,
    pub(crate) governed: Governed,
    /// By direction; `None`: says nothing about it.
    pub(crate) rules: [Option<Vec<Rule>>; 2],
    /// By direction: what no policy of its tier decides is denied.
    pub(crate) isolates: [bool; 2],
}

pub(crate) enum Governed {
    /// Pods of one namespace.
    Own(u32, Selector),
    Pods(AdminPods),
    /// Classes, ordered, of the one namespace where it is one's.
    Listed(Option<u32>, Vec<(u32, Meets)>),
    Unknown,
}

pub(crate) struct Rule {
    /// Its `name`, else its place: `ingress[0]`.
    pub(crate) name: Text,
    pub(crate) action: AdminAction,
    /// Index into [`Policies::peers`].
    pub(crate) peers: u32,
    pub(crate) ports: Ports,
    pub(crate) malformed: bool,
    /// Only a part of the traffic gets through, as layer 7 decides.
    pub(crate) narrowed: bool,
}

/// Ports as written; names mean what the destination says.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ports {
    pub(crate) fixed: PortSet,
    pub(crate) named: Vec<(Text, Option<Protocol>)>,
    /// What of them is not meant.
    pub(crate) except: Option<Box<Ports>>,
}

impl Ports {
    pub(crate) fn at(&self, destination: &[NamedPort]) -> PortSet {
        let mut all = self.fixed.clone();
        for (name, protocol) in &self.named {
            for (known, of, number) in destination {
                if known == name && protocol.is_none_or(|p| p == *of) {
                    all = all.union(&PortSet::range(*of, *number, *number));
                }
            }
        }
        match &self.except {
            Some(except) => all.difference(&except.at(destination)),
            None => all,
        }
    }

    /// Whether some are names.
    pub(crate) fn names(&self) -> bool {
        !self.named.is_empty() || self.except.as_ref().is_some_and(|of| of.names())
    }
}

/// Who a rule means, over all classes and intervals of one direction.
#[derive(Clone, Debug)]
pub(crate) struct Peers {
    /// Of classes that are not listed.
    pub(crate) pods: Meets,
    /// Of intervals that are not listed.
    pub(crate) ranges: Meets,
    /// Ordered; never the value that is not listed.
    pub(crate) classes: Vec<(u32, Meets)>,
    /// Ordered; indices into the direction's space.
    pub(crate) intervals: Vec<(u32, Meets)>,
}

impl Peers {
    pub(crate) fn class(&self, class: u32) -> Meets {
        find(&self.classes, class).unwrap_or(self.pods)
    }

    pub(crate) fn interval(&self, interval: u32) -> Meets {
        find(&self.intervals, interval).unwrap_or(self.ranges)
    }
}

fn find(list: &[(u32, Meets)], key: u32) -> Option<Meets> {
    let at = list.binary_search_by_key(&key, |(key, _)| *key).ok()?;
    list.get(at).map(|(_, truth)| *truth)
}

/// A peer as it was written, so that equal ones are evaluated once.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Meant {
    Everyone,
    Pods(Pods),
    Block {
        cidr: IpNet,
        except: Vec<IpNet>,
        pods: OnPods,
    },
    /// Nodes and names: addresses that are not known.
    Unresolved,
    /// Whom a rule of Calico's means, alone in its list.
    Calico(CalicoPeer),
    /// Whom a rule of Istio's means, alone in its list.
    Mesh(Vec<MeshSource>),
    /// Whoever sends plain text, alone in its list.
    Plain,
}

/// Whether a block means addresses of pods, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum OnPods {
    /// NetworkPolicy API: blocks are meant for addresses outside of the cluster; the rest is left to the plugin.
    Undefined,
    /// Cilium knows pods and nodes by their identity, never by their address.
    Never,
    /// Administrators' policies match them, for what the rule does.
    For(AdminAction),
}

/// Pods by labels, in the policy's own namespace (`Err`) or in namespaces by labels.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Pods {
    pub namespaces: Result<Selector, u32>,
    pub pods: Selector,
}

impl Pods {
    /// Whether every pod that is meant here is meant by `other` too, as far as the selectors show it.
    pub(crate) fn implies(&self, other: &Pods) -> bool {
        let namespaces = match (&self.namespaces, &other.namespaces) {
            (Ok(a), Ok(b)) => implied(a, b),
            (Err(a), Err(b)) => a == b,
            (Err(_), Ok(b)) => b.is_everything(),
            (Ok(_), Err(_)) => false,
        };
        namespaces && implied(&self.pods, &other.pods)
    }
}

/// Every requirement of `b` is one of `a`.
fn implied(a: &Selector, b: &Selector) -> bool {
    !b.malformed
        && b.equals
            .iter()
            .all(|(key, value)| a.equals.get(key) == Some(value))
        && b.expressions.iter().all(|e| a.expressions.contains(e))
}

pub(crate) struct Policies {
    /// In the order in which they are asked.
    pub(crate) all: Vec<Policy>,
    /// Parallel to `all`: equal numbers are one tier.
    pub(crate) tiers: Vec<u32>,
    pub(crate) peers: Vec<Peers>,
    /// Parallel to `peers`: as they were written.
    pub(crate) meant: Vec<Vec<Meant>>,
    /// Address space as the rules of a direction cut it.
    pub(crate) spaces: [Space; 2],
}

/// What policies ask of pods.
pub(crate) fn asked(inventory: &Inventory) -> Asked<'_> {
    let mut asked = Asked::default();
    for policy in &inventory.network_policies {
        asked.selector(&policy.selector);
        for rule in policy.ingress.iter().chain(&policy.egress) {
            for peer in &rule.peers {
                if let PolicyPeer::Pods { pods, .. } = peer {
                    asked.selector(pods);
                }
            }
            named(&mut asked, &rule.ports);
        }
    }
    for policy in &inventory.admin_policies {
        if let Some(subject) = &policy.subject {
            asked.selector(&subject.pods);
        }
        for rule in policy.ingress.iter().chain(&policy.egress) {
            for peer in &rule.peers {
                match peer {
                    AdminPeer::Pods(of) => asked.selector(&of.pods),
                    AdminPeer::Networks(_) => asked.addresses = true,
                    AdminPeer::Nodes(_) | AdminPeer::Names(_) => {}
                }
            }
            named(&mut asked, rule.ports.as_deref().unwrap_or_default());
        }
    }
    cilium::asked(inventory, &mut asked);
    calico::asked(inventory, &mut asked);
    mesh::asked(inventory, &mut asked);
    asked
}

pub(crate) fn named<'a>(asked: &mut Asked<'a>, ports: &'a [PolicyPort]) {
    for port in ports {
        if let Some(TargetPort::Name(name)) = &port.port {
            asked.ports.insert(name);
        }
    }
}

impl Policies {
    pub(crate) fn of(inventory: &Inventory, namespaces: &Namespaces, classes: &Classes) -> Self {
        let mut reading = Reading {
            inventory,
            namespaces,
            classes,
            spaces: [
                Space::cut(blocks(inventory, Direction::Ingress)),
                Space::cut(blocks(inventory, Direction::Egress)),
            ],
            peers: Vec::new(),
            meant: Vec::new(),
            known: FxHashMap::default(),
        };
        let mut all: Vec<Policy> = Vec::new();
        let admin = inventory.admin_policies.iter();
        for policy in admin.clone().filter(|p| p.tier == AdminTier::Admin) {
            all.push(reading.admin(policy, Layer::admin(policy.priority)));
        }
        for policy in &inventory.cilium_policies {
            all.push(reading.cilium(policy, true));
        }
        for policy in &inventory.network_policies {
            all.push(reading.developer(policy));
        }
        for policy in &inventory.cilium_policies {
            all.push(reading.cilium(policy, false));
        }
        for policy in &inventory.calico.policies {
            all.push(reading.calico(policy));
        }
        for policy in admin.filter(|p| p.tier == AdminTier::Baseline) {
            all.push(reading.admin(policy, Layer::baseline(policy.priority)));
        }
        reading.mesh(&mut all);
        all.sort_by(|a, b| {
            let tier = a.layer.cmp_tier(&b.layer);
            tier.then(a.layer.order.total_cmp(&b.layer.order))
        });
        let mut tiers: Vec<u32> = Vec::with_capacity(all.len());
        for (n, policy) in all.iter().enumerate() {
            let before = n.checked_sub(1).and_then(|n| all.get(n));
            let last = tiers.last().copied().unwrap_or(0);
            let new = before.is_some_and(|b| b.layer.cmp_tier(&policy.layer).is_ne());
            tiers.push(last + u32::from(new));
        }
        Policies {
            all,
            tiers,
            peers: reading.peers,
            meant: reading.meant,
            spaces: reading.spaces,
        }
    }

    pub(crate) fn peers_of(&self, rule: &Rule) -> Option<&Peers> {
        self.peers.get(rule.peers as usize)
    }
}

impl Policy {
    /// Whether it governs the pods of a class.
    pub(crate) fn governs(&self, n: u32, class: &Class, namespaces: &Namespaces) -> Meets {
        let meets = match &self.governed {
            Governed::Listed(_, classes) => return find(classes, n).unwrap_or(Meets::No),
            Governed::Own(namespace, pods) if class.namespace == Some(*namespace) => {
                class.selected(pods)
            }
            Governed::Own(..) => Meets::No,
            Governed::Pods(of) => class_in(class, of, namespaces),
            Governed::Unknown => Meets::MaybeNot,
        };
        // NetworkPolicy API: what is applied to pods on the node's network is not defined.
        if class.host_network {
            meets.min(Meets::MaybeSo)
        } else {
            meets
        }
    }

    /// The only namespace whose pods it can govern.
    pub(crate) fn namespace(&self) -> Option<u32> {
        match &self.governed {
            Governed::Own(namespace, _) | Governed::Listed(Some(namespace), _) => Some(*namespace),
            _ => None,
        }
    }
}

fn class_in(class: &Class, of: &AdminPods, namespaces: &Namespaces) -> Meets {
    let namespace = match class.namespace {
        Some(n) => namespaces.selected(&of.namespaces, n).into(),
        None if of.namespaces.is_everything() => Meets::Yes,
        None => Meets::MaybeNot,
    };
    namespace.min(class.selected(&of.pods))
}

/// All blocks of one direction's rules with their holes.
fn blocks(inventory: &Inventory, direction: Direction) -> Vec<(&IpNet, &[IpNet])> {
    let mut all = Vec::new();
    for policy in &inventory.network_policies {
        let rules = match direction {
            Direction::Ingress => &policy.ingress,
            Direction::Egress => &policy.egress,
        };
        for peer in rules.iter().flat_map(|rule| &rule.peers) {
            if let PolicyPeer::Block { cidr, except } = peer {
                all.push((cidr, &**except));
            }
        }
    }
    for policy in &inventory.admin_policies {
        let rules = match direction {
            Direction::Ingress => &policy.ingress,
            Direction::Egress => &policy.egress,
        };
        for peer in rules.iter().flat_map(|rule| &rule.peers) {
            if let AdminPeer::Networks(nets) = peer {
                all.extend(nets.iter().map(|net| (net, &[][..])));
            }
        }
    }
    cilium::blocks(inventory, direction, &mut all);
    calico::blocks(inventory, direction, &mut all);
    if direction == Direction::Ingress {
        mesh::blocks(inventory, &mut all);
    }
    all
}

pub(crate) struct Reading<'a> {
    pub(crate) inventory: &'a Inventory,
    pub(crate) namespaces: &'a Namespaces<'a>,
    pub(crate) classes: &'a Classes,
    pub(crate) spaces: [Space; 2],
    peers: Vec<Peers>,
    meant: Vec<Vec<Meant>>,
    known: FxHashMap<(Direction, Vec<Meant>), u32>,
}

impl Reading<'_> {
    fn developer(&mut self, policy: &semantics::view::NetworkPolicy) -> Policy {
        let namespace = self.namespaces.find(&policy.namespace).unwrap_or(u32::MAX);
        let sides = [
            (Direction::Ingress, policy.isolates_ingress, &policy.ingress),
            (Direction::Egress, policy.isolates_egress, &policy.egress),
        ];
        let rules = sides.map(|(direction, isolates, rules)| {
            let rules = rules.iter().enumerate().map(|(n, rule)| {
                let meant = rule.peers.iter().map(|peer| match peer {
                    PolicyPeer::Pods { pods, namespaces } => Meant::Pods(Pods {
                        namespaces: namespaces.clone().ok_or(namespace),
                        pods: pods.clone(),
                    }),
                    PolicyPeer::Block { cidr, except } => Meant::Block {
                        cidr: *cidr,
                        except: except.clone(),
                        pods: OnPods::Undefined,
                    },
                });
                let mut meant: Vec<Meant> = meant.collect();
                if meant.is_empty() {
                    meant.push(Meant::Everyone);
                }
                Rule {
                    name: place(direction, n),
                    action: AdminAction::Allow,
                    peers: self.intern(direction, meant),
                    ports: ports((!rule.ports.is_empty()).then_some(&rule.ports)),
                    malformed: false,
                    narrowed: false,
                }
            });
            isolates.then(|| rules.collect())
        });
        Policy {
            object: ObjectRef::new(
                "networking.k8s.io",
                "NetworkPolicy",
                Some(&policy.namespace),
                &policy.name,
            ),
            layer: Layer::developer(),
            governed: Governed::Own(namespace, policy.selector.clone()),
            rules,
            isolates: [policy.isolates_ingress, policy.isolates_egress],
        }
    }

    fn admin(&mut self, policy: &semantics::view::AdminPolicy, layer: Layer) -> Policy {
        let sides = [
            (Direction::Ingress, &policy.ingress),
            (Direction::Egress, &policy.egress),
        ];
        let rules = sides.map(|(direction, rules)| {
            let rules = rules.iter().enumerate().map(|(n, rule)| {
                let mut meant = Vec::new();
                for peer in &rule.peers {
                    match peer {
                        AdminPeer::Pods(of) => meant.push(Meant::Pods(Pods {
                            namespaces: Ok(of.namespaces.clone()),
                            pods: of.pods.clone(),
                        })),
                        AdminPeer::Networks(nets) => {
                            meant.extend(nets.iter().map(|net| Meant::Block {
                                cidr: *net,
                                except: Vec::new(),
                                pods: OnPods::For(rule.action),
                            }));
                        }
                        AdminPeer::Nodes(_) | AdminPeer::Names(_) => meant.push(Meant::Unresolved),
                    }
                }
                Rule {
                    name: if rule.name.is_empty() {
                        place(direction, n)
                    } else {
                        Text::clone(&rule.name)
                    },
                    action: rule.action,
                    peers: self.intern(direction, meant),
                    ports: ports(rule.ports.as_ref()),
                    malformed: rule.malformed,
                    narrowed: false,
                }
            });
            let rules: Vec<Rule> = rules.collect();
            (!rules.is_empty()).then_some(rules)
        });
        Policy {
            object: policy.object.clone(),
            layer,
            governed: policy
                .subject
                .clone()
                .map_or(Governed::Unknown, Governed::Pods),
            rules,
            isolates: [false, false],
        }
    }

    pub(crate) fn intern(&mut self, direction: Direction, meant: Vec<Meant>) -> u32 {
        let key = (direction, meant);
        if let Some(known) = self.known.get(&key) {
            return *known;
        }
        let peers = self.resolve(direction, &key.1);
        let id = u32::try_from(self.peers.len()).unwrap_or(u32::MAX);
        self.peers.push(peers);
        self.meant.push(key.1.clone());
        self.known.insert(key, id);
        id
    }

    fn resolve(&self, direction: Direction, meant: &[Meant]) -> Peers {
        match meant {
            [Meant::Calico(peer)] => return self.calico_peers(direction, peer),
            [Meant::Mesh(sources)] => return self.mesh_peers(direction, sources),
            [Meant::Plain] => return self.plain(),
            _ => {}
        }
        let mut all = Peers {
            pods: Meets::No,
            ranges: Meets::No,
            classes: Vec::new(),
            intervals: Vec::new(),
        };
        for one in meant {
            match one {
                Meant::Everyone => {
                    all.pods = Meets::Yes;
                    all.ranges = Meets::Yes;
                }
                Meant::Unresolved | Meant::Calico(_) | Meant::Mesh(_) | Meant::Plain => {
                    all.ranges = all.ranges.max(Meets::MaybeNot);
                }
                Meant::Pods(Pods { namespaces, pods }) => match namespaces {
                    Ok(selector) if selector.is_everything() && pods.is_everything() => {
                        all.pods = Meets::Yes;
                    }
                    _ => self.pods(namespaces, pods, &mut all.classes),
                },
                Meant::Block { cidr, except, pods } => {
                    self.block(direction, (cidr, except), *pods, &mut all);
                }
            }
        }
        let settle = |list: &mut Vec<(u32, Meets)>, default: Meets| {
            // The strongest of equal keys stands last and wins.
            list.sort_unstable();
            list.dedup_by(|later, earlier| {
                let same = later.0 == earlier.0;
                if same {
                    earlier.1 = earlier.1.max(later.1);
                }
                same
            });
            list.retain(|(_, truth)| *truth > default);
        };
        settle(&mut all.classes, all.pods);
        settle(&mut all.intervals, all.ranges);
        all
    }

    fn pods(
        &self,
        namespaces: &Result<Selector, u32>,
        pods: &Selector,
        into: &mut Vec<(u32, Meets)>,
    ) {
        let mut take = |namespace: u32, at_most: Meets| {
            let of = self.classes.in_namespace.get(namespace as usize);
            for id in of.into_iter().flatten() {
                if let Some(class) = self.classes.all.get(*id as usize) {
                    // What a selector means for pods on the node's network is not defined.
                    let network = if class.host_network {
                        Meets::MaybeSo
                    } else {
                        Meets::Yes
                    };
                    let truth = at_most.min(class.selected(pods)).min(network);
                    if truth != Meets::No {
                        into.push((*id, truth));
                    }
                }
            }
        };
        match namespaces {
            Err(own) => take(*own, Meets::Yes),
            Ok(selector) => {
                for n in self.namespaces.all() {
                    match self.namespaces.selected(selector, n).into() {
                        Meets::No => {}
                        meets => take(n, meets),
                    }
                }
            }
        }
        // Pods that are somewhere, in a namespace of which nothing is known.
        for (id, class) in (0_u32..).zip(&self.classes.all) {
            if class.namespace.is_none() {
                let anywhere = matches!(namespaces, Ok(selector) if selector.is_everything());
                let namespace = if anywhere {
                    Meets::Yes
                } else {
                    Meets::MaybeNot
                };
                into.push((id, namespace.min(class.selected(pods))));
            }
        }
    }

    fn block(
        &self,
        direction: Direction,
        (cidr, except): (&IpNet, &[IpNet]),
        pods: OnPods,
        all: &mut Peers,
    ) {
        let space = &self.spaces[direction as usize];
        for n in space.covered(cidr) {
            let inside = space
                .interval(n)
                .is_some_and(|interval| !except.iter().any(|hole| hole.contains(&interval.first)));
            if let (true, Ok(n)) = (inside, u32::try_from(n)) {
                all.intervals.push((n, Meets::Yes));
            }
        }
        let action = match pods {
            OnPods::For(action) => action,
            OnPods::Never => return,
            OnPods::Undefined => {
                if address::overlaps_private(cidr, except) {
                    all.pods = all.pods.max(Meets::MaybeNot);
                }
                return;
            }
        };
        for (id, class) in (0_u32..).zip(&self.classes.all) {
            let meets = match &class.addresses {
                Some(addresses) if !addresses.is_empty() => inside(cidr, addresses, action),
                // A pod whose addresses are not known is taken to have one of IPv4: no other family can keep it from
                // being reached.
                _ if matches!(cidr, IpNet::V6(_)) && action == AdminAction::Deny => Meets::No,
                _ if address::overlaps_private(cidr, &[]) => Meets::MaybeNot,
                _ => Meets::No,
            };
            if meets != Meets::No {
                all.classes.push((id, meets));
            }
        }
    }
}

/// Traffic of either family is traffic: one address that is allowed suffices, and all must be denied.
fn inside(cidr: &IpNet, addresses: &[IpAddr], action: AdminAction) -> Meets {
    let count = addresses.iter().filter(|a| cidr.contains(*a)).count();
    match (count, action) {
        (0, _) => Meets::No,
        (n, _) if n == addresses.len() => Meets::Yes,
        (_, AdminAction::Allow) => Meets::Yes,
        (_, AdminAction::Deny) => Meets::No,
        (_, AdminAction::Pass) => Meets::MaybeNot,
    }
}

pub(crate) fn place(direction: Direction, n: usize) -> Text {
    match direction {
        Direction::Ingress => format!("ingress[{n}]").into(),
        Direction::Egress => format!("egress[{n}]").into(),
    }
}

/// `None`: everything.
pub(crate) fn ports(written: Option<&Vec<PolicyPort>>) -> Ports {
    let Some(written) = written else {
        return Ports {
            fixed: PortSet::all(),
            ..Ports::default()
        };
    };
    let mut ports = Ports::default();
    for port in written {
        let protocol = Protocol::parse(&port.protocol);
        if protocol.is_none() && !port.protocol.is_empty() {
            continue;
        }
        match (&port.port, protocol) {
            (Some(TargetPort::Name(name)), protocol) => {
                ports.named.push((Text::clone(name), protocol));
            }
            (_, None) => {}
            (None, Some(protocol)) => {
                ports.fixed = ports.fixed.union(&PortSet::protocol(protocol));
            }
            (Some(TargetPort::Number(first)), Some(protocol)) => {
                let last = port.end.unwrap_or(*first);
                ports.fixed = ports.fixed.union(&PortSet::range(protocol, *first, last));
            }
        }
    }
    ports
}

/// Those that are not among some others.
pub(crate) fn except(written: Ports, others: &[PolicyPort]) -> Ports {
    if others.is_empty() {
        return written;
    }
    Ports {
        except: Some(Box::new(ports(Some(&others.to_vec())))),
        ..written
    }
}
