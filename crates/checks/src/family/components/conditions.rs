//! What a flaw needs beside the version. Comes in: a World, what is installed. Goes out: whether it is there, and where.
//! Never: a condition that was not seen taken for one that does not hold.

use super::installed::Installed;
use crate::component::{CLOSE_NODE, gap};
use crate::family::rbac::ask::{held, list};
use crate::run::templates;
use crate::world::{World, read};
use model::evidence::Gap;
use model::snapshot::{Object, Origin};
use model::workload::WorkloadState;
use semantics::json::Node as Json;
use semantics::view::{ContainerSpec, Node, PodSpec, WorkloadView};

/// Whether the condition of a flaw holds.
#[derive(Debug)]
pub(super) enum Need {
    /// What there is, a clause: `Deployment shop/web mounts a sub path`.
    Met(String),
    NotMet,
    Unknown(Gap),
}

pub(super) type Condition = fn(&World<'_>, &Installed<'_>) -> Need;

fn met_if(says: Option<String>) -> Need {
    says.map_or(Need::NotMet, Need::Met)
}

fn unseen(what: &str, close: &str) -> Need {
    Need::Unknown(gap("condition-not-seen", what.to_owned(), "cluster", close))
}

/// Nothing but the version.
pub(super) fn always(_: &World<'_>, _: &Installed<'_>) -> Need {
    Need::Met(String::new())
}

/// The first workload with a container of which it is true, on one of the nodes where those are known.
fn container(
    world: &World<'_>,
    nodes: &[&Node],
    says: &str,
    is: impl Fn(&PodSpec, &ContainerSpec) -> bool,
) -> Option<String> {
    let inventory = world.inventory;
    let runs_there = |view: &WorkloadView| {
        let pods = view
            .pods
            .iter()
            .filter_map(|n| inventory.pods.get(*n as usize));
        let mut placed = pods.filter_map(|pod| pod.node.as_deref()).peekable();
        placed.peek().is_none() || placed.any(|name| nodes.iter().any(|node| &*node.name == name))
    };
    for view in &inventory.workloads {
        if view.workload.state == WorkloadState::History {
            continue;
        }
        let Some(template) = inventory.templates.get(view.template as usize) else {
            continue;
        };
        let hit = template.containers.iter().find(|one| is(template, one));
        if let Some(hit) = hit
            && runs_there(view)
        {
            return Some(format!(
                "container {} of {} {says}",
                hit.name, view.workload.object
            ));
        }
    }
    None
}

/// Whoever may do one of these, who may not do everything anyway. Files of applications do not tell who else there is.
fn done_by(world: &World<'_>, what: &str, asked: &[(&str, &str, &str)]) -> Need {
    match held(world, asked) {
        Some(holders) => Need::Met(format!("{what} by {holders}")),
        None if world.snapshot.origin == Origin::Files => {
            Need::Met(format!("by whom {what}, these files do not tell"))
        }
        None if !world.inventory.authorizer.complete => unseen(
            &format!("by whom {what}: roles and bindings were not listed whole"),
            "allow get and list on roles and bindings",
        ),
        None => Need::NotMet,
    }
}

fn pod_makers(world: &World<'_>) -> Need {
    done_by(
        world,
        "pods are made",
        &[
            ("create", "", "pods"),
            ("create", "apps", "deployments"),
            ("create", "apps", "statefulsets"),
            ("create", "apps", "daemonsets"),
            ("create", "batch", "jobs"),
            ("create", "batch", "cronjobs"),
        ],
    )
}

/// What is there already, else who could make it.
fn used_or(used: Option<String>, could: impl FnOnce() -> Need) -> Need {
    used.map_or_else(could, Need::Met)
}

/// Somebody may open streams to pods, or the API server hands requests on to servers of others.
pub(super) fn upgrades(world: &World<'_>, _: &Installed<'_>) -> Need {
    let mut aggregated = None;
    world.each("apiregistration.k8s.io", "APIService", |object, root| {
        if root
            .at(&["spec", "service"])
            .get("name")
            .as_text()
            .is_some()
        {
            aggregated.get_or_insert_with(|| {
                format!("APIService {} is served by somebody else", object.name)
            });
        }
    });
    used_or(aggregated, || {
        done_by(
            world,
            "streams to pods are opened",
            &[
                ("create", "", "pods/exec"),
                ("create", "", "pods/attach"),
                ("create", "", "pods/portforward"),
            ],
        )
    })
}

/// Service accounts that may mount listed Secrets only, or images that a webhook decides on.
pub(super) fn mount_rules(world: &World<'_>, _: &Installed<'_>) -> Need {
    let mut account = None;
    world.each("", "ServiceAccount", |object, root| {
        let annotations = root.at(&["metadata", "annotations"]);
        if annotations.text("kubernetes.io/enforce-mountable-secrets") == Some("true") {
            let name = object.reference();
            account.get_or_insert_with(|| format!("{name} relies on enforce-mountable-secrets"));
        }
    });
    if account.is_some() {
        return met_if(account);
    }
    let server = |object: &&Object| object.name.starts_with("kube-apiserver");
    let mut servers = world
        .snapshot
        .of_kind("", "Pod")
        .iter()
        .filter(server)
        .peekable();
    if servers.peek().is_none() {
        return unseen("admission plugins of the API server", CLOSE_NODE);
    }
    let webhook = servers.find(|object| contains(&object.json, "ImagePolicyWebhook"));
    met_if(webhook.map(|_| "the plugin ImagePolicyWebhook decides on images".to_owned()))
}

fn contains(json: &[u8], text: &str) -> bool {
    json.windows(text.len()).any(|part| part == text.as_bytes())
}

pub(super) fn sub_path(world: &World<'_>, installed: &Installed<'_>) -> Need {
    let mounts =
        |_: &PodSpec, one: &ContainerSpec| one.mounts.iter().any(|mount| mount.sub_path.is_some());
    let used = container(world, &installed.nodes, "mounts a sub path", mounts);
    used_or(used, || pod_makers(world))
}

/// The first pod template with something in its JSON.
fn in_template(
    world: &World<'_>,
    word: &str,
    says: &str,
    is: impl Fn(Json<'_>) -> bool,
) -> Option<String> {
    templates(world).find_map(|template| {
        let object = world.snapshot.objects.get(template.at as usize)?;
        if !contains(&object.json, word) {
            return None;
        }
        let path: Vec<&str> = template.pointer.split('/').skip(1).collect();
        let hit = read(object, |root| is(root.at(&path).get("spec")))?;
        hit.then(|| format!("{} {says}", template.object))
    })
}

pub(super) fn git_repo(world: &World<'_>, _: &Installed<'_>) -> Need {
    let used = in_template(world, "gitRepo", "clones a volume", |spec| {
        spec.list("volumes")
            .any(|volume| !volume.get("gitRepo").is_absent())
    });
    used_or(used, || pod_makers(world))
}

pub(super) fn sysctls(world: &World<'_>, _: &Installed<'_>) -> Need {
    let used = in_template(
        world,
        "sysctls",
        "sets a sysctl that hides another",
        |spec| {
            let mut all = spec.get("securityContext").list("sysctls");
            all.any(|one| {
                one.text("value")
                    .is_some_and(|value| value.contains(['+', '=']))
            })
        },
    );
    used_or(used, || pod_makers(world))
}

fn windows(installed: &Installed<'_>) -> Option<String> {
    let windows = installed
        .nodes
        .iter()
        .filter(|node| node.os.as_deref() == Some("windows"));
    let names: Vec<&str> = windows.map(|node| &*node.name).collect();
    (!names.is_empty()).then(|| format!("{} runs Windows", list(&names)))
}

fn on_windows(installed: &Installed<'_>, could: impl FnOnce() -> Need) -> Need {
    match windows(installed) {
        None => Need::NotMet,
        Some(nodes) => match could() {
            Need::Met(says) => Need::Met(format!("{nodes}; {says}")),
            other => other,
        },
    }
}

/// Somebody makes pods, and there is a Windows node to run them.
pub(super) fn windows_pods(world: &World<'_>, installed: &Installed<'_>) -> Need {
    on_windows(installed, || pod_makers(world))
}

/// Somebody makes volumes, and there is a Windows node to mount them.
pub(super) fn windows_volumes(world: &World<'_>, installed: &Installed<'_>) -> Need {
    on_windows(installed, || {
        let asked = [("create", "", "persistentvolumes")];
        done_by(world, "volumes are made", &asked)
    })
}

/// Somebody asks kubelets for logs, and one of them runs on Windows.
pub(super) fn windows_logs(world: &World<'_>, installed: &Installed<'_>) -> Need {
    on_windows(installed, || {
        let asked = [("get", "", "nodes/proxy"), ("get", "", "nodes/log")];
        done_by(world, "logs of nodes are read", &asked)
    })
}

/// A container that can make user namespaces: no seccomp profile stands in the way.
pub(super) fn unshares(world: &World<'_>, installed: &Installed<'_>) -> Need {
    met_if(container(
        world,
        &installed.nodes,
        "makes user namespaces: no seccomp profile forbids it",
        free,
    ))
}

fn free(template: &PodSpec, one: &ContainerSpec) -> bool {
    let security = &one.security;
    let added = |name: &str| {
        security
            .added_capabilities
            .iter()
            .any(|known| &**known == name)
    };
    !template.windows
        && (security.privileged
            || added("SYS_ADMIN")
            || added("ALL")
            || matches!(security.seccomp.as_deref(), None | Some("Unconfined")))
}

/// The same as root with cgroup v1, which only the node itself tells.
pub(super) fn release_agent(world: &World<'_>, installed: &Installed<'_>) -> Need {
    let open = container(
        world,
        &installed.nodes,
        "is root without a seccomp profile",
        |template, one| free(template, one) && maybe_root(one),
    );
    let Some(open) = open else {
        return Need::NotMet;
    };
    let version = |node: &Node| {
        let mut hosts = world.beside.hosts.iter();
        hosts
            .find(|host| host.node.as_ref() == Some(&node.name))?
            .cgroup
    };
    let versions: Vec<Option<u8>> = installed.nodes.iter().map(|node| version(node)).collect();
    if versions.contains(&Some(1)) {
        Need::Met(format!("{open}, and a node has cgroup v1"))
    } else if versions.contains(&None) {
        unseen("which version of cgroups nodes have", CLOSE_NODE)
    } else {
        Need::NotMet
    }
}

fn maybe_root(one: &ContainerSpec) -> bool {
    match one.security.run_as_user {
        Some(user) => user == 0,
        None => one.security.run_as_non_root != Some(true),
    }
}

pub(super) fn root(world: &World<'_>, installed: &Installed<'_>) -> Need {
    met_if(container(
        world,
        &installed.nodes,
        "may be root",
        |template, one| !template.windows && template.host_users != Some(false) && maybe_root(one),
    ))
}

pub(super) fn host_network_root(world: &World<'_>, installed: &Installed<'_>) -> Need {
    met_if(container(
        world,
        &installed.nodes,
        "may be root on the node's network",
        |template, one| template.host_network && maybe_root(one),
    ))
}

/// dockerd asks a plugin whether a request is allowed; only its command line or its file tells.
pub(super) fn authorization_plugin(world: &World<'_>, _: &Installed<'_>) -> Need {
    let mut seen = false;
    for host in &world.beside.hosts {
        for process in host
            .processes
            .iter()
            .flatten()
            .filter(|one| &*one.name == "dockerd")
        {
            seen = true;
            if process
                .arguments
                .iter()
                .any(|word| word.contains("authorization-plugin"))
            {
                return Need::Met("dockerd asks an authorization plugin".to_owned());
            }
        }
        let file = host
            .documents
            .iter()
            .find(|file| file.path.ends_with("/docker/daemon.json"));
        if file.is_some_and(|file| file.json.contains("authorization-plugins")) {
            return Need::Met("dockerd asks an authorization plugin".to_owned());
        }
    }
    if seen {
        Need::NotMet
    } else {
        unseen("whether dockerd asks an authorization plugin", CLOSE_NODE)
    }
}

/// The webhook that tries configurations, which every pod reaches where no policy forbids it.
pub(super) fn ingress_webhook(_: &World<'_>, installed: &Installed<'_>) -> Need {
    met_if(
        contains(installed.json, "--validating-webhook=")
            .then(|| "its admission webhook takes requests from the pod network".to_owned()),
    )
}

/// Somebody writes Ingresses, whose annotations become configuration.
pub(super) fn ingress_writers(world: &World<'_>, _: &Installed<'_>) -> Need {
    let mut asked = Vec::new();
    for verb in ["create", "update", "patch"] {
        for group in ["networking.k8s.io", "extensions"] {
            asked.push((verb, group, "ingresses"));
        }
    }
    done_by(world, "Ingresses are written", &asked)
}
