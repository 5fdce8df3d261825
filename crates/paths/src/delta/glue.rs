//! Puts a part that was built on its own onto the standing graph.
//! Comes in: both. Goes out: arcs that are new, by numbers of the standing graph and after them, and those that are
//! gone. Never: a node twice; what has the same name is the same.

use super::Standing;
use crate::build::Attack;
use crate::graph::{Arc, ArcId, CLUSTER, Cause, Node, NodeId, Scope, count};
use model::evidence::Estimate;
use model::object::ObjectRef;
use model::text::Text;
use rustc_hash::{FxHashMap, FxHashSet};
use semantics::authorizer::Subject;

/// Numbers of the standing graph, by name.
pub(super) struct Names<'a> {
    namespaces: FxHashMap<&'a str, u32>,
    accounts: FxHashMap<(&'a str, &'a str), u32>,
    workloads: FxHashMap<&'a ObjectRef, u32>,
    users: FxHashMap<Text, u32>,
    groups: FxHashMap<Text, u32>,
    machines: FxHashMap<Text, u32>,
    bindings: FxHashMap<&'a ObjectRef, u32>,
    roles: FxHashMap<&'a ObjectRef, u32>,
}

/// What is replaced, by number.
#[derive(Default)]
pub(super) struct Gone {
    bindings: FxHashSet<u32>,
    roles: FxHashSet<u32>,
    workloads: FxHashSet<u32>,
}

/// An arc that the change adds.
pub(super) struct Extra {
    pub(super) from: NodeId,
    pub(super) to: NodeId,
    pub(super) probability: Estimate,
    /// In the part; `None`: it joins a new node with a set of the standing graph.
    origin: Option<ArcId>,
}

pub(super) struct Overlay<'s> {
    pub(super) standing: &'s Standing<'s>,
    part: &'s Attack<'s>,
    /// Nodes after those of the standing graph, by their number in the part.
    pub(super) new: Vec<NodeId>,
    pub(super) extra: Vec<Extra>,
    pub(super) into: FxHashMap<NodeId, Vec<u32>>,
    pub(super) out: FxHashMap<NodeId, Vec<u32>>,
    pub(super) masked: FxHashSet<ArcId>,
    /// Nodes of the part that are sinks and new, by sink.
    pub(super) sinks: Vec<Vec<NodeId>>,
    /// Whether a node of the part may be where an attacker stands first.
    entries: FxHashSet<NodeId>,
    admins: FxHashSet<NodeId>,
}

fn numbered(texts: &[Text]) -> FxHashMap<Text, u32> {
    (0_u32..)
        .zip(texts)
        .map(|(n, text)| (Text::clone(text), n))
        .collect()
}

impl<'a> Names<'a> {
    pub(super) fn of(attack: &Attack<'a>) -> Self {
        let inventory = attack.inventory;
        Names {
            namespaces: (0..)
                .zip(&inventory.namespaces)
                .map(|(n, namespace)| (&*namespace.name, n))
                .collect(),
            accounts: (0..)
                .zip(&inventory.service_accounts)
                .map(|(n, account)| ((&*account.namespace, &*account.name), n))
                .collect(),
            workloads: (0..)
                .zip(&inventory.workloads)
                .map(|(n, view)| (&view.workload.object, n))
                .collect(),
            users: numbered(&attack.users),
            groups: numbered(&attack.groups),
            machines: numbered(&attack.machines),
            bindings: (0..)
                .zip(&attack.authorizer.bindings)
                .map(|(n, binding)| (&binding.object, n))
                .collect(),
            roles: (0..)
                .zip(&attack.authorizer.roles)
                .map(|(n, role)| (role, n))
                .collect(),
        }
    }

    pub(super) fn subject(&self, subject: &Subject) -> Option<Node> {
        match subject {
            Subject::User(name) => self.users.get(name).map(|n| Node::User(*n)),
            Subject::Group(name) => self.groups.get(name).map(|n| Node::Group(*n)),
            Subject::ServiceAccount { namespace, name } => {
                let account = self.accounts.get(&(&**namespace, &**name));
                account.map(|n| Node::Account(*n))
            }
        }
    }

    /// Bindings lead nowhere without their role, so they go with it.
    pub(super) fn gone(&self, attack: &Attack<'_>, replaced: &[ObjectRef]) -> Gone {
        let mut gone = Gone::default();
        for object in replaced {
            gone.bindings.extend(self.bindings.get(object));
            gone.roles.extend(self.roles.get(object));
            gone.workloads.extend(self.workloads.get(object));
        }
        if !gone.roles.is_empty() {
            for (n, binding) in (0_u32..).zip(&attack.authorizer.bindings) {
                if binding.rules.is_some_and(|role| gone.roles.contains(&role)) {
                    gone.bindings.insert(n);
                }
            }
        }
        gone
    }

    /// The node of the standing graph that a node of the part is.
    fn same(&self, part: &Attack<'_>, node: Node) -> Option<Node> {
        let inventory = part.inventory;
        let scope = |scope: Scope| match scope.checked_sub(1) {
            None => Some(CLUSTER),
            Some(n) => {
                let namespace = inventory.namespaces.get(n as usize)?;
                self.namespaces.get(&*namespace.name).map(|n| n + 1)
            }
        };
        let in_namespace = |n: u32| scope(n + 1).map(|scope| scope - 1);
        let text = |texts: &[Text], known: &FxHashMap<Text, u32>, n: u32| {
            known.get(texts.get(n as usize)?).copied()
        };
        Some(match node {
            Node::Hidden(_)
            | Node::Power(..)
            | Node::Opening(..)
            | Node::Container(..)
            | Node::Volume(_)
            | Node::Cloud(_) => return None,
            Node::Pod(n) => {
                let view = inventory.workloads.get(n as usize)?;
                Node::Pod(*self.workloads.get(&view.workload.object)?)
            }
            Node::Account(n) => {
                let account = inventory.service_accounts.get(n as usize)?;
                let key = (&*account.namespace, &*account.name);
                Node::Account(*self.accounts.get(&key)?)
            }
            Node::Tenant(n) => Node::Tenant(in_namespace(n)?),
            Node::Neighbour(n) => Node::Neighbour(in_namespace(n)?),
            Node::Machine(n) => Node::Machine(text(&part.machines, &self.machines, n)?),
            Node::PodsOn(n) => Node::PodsOn(text(&part.machines, &self.machines, n)?),
            Node::User(n) => Node::User(text(&part.users, &self.users, n)?),
            Node::Group(n) => Node::Group(text(&part.groups, &self.groups, n)?),
            Node::Accounts(n) => Node::Accounts(scope(n)?),
            Node::Pods(n) => Node::Pods(scope(n)?),
            Node::Endpoints(n) => Node::Endpoints(scope(n)?),
            Node::Created(n) => Node::Created(scope(n)?),
            Node::Secrets(n) => Node::Secrets(scope(n)?),
            Node::SomeSecrets(n) => Node::SomeSecrets(scope(n)?),
            Node::Admin(n) => Node::Admin(scope(n)?),
            Node::Traffic(n) => Node::Traffic(scope(n)?),
            Node::Network(n) => Node::Network(scope(n)?),
            Node::Internet
            | Node::Outside
            | Node::PodNetwork
            | Node::SomeMachine
            | Node::Users
            | Node::Groups
            | Node::Machines
            | Node::Kubelets
            | Node::Placement
            | Node::Latent
            | Node::ClusterAdmin
            | Node::Masters
            | Node::ControlPlane
            | Node::Admission => node,
        })
    }
}

impl Gone {
    /// Whether the arc is there because of what is replaced.
    pub(super) fn owns(&self, arc: &Arc, node: impl Fn(NodeId) -> Option<Node>) -> bool {
        match arc.cause {
            Cause::Grant(binding, ..) => return self.bindings.contains(&binding),
            Cause::Right(role, ..) => return self.roles.contains(&role),
            _ if self.workloads.is_empty() => return false,
            Cause::Step(w, ..) | Cause::Opening(w, _) | Cause::RunsAs(w) | Cause::RunsOn(w, _) => {
                return self.workloads.contains(&w);
            }
            Cause::Nature(_) | Cause::Weak(_) | Cause::Token(_) => {}
        }
        let (from, to) = (node(arc.from), node(arc.to));
        let own = |node: Option<Node>| match node {
            Some(Node::Container(w, _) | Node::Opening(w, _) | Node::Volume(w)) => {
                self.workloads.contains(&w)
            }
            _ => false,
        };
        let pod =
            |node: Option<Node>| matches!(node, Some(Node::Pod(w)) if self.workloads.contains(&w));
        let machine = matches!(
            from,
            Some(Node::Machine(_) | Node::PodsOn(_) | Node::SomeMachine)
        );
        own(from) || own(to) || pod(from) || (pod(to) && machine)
    }
}

impl<'s> Overlay<'s> {
    pub(super) fn of(
        standing: &'s Standing<'s>,
        part: &'s Attack<'s>,
        changed: &[u32],
        replaced: &[ObjectRef],
    ) -> Self {
        let mut overlay = Overlay {
            standing,
            part,
            new: Vec::new(),
            extra: Vec::new(),
            into: FxHashMap::default(),
            out: FxHashMap::default(),
            masked: standing.masked(replaced),
            sinks: Vec::new(),
            entries: part.entries.iter().copied().collect(),
            admins: FxHashSet::default(),
        };
        let others = |id: NodeId| match part.graph.nodes.get(id as usize) {
            Some(Node::Pod(w) | Node::Container(w, _) | Node::Volume(w) | Node::Opening(w, _)) => {
                !changed.contains(w)
            }
            _ => false,
        };
        let mut ids: Vec<Option<NodeId>> = vec![None; part.graph.len()];
        for (id, arc) in (0_u32..).zip(&part.graph.arcs) {
            if others(arc.from) || others(arc.to) {
                continue;
            }
            let (from, to) = (
                overlay.place(arc.from, &mut ids),
                overlay.place(arc.to, &mut ids),
            );
            overlay.put(Extra {
                from,
                to,
                probability: arc.probability,
                origin: Some(id),
            });
        }
        for node in &part.admins {
            let id = part.graph.find(*node);
            let id = id.filter(|id| !overlay.entries.contains(id));
            let known = id.and_then(|id| ids.get(id as usize).copied().flatten());
            overlay.admins.extend(known);
        }
        overlay.sinks = part
            .sinks
            .iter()
            .map(|sink| {
                let known = sink
                    .nodes
                    .iter()
                    .filter_map(|id| ids.get(*id as usize)?.as_ref());
                known.copied().filter(|id| *id >= standing.len()).collect()
            })
            .collect();
        overlay.join_sets();
        overlay
    }

    pub(super) fn is_empty(&self) -> bool {
        self.extra.is_empty() && self.masked.is_empty()
    }

    fn place(&mut self, id: NodeId, ids: &mut [Option<NodeId>]) -> NodeId {
        if let Some(Some(known)) = ids.get(id as usize) {
            return *known;
        }
        let node = self.part.graph.nodes.get(id as usize).copied();
        let same = node.and_then(|node| self.standing.names.same(self.part, node));
        let known = same.and_then(|node| self.standing.attack.graph.find(node));
        let placed = known.unwrap_or_else(|| {
            self.new.push(id);
            self.standing.len() + count(self.new.len() - 1)
        });
        if let Some(slot) = ids.get_mut(id as usize) {
            *slot = Some(placed);
        }
        placed
    }

    fn put(&mut self, extra: Extra) {
        let id = count(self.standing.attack.graph.arcs.len() + self.extra.len());
        self.into.entry(extra.to).or_default().push(id);
        self.out.entry(extra.from).or_default().push(id);
        self.extra.push(extra);
    }

    /// New nodes are members of the sets of the standing graph.
    fn join_sets(&mut self) {
        let names = &self.standing.names;
        for (at, id) in (self.standing.len()..).zip(self.new.clone()) {
            let Some(node) = self.part.graph.nodes.get(id as usize).copied() else {
                continue;
            };
            let scope_of = |workload: u32| {
                let view = self.part.inventory.workloads.get(workload as usize)?;
                let namespace = names.namespaces.get(&*view.workload.key.namespace)?;
                Some(namespace + 1)
            };
            let both = |set: fn(Scope) -> Node, workload: u32| {
                [Some(set(CLUSTER)), scope_of(workload).map(set)]
            };
            let account = |n: u32| {
                let account = self.part.inventory.service_accounts.get(n as usize)?;
                let namespace = names.namespaces.get(&*account.namespace)?;
                Some(Node::Accounts(namespace + 1))
            };
            let (sets, into) = match node {
                Node::Pod(w) => (both(Node::Pods, w), true),
                Node::Container(w, _) => (both(Node::Network, w), false),
                Node::Account(n) => ([Some(Node::Accounts(CLUSTER)), account(n)], true),
                Node::User(_) => ([Some(Node::Users), None], true),
                Node::Group(_) => ([Some(Node::Groups), None], true),
                Node::Machine(_) => ([Some(Node::Machines), None], true),
                _ => continue,
            };
            for set in sets.into_iter().flatten() {
                let Some(set) = self.standing.attack.graph.find(set) else {
                    continue;
                };
                let (from, to) = if into { (set, at) } else { (at, set) };
                self.put(Extra {
                    from,
                    to,
                    probability: Estimate::exact(1.0),
                    origin: None,
                });
            }
        }
    }

    /// Whether an attacker may stand at the node first, after the change.
    pub(super) fn is_entry(&self, id: NodeId) -> bool {
        let after = id.checked_sub(self.standing.len());
        match after {
            None => {
                let before = self.standing.entries.get(id as usize).copied();
                before.unwrap_or_default() && !self.admins.contains(&id)
            }
            Some(n) => {
                let own = self.new.get(n as usize);
                own.is_some_and(|own| self.entries.contains(own))
            }
        }
    }

    pub(super) fn name(&self, id: NodeId) -> Text {
        match id.checked_sub(self.standing.len()) {
            None => {
                let node = self.standing.node(id);
                self.standing.attack.name(node.unwrap_or(Node::Hidden(0)))
            }
            Some(n) => {
                let node = self.new.get(n as usize);
                let node = node.and_then(|id| self.part.graph.nodes.get(*id as usize));
                self.part.name(node.copied().unwrap_or(Node::Hidden(0)))
            }
        }
    }

    /// Where an arc was made, with its evidence; joins with sets have none.
    pub(super) fn origin(&self, arc: ArcId) -> Option<(&'s Attack<'s>, &'s Arc)> {
        let standing = &self.standing.attack;
        if let Some(own) = standing.graph.arcs.get(arc as usize) {
            return Some((standing, own));
        }
        let extra = self.extra.get(arc as usize - standing.graph.arcs.len())?;
        let own = self.part.graph.arcs.get(extra.origin? as usize)?;
        Some((self.part, own))
    }

    pub(super) fn leads_to(&self, arc: ArcId, node: Node) -> bool {
        self.origin(arc)
            .is_some_and(|(attack, arc)| attack.graph.nodes.get(arc.to as usize) == Some(&node))
    }
}
