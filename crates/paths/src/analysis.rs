//! The attack graph, ready to be asked.
//! Comes in: an inventory, exposures, weaknesses; questions. Goes out: paths, cuts, counts of routes, edges.
//! Never: an answer about a subject that is not there.

use crate::blast::{self, Step};
use crate::build::{self, Attack};
use crate::graph::{Adjacency, Node, NodeId};
use crate::routes::{Order, Route, ToSink, to_sink};
use crate::sink::NAMES;
use crate::{Weakness, cut};
use model::evidence::Ledger;
use model::graph::{Cut, GraphEdge, Path};
use model::text::Text;
use network::WorkloadExposure;
use semantics::authorizer::account_of;
use semantics::view::Inventory;

/// The ways out of every container, found once.
#[derive(Default)]
pub struct Steps(pub(crate) Vec<Vec<Vec<Step>>>);

impl Steps {
    pub fn of(inventory: &Inventory, ledger: &mut Ledger) -> Self {
        Steps(blast::steps(inventory, ledger))
    }
}

pub struct Analysis<'a> {
    attack: Attack<'a>,
    into: Adjacency,
}

/// Where routes begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum From {
    /// Every entry.
    All,
    /// The internet and other networks.
    Networks,
    /// `ServiceAccount/NS/NAME`, `Deployment/NS/NAME`, `User/NAME`, `Group/NAME`, `Namespace/NAME`, `internet`.
    Subject(Text),
}

#[derive(Clone, Debug)]
pub struct Query {
    pub from: From,
    /// A sink by its name, or any node by its own; `None`: every sink.
    pub to: Option<Text>,
    /// Paths that are listed for each sink; 0: all.
    pub top: usize,
    pub order: Order,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answer {
    /// By sink, then from outside in, the best first.
    pub paths: Vec<Path>,
    pub cuts: Vec<Cut>,
    pub routes: Vec<Routes>,
}

/// How many entries are connected with a sink.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Routes {
    pub sink: Text,
    pub routes: u32,
}

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum AnalysisError {
    #[error(
        "nothing in it is called {0}; name a subject as ServiceAccount/NAMESPACE/NAME, Deployment/NAMESPACE/NAME, User/NAME, Group/NAME, Namespace/NAME or internet"
    )]
    NoSuchSubject(Text),
    #[error("no sink is called {asked}; there are {}", NAMES.join(", "))]
    NoSuchSink { asked: Text },
}

impl<'a> Analysis<'a> {
    pub fn of(
        inventory: &'a Inventory,
        exposures: &'a [WorkloadExposure],
        weaknesses: &'a [Weakness],
        steps: &'a Steps,
        ledger: &mut Ledger,
    ) -> Self {
        let attack = build::attack(
            build::Material {
                inventory,
                authorizer: &inventory.authorizer,
                exposures,
                weaknesses,
                steps: &steps.0,
            },
            ledger,
        );
        let into = attack.graph.adjacency(|arc| arc.to);
        Analysis { attack, into }
    }

    pub fn ask(&self, query: &Query, ledger: &mut Ledger) -> Result<Answer, AnalysisError> {
        let entries = self.entries(&query.from)?;
        let sinks = self.sinks(query.to.as_deref())?;
        let mut answer = Answer::default();
        let mut wanted = Vec::new();
        for sink in sinks {
            let to = to_sink(&self.attack, &self.into, sink, query.order);
            let connected = entries.iter().filter(|entry| to.connects(**entry)).count();
            if connected == 0 {
                continue;
            }
            answer.routes.push(Routes {
                sink: self
                    .attack
                    .sinks
                    .get(sink)
                    .map_or("?", |sink| sink.name)
                    .into(),
                routes: crate::graph::count(connected),
            });
            wanted.push(sink);
            let listed = self.listed(&to, &entries, query);
            answer
                .paths
                .extend(listed.iter().map(|route| route.shown(&self.attack, ledger)));
        }
        answer.cuts = cut::cuts(&self.attack, &entries, &wanted);
        Ok(answer)
    }

    /// Every connected (entry, sink), by sink.
    pub fn routes(&self) -> Vec<(Text, Text)> {
        let mut routes = Vec::new();
        for (sink, of) in self.attack.sinks.iter().enumerate() {
            let to = to_sink(&self.attack, &self.into, sink, Order::Likely);
            for entry in self
                .attack
                .entries
                .iter()
                .filter(|entry| to.connects(**entry))
            {
                let node = self.attack.graph.nodes.get(*entry as usize).copied();
                let name = self.attack.name(node.unwrap_or(Node::Hidden(0)));
                routes.push((name, of.name.into()));
            }
        }
        routes
    }

    /// The best path of every route from an entry that is wanted: an entry is asked by its name and its sink.
    pub fn paths(&self, wanted: impl Fn(&str, &str) -> bool, ledger: &mut Ledger) -> Vec<Path> {
        let query = Query {
            from: From::All,
            to: None,
            top: 0,
            order: Order::Likely,
        };
        let mut paths = Vec::new();
        for (sink, of) in self.attack.sinks.iter().enumerate() {
            let to = to_sink(&self.attack, &self.into, sink, Order::Likely);
            let name = |entry: NodeId| {
                let node = self.attack.graph.nodes.get(entry as usize).copied();
                self.attack.name(node.unwrap_or(Node::Hidden(0)))
            };
            let entries: Vec<NodeId> = self
                .attack
                .entries
                .iter()
                .copied()
                .filter(|entry| to.connects(*entry) && wanted(&name(*entry), of.name))
                .collect();
            let listed = self.listed(&to, &entries, &query);
            paths.extend(listed.iter().map(|route| route.shown(&self.attack, ledger)));
        }
        paths
    }

    fn listed(&self, to: &ToSink, entries: &[NodeId], query: &Query) -> Vec<Route> {
        let routes = to.routes(&self.attack, entries).into_iter();
        // What leads over cluster-admin is told as that, unless something else was asked for.
        let admin = to.sink == 0 || query.to.is_some();
        let own = routes.filter(|route| admin || !route.over(&self.attack, Node::ClusterAdmin));
        match query.top {
            0 => own.collect(),
            top => own.take(top).collect(),
        }
    }

    fn sinks(&self, to: Option<&str>) -> Result<Vec<usize>, AnalysisError> {
        let Some(asked) = to else {
            return Ok((0..self.attack.sinks.len()).collect());
        };
        let sink = NAMES.iter().position(|name| *name == asked);
        sink.map(|sink| vec![sink])
            .ok_or_else(|| AnalysisError::NoSuchSink {
                asked: asked.into(),
            })
    }

    fn entries(&self, from: &From) -> Result<Vec<NodeId>, AnalysisError> {
        match from {
            From::All => Ok(self.attack.entries.clone()),
            From::Networks => Ok(self.attack.networks()),
            From::Subject(asked) => {
                let node = self.subject(asked);
                let node = node.ok_or_else(|| AnalysisError::NoSuchSubject(Text::clone(asked)))?;
                Ok(self.attack.graph.find(node).into_iter().collect())
            }
        }
    }

    /// The node that a subject would be; it is not in the graph where nothing follows of it.
    fn subject(&self, asked: &str) -> Option<Node> {
        let inventory = self.attack.inventory;
        let index = |n: usize| crate::graph::count(n);
        let position = |names: &[Text], name: &str| names.iter().position(|known| &**known == name);
        if asked.eq_ignore_ascii_case("internet") {
            return Some(Node::Internet);
        }
        if let Some((namespace, name)) = account_of(asked) {
            return self.subject(&format!("ServiceAccount/{namespace}/{name}"));
        }
        let (kind, rest) = asked.split_once('/')?;
        match kind {
            "User" => position(&self.attack.users, rest).map(|n| Node::User(index(n))),
            "Group" if rest == "system:masters" => Some(Node::Masters),
            "Group" => position(&self.attack.groups, rest).map(|n| Node::Group(index(n))),
            "Node" => position(&self.attack.machines, rest).map(|n| Node::Machine(index(n))),
            "Namespace" => {
                let found = inventory.namespaces.iter().position(|n| &*n.name == rest);
                found.map(|n| Node::Tenant(index(n)))
            }
            "ServiceAccount" => {
                let (namespace, name) = rest.split_once('/')?;
                let found = inventory
                    .service_accounts
                    .iter()
                    .position(|a| &*a.namespace == namespace && &*a.name == name);
                found.map(|n| Node::Account(index(n)))
            }
            kind => {
                let (namespace, name) = rest.split_once('/')?;
                let found = inventory.workloads.iter().position(|view| {
                    let object = &view.workload.object;
                    &*object.kind == kind
                        && object.namespace.as_deref() == Some(namespace)
                        && &*object.name == name
                });
                let of_pod = || {
                    let pods = inventory.pods.iter().filter(|_| kind == "Pod");
                    let mut pods = pods.filter(|p| &*p.namespace == namespace && &*p.name == name);
                    pods.next().map(|pod| pod.workload)
                };
                found.map(index).or_else(of_pod).map(Node::Pod)
            }
        }
    }

    /// The whole graph, dead ends included.
    pub fn edges(&self) -> Vec<GraphEdge> {
        let node = |id: NodeId| {
            let node = self.attack.graph.nodes.get(id as usize).copied();
            node.unwrap_or(Node::Hidden(0))
        };
        let mut edges: Vec<GraphEdge> = self
            .attack
            .graph
            .arcs
            .iter()
            .map(|arc| {
                let (from, to) = (node(arc.from), node(arc.to));
                GraphEdge {
                    from: self.attack.name(from),
                    to: self.attack.name(to),
                    kind: match (arc.kind, from, to) {
                        ("", Node::Pod(_), Node::Container(..)) => "CONTAINER_ATTACH",
                        ("", ..) => "MEMBER",
                        (kind, ..) => kind,
                    }
                    .into(),
                }
            })
            .collect();
        edges.sort_unstable();
        edges.dedup();
        edges
    }

    /// Nodes and arcs, for figures.
    pub fn size(&self) -> (usize, usize) {
        (self.attack.graph.len(), self.attack.graph.arcs.len())
    }
}
