//! The attack graph: nodes, arcs with probability and cause, and what can be changed to remove them.
//! Comes in: arcs. Goes out: best chains to a sink. Never: a text; names and evidence are made for what is shown.

use crate::fix::{Fix, FixId, Fixes, NONE};
use model::evidence::{Estimate, GapId};
use rustc_hash::FxHashMap;
use std::cmp::Ordering;
use std::collections::BinaryHeap;

pub(crate) type NodeId = u32;
pub(crate) type ArcId = u32;
/// Of a namespace: its index, plus one; 0 is the whole cluster.
pub(crate) type Scope = u32;

pub(crate) const CLUSTER: Scope = 0;
/// All rules of a role.
pub(crate) const WHOLE: u16 = u16::MAX;

/// Numbers are indices into the inventory or into the tables of the builder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Node {
    // Where an attacker stands first.
    Internet,
    /// Address ranges outside of the cluster.
    Outside,
    PodNetwork,
    /// Somebody who runs a pod in the namespace.
    Tenant(u32),
    /// Some pod of the namespace, that an attacker holds.
    Neighbour(u32),
    // What he goes through.
    /// (workload, opening).
    Opening(u32, u32),
    Pod(u32),
    /// (workload, container).
    Container(u32, u32),
    /// The projected token of a workload's pods.
    Volume(u32),
    Machine(u32),
    /// Pods on a node.
    PodsOn(u32),
    /// A node whose name no file says.
    SomeMachine,
    Account(u32),
    User(u32),
    Group(u32),
    /// (role, scope): the rules of a role, where a binding gives them.
    Power(u32, Scope),
    Cloud(u32),
    // Sets.
    Accounts(Scope),
    Users,
    Groups,
    Pods(Scope),
    Endpoints(Scope),
    /// A pod of the attacker's own making.
    Created(Scope),
    Secrets(Scope),
    /// Some of them, by their names.
    SomeSecrets(Scope),
    Admin(Scope),
    Machines,
    /// What kubelets may: tokens of the pods that run.
    Kubelets,
    Placement,
    Traffic(Scope),
    /// What a right alone does not give: another is missing.
    Latent,
    // Sinks.
    ClusterAdmin,
    Masters,
    ControlPlane,
    Admission,
    /// Pods that get to whatever is open to all pods of a namespace or of the cluster.
    Network(Scope),
    /// Not shown: its arcs are joined with the ones before.
    Hidden(u32),
}

/// Why an arc is there; the words are made when it is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    /// It follows from what the nodes are.
    Nature(&'static str),
    /// (binding, subject, rule of its role): the whole role where the rule is [`WHOLE`].
    Grant(u32, u16, u16),
    /// (role, scope, rule, primitive or deputy after them).
    Right(u32, Scope, u16, u16),
    /// (workload, container, step).
    Step(u32, u32, u32),
    /// (workload, opening).
    Opening(u32, u32),
    /// Index into the builder's weak points.
    Weak(u32),
    /// The service account that pods of a workload run as.
    RunsAs(u32),
    /// A pod of the workload on the node.
    RunsOn(u32, u32),
    /// Index into the inventory's Secrets.
    Token(u32),
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Arc {
    pub(crate) from: NodeId,
    pub(crate) to: NodeId,
    /// Empty where the arc is part of another one.
    pub(crate) kind: &'static str,
    pub(crate) probability: Estimate,
    pub(crate) cause: Cause,
    /// What was not seen and could change it, beside what its cause says.
    pub(crate) missing: Option<GapId>,
    /// [`NONE`]: it cannot be cut.
    pub(crate) fix: FixId,
}

#[derive(Default)]
pub(crate) struct Graph {
    pub(crate) nodes: Vec<Node>,
    known: FxHashMap<Node, NodeId>,
    pub(crate) arcs: Vec<Arc>,
    pub(crate) fixes: Fixes,
    hidden: u32,
}

/// An arc before it is put in.
#[derive(Clone, Copy)]
pub(crate) struct Link {
    pub(crate) kind: &'static str,
    pub(crate) probability: Estimate,
    pub(crate) cause: Cause,
    pub(crate) missing: Option<GapId>,
}

impl Link {
    pub(crate) const fn new(kind: &'static str, probability: Estimate, cause: Cause) -> Self {
        Link {
            kind,
            probability,
            cause,
            missing: None,
        }
    }

    pub(crate) const fn missing(self, missing: Option<GapId>) -> Self {
        Link { missing, ..self }
    }
}

/// The best way from every node to a sink.
pub(crate) struct Reach {
    /// P of the best chain; 0 where there is none.
    pub(crate) probability: Vec<f64>,
    /// Its first arc; `u32::MAX` at the sink and where there is none.
    pub(crate) next: Vec<ArcId>,
}

/// Arcs by their head or tail.
pub(crate) struct Adjacency {
    starts: Vec<u32>,
    arcs: Vec<ArcId>,
}

impl Graph {
    pub(crate) fn node(&mut self, node: Node) -> NodeId {
        let nodes = &mut self.nodes;
        *self.known.entry(node).or_insert_with(|| {
            nodes.push(node);
            count(nodes.len() - 1)
        })
    }

    pub(crate) fn hidden(&mut self) -> NodeId {
        self.hidden += 1;
        self.nodes.push(Node::Hidden(self.hidden));
        count(self.nodes.len() - 1)
    }

    pub(crate) fn find(&self, node: Node) -> Option<NodeId> {
        self.known.get(&node).copied()
    }

    pub(crate) fn len(&self) -> usize {
        self.nodes.len()
    }

    /// An arc that one change removes, or none.
    pub(crate) fn arc(&mut self, from: NodeId, to: NodeId, link: Link, fix: FixId) {
        self.arcs.push(Arc {
            from,
            to,
            kind: link.kind,
            probability: link.probability,
            cause: link.cause,
            missing: link.missing,
            fix,
        });
    }

    /// An arc that any of several changes removes: a chain, of which the first part is shown.
    pub(crate) fn chain(&mut self, from: NodeId, to: NodeId, link: Link, fixes: &[FixId]) {
        let Some((last, before)) = fixes.split_last() else {
            return self.arc(from, to, link, NONE);
        };
        let mut at = from;
        let mut link = link;
        for fix in before {
            let next = self.hidden();
            self.arc(at, next, link, *fix);
            at = next;
            link = JOIN;
        }
        self.arc(at, to, link, *last);
    }

    /// An arc that always works and is not shown on its own.
    pub(crate) fn join(&mut self, from: NodeId, to: NodeId) {
        self.arc(from, to, JOIN, NONE);
    }

    pub(crate) fn fix(&mut self, fix: Fix) -> FixId {
        self.fixes.id(fix)
    }

    pub(crate) fn adjacency(&self, end: impl Fn(&Arc) -> NodeId) -> Adjacency {
        let mut starts = vec![0_u32; self.len() + 1];
        for arc in &self.arcs {
            starts[end(arc) as usize + 1] += 1;
        }
        for n in 1..starts.len() {
            starts[n] += starts[n - 1];
        }
        let mut next = starts.clone();
        let mut arcs = vec![0; self.arcs.len()];
        for (id, arc) in (0_u32..).zip(&self.arcs) {
            let slot = &mut next[end(arc) as usize];
            arcs[*slot as usize] = id;
            *slot += 1;
        }
        Adjacency { starts, arcs }
    }

    /// Maximum-product chains from every node to the sink (Dijkstra on the reversed graph; P never exceeds 1).
    pub(crate) fn reach(
        &self,
        into: &Adjacency,
        sinks: &[NodeId],
        bound: impl Fn(&Arc) -> f64,
    ) -> Reach {
        let sinks: Vec<(NodeId, f64)> = sinks.iter().map(|sink| (*sink, 1.0)).collect();
        self.ways(into, &sinks, bound)
    }

    /// The same to sinks that are worth a share each.
    pub(crate) fn ways(
        &self,
        into: &Adjacency,
        sinks: &[(NodeId, f64)],
        bound: impl Fn(&Arc) -> f64,
    ) -> Reach {
        let mut reach = Reach {
            probability: vec![0.0; self.len()],
            next: vec![u32::MAX; self.len()],
        };
        let mut queue: BinaryHeap<Queued> = BinaryHeap::new();
        for (node, share) in sinks {
            reach.probability[*node as usize] = *share;
            queue.push(Queued {
                probability: *share,
                node: *node,
            });
        }
        while let Some(Queued { probability, node }) = queue.pop() {
            if probability < reach.probability[node as usize] {
                continue;
            }
            for id in into.of(node) {
                let arc = &self.arcs[*id as usize];
                let longer = probability * bound(arc);
                if longer > reach.probability[arc.from as usize] {
                    reach.probability[arc.from as usize] = longer;
                    reach.next[arc.from as usize] = *id;
                    queue.push(Queued {
                        probability: longer,
                        node: arc.from,
                    });
                }
            }
        }
        reach
    }
}

pub(crate) const JOIN: Link = Link::new("", Estimate::exact(1.0), Cause::Nature(""));

impl Node {
    pub(crate) fn is_hidden(self) -> bool {
        matches!(
            self,
            Node::Hidden(_)
                | Node::Network(_)
                | Node::Power(..)
                | Node::Pod(_)
                | Node::PodsOn(_)
                | Node::Pods(_)
                | Node::Accounts(_)
                | Node::Users
                | Node::Groups
                | Node::Endpoints(_)
        )
    }
}

impl Adjacency {
    pub(crate) fn of(&self, node: NodeId) -> &[ArcId] {
        let (from, to) = (self.starts[node as usize], self.starts[node as usize + 1]);
        &self.arcs[from as usize..to as usize]
    }
}

pub(crate) fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

struct Queued {
    probability: f64,
    node: NodeId,
}

impl Ord for Queued {
    fn cmp(&self, other: &Self) -> Ordering {
        self.probability
            .total_cmp(&other.probability)
            .then(other.node.cmp(&self.node))
    }
}

impl PartialOrd for Queued {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Queued {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Queued {}
