//! Who depends on whom over the network, by what objects declare.
//! Comes in: the inventory, whom its objects name. Goes out: [`Dependency`]s, each with what declared it, and what is
//! declared but leads to nobody that a policy could name. Other sources (observed flows) may add to the list.
//!
//! ```text
//! env, args, ConfigMaps -> Services \
//! Ingresses, routes, LoadBalancers   > Dependency { from, to, ports, because } -> segments
//! DNS, API server, existing policies/
//! ```

mod asked;
mod entries;
mod platform;
mod policies;

pub use asked::{denied, passes};

use crate::namespaces::Namespaces;
use crate::reach::Protocol;
use crate::services::{self, Backing, Target};
use ipnet::IpNet;
use model::mention::Mention;
use model::netpol::Reason;
use model::object::ObjectRef;
use model::text::Text;
use rustc_hash::FxHashMap;
use semantics::authorizer::{Binding, Subject};
use semantics::named::{Named, Said};
use semantics::view::{Inventory, Labels, PodSpec, Service, TargetPort, WorkloadView};

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Dependency {
    pub from: Party,
    pub to: Party,
    /// Of the pods of `to`, ordered; empty: all.
    pub ports: Vec<(Protocol, u16)>,
    pub because: Reason,
}

/// One end of a dependency.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Party {
    /// Index into the inventory's workloads.
    Workload(u32),
    /// Whoever: addresses that no policy can name, pods included.
    Anyone,
    /// Addresses outside of the cluster; empty: all.
    Outside(Vec<IpNet>),
    /// Pods that were not seen, by namespace and labels.
    Labelled(Text, Labels),
    /// Whatever serves Ingresses and routes, where it was not seen.
    Controller,
    ApiServer,
}

/// What is declared, and what of it leads to nobody that a policy could name exactly.
#[derive(Clone, Debug, Default)]
pub struct Dependencies {
    /// Ordered.
    pub all: Vec<Dependency>,
    /// By workload, ordered.
    pub unknown: Vec<(u32, Reason)>,
}

/// All declared dependencies.
pub fn declared(inventory: &Inventory, named: &Named) -> Dependencies {
    let namespaces = Namespaces::of(inventory);
    let backings = services::backings(inventory);
    let mut finder = Finder::of(inventory, &backings);
    finder.mentions(named);
    finder.hidden(named);
    finder.peers(named);
    finder.entries(&namespaces);
    finder.platform(named);
    finder.policies(&namespaces);
    let mut found = finder.found;
    found.all.sort_unstable();
    found.all.dedup();
    found.unknown.sort_unstable();
    found.unknown.dedup();
    found
}

struct Finder<'a> {
    inventory: &'a Inventory,
    by_name: FxHashMap<(&'a str, &'a str), u32>,
    /// Workloads behind each Service, and the ports there.
    behind: Vec<Vec<(u32, &'a [Target])>>,
    /// The first binding of each account; without a name: of all accounts of a namespace, without both: of all.
    bound: FxHashMap<(&'a str, &'a str), &'a ObjectRef>,
    found: Dependencies,
}

impl<'a> Finder<'a> {
    fn of(inventory: &'a Inventory, backings: &'a [Vec<Backing>]) -> Self {
        let mut behind = vec![Vec::new(); inventory.services.len()];
        for (workload, backings) in (0_u32..).zip(backings) {
            for backing in backings {
                if let Some(of) = behind.get_mut(backing.service as usize) {
                    of.push((workload, &*backing.targets));
                }
            }
        }
        let services = (0_u32..).zip(&inventory.services);
        let mut bound = FxHashMap::default();
        // A role that was not seen may give rights too; what every cluster binds is no sign of use.
        let own = |binding: &&Binding| {
            inventory
                .stock_bindings
                .binary_search(&binding.object)
                .is_err()
        };
        for binding in inventory.authorizer.bindings.iter().filter(own) {
            for subject in &binding.subjects {
                if let Some(account) = accounts(subject) {
                    bound.entry(account).or_insert(&binding.object);
                }
            }
        }
        Finder {
            inventory,
            by_name: services
                .map(|(n, s)| ((&*s.namespace, &*s.name), n))
                .collect(),
            behind,
            bound,
            found: Dependencies::default(),
        }
    }

    fn service(&self, n: u32) -> Option<&'a Service> {
        self.inventory.services.get(n as usize)
    }

    fn behind(&self, n: u32) -> Vec<(u32, &'a [Target])> {
        self.behind.get(n as usize).cloned().unwrap_or_default()
    }

    fn template(&self, view: &WorkloadView) -> Option<&'a PodSpec> {
        self.inventory.templates.get(view.template as usize)
    }

    fn put(&mut self, from: Party, to: Party, mut ports: Vec<(Protocol, u16)>, because: &Reason) {
        ports.sort_unstable();
        ports.dedup();
        self.found.all.push(Dependency {
            from,
            to,
            ports,
            because: because.clone(),
        });
    }

    fn unknown(&mut self, workload: u32, reason: Reason) {
        self.found.unknown.push((workload, reason));
    }

    fn mentions(&mut self, named: &Named) {
        for (workload, says) in (0_u32..).zip(&named.workloads) {
            for said in &says.peers {
                self.mention(workload, said);
            }
            let view = self.inventory.workloads.get(workload as usize);
            if let Some(view) = view.filter(|_| says.unseen) {
                let says = "its pod template was not seen: whom it names is open";
                self.unknown(workload, reason(&view.workload.object, "", says));
            }
        }
    }

    fn mention(&mut self, workload: u32, said: &Said) {
        let reason = |says: String| reason(&said.object, &said.pointer, says);
        let key = match &*said.key {
            "" => String::new(),
            key => format!("{key} "),
        };
        let at = |port: Option<u16>| port.map_or_else(String::new, |port| format!(", port {port}"));
        match &said.mention {
            Mention::Service {
                namespace,
                name,
                port,
            } => {
                let says = format!("{key}names Service {namespace}/{name}{}", at(*port));
                let from = Party::Workload(workload);
                self.on_service(&from, namespace, name, *port, &reason(says));
            }
            Mention::Outside { port: Some(port) } => {
                let because = reason(format!("{key}names a host that is no Service, port {port}"));
                let to = Party::Outside(Vec::new());
                let ports = vec![(Protocol::Tcp, *port)];
                self.put(Party::Workload(workload), to, ports, &because);
                self.unknown(workload, because);
            }
            Mention::Outside { port: None } => {
                let says =
                    format!("{key}names a host that is no Service, without a port: not opened");
                self.unknown(workload, reason(says));
            }
            Mention::More => {
                let says = format!("{key}is longer than what is looked at: it may name more");
                self.unknown(workload, reason(says));
            }
            Mention::Port(_) => {}
        }
    }

    fn hidden(&mut self, named: &Named) {
        for (workload, says) in (0_u32..).zip(&named.workloads) {
            for hidden in &says.hidden {
                let what = match &hidden.key {
                    Some(key) => format!("{key} is a value"),
                    None => "variables are values".to_owned(),
                };
                let says = format!("{what} of Secret {}, which is not read", hidden.secret);
                self.unknown(workload, reason(&hidden.object, &hidden.pointer, says));
            }
        }
    }

    /// Pods of a StatefulSet find each other by their Service.
    fn peers(&mut self, named: &Named) {
        for (workload, says) in (0_u32..).zip(&named.workloads) {
            let view = self.inventory.workloads.get(workload as usize);
            let (Some(name), Some(view)) = (&says.service_name, view) else {
                continue;
            };
            if &*view.workload.object.kind != "StatefulSet" {
                continue;
            }
            let namespace = &*view.workload.key.namespace;
            let mut ports: Vec<(Protocol, u16)> = Vec::new();
            if let Some(n) = self.by_name.get(&(namespace, &**name)) {
                for (_, targets) in self.behind(*n).iter().filter(|(w, _)| *w == workload) {
                    ports.extend(targets.iter().filter_map(port_of));
                }
            }
            let containers = self.template(view).into_iter().flat_map(|t| &t.containers);
            let own = containers.flat_map(|c| &c.ports);
            ports.extend(own.filter_map(|p| Some((Protocol::parse(&p.protocol)?, p.port))));
            let because = reason(
                &view.workload.object,
                "/spec/serviceName",
                format!("its pods find each other by Service {namespace}/{name}"),
            );
            let party = Party::Workload(workload);
            self.put(party.clone(), party, ports, &because);
        }
    }

    /// From someone to whatever is behind a Service, on one of its ports or all.
    fn on_service(
        &mut self,
        from: &Party,
        namespace: &str,
        name: &str,
        port: Option<u16>,
        because: &Reason,
    ) {
        if (namespace, name) == ("default", "kubernetes") {
            return self.put(from.clone(), Party::ApiServer, api_server(), because);
        }
        let also = |says: &str| Reason {
            says: format!("{}, {says}", because.says).into(),
            ..because.clone()
        };
        let found = self.by_name.get(&(namespace, name)).copied();
        let Some((n, service)) = found.and_then(|n| Some((n, self.service(n)?))) else {
            if let Party::Workload(workload) = from {
                let because = also("which was not seen: its whole namespace is opened");
                let to = Party::Labelled(namespace.into(), Labels::new());
                self.put(from.clone(), to, Vec::new(), &because);
                self.unknown(*workload, because);
            }
            return;
        };
        let behind = self.behind(n);
        if behind.is_empty() {
            return self.on_nobody(from, service, port, because);
        }
        for (workload, targets) in behind {
            let ports = ports_of(service, targets, port);
            self.put(from.clone(), Party::Workload(workload), ports, because);
        }
    }

    /// To a Service behind which no workload was seen.
    fn on_nobody(&mut self, from: &Party, service: &Service, port: Option<u16>, because: &Reason) {
        let Party::Workload(workload) = from else {
            return;
        };
        let also = |says: &str| Reason {
            says: format!("{}, {says}", because.says).into(),
            ..because.clone()
        };
        if &*service.kind == "ExternalName" {
            let because = also("an alias of a name outside");
            if let Some(port) = port {
                let to = Party::Outside(Vec::new());
                self.put(from.clone(), to, vec![(Protocol::Tcp, port)], &because);
            }
            return self.unknown(*workload, because);
        }
        if !service.selector.is_empty() {
            let because = also("behind which no pods were seen: they are named by its selector");
            let wanted = service
                .ports
                .iter()
                .filter(|p| port.is_none_or(|port| p.port == port));
            let ports: Option<Vec<_>> = wanted
                .map(|p| match p.target {
                    TargetPort::Number(target) => Some((Protocol::parse(&p.protocol)?, target)),
                    TargetPort::Name(_) => None,
                })
                .collect();
            let to = Party::Labelled(Text::clone(&service.namespace), service.selector.clone());
            return self.put(from.clone(), to, ports.unwrap_or_default(), &because);
        }
        let of = self.inventory.endpoint_slices.iter();
        let slices = of.filter(|s| s.namespace == service.namespace && s.service == service.name);
        let (mut blocks, mut ports) = (Vec::new(), Vec::new());
        for slice in slices {
            blocks.extend(slice.addresses.iter().map(|address| IpNet::from(*address)));
            let of = slice.ports.iter();
            ports.extend(
                of.filter_map(|(_, port, protocol)| Some((Protocol::parse(protocol)?, *port))),
            );
        }
        blocks.sort_unstable();
        blocks.dedup();
        if blocks.is_empty() {
            return self.unknown(
                *workload,
                also("of which no end points were seen: not opened"),
            );
        }
        let because = also("whose end points are addresses");
        self.put(from.clone(), Party::Outside(blocks), ports, &because);
    }
}

/// The account that a subject is, or the group of accounts.
fn accounts(subject: &Subject) -> Option<(&str, &str)> {
    match subject {
        Subject::Group(name) => match name.strip_prefix("system:serviceaccounts")? {
            "" => Some(("", "")),
            rest => Some((rest.strip_prefix(':')?, "")),
        },
        one => one.account(),
    }
}

fn reason(object: &ObjectRef, pointer: &str, says: impl Into<Text>) -> Reason {
    Reason {
        object: object.clone(),
        pointer: pointer.into(),
        says: says.into(),
    }
}

/// Its Service's port and its own; policies count the latter, behind some clouds' load balancers the former.
fn api_server() -> Vec<(Protocol, u16)> {
    vec![(Protocol::Tcp, 443), (Protocol::Tcp, 6443)]
}

fn port_of(target: &Target) -> Option<(Protocol, u16)> {
    Some((Protocol::parse(&target.protocol)?, target.port))
}

/// Ports of the pods behind a Service that a port of it means. One that it does not have is the pods' own where
/// nothing translates it (headless); else it never led anywhere, and all of the Service's count.
fn ports_of(service: &Service, targets: &[Target], port: Option<u16>) -> Vec<(Protocol, u16)> {
    let own = |target: &Target| {
        let own = target.service_port.and_then(|at| service.ports.get(at));
        own.map(|own| own.port)
    };
    let meant: Vec<_> = targets
        .iter()
        .filter(|target| port.is_none_or(|port| own(target).is_none_or(|own| own == port)))
        .filter_map(port_of)
        .collect();
    match (port, meant.is_empty()) {
        (Some(port), true) if service.headless => vec![(Protocol::Tcp, port)],
        (_, true) => targets.iter().filter_map(port_of).collect(),
        // A headless Service's name leads to the pods: the port may be theirs as well.
        (Some(port), false) if service.headless => {
            let mut meant = meant;
            meant.push((Protocol::Tcp, port));
            meant
        }
        (_, false) => meant,
    }
}
