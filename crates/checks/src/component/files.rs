//! Modes and owners of the files of components. Comes in: what hosts said of files. Goes out: a verdict a file.
//! Never: a failure because a file is not there, or was not looked for.

#![allow(
    clippy::case_sensitive_file_extension_comparisons,
    reason = "names of Linux"
)]

use super::instances::{Config, Instance};
use super::{CLOSE_NODE, Component, Components, Seen, Verdict, flags, gap};
use model::host::{FileState, FileStatus, Host, HostFile, HostSource};
use model::object::ObjectRef;
use model::snapshot::Origin;

/// Files that belong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Files {
    /// Static pod of a component of the control plane.
    Manifest(Component),
    /// Configuration of network plugins.
    Cni,
    EtcdData,
    /// Kubeconfigs of administrators that an installer leaves behind.
    Admin,
    Kubeconfig(Component),
    /// The folder with the API server's certificates, and everything in it.
    Pki,
    Certificates,
    Keys,
    KubeletService,
    /// What AKS gives its nodes to call Azure with.
    AzureJson,
    /// What the kubelet trusts clients by.
    ClientCa,
    Config(Component),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Want {
    /// No permission bit but these.
    Mode(u32),
    /// Owner and group of that name.
    Owner(&'static str),
}

/// What a host said of one place.
enum Place<'h> {
    Is(&'h str, &'h FileStatus),
    Missing(String),
    Unreadable(String),
}

pub(super) fn judge(components: &Components<'_>, files: &[Files], want: &Want) -> Vec<Seen> {
    let mut all = Vec::new();
    for kind in files {
        let owner = kind.owner();
        let own = |one: &&Instance| match owner {
            Some(component) => one.component == component,
            None => one.component.is_control_plane(),
        };
        let mut hosts: Vec<usize> = components
            .instances
            .iter()
            .filter(own)
            .filter_map(|one| one.host)
            .collect();
        hosts.sort_unstable();
        hosts.dedup();
        let inside = |host: &Host| host.source == HostSource::Root;
        let mut hosts: Vec<(&Host, usize)> = hosts
            .into_iter()
            .filter_map(|index| Some((components.world.beside.hosts.get(index)?, index)))
            .filter(|(host, _)| inside(host))
            .collect();
        if hosts.is_empty() && matches!(owner, Some(Component::Kubelet)) {
            // A host whose processes nobody saw still has files.
            let all = components.world.beside.hosts.iter().zip(0..);
            hosts = all
                .filter(|(host, _)| inside(host) && host.processes.is_none())
                .collect();
        }
        let before = all.len();
        for (host, index) in hosts {
            of_host(components, *kind, want, host, index, &mut all);
        }
        if all.len() == before {
            all.extend(not_looked(components, *kind));
        }
    }
    all
}

/// What is said where no host with such files was seen.
fn not_looked(components: &Components<'_>, kind: Files) -> Vec<Seen> {
    let component = kind.owner().unwrap_or(Component::ApiServer);
    let none = components.none_of(component);
    let decided = |seen: &Seen| seen.verdict == Verdict::NotApplicable;
    if none.is_empty() || none.iter().any(decided) {
        return none;
    }
    let what = format!("{} were not looked at", kind.describe());
    vec![Seen {
        object: ObjectRef::new("", "Node", None, component.name()),
        at: None,
        pointer: String::new(),
        says: what.clone(),
        verdict: Verdict::Unknown(gap(
            "host-files-not-seen",
            what,
            component.name(),
            CLOSE_NODE,
        )),
    }]
}

fn of_host(
    components: &Components<'_>,
    kind: Files,
    want: &Want,
    host: &Host,
    index: usize,
    out: &mut Vec<Seen>,
) {
    let object = ObjectRef::new(
        "",
        "Node",
        None,
        host.node.as_deref().unwrap_or("this host"),
    );
    let mut put = |says: String, verdict: Verdict| {
        out.push(Seen {
            object: object.clone(),
            at: None,
            pointer: String::new(),
            says,
            verdict,
        });
    };
    let unknown = |what: &str| {
        Verdict::Unknown(gap(
            "host-files-not-seen",
            what.to_owned(),
            &object.to_string(),
            CLOSE_NODE,
        ))
    };
    let instances: Vec<&Instance> = components
        .instances
        .iter()
        .filter(|one| one.host == Some(index))
        .collect();
    if let Some(days) = instances.iter().find_map(|one| one.stale) {
        let what = format!("what was seen of {object} is {days} days old");
        put(what.clone(), unknown(&what));
        return;
    }
    let places = kind.places(&instances, host);
    let there = places
        .iter()
        .filter(|place| matches!(place, Place::Is(..)))
        .count();
    if let Files::Manifest(component) = kind
        && there == 0
        && no_static_pod(components, component)
    {
        let says = format!("{} is no static pod", component.name());
        put(says, Verdict::NotApplicable);
        return;
    }
    if places.is_empty() {
        let what = format!("{} were not looked at", kind.describe());
        put(what.clone(), unknown(&what));
        return;
    }
    for place in places {
        match place {
            Place::Is(path, status) => {
                let (good, says) = want.of(path, status);
                put(says, if good { Verdict::Good } else { Verdict::Bad });
            }
            // Of several places one is enough.
            Place::Missing(_) if there > 0 => {}
            Place::Missing(path) => put(format!("{path} is not there"), Verdict::NotApplicable),
            Place::Unreadable(path) => {
                let what = format!("{path} could not be looked at");
                put(what.clone(), unknown(&what));
            }
        }
    }
}

/// A static pod has a mirror in the API: none there, and a process here, says that something else starts it.
fn no_static_pod(components: &Components<'_>, component: Component) -> bool {
    let snapshot = components.world.snapshot;
    let process = components
        .of(component)
        .any(|one| one.host.is_some() && &*one.object.kind == "Node");
    let mirrors = snapshot.of_kind("", "Pod").iter().any(|pod| {
        pod.namespace.as_deref() == Some("kube-system") && pod.name.starts_with(component.name())
    });
    process && !mirrors && snapshot.origin == Origin::Live && snapshot.saw_all("", "Pod")
}

impl Want {
    fn of(self, path: &str, status: &FileStatus) -> (bool, String) {
        match self {
            Want::Mode(most) => (
                status.mode & 0o777 & !most == 0,
                format!("{path} has mode {:o}", status.mode & 0o7777),
            ),
            Want::Owner(name) => {
                let root = name == "root";
                let is = |id: u32, known: Option<&str>| known == Some(name) || root && id == 0;
                let shown = |id: u32, known: Option<&str>| {
                    known.map_or_else(|| id.to_string(), str::to_owned)
                };
                let (owner, group) = (status.owner.as_deref(), status.group.as_deref());
                (
                    is(status.uid, owner) && is(status.gid, group),
                    format!(
                        "{path} belongs to {}:{}",
                        shown(status.uid, owner),
                        shown(status.gid, group)
                    ),
                )
            }
        }
    }
}

impl Files {
    /// The component on whose hosts they are; `None`: any of the control plane.
    fn owner(self) -> Option<Component> {
        match self {
            Files::Manifest(component)
            | Files::Kubeconfig(component)
            | Files::Config(component) => Some(component),
            Files::EtcdData => Some(Component::Etcd),
            Files::KubeletService | Files::AzureJson | Files::ClientCa => Some(Component::Kubelet),
            Files::Pki | Files::Certificates | Files::Keys => Some(Component::ApiServer),
            Files::Cni | Files::Admin => None,
        }
    }

    fn describe(self) -> String {
        match self {
            Files::Manifest(component) => format!("static pod files of {}", component.name()),
            Files::Cni => "configuration files of network plugins".to_owned(),
            Files::EtcdData => "mode and owner of etcd's data folder".to_owned(),
            Files::Admin => "kubeconfigs of administrators".to_owned(),
            Files::Kubeconfig(component) => format!("kubeconfigs of {}", component.name()),
            Files::Pki | Files::Certificates | Files::Keys => {
                "certificates and keys of the control plane".to_owned()
            }
            Files::KubeletService => "service files of the kubelet".to_owned(),
            Files::AzureJson => "mode and owner of azure.json".to_owned(),
            Files::ClientCa => "mode and owner of the kubelet's client CA".to_owned(),
            Files::Config(component) => {
                format!("mode and owner of {}'s configuration", component.name())
            }
        }
    }

    fn places<'h>(self, instances: &[&Instance], host: &'h Host) -> Vec<Place<'h>> {
        let flag = |component: Component, name: &str| {
            instances
                .iter()
                .filter(|one| one.component == component)
                .find_map(|one| flags::value(one.flags.as_deref()?, name))
                .map(|(value, _)| value)
        };
        let exact = |paths: Vec<String>| {
            paths
                .iter()
                .filter_map(|path| host.files.iter().find(|file| *file.path == **path))
                .map(place)
                .collect()
        };
        let by = |keep: &dyn Fn(&str) -> bool| {
            let all = host.files.iter().filter(|file| keep(&file.path));
            all.map(place).collect()
        };
        match self {
            Files::Manifest(component) => by(&|path| {
                let (folder, name) = split(path);
                let stem = name
                    .strip_suffix(".yaml")
                    .or_else(|| name.strip_suffix(".yml"));
                stem.or_else(|| name.strip_suffix(".manifest")) == Some(component.name())
                    && folder.ends_with("manifests")
            }),
            Files::Cni => by(&|path| {
                let (folder, name) = split(path);
                [".conf", ".conflist", ".json"]
                    .iter()
                    .any(|end| name.ends_with(end))
                    && (folder.contains("/cni/") || folder.ends_with("cni-conf"))
            }),
            Files::EtcdData => exact(vec![
                flag(Component::Etcd, "data-dir").unwrap_or_else(|| "/var/lib/etcd".to_owned()),
            ]),
            Files::Admin => by(&|path| {
                let (_, name) = split(path);
                let config = name
                    .strip_suffix(".conf")
                    .or_else(|| name.strip_suffix(".kubeconfig"));
                config.is_some_and(|stem| stem.starts_with("admin") || stem == "super-admin")
            }),
            Files::Kubeconfig(component) => {
                let config = |one: &Instance| match &one.config {
                    Config::File { document, .. } => document
                        .pointer("/clientConnection/kubeconfig")
                        .and_then(|value| value.as_str())
                        .map(str::to_owned),
                    _ => None,
                };
                let mut named: Vec<String> = [
                    "kubeconfig",
                    "authentication-kubeconfig",
                    "authorization-kubeconfig",
                ]
                .iter()
                .filter_map(|name| flag(component, name))
                .collect();
                let own = instances.iter().filter(|one| one.component == component);
                named.extend(own.filter_map(|one| config(one)));
                if named.is_empty() {
                    named.push(
                        match component {
                            Component::Scheduler => "/etc/kubernetes/scheduler.conf",
                            Component::ControllerManager => {
                                "/etc/kubernetes/controller-manager.conf"
                            }
                            Component::Proxy => "/var/lib/kube-proxy/kubeconfig.conf",
                            _ => "/etc/kubernetes/kubelet.conf",
                        }
                        .to_owned(),
                    );
                }
                named.sort();
                named.dedup();
                exact(named)
            }
            Files::Pki | Files::Certificates | Files::Keys => {
                let folders: Vec<String> = [
                    "client-ca-file",
                    "tls-cert-file",
                    "tls-private-key-file",
                    "service-account-signing-key-file",
                    "etcd-cafile",
                ]
                .iter()
                .filter_map(|name| flag(Component::ApiServer, name))
                .map(|path| split(&path).0.to_owned())
                .filter(|folder| folder.len() > 1)
                .collect();
                let below = |path: &str| {
                    folders.iter().any(|folder| {
                        path.strip_prefix(folder.as_str())
                            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
                    })
                };
                by(&|path| {
                    let key = path.ends_with(".key") || path.ends_with("-key.pem");
                    let certificate = path.ends_with(".crt") || path.ends_with(".pem") && !key;
                    below(path)
                        && match self {
                            Files::Keys => key,
                            Files::Certificates => certificate,
                            _ => true,
                        }
                })
            }
            Files::KubeletService => by(&|path| {
                let (folder, name) = split(path);
                name == "kubelet.service"
                    || folder.ends_with("kubelet.service.d") && name.ends_with(".conf")
            }),
            Files::AzureJson => exact(vec!["/etc/kubernetes/azure.json".to_owned()]),
            Files::ClientCa => {
                let config = instances
                    .iter()
                    .filter(|one| one.component == Component::Kubelet)
                    .find_map(|one| match &one.config {
                        Config::File { document, .. } => document
                            .pointer("/authentication/x509/clientCAFile")
                            .and_then(|value| value.as_str())
                            .map(str::to_owned),
                        _ => None,
                    });
                let named = flag(Component::Kubelet, "client-ca-file").or(config);
                exact(named.into_iter().collect())
            }
            Files::Config(component) => {
                let named = flag(component, "config");
                let usual = (component == Component::Kubelet)
                    .then(|| "/var/lib/kubelet/config.yaml".to_owned());
                exact(named.or(usual).into_iter().collect())
            }
        }
    }
}

fn place(file: &HostFile) -> Place<'_> {
    match &file.state {
        FileState::Is(status) => Place::Is(&file.path, status),
        FileState::Missing => Place::Missing(file.path.to_string()),
        FileState::Unreadable => Place::Unreadable(file.path.to_string()),
    }
}

fn split(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or(("", path))
}
