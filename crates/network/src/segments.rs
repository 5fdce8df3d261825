//! The least NetworkPolicies that let dependencies through: a default deny for each namespace, one policy a workload.
//! Comes in: the inventory, selectors, dependencies. Goes out: a `Proposal`. Never: a policy for the cluster's own
//! namespaces, a name of more than 63 letters, two policies of one name.

use crate::dependencies::{Dependencies, Dependency, Party};
use crate::reach::Protocol;
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use model::keys::sha256_hex;
use model::netpol::{Peer, Policy, Proposal, Reason, Rule, Selected};
use model::reach::Direction;
use model::text::Text;
use semantics::named::Named;
use semantics::view::{Inventory, Labels, Operator, Selector, WorkloadView};
use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, Ipv6Addr};

/// What the names of all proposed policies begin with.
pub const PREFIX: &str = "plimsoll-";
const LONGEST_NAME: usize = 63;
/// The cluster's own: a default deny there ends the cluster.
const NEVER: [&str; 3] = ["kube-system", "kube-public", "kube-node-lease"];

/// Labels that controllers give to each pod or revision anew.
const OF_ONE_POD: [&str; 10] = [
    "apps.kubernetes.io/pod-index",
    "batch.kubernetes.io/controller-uid",
    "batch.kubernetes.io/job-completion-index",
    "batch.kubernetes.io/job-name",
    "controller-revision-hash",
    "controller-uid",
    "job-name",
    "pod-template-generation",
    "pod-template-hash",
    "statefulset.kubernetes.io/pod-name",
];

/// For which namespaces; empty: all but the cluster's own.
#[derive(Clone, Debug, Default)]
pub struct Scope {
    pub namespaces: BTreeSet<Text>,
}

impl Scope {
    pub fn holds(&self, namespace: &str) -> bool {
        !NEVER.contains(&namespace)
            && (self.namespaces.is_empty() || self.namespaces.contains(namespace))
    }

    /// A namespace that is asked for and never gets policies.
    pub fn refused(&self) -> Option<&Text> {
        self.namespaces
            .iter()
            .find(|name| NEVER.contains(&&***name))
    }
}

/// What an egress rule to "outside" leaves out: link-local addresses, where clouds give out credentials of the node.
/// Private ranges stay in: a name outside of the cluster may lead there.
pub(crate) fn not_outside() -> Vec<IpNet> {
    let four = Ipv4Net::new(Ipv4Addr::new(169, 254, 0, 0), 16).map(IpNet::V4);
    let six = Ipv6Net::new(Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0), 10).map(IpNet::V6);
    [four, six].into_iter().flatten().collect()
}

/// Peers, by direction, of one workload: ports and reasons. No peers: everyone. No ports: all.
type Rules = BTreeMap<Vec<Peer>, Granted>;
type Granted = (Option<BTreeSet<(Protocol, u16)>>, BTreeSet<Reason>);

pub fn segments(
    inventory: &Inventory,
    named: &Named,
    dependencies: &Dependencies,
    scope: &Scope,
) -> Proposal {
    let maker = Maker {
        inventory,
        pods: inventory
            .workloads
            .iter()
            .enumerate()
            .map(|(n, view)| {
                let says = named.workloads.get(n);
                pods_of(says.and_then(|says| says.selector.as_ref()), view)
            })
            .collect(),
        isolated: inventory
            .workloads
            .iter()
            .map(|view| isolated(inventory, view))
            .collect(),
        scope,
    };
    let mut rules: BTreeMap<(u32, Direction), Rules> = BTreeMap::new();
    for dependency in &dependencies.all {
        for direction in [Direction::Ingress, Direction::Egress] {
            let Some((workload, peers)) = maker.side(dependency, direction) else {
                continue;
            };
            let of = rules.entry((workload, direction)).or_default();
            let (ports, because) = of
                .entry(peers)
                .or_insert_with(|| (Some(BTreeSet::new()), BTreeSet::new()));
            match ports {
                Some(ports) if !dependency.ports.is_empty() => ports.extend(&dependency.ports),
                all => *all = None,
            }
            because.insert(dependency.because.clone());
        }
    }
    maker.proposal(rules, dependencies)
}

struct Maker<'a> {
    inventory: &'a Inventory,
    /// Parallel to the workloads.
    pods: Vec<Selected>,
    /// Parallel to the workloads, by direction: policies that exist isolate it.
    isolated: Vec<[bool; 2]>,
    scope: &'a Scope,
}

impl Maker<'_> {
    /// Whose policy a dependency needs on one side, and whom it lets through there.
    fn side(&self, dependency: &Dependency, direction: Direction) -> Option<(u32, Vec<Peer>)> {
        let (own, other) = match direction {
            Direction::Ingress => (&dependency.to, &dependency.from),
            Direction::Egress => (&dependency.from, &dependency.to),
        };
        let Party::Workload(own) = own else {
            return None;
        };
        let view = self.governed(*own)?;
        // What exists stays and decides: a rule beside it could only open what it denies.
        if self.is_isolated(*own, direction) {
            return None;
        }
        Some((*own, self.peers(&view.workload.key.namespace, other)))
    }

    /// A workload whose pods a policy of the proposal governs: not those on the node's network.
    fn governed(&self, n: u32) -> Option<&WorkloadView> {
        let view = self.inventory.workloads.get(n as usize)?;
        let holds = self.scope.holds(&view.workload.key.namespace);
        (holds && !self.on_node(view)).then_some(view)
    }

    fn is_isolated(&self, n: u32, direction: Direction) -> bool {
        let of = self.isolated.get(n as usize);
        of.is_some_and(|of| of[direction as usize])
    }

    fn on_node(&self, view: &WorkloadView) -> bool {
        let template = self.inventory.templates.get(view.template as usize);
        template.is_some_and(|template| template.host_network)
    }

    fn peers(&self, own: &str, party: &Party) -> Vec<Peer> {
        let pods = |namespace: &str, pods: Selected| {
            vec![Peer::Pods {
                namespace: (namespace != own).then(|| namespace.into()),
                pods,
            }]
        };
        match party {
            Party::Workload(n) => match self.inventory.workloads.get(*n as usize) {
                Some(view) if !self.on_node(view) => {
                    let selected = self.pods.get(*n as usize).cloned().unwrap_or_default();
                    pods(&view.workload.key.namespace, selected)
                }
                _ => Vec::new(),
            },
            Party::Labelled(namespace, labels) => pods(namespace, of_labels(labels)),
            Party::Outside(blocks) if blocks.is_empty() => everywhere_outside(),
            Party::Outside(blocks) => {
                let block = |cidr: &IpNet| Peer::Block {
                    cidr: *cidr,
                    except: Vec::new(),
                };
                blocks.iter().map(block).collect()
            }
            Party::Anyone | Party::Controller | Party::ApiServer => Vec::new(),
        }
    }

    fn proposal(
        &self,
        mut rules: BTreeMap<(u32, Direction), Rules>,
        dependencies: &Dependencies,
    ) -> Proposal {
        let mut namespaces: BTreeMap<Text, Vec<u32>> = BTreeMap::new();
        let mut on_nodes = 0;
        for (n, view) in (0_u32..).zip(&self.inventory.workloads) {
            let namespace = &view.workload.key.namespace;
            if !self.scope.holds(namespace) {
                continue;
            }
            let of = namespaces.entry(Text::clone(namespace)).or_default();
            if self.on_node(view) {
                on_nodes += 1;
            } else {
                of.push(n);
            }
        }
        let mut policies: Vec<Policy> = namespaces.keys().map(default_deny).collect();
        let mut unlabelled = 0;
        for (namespace, workloads) in &namespaces {
            let names = self.names(workloads);
            for (n, name) in workloads.iter().zip(names) {
                let Some(view) = self.inventory.workloads.get(*n as usize) else {
                    continue;
                };
                let pods = self.pods.get(*n as usize).cloned().unwrap_or_default();
                let mut about = vec![view.workload.object.to_string().into()];
                if pods == Selected::default() {
                    unlabelled += 1;
                    about.push(
                        "Its pods have no labels: this governs all pods of the namespace.".into(),
                    );
                }
                for (direction, says) in [
                    (Direction::Ingress, "gets in"),
                    (Direction::Egress, "is reached from it"),
                ] {
                    if self.is_isolated(*n, direction) {
                        about.push(
                            format!("Policies that exist decide who {says}: nothing is added.")
                                .into(),
                        );
                    }
                }
                let unknown = dependencies.unknown.iter().filter(|(of, _)| of == n);
                about.extend(
                    unknown.map(|(_, reason)| format!("Unknown: {}", sentence(reason)).into()),
                );
                let mut side = |direction| {
                    let rules = rules.remove(&(*n, direction)).unwrap_or_default();
                    Some(rules.into_iter().map(rule).collect::<Vec<Rule>>())
                };
                policies.push(Policy {
                    namespace: Text::clone(namespace),
                    name,
                    about,
                    pods,
                    ingress: side(Direction::Ingress),
                    egress: side(Direction::Egress),
                });
            }
        }
        let unknown = dependencies
            .unknown
            .iter()
            .filter(|(n, _)| self.governed(*n).is_some());
        Proposal {
            remarks: self.remarks(on_nodes, unlabelled),
            policies,
            unknown: unknown
                .map(|(_, reason)| reason.clone())
                .collect::<BTreeSet<_>>()
                .into_iter()
                .collect(),
        }
    }

    fn remarks(&self, on_nodes: usize, unlabelled: usize) -> Vec<Text> {
        let mut remarks: Vec<Text> = vec![
            "NetworkPolicies that let through what is declared, and nothing else.".into(),
            "Policies add up: those that exist stay, and what they let through stays open.".into(),
            "What no object declares is cut; apply them where that shows first.".into(),
            "Undo: kubectl delete -f with this file.".into(),
        ];
        let inventory = self.inventory;
        let enforced = inventory
            .network_enforced
            .unwrap_or(!inventory.enforcing_cni.is_empty());
        if !enforced {
            remarks.push("Nothing shows that the network plugin enforces NetworkPolicies.".into());
        }
        if on_nodes > 0 {
            remarks.push(
                format!("Not governed, because they are on the network of their node: {on_nodes} workloads.").into(),
            );
        }
        if unlabelled > 0 {
            remarks.push(
                format!(
                    "Without labels, so that no policy can name them alone: {unlabelled} workloads."
                )
                .into(),
            );
        }
        remarks
    }

    /// One name for each workload of a namespace.
    fn names(&self, workloads: &[u32]) -> Vec<Text> {
        let views: Vec<_> = workloads
            .iter()
            .map(|n| self.inventory.workloads.get(*n as usize))
            .collect();
        let mut count: BTreeMap<&str, usize> = BTreeMap::new();
        for view in views.iter().flatten() {
            *count.entry(&view.workload.key.name).or_default() += 1;
        }
        let mut taken = BTreeSet::from([Text::from(DENY)]);
        let mut names = Vec::with_capacity(views.len());
        for view in views {
            let (kind, name) = view.map_or(("", ""), |view| {
                (&*view.workload.key.kind, &*view.workload.key.name)
            });
            let plain = match count.get(name) {
                Some(1) => format!("{PREFIX}{name}"),
                _ => format!("{PREFIX}{name}-{}", kind.to_ascii_lowercase()),
            };
            let mut chosen: Text = short(&plain, &format!("{kind}/{name}")).into();
            let mut number = 0;
            while !taken.insert(Text::clone(&chosen)) {
                number += 1;
                chosen = hashed(&plain, &format!("{kind}/{name}/{number}")).into();
            }
            names.push(chosen);
        }
        names
    }
}

/// Whether NetworkPolicies that exist isolate a workload, by direction; those of an earlier proposal do not count.
fn isolated(inventory: &Inventory, view: &WorkloadView) -> [bool; 2] {
    let mut isolated = [false; 2];
    for policy in &inventory.network_policies {
        let own = policy.namespace == view.workload.key.namespace
            && !policy.name.starts_with(PREFIX)
            && policy.selector.matches(&view.pod_labels);
        isolated[Direction::Ingress as usize] |= own && policy.isolates_ingress;
        isolated[Direction::Egress as usize] |= own && policy.isolates_egress;
    }
    isolated
}

const DENY: &str = "plimsoll-default-deny";

fn default_deny(namespace: &Text) -> Policy {
    Policy {
        namespace: Text::clone(namespace),
        name: DENY.into(),
        about: vec![
            format!("Namespace {namespace}: what no policy lets through is denied.").into(),
        ],
        pods: Selected::default(),
        ingress: Some(Vec::new()),
        egress: Some(Vec::new()),
    }
}

fn rule((peers, (ports, because)): (Vec<Peer>, Granted)) -> Rule {
    let ports = ports.into_iter().flatten();
    Rule {
        because: because.into_iter().collect(),
        peers,
        ports: ports
            .map(|(protocol, port)| (protocol.name().into(), port))
            .collect(),
    }
}

/// `env DB_HOST names ... (Deployment shop/web /spec/...)`.
fn sentence(reason: &Reason) -> String {
    format!("{} ({} {})", reason.says, reason.object, reason.pointer)
}

fn everywhere_outside() -> Vec<Peer> {
    let blocks = [IpNet::V4(Ipv4Net::default()), IpNet::V6(Ipv6Net::default())];
    let except = not_outside();
    let block = |cidr: IpNet| Peer::Block {
        cidr,
        except: except
            .iter()
            .filter(|inner| cidr.contains(*inner))
            .copied()
            .collect(),
    };
    blocks.into_iter().map(block).collect()
}

/// The workload's own selector; else the labels that all its pods have.
fn pods_of(selector: Option<&Selector>, view: &WorkloadView) -> Selected {
    let stays = |labels: &Labels| -> Labels {
        let of = labels
            .iter()
            .filter(|(key, _)| !OF_ONE_POD.contains(&&***key));
        of.map(|(key, value)| (Text::clone(key), Text::clone(value)))
            .collect()
    };
    let lasting = |selector: &&Selector| {
        let keys = selector
            .equals
            .keys()
            .chain(selector.expressions.iter().map(|e| &e.key));
        keys.map(|key| &**key).all(|key| !OF_ONE_POD.contains(&key))
    };
    let Some(selector) = selector.filter(lasting) else {
        return of_labels(&stays(&view.pod_labels));
    };
    let operator = |operator: Operator| match operator {
        Operator::In => "In",
        Operator::NotIn => "NotIn",
        Operator::Exists => "Exists",
        Operator::DoesNotExist => "DoesNotExist",
    };
    let expressions = selector.expressions.iter();
    Selected {
        expressions: expressions
            .map(|e| {
                (
                    Text::clone(&e.key),
                    operator(e.operator).into(),
                    e.values.clone(),
                )
            })
            .collect(),
        ..of_labels(&selector.equals)
    }
}

fn of_labels(labels: &Labels) -> Selected {
    let labels = labels.iter();
    Selected {
        labels: labels
            .map(|(key, value)| (Text::clone(key), Text::clone(value)))
            .collect(),
        expressions: Vec::new(),
    }
}

/// The name itself if a server takes it, else its beginning and a hash.
fn short(name: &str, whole: &str) -> String {
    let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    if name.len() <= LONGEST_NAME && name.bytes().all(allowed) && !name.ends_with('-') {
        name.to_owned()
    } else {
        hashed(name, whole)
    }
}

fn hashed(name: &str, whole: &str) -> String {
    let plain = name.chars().map(|c| match c.to_ascii_lowercase() {
        c if c.is_ascii_lowercase() || c.is_ascii_digit() => c,
        _ => '-',
    });
    let start: String = plain.take(LONGEST_NAME - 9).collect();
    let hash = sha256_hex(whole.as_bytes());
    format!("{start}-{}", hash.get(..8).unwrap_or_default())
}
