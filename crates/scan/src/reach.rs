//! Who reaches whom by the policies of a Snapshot: all connections, one question, what a change opens and closes.
//! Comes in: a Snapshot, declarations. Goes out: nouns of `model::reach`. Never: a connection that policies leave open
//! missing because a plugin was not seen.

use ipnet::IpNet;
use model::evidence::{Gap, GapWeight, Ledger, Stage, Truth};
use model::reach::{
    Answer, Connection, Connectivity, Difference, Direction, OpenTo, Outgoing, Said, Side,
};
use model::snapshot::Snapshot;
use model::text::Text;
use network::reach::{Anyone, Opening, Peer, Pods, Ports, Protocol, Reach, Sweep};
use semantics::declare::Declarations;
use semantics::view::{AdminAction, Inventory, MeshAction, MeshRule, Selector, WorkloadView};
use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::net::IpAddr;

#[derive(Debug, thiserror::Error)]
pub enum ReachError {
    #[error(
        "nothing in it is called {asked}; name a workload as NAMESPACE/NAME or NAMESPACE/NAME[Kind], an address, a range, `internet` or `{{ingress-controller}}`{like}"
    )]
    NoSuchPeer { asked: String, like: String },
    #[error("{asked} is the name of several: {names}")]
    Several { asked: String, names: String },
    #[error("expected a port such as 80, TCP/443 or UDP/53, found `{0}`")]
    Port(String),
}

/// A Snapshot's network, ready to be asked.
pub struct Network {
    inventory: Inventory,
    gaps: Vec<Gap>,
}

/// All connections of a network, told one source after the other: at no time are all of them in memory.
pub struct Whole<'a> {
    reach: Reach<'a>,
    names: Names,
    pub exposures: Vec<OpenTo>,
    pub gaps: Vec<Gap>,
}

impl Whole<'_> {
    /// By source and destination, each pair of names and its ports once.
    pub fn each<E>(&self, visit: &mut dyn FnMut(&Outgoing<'_>) -> Result<(), E>) -> Result<(), E> {
        let mut sweep = self.reach.sweep();
        let targets: Vec<Text> = sweep
            .targets()
            .iter()
            .map(|peer| self.names.name(*peer, Direction::Egress))
            .collect();
        let mut sources: Vec<(Text, Peer)> = sweep
            .sources()
            .map(|peer| (self.names.name(peer, Direction::Ingress), peer))
            .collect();
        sources.sort_unstable();
        let all = targets.iter().chain(sources.iter().map(|(name, _)| name));
        let peers: BTreeSet<Text> = all.cloned().collect();
        let peers: Vec<Text> = peers.into_iter().collect();
        let number = |name: &Text| {
            let at = peers.binary_search(name).unwrap_or_default();
            u32::try_from(at).unwrap_or(u32::MAX)
        };
        // Numbers of names, so that their order is that of the names, each with its place among the targets.
        let mut order: Vec<(u32, usize)> = targets.iter().map(number).zip(0..).collect();
        order.sort_unstable();
        let mut book = Book::default();
        let mut to: Vec<(u32, u32)> = Vec::new();
        // Objects of one name are one line where they agree.
        for same in sources.chunk_by(|a, b| a.0 == b.0) {
            to.clear();
            for (_, source) in same {
                sweep.begin(*source);
                for (dst, at) in &order {
                    let answer = sweep.answer(*at);
                    if answer != Sweep::NOTHING {
                        to.push((*dst, book.conn(&sweep, answer)));
                    }
                }
            }
            if !to.is_sorted_by(|a, b| a.0 < b.0) {
                let conns = &book.conns;
                to.sort_by(|a, b| {
                    let text = |n: u32| conns.get(n as usize);
                    (a.0, text(a.1)).cmp(&(b.0, text(b.1)))
                });
                to.dedup();
            }
            let Some((name, _)) = same.first() else {
                continue;
            };
            visit(&Outgoing {
                src: number(name),
                to: &to,
                peers: &peers,
                conns: &book.conns,
            })?;
        }
        Ok(())
    }
}

/// Texts of answers, equal texts once.
#[derive(Default)]
struct Book {
    conns: Vec<(Text, Option<Text>)>,
    known: BTreeMap<(Text, Option<Text>), u32>,
    /// By answer of the sweep; `u32::MAX`: not asked for yet.
    of: Vec<u32>,
}

impl Book {
    fn conn(&mut self, sweep: &Sweep<'_, '_>, answer: u32) -> u32 {
        let at = answer as usize;
        match self.of.get(at) {
            Some(n) if *n != u32::MAX => return *n,
            Some(_) => {}
            None => self.of.resize(at + 1, u32::MAX),
        }
        let text = sweep.ports(answer).map(conn).unwrap_or_default();
        let next = u32::try_from(self.conns.len()).unwrap_or(u32::MAX);
        let n = *self.known.entry(text).or_insert_with_key(|text| {
            self.conns.push(text.clone());
            next
        });
        if let Some(slot) = self.of.get_mut(at) {
            *slot = n;
        }
        n
    }
}

/// One peer of a question: `internet` is many ranges.
struct Named {
    name: Text,
    peers: Vec<Peer>,
}

impl Network {
    pub fn of(snapshot: &Snapshot, declarations: &Declarations) -> Self {
        let mut ledger = Ledger::default();
        let inventory = semantics::inventory(snapshot, declarations, &mut ledger);
        let gaps = gaps(snapshot, &inventory);
        Network { inventory, gaps }
    }

    /// All connections between workloads, and with ranges of addresses, not told yet; `exposures`: also what is open to
    /// peers that do not exist.
    pub fn whole(&self, exposures: bool) -> Whole<'_> {
        let reach = Reach::of(&self.inventory);
        let names = Names::of(&self.inventory, &reach);
        let mut open = Vec::new();
        if exposures {
            reach.openings(|opening| open.push(open_to(&reach, &names, &opening)));
            open.sort_unstable();
            open.dedup();
        }
        Whole {
            exposures: open,
            gaps: self.gaps_of(&reach),
            reach,
            names,
        }
    }

    /// The same as one value: an entry for each connection.
    pub fn connectivity(&self, exposures: bool) -> Connectivity {
        let whole = self.whole(exposures);
        let mut connections = Vec::new();
        let Ok(()) = whole.each(&mut |from: &Outgoing<'_>| {
            let peer = |n: u32| from.peers.get(n as usize).cloned().unwrap_or_default();
            connections.extend(from.to.iter().map(|(dst, conn)| {
                let (conn, possible) = from.conns.get(*conn as usize).cloned().unwrap_or_default();
                Connection {
                    src: peer(from.src),
                    dst: peer(*dst),
                    conn,
                    possible,
                }
            }));
            Ok::<(), Infallible>(())
        });
        Connectivity {
            connections,
            exposures: whole.exposures,
            gaps: whole.gaps,
        }
    }

    /// Whether `from` gets to `to`; `port` as `80`, `TCP/80`, `UDP/53`.
    pub fn answer(&self, from: &str, to: &str, port: Option<&str>) -> Result<Answer, ReachError> {
        let reach = Reach::of(&self.inventory);
        let names = Names::of(&self.inventory, &reach);
        let asked = port.map(parse_port).transpose()?;
        let source = self.peer(&reach, &names, from, Direction::Ingress)?;
        let target = self.peer(&reach, &names, to, Direction::Egress)?;
        let mut ports = Ports::default();
        let mut sides = Vec::new();
        for a in &source.peers {
            for b in &target.peers {
                ports = ports.or(&reach.ports(*a, *b));
                for side in reach.sides(*a, *b) {
                    let side = side_of(&names, side);
                    if !sides.contains(&side) {
                        sides.push(side);
                    }
                }
            }
        }
        let mut verdict = verdict(&ports, asked, self.enforced());
        // Proxies of a mesh keep out what the network lets through.
        if !self.inventory.mesh.policies.is_empty() {
            verdict = verdict.min(ports.truth(asked).max(Truth::Unknown));
        }
        Ok(Answer {
            port: asked.map(|(protocol, port)| format!("{} {port}", protocol.name()).into()),
            verdict,
            connection: written(Text::clone(&source.name), Text::clone(&target.name), &ports),
            from: source.name,
            to: target.name,
            sides,
            gaps: self.gaps_of(&reach),
        })
    }

    /// Whether something enforces the policies; without policies nothing needs to.
    fn enforced(&self) -> Truth {
        let inventory = &self.inventory;
        let none = inventory.network_policies.is_empty()
            && inventory.admin_policies.is_empty()
            && inventory.cilium_policies.is_empty()
            && inventory.calico.policies.is_empty();
        match inventory.network_enforced {
            Some(false) if !none => Truth::No,
            None if !none && inventory.enforcing_cni.is_empty() => Truth::Unknown,
            _ => Truth::Yes,
        }
    }

    fn gaps_of(&self, reach: &Reach<'_>) -> Vec<Gap> {
        let mut gaps = self.gaps.clone();
        let apart = reach.apart().len();
        if apart > 0 {
            gaps.push(gap(
                "network-not-evaluated",
                format!(
                    "{apart} workloads have a primary network of their own, which is not evaluated"
                ),
            ));
        }
        match self.enforced() {
            Truth::Yes => {}
            Truth::No => gaps.push(gap(
                "policies-not-enforced",
                "it is declared that nothing enforces the policies: everything reaches everything",
            )),
            Truth::Unknown => gaps.push(Gap {
                close: "declare it in plimsoll.yaml: network: {enforced: true}".into(),
                ..gap(
                    "policy-enforcement-unknown",
                    "nothing shows that the network plugin enforces the policies",
                )
            }),
        }
        gaps
    }

    fn peer(
        &self,
        reach: &Reach<'_>,
        names: &Names,
        asked: &str,
        direction: Direction,
    ) -> Result<Named, ReachError> {
        let ranges = |inside: &dyn Fn(IpAddr, IpAddr) -> bool| -> Vec<Peer> {
            reach
                .intervals(direction)
                .filter(|(_, interval)| inside(interval.first, interval.last))
                .map(|(n, _)| Peer::Range(n))
                .collect()
        };
        let named = |peers: Vec<Peer>| Named {
            name: asked.into(),
            peers,
        };
        if asked == "internet" {
            return Ok(named(ranges(&|_, _| true)));
        }
        if matches!(asked, "{ingress-controller}" | "ingress-controller") {
            return Ok(Named {
                name: "{ingress-controller}".into(),
                peers: vec![Peer::IngressController],
            });
        }
        if let Ok(address) = asked.parse::<IpAddr>() {
            let pod = self
                .inventory
                .pods
                .iter()
                .find(|pod| pod.ips.contains(&address));
            return Ok(match pod {
                Some(pod) => Named {
                    name: names.name(Peer::Workload(pod.workload), direction),
                    peers: vec![Peer::Workload(pod.workload)],
                },
                None => named(ranges(&|first, last| first <= address && address <= last)),
            });
        }
        if let Ok(net) = asked.parse::<IpNet>() {
            // Both ends of an interval are of one family, and so are those of a block.
            let (from, to) = (net.network(), net.broadcast());
            return Ok(named(ranges(&|first, last| {
                first.is_ipv4() == from.is_ipv4() && first <= to && from <= last
            })));
        }
        self.workload(names, asked)
    }

    fn workload(&self, names: &Names, asked: &str) -> Result<Named, ReachError> {
        let (path, kind) = match asked.strip_suffix(']').and_then(|a| a.split_once('[')) {
            Some((path, kind)) => (path, Some(kind)),
            None => match asked.split_once(' ') {
                Some((kind, path)) => (path, Some(kind)),
                None => (asked, None),
            },
        };
        let matches = |n: &usize| {
            self.inventory.workloads.get(*n).is_some_and(|view| {
                let object = &view.workload.object;
                let namespace = &*view.workload.key.namespace;
                let place = match path.split_once('/') {
                    Some((wanted, name)) => wanted == namespace && *object.name == *name,
                    None => *object.name == *path,
                };
                place && kind.is_none_or(|kind| kind.eq_ignore_ascii_case(&object.kind))
            })
        };
        let found: Vec<usize> = (0..self.inventory.workloads.len())
            .filter(matches)
            .collect();
        let peer = |n: usize| Peer::Workload(u32::try_from(n).unwrap_or(u32::MAX));
        let name = |n: usize| names.name(peer(n), Direction::Ingress);
        match *found {
            [one] => Ok(Named {
                name: name(one),
                peers: vec![peer(one)],
            }),
            [] => Err(ReachError::NoSuchPeer {
                asked: asked.to_owned(),
                like: self.like(names, path),
            }),
            _ => Err(ReachError::Several {
                asked: asked.to_owned(),
                names: found
                    .iter()
                    .map(|n| name(*n))
                    .collect::<Vec<_>>()
                    .join(", "),
            }),
        }
    }

    /// Workloads whose name holds a part of what was asked.
    fn like(&self, names: &Names, path: &str) -> String {
        let part = path.rsplit('/').next().unwrap_or(path);
        let near: Vec<String> = (0_u32..)
            .zip(&self.inventory.workloads)
            .filter(|(_, view)| {
                let name = &*view.workload.object.name;
                name.contains(part) || (name.len() > 3 && part.contains(name))
            })
            .map(|(n, _)| {
                names
                    .name(Peer::Workload(n), Direction::Ingress)
                    .to_string()
            })
            .take(3)
            .collect();
        if near.is_empty() {
            String::new()
        } else {
            format!("; near it: {}", near.join(", "))
        }
    }
}

fn side_of(names: &Names, side: network::reach::Side) -> Side {
    let said = side.said.into_iter().map(|said| Said {
        policy: said.policy,
        rule: said.rule,
        action: match said.action {
            AdminAction::Allow => "allows",
            AdminAction::Deny => "denies",
            AdminAction::Pass => "passes on",
        }
        .into(),
        conn: said.ports.to_string().into(),
        truth: said.truth,
    });
    Side {
        direction: side.direction,
        of: names.name(Peer::Workload(side.of), side.direction),
        conn: side.ports.written.to_string().into(),
        by_default: (!side.by_default.is_empty()).then(|| side.by_default.to_string().into()),
        selected_by: side.selected_by,
        isolated: side.isolated,
        said: said.collect(),
    }
}

/// What a change from one to the other opens and closes.
pub fn difference(old: &Connectivity, new: &Connectivity) -> Difference {
    fn by_ends(all: &Connectivity) -> BTreeMap<(&Text, &Text), &Connection> {
        let connections = all.connections.iter();
        connections.map(|c| ((&c.src, &c.dst), c)).collect()
    }
    let (before, after) = (by_ends(old), by_ends(new));
    let mut difference = Difference::default();
    for (ends, connection) in &after {
        match before.get(ends) {
            None => difference.opened.push((*connection).clone()),
            Some(was) if was != connection => difference
                .changed
                .push(((*was).clone(), (*connection).clone())),
            Some(_) => {}
        }
    }
    let gone = before.iter().filter(|(ends, _)| !after.contains_key(*ends));
    difference.closed = gone.map(|(_, connection)| (*connection).clone()).collect();
    difference.gaps = old.gaps.iter().chain(&new.gaps).cloned().collect();
    difference.gaps.sort_unstable();
    difference.gaps.dedup();
    difference
}

/// How peers are written.
struct Names {
    workloads: Vec<Text>,
    /// By direction.
    ranges: [Vec<Text>; 2],
    controller: Text,
    unknown: Text,
}

impl Names {
    fn of(inventory: &Inventory, reach: &Reach<'_>) -> Self {
        let workload = |view: &WorkloadView| -> Text {
            let object = &view.workload.object;
            let namespace = &view.workload.key.namespace;
            format!("{namespace}/{}[{}]", object.name, object.kind).into()
        };
        let ranges = |direction| -> Vec<Text> {
            let all = reach.intervals(direction);
            all.map(|(_, range)| format!("{range}[External]").into())
                .collect()
        };
        Names {
            workloads: inventory.workloads.iter().map(workload).collect(),
            ranges: [Direction::Ingress, Direction::Egress].map(ranges),
            controller: "{ingress-controller}".into(),
            unknown: "?".into(),
        }
    }

    fn name(&self, peer: Peer, direction: Direction) -> Text {
        let name = match peer {
            Peer::Workload(n) => self.workloads.get(n as usize),
            Peer::Range(n) => self.ranges[direction as usize].get(n as usize),
            Peer::IngressController => Some(&self.controller),
        };
        Text::clone(name.unwrap_or(&self.unknown))
    }
}

fn open_to(reach: &Reach<'_>, names: &Names, opening: &Opening) -> OpenTo {
    let direction = opening.direction;
    OpenTo {
        workload: names.name(Peer::Workload(opening.workload), direction),
        direction,
        peer: match &opening.to {
            Anyone::Cluster => "entire-cluster".into(),
            Anyone::Range(n) => names.name(Peer::Range(*n), direction),
            Anyone::Like(pods) => like(reach, pods),
        },
        conn: opening.ports.written.to_string().into(),
        unprotected: opening.unprotected,
    }
}

/// `[namespace with {..}]/[pod with {..}]`.
fn like(reach: &Reach<'_>, of: &Pods) -> Text {
    let namespace = match &of.namespaces {
        Err(own) => reach.namespace(*own).unwrap_or("?").to_owned(),
        Ok(selector) if selector.is_everything() => "[all namespaces]".to_owned(),
        Ok(selector) => format!("[namespace with {{{}}}]", labels(selector)),
    };
    let pods = if of.pods.is_everything() {
        "[all pods]".to_owned()
    } else {
        format!("[pod with {{{}}}]", labels(&of.pods))
    };
    format!("{namespace}/{pods}").into()
}

fn labels(selector: &Selector) -> String {
    let equals = selector.equals.iter().map(|(k, v)| format!("{k}:{v}"));
    let expressions = selector.expressions.iter().map(|e| {
        let values = e.values.join(" ");
        format!(
            "{{Key:{},Operator:{:?},Values:[{values}],}}",
            e.key, e.operator
        )
    });
    equals.chain(expressions).collect::<Vec<_>>().join(",")
}

fn written(src: Text, dst: Text, ports: &Ports) -> Connection {
    let (conn, possible) = conn(ports);
    Connection {
        src,
        dst,
        conn,
        possible,
    }
}

/// As written, and what cannot be ruled out where that is more.
pub(crate) fn conn(ports: &Ports) -> (Text, Option<Text>) {
    let more = ports.possible != ports.written;
    let possible = more.then(|| ports.possible.to_string().into());
    (ports.written.to_string().into(), possible)
}

fn verdict(ports: &Ports, asked: Option<(Protocol, u16)>, enforced: Truth) -> Truth {
    let by_policies = ports.truth(asked);
    match enforced {
        Truth::Yes => by_policies,
        // What nothing enforces keeps nobody out.
        Truth::No => Truth::Yes,
        Truth::Unknown => by_policies.max(Truth::Unknown),
    }
}

fn parse_port(text: &str) -> Result<(Protocol, u16), ReachError> {
    let wrong = || ReachError::Port(text.to_owned());
    let (protocol, port) = match text.split_once(['/', ':', ' ']) {
        Some((a, b)) if a.parse::<u16>().is_ok() => (b, a),
        Some((a, b)) => (a, b),
        None => ("TCP", text),
    };
    let protocol = Protocol::parse(&protocol.to_ascii_uppercase()).ok_or_else(wrong)?;
    match port.parse() {
        Ok(port) if port > 0 => Ok((protocol, port)),
        _ => Err(wrong()),
    }
}

fn gap(class: &str, what: impl Into<Text>) -> Gap {
    Gap {
        class: class.into(),
        what: what.into(),
        stage: Stage::Relate,
        scope: "network".into(),
        weight: GapWeight::Widens,
        close: "".into(),
    }
}

/// Kinds of policies, and how many of them hold something that is not evaluated exactly.
fn in_part(inventory: &Inventory) -> BTreeMap<&str, u64> {
    let mut kinds: BTreeMap<&str, u64> = BTreeMap::new();
    let calico = &inventory.calico;
    for policy in &calico.policies {
        let rules = [&policy.ingress, &policy.egress];
        let mut rules = rules.into_iter().flatten().flatten();
        let tier = &*policy.tier == "default" || calico.tiers.iter().any(|t| t.name == policy.tier);
        let whole = policy.subject.is_some() && tier;
        if !whole || rules.any(|rule| rule.malformed || rule.narrowed) {
            *kinds.entry(&policy.object.kind).or_default() += 1;
        }
    }
    for policy in &inventory.mesh.policies {
        let asked = policy.action == MeshAction::Custom || policy.subject.is_none();
        let part = |rule: &MeshRule| {
            let sources = rule.sources.iter().any(|source| source.narrowed);
            rule.malformed || rule.narrowed || sources
        };
        if asked || policy.rules.iter().any(part) {
            *kinds.entry(&policy.object.kind).or_default() += 1;
        }
    }
    kinds
}

/// Kinds of other networks and of what is on them, by group.
const OTHER_NETWORKS: [(&str, &str); 6] = [
    ("UserDefinedNetwork", "networks of namespaces"),
    ("ClusterUserDefinedNetwork", "networks of namespaces"),
    ("NetworkAttachmentDefinition", "secondary networks"),
    ("MultiNetworkPolicy", "policies of secondary networks"),
    ("VirtualMachine", "virtual machines"),
    ("VirtualMachineInstance", "virtual machines"),
];

fn gaps(snapshot: &Snapshot, inventory: &Inventory) -> Vec<Gap> {
    let mut gaps = snapshot.gaps.clone();
    gaps.extend(inventory.gaps.iter().cloned());
    for (kind, what) in OTHER_NETWORKS {
        let of = |name: &str| name.split('.').next() == Some(kind);
        let other = snapshot.other_kinds.iter().filter(|(name, _)| of(name));
        let read = snapshot.objects.iter().filter(|o| &*o.gvk.kind == kind);
        let count = other.map(|(_, n)| n).sum::<u64>() + read.count() as u64;
        if count > 0 {
            gaps.push(gap(
                "network-not-evaluated",
                format!("{count} {kind}: {what} are not evaluated"),
            ));
        }
    }
    let mut kinds: BTreeMap<&str, u64> = BTreeMap::new();
    for policy in &inventory.other_policies {
        if !policy.evaluated {
            *kinds.entry(&policy.object.kind).or_default() += 1;
        }
    }
    for (kind, count) in kinds {
        gaps.push(gap(
            "policy-kind-not-evaluated",
            format!("rules of {count} {kind} objects are not evaluated: they may close more, and what follows is the most that is open"),
        ));
    }
    for (kind, count) in in_part(inventory) {
        gaps.push(gap(
            "policy-part-not-evaluated",
            format!("{count} {kind} objects have parts that are not evaluated, such as selectors that cannot be read, Services, conditions of layer 7 and tiers that were not seen: what depends on them is unknown"),
        ));
    }
    gaps.retain(|gap| &*gap.class != "criticality-undeclared");
    gaps.sort_unstable();
    gaps.dedup();
    gaps
}
