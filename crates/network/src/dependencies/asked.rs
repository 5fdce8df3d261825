//! Whether declared dependencies pass, by the reachability engine.
//! Comes in: policies as evaluated, a dependency. Goes out: yes, no or unknown. Never: yes because nobody was asked.

use super::entries::ends;
use super::{Dependency, Party};
use crate::reach::{Interval, Peer, Pods, Ports, Protocol, Reach};
use crate::segments::not_outside;
use ipnet::IpNet;
use model::evidence::Truth;
use model::reach::Direction;
use model::text::Text;
use semantics::view::{Inventory, Labels, Selector};

/// Whether all ports of a dependency are let through by both sides; of pods that were not seen, by the other one.
pub fn passes(inventory: &Inventory, reach: &Reach<'_>, dependency: &Dependency) -> Truth {
    ask(inventory, reach, dependency, &dependency.ports)
}

/// Takes out what policies deny today: they stay, and what they deny was not declared for others to open.
pub fn denied(
    inventory: &Inventory,
    reach: &Reach<'_>,
    dependencies: &mut Vec<Dependency>,
) -> Vec<Dependency> {
    let mut all = Vec::new();
    dependencies.retain_mut(|dependency| {
        let closed =
            |port: &(Protocol, u16)| ask(inventory, reach, dependency, &[*port]) == Truth::No;
        if dependency.ports.is_empty() {
            return true;
        }
        let (denied, open): (Vec<_>, Vec<_>) = dependency.ports.iter().copied().partition(closed);
        if !denied.is_empty() {
            all.push(Dependency {
                ports: denied,
                ..dependency.clone()
            });
        }
        dependency.ports = open;
        !dependency.ports.is_empty()
    });
    all
}

fn ask(
    inventory: &Inventory,
    reach: &Reach<'_>,
    dependency: &Dependency,
    wanted: &[(Protocol, u16)],
) -> Truth {
    let on_node = |party: &Party| {
        let Party::Workload(n) = party else {
            return false;
        };
        let view = inventory.workloads.get(*n as usize);
        let template = view.and_then(|view| inventory.templates.get(view.template as usize));
        template.is_some_and(|template| template.host_network)
    };
    let mut all = Truth::Yes;
    if let Party::Labelled(namespace, labels) = &dependency.to {
        let Party::Workload(from) = &dependency.from else {
            return Truth::Unknown;
        };
        all = answer(&reach.out_to(*from, &like(namespace, labels)), wanted);
    } else {
        let to = peers(reach, &dependency.to, Direction::Egress);
        for a in peers(reach, &dependency.from, Direction::Ingress) {
            for b in &to {
                all = all.min(answer(&reach.ports(a, *b), wanted));
            }
        }
    }
    // Plugins differ in what a policy means to pods on the node's network: only a plain no counts there.
    if all == Truth::Unknown && (on_node(&dependency.from) || on_node(&dependency.to)) {
        all = Truth::Yes;
    }
    all
}

fn like(namespace: &Text, labels: &Labels) -> Pods {
    let equals = |labels: &Labels| Selector {
        equals: labels.clone(),
        ..Selector::default()
    };
    let name = Labels::from([("kubernetes.io/metadata.name".into(), Text::clone(namespace))]);
    Pods {
        namespaces: Ok(equals(&name)),
        pods: equals(labels),
    }
}

fn answer(ports: &Ports, wanted: &[(Protocol, u16)]) -> Truth {
    let answers = wanted.iter().map(|port| ports.truth(Some(*port)));
    if !wanted.is_empty() {
        return answers.min().unwrap_or(Truth::Yes);
    }
    match (ports.sure.is_all(), ports.possible.is_all()) {
        (true, _) => Truth::Yes,
        (false, true) => Truth::Unknown,
        (false, false) => Truth::No,
    }
}

fn peers(reach: &Reach<'_>, party: &Party, direction: Direction) -> Vec<Peer> {
    let ranges = |keep: &dyn Fn(&Interval) -> bool| -> Vec<Peer> {
        let kept = reach.intervals(direction).filter(|(_, i)| keep(i));
        kept.map(|(n, _)| Peer::Range(n)).collect()
    };
    let meets = |block: &IpNet, i: &Interval| {
        let (first, last) = ends(block);
        first.is_ipv4() == i.first.is_ipv4() && i.first <= last && first <= i.last
    };
    let within = |block: &IpNet, i: &Interval| {
        let (first, last) = ends(block);
        first.is_ipv4() == i.first.is_ipv4() && first <= i.first && i.last <= last
    };
    match party {
        Party::Workload(n) => vec![Peer::Workload(*n)],
        Party::Anyone | Party::ApiServer => ranges(&|_| true),
        Party::Outside(blocks) if blocks.is_empty() => {
            let not = not_outside();
            ranges(&|i| !not.iter().any(|block| within(block, i)))
        }
        Party::Outside(blocks) => ranges(&|i| blocks.iter().any(|block| meets(block, i))),
        Party::Controller => vec![Peer::IngressController],
        Party::Labelled(..) => Vec::new(),
    }
}
