//! Components of the control plane and of nodes, seen alike whatever showed them: argv of pods, processes of hosts,
//! configuration files, the kubelet's configz. Comes in: a World. Goes out: what each probe saw, instance by instance.
//! Never: a default where the setting could not be read.

#![allow(
    clippy::elidable_lifetime_names,
    reason = "the borrow has a name where it is used"
)]

pub mod audit;
pub mod documents;
mod files;
pub mod flags;
mod instances;
pub mod runtime;
mod setting;

use crate::world::{Sink, World};
pub use files::{Files, Want};
pub use instances::{Config, Instance};
use model::evidence::{Gap, GapWeight, Stage};
use model::object::ObjectRef;
use model::snapshot::Origin;
use serde_json::Value;
pub use setting::{
    Bad, Defaults, Read, Setting, api, controllers, etcd, kubelet, proxy, scheduler,
};

/// A program of Kubernetes, etcd or the container runtime.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Component {
    ApiServer,
    ControllerManager,
    Scheduler,
    Etcd,
    Kubelet,
    Proxy,
    Runtime,
}

impl Component {
    pub const ALL: [Component; 7] = [
        Component::ApiServer,
        Component::ControllerManager,
        Component::Scheduler,
        Component::Etcd,
        Component::Kubelet,
        Component::Proxy,
        Component::Runtime,
    ];

    pub const fn name(self) -> &'static str {
        match self {
            Component::ApiServer => "kube-apiserver",
            Component::ControllerManager => "kube-controller-manager",
            Component::Scheduler => "kube-scheduler",
            Component::Etcd => "etcd",
            Component::Kubelet => "kubelet",
            Component::Proxy => "kube-proxy",
            Component::Runtime => "containerd",
        }
    }

    /// By the name of the executable.
    pub fn of_program(name: &str) -> Option<Self> {
        match name {
            "dockerd" | "crio" => Some(Component::Runtime),
            name => Component::ALL
                .into_iter()
                .find(|known| known.name() == name),
        }
    }

    /// It runs on machines that a provider of managed clusters keeps to himself.
    pub const fn is_control_plane(self) -> bool {
        matches!(
            self,
            Component::ApiServer
                | Component::ControllerManager
                | Component::Scheduler
                | Component::Etcd
        )
    }
}

/// How a rule or control asks components.
#[derive(Clone, Copy, Debug)]
pub enum Probe {
    /// One setting of each instance.
    Setting(Setting, Bad),
    /// Modes or owners of files.
    Files(&'static [Files], Want),
    /// Several settings or documents tell.
    Ask(fn(&Components<'_>) -> Vec<Seen>),
}

/// What one look at one thing gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    pub object: ObjectRef,
    /// Index into the Snapshot's objects.
    pub at: Option<u32>,
    /// JSON pointer into the object; empty where it was seen on a host.
    pub pointer: String,
    /// What is there, one sentence without a full stop.
    pub says: String,
    pub verdict: Verdict,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    Good,
    Bad,
    NotApplicable,
    Unknown(Gap),
}

/// All instances of a World, and the documents of its hosts.
pub struct Components<'a> {
    pub world: World<'a>,
    pub instances: Vec<Instance>,
    /// Parallel to the hosts: (path, document).
    pub documents: Vec<Vec<(&'a str, Value)>>,
    /// Provider that runs the control plane, if one does.
    pub managed: Option<&'static str>,
}

impl<'a> Components<'a> {
    /// Instances of one component.
    pub fn of(&self, component: Component) -> impl Iterator<Item = &Instance> {
        self.instances
            .iter()
            .filter(move |one| one.component == component)
    }

    pub fn minor(&self) -> u16 {
        self.world.snapshot.version.minor
    }

    /// A document of the host that an instance runs on, by its path.
    pub fn document(&self, instance: &Instance, path: &str) -> Option<&Value> {
        let documents = self.documents.get(instance.host?)?;
        documents
            .iter()
            .find(|(known, _)| *known == path)
            .map(|(_, value)| value)
    }

    /// What is said where no instance was seen.
    pub fn none_of(&self, component: Component) -> Vec<Seen> {
        let object = ObjectRef::new("", "Cluster", None, component.name());
        if component.is_control_plane()
            && let Some(provider) = self.managed
        {
            return vec![Seen {
                object,
                at: None,
                pointer: String::new(),
                says: format!("{provider} runs {}", component.name()),
                verdict: Verdict::NotApplicable,
            }];
        }
        // Files of applications say nothing of components, and nobody asked them to.
        if self.world.snapshot.origin == Origin::Files && self.world.beside.hosts.is_empty() {
            return Vec::new();
        }
        if component == Component::Proxy && self.looked_everywhere() {
            return vec![Seen {
                object,
                at: None,
                pointer: String::new(),
                says: "no process and no pod of kube-proxy runs".to_owned(),
                verdict: Verdict::NotApplicable,
            }];
        }
        vec![unseen(object, component.name(), component)]
    }

    /// Processes of every node, and all pods.
    fn looked_everywhere(&self) -> bool {
        let World {
            snapshot,
            inventory,
            beside,
        } = self.world;
        let seen = |name: &str| {
            beside
                .hosts
                .iter()
                .any(|host| host.node.as_deref() == Some(name) && host.processes.is_some())
        };
        let named = inventory.nodes.iter().all(|node| seen(&node.name));
        let nodeless = inventory.nodes.is_empty()
            && !beside.hosts.is_empty()
            && beside.hosts.iter().all(|host| host.processes.is_some());
        (snapshot.origin == Origin::Files || snapshot.saw_all("", "Pod"))
            && if inventory.nodes.is_empty() {
                nodeless
            } else {
                named
            }
    }
}

/// What the probe sees, in the order of instances.
pub fn judge(components: &Components<'_>, probe: &Probe) -> Vec<Seen> {
    match probe {
        Probe::Setting(setting, bad) => setting::judge(components, setting, bad),
        Probe::Files(files, want) => files::judge(components, files, want),
        Probe::Ask(ask) => ask(components),
    }
}

/// A rule's answer.
pub(crate) fn tell(components: &Components<'_>, probe: &Probe, sink: &mut Sink<'_>) {
    for seen in judge(components, probe) {
        match seen.verdict {
            Verdict::Good => sink.looked(1),
            Verdict::Bad => {
                sink.looked(1);
                sink.found(&seen.object, seen.at, None, seen.pointer, seen.says);
            }
            Verdict::NotApplicable => {}
            Verdict::Unknown(gap) => sink.unknown(gap),
        }
    }
}

impl Seen {
    pub(crate) fn new(instance: &Instance, pointer: &str, says: String, verdict: Verdict) -> Self {
        Seen {
            object: instance.object.clone(),
            at: instance.at,
            pointer: pointer.to_owned(),
            says,
            verdict,
        }
    }

    pub(crate) fn of(instance: &Instance, read: &Read, bad: bool) -> Self {
        let verdict = if bad { Verdict::Bad } else { Verdict::Good };
        match read {
            Read::Unknown(gap) => Seen::new(
                instance,
                "",
                gap.what.to_string(),
                Verdict::Unknown(gap.clone()),
            ),
            _ => Seen::new(instance, read.pointer(), read.says(), verdict),
        }
    }
}

/// Something of a component that was not seen.
pub(crate) fn gap(class: &str, what: String, scope: &str, close: &str) -> Gap {
    Gap {
        class: class.into(),
        what: what.into(),
        stage: Stage::Collect,
        scope: scope.into(),
        weight: GapWeight::Hides,
        close: close.into(),
    }
}

pub(crate) const CLOSE_NODE: &str = "run `plimsoll scan node --host-root /` on it";
const CLOSE_CONTROL: &str = "run `plimsoll scan node --host-root /` on a control-plane node, or give `get` and `list` on pods of kube-system where static pods run it";
const CLOSE_KUBELET: &str =
    "give `get` on nodes/configz (1.33 and newer), or run `plimsoll scan node --host-root /` on it";

fn unseen(object: ObjectRef, what: &str, component: Component) -> Seen {
    let close = match component {
        Component::Kubelet => CLOSE_KUBELET,
        Component::Proxy | Component::Runtime => CLOSE_NODE,
        _ => CLOSE_CONTROL,
    };
    let says = format!("neither flags nor configuration of {what} were seen");
    let gap = gap("component-not-seen", says.clone(), component.name(), close);
    Seen {
        object,
        at: None,
        pointer: String::new(),
        says,
        verdict: Verdict::Unknown(gap),
    }
}
