//! What the cluster itself is made of, known by identity and content, never by a namespace or a label alone (rule 17).
//! Comes in: workloads with their templates. Goes out: `managed_by` of tool `provider`.
//! Never: a workload that somebody put beside it. Bindings: `bootstrap`.
//!
//! A part that is not recognised (a private mirror of its image, a container more, a wider mount) stays the user's:
//! its fields can be changed and its paths be cut.

use crate::declare::glob;
use crate::json::Node;
use crate::lens::Lens;
use crate::view::{PodSpec, VolumeSource, WorkloadView};
use model::image::ImageReference;
use model::snapshot::Snapshot;
use model::text::Text;
use model::workload::{ManagedBy, Workload};
use std::collections::BTreeSet;

/// A workload that a distribution brings.
struct Part {
    kind: &'static str,
    name: &'static str,
    namespaces: &'static [&'static str],
    account: &'static str,
    /// Patterns of image repositories; each container's must match one.
    repositories: &'static [&'static str],
    /// How far its pods may reach into the node; more than that is not what was brought.
    content: Content,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Content {
    /// No privilege, no namespace and no path of the host.
    Confined,
    /// Privileged on the host's network, with these paths of the node at most.
    NodeNetwork,
    /// A network plugin owns the node's network, and with it the node.
    Plugin,
}

/// Sources: kubeadm's addon manifests; the manifests of EKS, AKS and k3s; the plugins' own releases.
const PARTS: &[Part] = &[
    part(
        ("DaemonSet", "kube-proxy", "kube-proxy"),
        &["kube-system"],
        &[
            "registry.k8s.io/kube-proxy",
            "k8s.gcr.io/kube-proxy",
            "mcr.microsoft.com/oss/kubernetes/kube-proxy",
            "mcr.microsoft.com/oss/v2/kubernetes/kube-proxy",
            "602401143452.dkr.ecr.*.amazonaws.com/eks/kube-proxy",
            "public.ecr.aws/eks-distro/kubernetes/kube-proxy",
        ],
        Content::NodeNetwork,
    ),
    part(
        ("Deployment", "coredns", "coredns"),
        &["kube-system"],
        &[
            "registry.k8s.io/coredns/coredns",
            "k8s.gcr.io/coredns",
            "k8s.gcr.io/coredns/coredns",
            "docker.io/coredns/coredns",
            "docker.io/rancher/mirrored-coredns-coredns",
            "mcr.microsoft.com/oss/kubernetes/coredns",
            "mcr.microsoft.com/oss/v2/kubernetes/coredns",
            "602401143452.dkr.ecr.*.amazonaws.com/eks/coredns",
        ],
        Content::Confined,
    ),
    plugin(
        ("DaemonSet", "calico-node", "calico-node"),
        &["kube-system", "calico-system"],
        &["*/calico/*", "*/mirrored-calico-*"],
    ),
    plugin(
        (
            "Deployment",
            "calico-kube-controllers",
            "calico-kube-controllers",
        ),
        &["kube-system", "calico-system"],
        &["*/calico/*", "*/mirrored-calico-*"],
    ),
    plugin(
        ("DaemonSet", "canal", "canal"),
        &["kube-system"],
        &["*/calico/*", "*/flannel/*", "*/mirrored-*"],
    ),
    plugin(
        ("DaemonSet", "cilium", "cilium"),
        &["kube-system", "cilium"],
        &["*/cilium/*", "*/mirrored-cilium-*"],
    ),
    plugin(
        ("Deployment", "cilium-operator", "cilium-operator"),
        &["kube-system", "cilium"],
        &["*/cilium/*", "*/mirrored-cilium-*"],
    ),
    plugin(
        ("DaemonSet", "kube-flannel-ds", "flannel"),
        &["kube-system", "kube-flannel"],
        &[
            "*/flannel/*",
            "*/flannelcni/*",
            "quay.io/coreos/flannel",
            "*/mirrored-flannel*",
        ],
    ),
    plugin(
        ("DaemonSet", "weave-net", "weave-net"),
        &["kube-system"],
        &["*/weaveworks/*"],
    ),
    plugin(
        ("DaemonSet", "antrea-agent", "antrea-agent"),
        &["kube-system"],
        &["*/antrea/*"],
    ),
    plugin(
        ("DaemonSet", "kube-router", "kube-router"),
        &["kube-system"],
        &["*/cloudnativelabs/*"],
    ),
    plugin(
        ("DaemonSet", "kindnet", "kindnet"),
        &["kube-system"],
        &["*/kindest/kindnetd"],
    ),
    plugin(
        ("DaemonSet", "aws-node", "aws-node"),
        &["kube-system"],
        &[
            "602401143452.dkr.ecr.*.amazonaws.com/amazon-k8s-cni*",
            "602401143452.dkr.ecr.*.amazonaws.com/amazon/aws-network-policy-agent",
        ],
    ),
    plugin(
        ("DaemonSet", "kube-ovn-cni", "kube-ovn-cni"),
        &["kube-system"],
        &["*/kubeovn/*"],
    ),
    plugin(
        ("DaemonSet", "ovnkube-node", "ovn-kubernetes-node"),
        &["openshift-ovn-kubernetes"],
        &["quay.io/openshift-release-dev/*"],
    ),
    plugin(
        ("DaemonSet", "sdn", "sdn"),
        &["openshift-sdn"],
        &["quay.io/openshift-release-dev/*"],
    ),
    plugin(
        ("DaemonSet", "azure-npm", "azure-npm"),
        &["kube-system"],
        &["mcr.microsoft.com/*"],
    ),
];

const fn part(
    (kind, name, account): (&'static str, &'static str, &'static str),
    namespaces: &'static [&'static str],
    repositories: &'static [&'static str],
    content: Content,
) -> Part {
    Part {
        kind,
        name,
        namespaces,
        account,
        repositories,
        content,
    }
}

const fn plugin(
    who: (&'static str, &'static str, &'static str),
    namespaces: &'static [&'static str],
    repositories: &'static [&'static str],
) -> Part {
    part(who, namespaces, repositories, Content::Plugin)
}

/// Paths of the node that the kube-proxies of kubeadm, EKS and AKS mount.
const PROXY_PATHS: [&str; 5] = [
    "/lib/modules",
    "/run/xtables.lock",
    "/var/log",
    "/var/lib/kube-proxy",
    "/etc/sysctl.d",
];

/// Components that run as static pods, with the repositories of their images.
const STATIC: [(&str, &[&str]); 4] = [
    ("kube-apiserver", REGISTRIES),
    ("kube-controller-manager", REGISTRIES),
    ("kube-scheduler", REGISTRIES),
    ("etcd", REGISTRIES),
];
const REGISTRIES: &[&str] = &[
    "registry.k8s.io/",
    "k8s.gcr.io/",
    "registry.aliyuncs.com/google_containers/",
    "public.ecr.aws/eks-distro/kubernetes/",
    "public.ecr.aws/eks-distro/etcd-io/",
];

/// The component of the control plane that a workload is, where it is a static pod of the cluster itself.
pub fn static_pod(workload: &Workload) -> Option<&'static str> {
    let object = &workload.object;
    let own = workload.is_provided() && &*object.kind == "Pod";
    STATIC
        .iter()
        .map(|(component, _)| *component)
        .filter(|_| own)
        .find(|component| {
            let rest = object.name.strip_prefix(component);
            rest.is_some_and(|rest| rest.starts_with('-'))
        })
}

/// Marks the workloads that are parts of the cluster. Whoever manages such a part stays told in the name.
pub(crate) fn mark(
    lens: &mut Lens,
    snapshot: &Snapshot,
    workloads: &mut [WorkloadView],
    templates: &[PodSpec],
) {
    for view in workloads {
        let Some(template) = templates.get(view.template as usize) else {
            continue;
        };
        let name = match part_of(view, template) {
            Some(part) => part.name.to_owned(),
            None => match static_component(lens, snapshot, view, template) {
                Some(component) => format!("static pod {component}"),
                None => continue,
            },
        };
        let name = match view.workload.managed_by.take() {
            Some(by) if by.name.is_empty() => format!("{name}, {}", by.tool),
            Some(by) => format!("{name}, {} {}", by.tool, by.name),
            None => name,
        };
        view.workload.managed_by = Some(ManagedBy {
            tool: ManagedBy::PROVIDER.into(),
            name: name.into(),
        });
    }
}

fn part_of(view: &WorkloadView, template: &PodSpec) -> Option<&'static Part> {
    let object = &view.workload.object;
    let namespace = &*view.workload.key.namespace;
    PARTS.iter().find(|part| {
        &*object.group == "apps"
            && &*object.kind == part.kind
            && &*object.name == part.name
            && part.namespaces.contains(&namespace)
            && &*template.service_account == part.account
            && !template.containers.is_empty()
            && template.containers.iter().all(|container| {
                repository(&container.image).is_some_and(|repository| {
                    part.repositories
                        .iter()
                        .any(|pattern| glob(pattern, &repository))
                })
            })
            && holds(part.content, template)
    })
}

fn repository(image: &str) -> Option<String> {
    ImageReference::parse(image).map(|reference| reference.name())
}

/// Whether the pods reach no further than what was brought.
fn holds(content: Content, template: &PodSpec) -> bool {
    if content == Content::Plugin {
        return true;
    }
    let host_path = |source: &VolumeSource| match source {
        VolumeSource::HostPath { path } => Some(path.clone()),
        VolumeSource::Claim { host_path, .. } => host_path.clone(),
        VolumeSource::Secret { .. }
        | VolumeSource::ConfigMap { .. }
        | VolumeSource::Token { .. }
        | VolumeSource::Other => None,
    };
    let mut paths = template.volumes.iter().filter_map(|v| host_path(&v.source));
    let hidden = template.host_pid || template.host_ipc;
    match content {
        Content::NodeNetwork => {
            !hidden && paths.all(|path| PROXY_PATHS.contains(&path.trim_end_matches('/')))
        }
        Content::Confined | Content::Plugin => {
            !hidden
                && !template.host_network
                && paths.next().is_none()
                && template.containers.iter().all(|container| {
                    let security = &container.security;
                    let usual = |name: &Text| &**name == "NET_BIND_SERVICE";
                    !security.privileged && security.added_capabilities.iter().all(usual)
                })
        }
    }
}

/// The component of the control plane that a mirror pod shows. The kubelet makes mirror pods of the files of its node
/// and deletes those without a file, so neither annotation nor owner can be kept up by others.
fn static_component(
    lens: &mut Lens,
    snapshot: &Snapshot,
    view: &WorkloadView,
    template: &PodSpec,
) -> Option<&'static str> {
    let object = &view.workload.object;
    if &*object.kind != "Pod" || object.namespace.as_deref() != Some("kube-system") {
        return None;
    }
    let node = template.node_name.as_deref()?;
    let component = object.name.strip_suffix(node)?.strip_suffix('-')?;
    let (component, registries) = STATIC.iter().find(|(name, _)| *name == component)?;
    let own = template.containers.iter().all(|container| {
        repository(&container.image).is_some_and(|repository| {
            registries.iter().any(|registry| {
                repository
                    .strip_prefix(registry)
                    .and_then(|rest| rest.strip_prefix(component))
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
            })
        })
    });
    if !own || template.containers.is_empty() {
        return None;
    }
    let seen = snapshot.objects.get(view.object? as usize)?;
    lens.read(seen, |_, root| is_mirror(root, node))
        .filter(|mirror| *mirror)
        .map(|_| *component)
}

fn is_mirror(root: Node<'_>, node: &str) -> bool {
    let metadata = root.get("metadata");
    let annotation = metadata
        .get("annotations")
        .word("kubernetes.io/config.mirror");
    let owned = metadata
        .list("ownerReferences")
        .any(|owner| owner.text("kind") == Some("Node") && owner.text("name") == Some(node));
    annotation.is_some() && owned
}

/// Accounts of the network plugins among the workloads: (namespace, name).
pub(crate) fn plugin_accounts<'v>(
    workloads: &'v [WorkloadView],
    templates: &'v [PodSpec],
) -> BTreeSet<(&'v str, &'v str)> {
    workloads
        .iter()
        .filter(|view| view.workload.is_provided())
        .filter_map(|view| {
            let template = templates.get(view.template as usize)?;
            let part = part_of(view, template)?;
            (part.content == Content::Plugin)
                .then_some((&*view.workload.key.namespace, &*template.service_account))
        })
        .collect()
}
