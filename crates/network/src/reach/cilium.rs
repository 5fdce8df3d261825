//! Cilium's policies as rules: those that deny in a layer of their own, those that allow beside NetworkPolicies.
//! Comes in: views. Goes out: policies, and what they ask of pods and of the address space.
//! Never: a block that means a pod; Cilium knows pods by their identity.

use super::classes::Asked;
use super::rules::{
    Governed, Layer, Meant, OnPods, Pods, Policy, Reading, Rule, named, place, ports,
};
use ipnet::IpNet;
use model::reach::Direction;
use semantics::view::{
    AdminAction, AdminPods, CiliumPeer, CiliumPolicy, CiliumRule, CiliumSide, Inventory, Selector,
};

const NAME: &str = "kubernetes.io/metadata.name";

fn side(policy: &CiliumPolicy, direction: Direction) -> &CiliumSide {
    match direction {
        Direction::Ingress => &policy.ingress,
        Direction::Egress => &policy.egress,
    }
}

fn rules(policy: &CiliumPolicy, direction: Direction) -> impl Iterator<Item = &CiliumRule> {
    let side = side(policy, direction);
    side.allow.iter().chain(&side.deny)
}

pub(crate) fn asked<'a>(inventory: &'a Inventory, asked: &mut Asked<'a>) {
    for policy in &inventory.cilium_policies {
        if let Some((_, pods)) = &policy.subject {
            asked.selector(pods);
        }
        for direction in [Direction::Ingress, Direction::Egress] {
            for rule in rules(policy, direction) {
                for peer in &rule.peers {
                    if let CiliumPeer::Pods { pods, .. } = peer {
                        asked.selector(pods);
                    }
                }
                named(asked, rule.ports.as_deref().unwrap_or_default());
            }
        }
    }
}

pub(crate) fn blocks<'a>(
    inventory: &'a Inventory,
    direction: Direction,
    all: &mut Vec<(&'a IpNet, &'a [IpNet])>,
) {
    for policy in &inventory.cilium_policies {
        for peer in rules(policy, direction).flat_map(|rule| &rule.peers) {
            if let CiliumPeer::Block { cidr, except } = peer {
                all.push((cidr, except));
            }
        }
    }
}

impl Reading<'_> {
    /// The part of a policy that denies, or the one that allows.
    pub(crate) fn cilium(&mut self, policy: &CiliumPolicy, denies: bool) -> Policy {
        let own = policy.namespace.as_deref();
        let own = own.map(|name| (name, self.namespaces.find(name).unwrap_or(u32::MAX)));
        let mut isolates = [false, false];
        let read = [Direction::Ingress, Direction::Egress].map(|direction| {
            let side = side(policy, direction);
            let (action, rules, name) = if denies {
                (AdminAction::Deny, &side.deny, "Deny")
            } else {
                (AdminAction::Allow, &side.allow, "")
            };
            isolates[direction as usize] = side.isolates && !denies;
            let rules: Vec<Rule> = (0..)
                .zip(rules)
                .map(|(n, rule)| {
                    let meant = rule.peers.iter().map(|peer| meant(peer, own));
                    let meant = meant.collect();
                    Rule {
                        name: if denies {
                            let place = place(direction, n);
                            place.replacen('[', &format!("{name}["), 1).into()
                        } else {
                            place(direction, n)
                        },
                        action,
                        peers: self.intern(direction, meant),
                        ports: ports(rule.ports.as_ref()),
                        malformed: rule.malformed,
                        narrowed: rule.narrowed && !denies,
                    }
                })
                .collect();
            let says = isolates[direction as usize] || !rules.is_empty();
            says.then_some(rules)
        });
        Policy {
            object: policy.object.clone(),
            layer: if denies {
                Layer::deny()
            } else {
                Layer::developer()
            },
            governed: governed(policy, own),
            rules: read,
            isolates,
        }
    }
}

fn governed(policy: &CiliumPolicy, own: Option<(&str, u32)>) -> Governed {
    let Some((namespaces, pods)) = &policy.subject else {
        // One of a namespace selects there, whatever it selects.
        return own.map_or(Governed::Unknown, |(_, n)| {
            let unknown = Selector {
                malformed: true,
                ..Selector::default()
            };
            Governed::Own(n, unknown)
        });
    };
    match (own, namespaces) {
        (Some((_, n)), None) => Governed::Own(n, pods.clone()),
        (own, of) => {
            let mut namespaces = of.clone().unwrap_or_default();
            if let Some((name, n)) = own {
                // Both must hold: the policy's own namespace, and what it asks of it.
                match namespaces.equals.insert(NAME.into(), name.into()) {
                    Some(other) if *other != *name => {
                        return Governed::Own(u32::MAX, Selector::default());
                    }
                    _ if namespaces.equals.len() == 1 && namespaces.expressions.is_empty() => {
                        return Governed::Own(n, pods.clone());
                    }
                    _ => {}
                }
            }
            Governed::Pods(AdminPods {
                namespaces,
                pods: pods.clone(),
            })
        }
    }
}

fn meant(peer: &CiliumPeer, own: Option<(&str, u32)>) -> Meant {
    match peer {
        CiliumPeer::Everyone => Meant::Everyone,
        CiliumPeer::Unresolved => Meant::Unresolved,
        CiliumPeer::Block { cidr, except } => Meant::Block {
            cidr: *cidr,
            except: except.clone(),
            pods: OnPods::Never,
        },
        CiliumPeer::Pods { pods, namespaces } => Meant::Pods(Pods {
            namespaces: match (namespaces, own) {
                (Some(selector), _) => Ok(selector.clone()),
                (None, Some((_, n))) => Err(n),
                (None, None) => Ok(Selector::everything()),
            },
            pods: pods.clone(),
        }),
    }
}
