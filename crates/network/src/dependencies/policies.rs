//! What existing NetworkPolicies let through to pods that they name: people wrote down who depends on whom.
//! Comes in: NetworkPolicies. Goes out: dependencies between workloads. A rule that names nobody (all pods, all of a
//! namespace) declares nothing. Never: policies that were proposed here before; they would keep what they once opened.

use super::{Finder, Party, reason};
use crate::namespaces::Namespaces;
use crate::reach::Protocol;
use model::evidence::Truth;
use model::object::ObjectRef;
use semantics::view::{
    NetworkPolicy, PodSpec, PolicyPeer, PolicyPort, PolicyRule, Selector, TargetPort,
};

/// Workloads on one side of one rule; a rule that means more names nobody.
const MOST: usize = 200;
/// Longest list of ports that a range is written as.
const MOST_PORTS: u16 = 16;

impl Finder<'_> {
    pub(super) fn policies(&mut self, namespaces: &Namespaces<'_>) {
        for policy in &self.inventory.network_policies {
            if policy.name.starts_with(crate::segments::PREFIX) {
                continue;
            }
            let object = ObjectRef::new(
                "networking.k8s.io",
                "NetworkPolicy",
                Some(&policy.namespace),
                &policy.name,
            );
            for (side, rules) in [("ingress", &policy.ingress), ("egress", &policy.egress)] {
                for (n, rule) in rules.iter().enumerate() {
                    self.rule(namespaces, policy, &object, side, n, rule);
                }
            }
        }
    }

    fn rule(
        &mut self,
        namespaces: &Namespaces<'_>,
        policy: &NetworkPolicy,
        object: &ObjectRef,
        side: &str,
        n: usize,
        rule: &PolicyRule,
    ) {
        let own = self.pods(namespaces, &policy.namespace, None, &policy.selector);
        for (at, peer) in rule.peers.iter().enumerate() {
            let PolicyPeer::Pods {
                pods,
                namespaces: of,
            } = peer
            else {
                continue;
            };
            if pods.is_everything() {
                continue;
            }
            let peers = self.pods(namespaces, &policy.namespace, of.as_ref(), pods);
            if own.len() > MOST || peers.len() > MOST {
                continue;
            }
            let list = if side == "ingress" { "from" } else { "to" };
            let place = format!("/spec/{side}/{n}/{list}/{at}");
            let because = reason(object, &place, "it lets this through already");
            for ours in &own {
                for theirs in &peers {
                    let (from, to) = match side {
                        "ingress" => (*theirs, *ours),
                        _ => (*ours, *theirs),
                    };
                    if let Some(ports) = self.ports(to, &rule.ports) {
                        self.put(Party::Workload(from), Party::Workload(to), ports, &because);
                    }
                }
            }
        }
    }

    /// Workloads whose pods a peer means. `of`: `None` is the policy's own namespace.
    fn pods(
        &self,
        namespaces: &Namespaces<'_>,
        own: &str,
        of: Option<&Selector>,
        pods: &Selector,
    ) -> Vec<u32> {
        let own = namespaces.find(own);
        let meant = namespaces.all().filter(|n| match of {
            None => Some(*n) == own,
            Some(selector) => namespaces.selected(selector, *n) == Truth::Yes,
        });
        let workloads = meant
            .filter_map(|n| namespaces.workloads.get(n as usize))
            .flatten();
        let carries = |n: &&u32| {
            let view = self.inventory.workloads.get(**n as usize);
            view.is_some_and(|view| !pods.malformed && pods.matches(&view.pod_labels))
        };
        workloads.filter(carries).copied().collect()
    }

    /// `None` where the rule's ports mean nothing to these pods; empty: all.
    fn ports(&self, to: u32, ports: &[PolicyPort]) -> Option<Vec<(Protocol, u16)>> {
        let view = self.inventory.workloads.get(to as usize)?;
        let template = self.template(view)?;
        let mut found = Vec::new();
        for port in ports {
            let Some(protocol) = Protocol::parse(&port.protocol) else {
                continue;
            };
            match (&port.port, port.end) {
                (None, _) => return Some(Vec::new()),
                (Some(TargetPort::Name(name)), _) => {
                    found.extend(named(template, name, protocol).map(|port| (protocol, port)));
                }
                (Some(TargetPort::Number(first)), None) => found.push((protocol, *first)),
                (Some(TargetPort::Number(first)), Some(last)) => {
                    if last.saturating_sub(*first) >= MOST_PORTS {
                        return Some(Vec::new());
                    }
                    found.extend((*first..=last).map(|port| (protocol, port)));
                }
            }
        }
        (ports.is_empty() || !found.is_empty()).then_some(found)
    }
}

fn named(template: &PodSpec, name: &str, protocol: Protocol) -> Option<u16> {
    let ports = template
        .containers
        .iter()
        .flat_map(|container| &container.ports);
    let mut meant = ports.filter(|p| p.name.as_deref() == Some(name));
    let found = meant.find(|p| Protocol::parse(&p.protocol) == Some(protocol));
    found.map(|port| port.port)
}
