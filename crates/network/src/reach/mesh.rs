//! Istio's policies as rules of a chain of their own: what the pods' proxies let in, after the network did.
//! Comes in: views. Goes out: policies, whom a rule means, which pods have a proxy. Never: an identity of a pod that was
//! not seen in the mesh.
//!
//! Source: Istio reference "Authorization Policy" (CUSTOM, then DENY, then ALLOW), "PeerAuthentication";
//! ISTIO-SECURITY-2021-004: plain text has no identity, and what asks for another one is met by it.

use super::classes::{Asked, Class};
use super::meets::Meets;
use super::nets::Nets;
use super::rules::{Chain, Governed, Layer, Meant, Peers, Policy, Ports, Reading, Rule, ports};
use super::{PortSet, Protocol};
use crate::namespaces::selects;
use ipnet::IpNet;
use model::reach::Direction;
use model::text::Text;
use semantics::view::{
    AdminAction, Inventory, Labels, MeshAction, MeshPolicy, MeshSource, PeerAuthentication,
    PodSpec, Selector,
};

const PROXY: &str = "istio-proxy";
const AMBIENT: &str = "istio.io/dataplane-mode";
const INJECT: &str = "sidecar.istio.io/inject";
/// The trust domain, unless the mesh is configured otherwise.
const TRUST_DOMAIN: &str = "cluster.local";
/// Labels that decide about proxies.
const LABELS: [&str; 2] = [AMBIENT, INJECT];

pub(crate) fn asked<'a>(inventory: &'a Inventory, asked: &mut Asked<'a>) {
    let mesh = &inventory.mesh;
    if mesh.policies.is_empty() && mesh.authentication.is_empty() {
        return;
    }
    asked.mesh = true;
    asked.accounts = true;
    asked.labels.extend(LABELS);
    let subjects = mesh.policies.iter().filter_map(|p| p.subject.as_ref());
    let more = mesh
        .authentication
        .iter()
        .filter_map(|p| p.subject.as_ref());
    subjects
        .chain(more)
        .for_each(|subject| asked.selector(subject));
    let sources = mesh.policies.iter().flat_map(|p| &p.rules);
    let mut sources = sources.flat_map(|rule| &rule.sources);
    asked.addresses |= sources.any(|s| !s.nets.is_empty() || !s.not_nets.is_empty());
}

pub(crate) fn blocks<'a>(inventory: &'a Inventory, all: &mut Vec<(&'a IpNet, &'a [IpNet])>) {
    let rules = inventory.mesh.policies.iter().flat_map(|p| &p.rules);
    for source in rules.flat_map(|rule| &rule.sources) {
        let nets = source.nets.iter().chain(&source.not_nets);
        all.extend(nets.map(|net| (net, &[][..])));
    }
}

/// Whether pods have a proxy, by their template, labels, and whether such pods were seen.
pub(crate) fn proxied(
    template: Option<&PodSpec>,
    labels: &Labels,
    namespace: Option<&Labels>,
    seen: bool,
) -> Meets {
    let Some(template) = template else {
        return Meets::MaybeNot;
    };
    if template.containers.iter().any(|c| &*c.name == PROXY) {
        return Meets::Yes;
    }
    if template.host_network {
        return Meets::No;
    }
    let Some(namespace) = namespace else {
        return Meets::MaybeNot;
    };
    let word = |labels: &Labels, key: &str| labels.get(key).map(Text::clone);
    let mode = word(labels, AMBIENT).or_else(|| word(namespace, AMBIENT));
    if mode.as_deref() == Some("ambient") {
        return Meets::Yes;
    }
    if seen {
        return Meets::No;
    }
    let asks = match word(labels, INJECT).as_deref() {
        Some("true") => true,
        Some("false") => return Meets::No,
        _ => {
            word(namespace, "istio-injection").as_deref() == Some("enabled")
                || namespace.contains_key("istio.io/rev")
        }
    };
    if asks {
        Meets::MaybeSo
    } else {
        Meets::MaybeNot
    }
}

impl Reading<'_> {
    pub(crate) fn mesh(&mut self, into: &mut Vec<Policy>) {
        let mesh = &self.inventory.mesh;
        for policy in &mesh.policies {
            let read = self.mesh_policy(policy);
            into.push(read);
        }
        for one in &mesh.authentication {
            self.authentication(one, into);
        }
    }

    fn mesh_policy(&mut self, policy: &MeshPolicy) -> Policy {
        let allows = policy.action == MeshAction::Allow;
        let rules = policy.rules.iter().enumerate().map(|(n, rule)| {
            let meant = if rule.sources.is_empty() {
                Meant::Everyone
            } else {
                Meant::Mesh(rule.sources.clone())
            };
            Rule {
                name: format!("rules[{n}]").into(),
                action: if allows {
                    AdminAction::Allow
                } else {
                    AdminAction::Deny
                },
                peers: self.intern(Direction::Ingress, vec![meant]),
                ports: tcp(ports(rule.ports.as_ref())),
                // Whoever is asked may say no; as written, he does not.
                malformed: rule.malformed || policy.action == MeshAction::Custom,
                narrowed: rule.narrowed,
            }
        });
        let rules: Vec<Rule> = rules.collect();
        Policy {
            object: policy.object.clone(),
            layer: layer(policy.action),
            governed: self.mesh_subject(policy.namespace.as_deref(), policy.subject.as_ref()),
            rules: [Some(rules), None],
            isolates: [allows, false],
        }
    }

    /// Where plain text is refused, whoever has no identity is.
    fn authentication(&mut self, one: &PeerAuthentication, into: &mut Vec<Policy>) {
        let all = self.inventory.mesh.authentication.iter();
        let rank = |p: &PeerAuthentication| (p.subject.is_some(), p.namespace.is_some());
        // The narrowest that says something decides: of the pods, of the namespace, of the mesh.
        let others: Vec<&PeerAuthentication> = all
            .filter(|other| {
                other.object != one.object
                    && rank(other) >= rank(one)
                    && (one.namespace.is_none() || one.namespace == other.namespace)
            })
            .collect();
        let mut refuses = |strict: PortSet, but: &[PortSet]| {
            if strict.is_empty() {
                return;
            }
            let peers = self.intern(Direction::Ingress, vec![Meant::Plain]);
            let everything = Selector::everything();
            let subject = one.subject.as_ref().unwrap_or(&everything);
            let mut governed = self.mesh_subject(one.namespace.as_deref(), Some(subject));
            if let Governed::Listed(_, classes) = &mut governed {
                // Where another says something too, this one is not certain; of equals the oldest counts.
                for other in &others {
                    let of = other.subject.as_ref().unwrap_or(&everything);
                    let says = other.strict.is_some() || !other.ports.is_empty();
                    let there = self.mesh_subject(other.namespace.as_deref(), Some(of));
                    if let (Governed::Listed(_, there), true) = (there, says) {
                        classes.retain_mut(|(n, meets)| {
                            let at = there.binary_search_by_key(n, |(n, _)| *n).ok();
                            let Some((_, of)) = at.and_then(|at| there.get(at)) else {
                                return true;
                            };
                            let whole = other.strict.is_some()
                                && *of == Meets::Yes
                                && rank(other) > rank(one);
                            *meets = (*meets).min(Meets::MaybeSo);
                            !whole
                        });
                    }
                }
            }
            let but = but.iter().fold(PortSet::none(), |all, one| all.union(one));
            into.push(Policy {
                object: one.object.clone(),
                layer: Layer {
                    tier: -1.0,
                    ..layer(MeshAction::Custom)
                },
                governed,
                rules: [
                    Some(vec![Rule {
                        name: "mtls".into(),
                        action: AdminAction::Deny,
                        peers,
                        ports: Ports {
                            fixed: strict.difference(&but),
                            ..Ports::default()
                        },
                        malformed: false,
                        narrowed: false,
                    }]),
                    None,
                ],
                isolates: [false, false],
            });
        };
        let port = |n: u16| PortSet::range(Protocol::Tcp, n, n);
        let own: Vec<PortSet> = one
            .ports
            .iter()
            .filter(|(_, strict)| strict.is_some())
            .map(|(n, _)| port(*n))
            .collect();
        if one.strict == Some(true) {
            refuses(PortSet::protocol(Protocol::Tcp), &own);
        }
        let strict = one.ports.iter().filter(|(_, strict)| *strict == Some(true));
        refuses(
            strict.fold(PortSet::none(), |all, (n, _)| all.union(&port(*n))),
            &[],
        );
    }

    /// Pods that it selects and that have a proxy.
    fn mesh_subject(&self, namespace: Option<&str>, subject: Option<&Selector>) -> Governed {
        let own = namespace.map(|name| self.namespaces.find(name).unwrap_or(u32::MAX));
        let all = (0_u32..).zip(&self.classes.all).filter_map(|(n, class)| {
            if let (Some(own), Some(other)) = (own, class.namespace)
                && own != other
            {
                return None;
            }
            let selected: Meets = match subject {
                Some(selector) if class.namespace.is_some() => {
                    selects(selector, &class.labels).into()
                }
                _ => Meets::MaybeNot,
            };
            let meets = selected.min(class.mesh);
            (meets != Meets::No).then_some((n, meets))
        });
        Governed::Listed(own, all.collect())
    }

    /// Any of the sources.
    pub(crate) fn mesh_peers(&self, direction: Direction, sources: &[MeshSource]) -> Peers {
        let space = &self.spaces[direction as usize];
        let mut classes = vec![Meets::No; self.classes.all.len()];
        let mut intervals = vec![Meets::No; space.len()];
        for source in sources {
            let nets = Nets::of(space, &source.nets, &source.not_nets, None);
            for (at, class) in classes.iter_mut().zip(&self.classes.all) {
                *at = (*at).max(self.means(source, class).min(nets.class(class)));
            }
            // From outside of the cluster comes plain text.
            if !source.principals.is_empty() || !source.namespaces.is_empty() {
                continue;
            }
            let most = if source.narrowed {
                Meets::MaybeSo
            } else {
                Meets::Yes
            };
            for (n, at) in intervals.iter_mut().enumerate() {
                if nets.interval(n) {
                    *at = (*at).max(most);
                }
            }
        }
        let listed = |all: Vec<Meets>| -> Vec<(u32, Meets)> {
            let all = (0_u32..).zip(all);
            all.filter(|(_, meets)| *meets != Meets::No).collect()
        };
        Peers {
            pods: Meets::No,
            ranges: Meets::No,
            classes: listed(classes),
            intervals: listed(intervals),
        }
    }

    /// Whoever sends plain text.
    pub(crate) fn plain(&self) -> Peers {
        let all = (0_u32..).zip(&self.classes.all);
        let classes = all.map(|(n, class)| (n, self.identity(class)));
        Peers {
            pods: Meets::Yes,
            ranges: Meets::Yes,
            classes: classes
                .map(|(n, identity)| (n, not(identity)))
                .filter(|(_, meets)| *meets != Meets::Yes)
                .collect(),
            intervals: Vec::new(),
        }
    }

    /// Whether it shows who it is.
    fn identity(&self, class: &Class) -> Meets {
        let most = if self.inventory.mesh.plain {
            Meets::MaybeSo
        } else {
            Meets::Yes
        };
        class.mesh.min(most)
    }

    fn means(&self, source: &MeshSource, class: &Class) -> Meets {
        let identity = self.identity(class);
        let namespace = class.namespace.map(|n| {
            let name = self.namespaces.label(n, "kubernetes.io/metadata.name");
            name.ok().flatten().unwrap_or("")
        });
        let account = class.account.as_deref();
        let path = namespace.zip(account);
        let path = path.map(|(of, name)| format!("{TRUST_DOMAIN}/ns/{of}/sa/{name}"));
        let by_name = |patterns: &[Text], principal: bool| -> Meets {
            let text = if principal {
                path.as_deref()
            } else {
                namespace
            };
            let Some(text) = text else {
                return Meets::MaybeNot;
            };
            let one = |pattern: &Text| {
                if like(pattern, text) {
                    Meets::Yes
                } else if principal
                    && !(pattern.starts_with(TRUST_DOMAIN) || pattern.starts_with('*'))
                {
                    // Another trust domain may be this mesh's.
                    Meets::MaybeNot
                } else {
                    Meets::No
                }
            };
            patterns.iter().map(one).max().unwrap_or(Meets::No)
        };
        let mut all = Meets::Yes;
        for (is, isnt, principal) in [
            (&source.principals, &source.not_principals, true),
            (&source.namespaces, &source.not_namespaces, false),
        ] {
            if !is.is_empty() {
                all = all.min(by_name(is, principal)).min(identity);
            }
            if !isnt.is_empty() {
                // Plain text has no name, so it has none of these.
                all = all.min(not(by_name(isnt, principal).min(identity)));
            }
        }
        if source.narrowed {
            all = all.min(Meets::MaybeSo);
        }
        all
    }
}

/// One `*` at the beginning or the end; alone it means anything that is not empty.
fn like(pattern: &str, text: &str) -> bool {
    match (pattern.strip_prefix('*'), pattern.strip_suffix('*')) {
        (Some(""), _) => !text.is_empty(),
        (Some(end), _) => text.ends_with(end),
        (None, Some(start)) => text.starts_with(start),
        (None, None) => pattern == text,
    }
}

fn not(meets: Meets) -> Meets {
    match meets {
        Meets::No => Meets::Yes,
        Meets::MaybeNot => Meets::MaybeSo,
        Meets::MaybeSo => Meets::MaybeNot,
        Meets::Yes => Meets::No,
    }
}

/// Proxies see TCP only.
fn tcp(ports: Ports) -> Ports {
    let tcp = PortSet::protocol(Protocol::Tcp);
    Ports {
        fixed: ports.fixed.intersection(&tcp),
        ..ports
    }
}

fn layer(action: MeshAction) -> Layer {
    Layer {
        chain: Chain::Mesh,
        tier: match action {
            MeshAction::Custom => 0.0,
            MeshAction::Deny => 1.0,
            MeshAction::Allow => 2.0,
        },
        name: "".into(),
        order: 0.0,
    }
}
