//! Evidence that NetworkPolicies are enforced, and things that may publish workloads in ways that are not understood (rule 2).
//! Comes in: workloads, CRDs, nodes. Goes out: objects. Never: "enforced" by a name or namespace alone.

use crate::entries::read_all;
use crate::lens::Lens;
use crate::view::{ContainerSpec, PodSpec, Tunnel, WorkloadView};
use model::object::ObjectRef;
use model::snapshot::Snapshot;
use model::text::Text;
use model::workload::WorkloadState;
use std::collections::BTreeSet;

/// Node agents that enforce: container name and a word of its image's repository.
/// `aws-eks-nodeagent` is absent on purpose: it is always installed and enforces only with a flag (see `vpc_cni_switched_on`).
/// OpenShift's images all come from one repository.
const AGENTS: [(&str, &str); 16] = [
    ("calico-node", "calico"),
    ("cilium-agent", "cilium"),
    ("weave-npc", "weave"),
    ("antrea-agent", "antrea"),
    ("kube-router", "kube-router"),
    ("ovnkube-node", "ovn"),
    ("ovnkube-node", "openshift-release-dev"),
    ("ovnkube-controller", "ovn"),
    ("ovnkube-controller", "openshift-release-dev"),
    ("ovn-controller", "ovn"),
    ("azure-npm", "npm"),
    ("kube-network-policies", "kube-network-policies"),
    ("sdn", "sdn"),
    ("sdn", "openshift-release-dev"),
    ("cni-server", "kube-ovn"),
    ("nsx-node-agent", "nsx"),
];

/// CRDs that only an enforcing CNI brings.
const CRDS: [&str; 6] = [
    "felixconfigurations.crd.projectcalico.org",
    "ciliumnodes.cilium.io",
    "ciliumendpoints.cilium.io",
    "antreaagentinfos.crd.antrea.io",
    "adminpolicybasedexternalroutes.k8s.ovn.org",
    "subnets.kubeovn.io",
];

/// First kindnetd that carries kube-network-policies (kind 0.24), a date.
const KINDNET_ENFORCES_SINCE: u32 = 20_240_813;

pub(crate) fn enforcing(
    lens: &mut Lens,
    snapshot: &Snapshot,
    workloads: &[WorkloadView],
    templates: &[PodSpec],
) -> Vec<ObjectRef> {
    let mut evidence: BTreeSet<ObjectRef> = workloads
        .iter()
        .filter(|view| {
            &*view.workload.object.kind == "DaemonSet"
                && view.workload.state == WorkloadState::Active
        })
        .filter(|view| {
            let template = templates.get(view.template as usize);
            template.is_some_and(|spec| {
                let system = spec.host_network || is_system(&view.workload.key.namespace);
                system && spec.containers.iter().any(is_agent)
            })
        })
        .map(|view| view.workload.object.clone())
        .collect();
    for object in snapshot.of_kind("apiextensions.k8s.io", "CustomResourceDefinition") {
        if CRDS.contains(&&*object.name) {
            evidence.insert(object.reference());
        }
    }
    // The VPC CNI's controller writes one for each policy that its node agents shall enforce.
    if let Some(endpoint) = snapshot
        .of_kind("networking.k8s.aws", "PolicyEndpoint")
        .first()
    {
        evidence.insert(endpoint.reference());
    }
    let counted = snapshot
        .other_kinds
        .get("PolicyEndpoint.networking.k8s.aws");
    if counted.is_some_and(|count| *count > 0) {
        evidence.insert(ObjectRef::new(
            "networking.k8s.aws",
            "PolicyEndpoint",
            None,
            "*",
        ));
    }
    evidence.extend(vpc_cni_switched_on(lens, snapshot));
    evidence.extend(k3s_servers(lens, snapshot));
    evidence.into_iter().collect()
}

fn is_system(namespace: &str) -> bool {
    matches!(namespace, "kube-system" | "calico-system" | "kube-ovn")
        || namespace.starts_with("openshift-")
}

fn is_agent(container: &ContainerSpec) -> bool {
    let repository = repository(&container.image);
    if &*container.name == "kindnet-cni" {
        return kindnet_date(&container.image).is_some_and(|date| date >= KINDNET_ENFORCES_SINCE);
    }
    AGENTS
        .iter()
        .any(|(name, word)| *name == &*container.name && repository.contains(word))
}

/// `docker.io/kindest/kindnetd:v20240813-c6f155d6` -> 20240813.
fn kindnet_date(image: &str) -> Option<u32> {
    let tag = image.split('@').next()?.rsplit_once(":v")?.1;
    tag.get(..8)?.parse().ok()
}

fn repository(image: &str) -> &str {
    let name = image.split('@').next().unwrap_or(image);
    match name.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => name,
        _ => name,
    }
}

/// ConfigMap `amazon-vpc-cni` or an argument of the node agent, where their values were kept.
fn vpc_cni_switched_on(lens: &mut Lens, snapshot: &Snapshot) -> Vec<ObjectRef> {
    let mut on = Vec::new();
    let map = snapshot.find("", "ConfigMap", Some("kube-system"), "amazon-vpc-cni");
    if let Some(map) = map {
        let switched = lens.read(map, |_, root| {
            root.get("data")
                .get("enable-network-policy-controller")
                .is_word("true")
        });
        if switched == Some(true) {
            on.push(map.reference());
        }
    }
    let node = snapshot.find("apps", "DaemonSet", Some("kube-system"), "aws-node");
    if let Some(node) = node {
        let switched = lens.read(node, |_, root| {
            root.at(&["spec", "template", "spec"])
                .list("containers")
                .filter(|container| container.text("name") == Some("aws-eks-nodeagent"))
                .flat_map(|container| container.list("args"))
                .any(|argument| argument.is_word("--enable-network-policy=true"))
        });
        if switched == Some(true) {
            on.push(node.reference());
        }
    }
    on
}

/// k3s enforces inside its own process unless told not to; servers show their arguments in an annotation.
fn k3s_servers(lens: &mut Lens, snapshot: &Snapshot) -> Vec<ObjectRef> {
    let servers = read_all(lens, snapshot, "", "Node", |_, object, root| {
        let arguments = root
            .at(&["metadata", "annotations"])
            .text("k3s.io/node-args")?;
        let version = root.at(&["status", "nodeInfo"]).text("kubeletVersion")?;
        let enforces = version.contains("+k3s")
            && arguments.contains("\"server\"")
            && !arguments.contains("--disable-network-policy");
        enforces.then(|| object.reference())
    });
    servers.into_iter().flatten().collect()
}

/// Programs that carry traffic in from outside over a connection of their own: last part of the image's repository.
const TUNNEL_IMAGES: [(&str, &str); 20] = [
    ("cloudflared", "cloudflared"),
    ("ngrok", "ngrok"),
    ("ngrok-operator", "ngrok"),
    ("ngrok-ingress-controller", "ngrok"),
    ("frpc", "frp"),
    ("frps", "frp"),
    ("frp", "frp"),
    ("tailscale", "tailscale"),
    ("tailscaled", "tailscale"),
    ("inlets", "inlets"),
    ("inlets-pro", "inlets"),
    ("inlets-operator", "inlets"),
    ("chisel", "chisel"),
    ("bore", "bore"),
    ("rathole", "rathole"),
    ("zrok", "zrok"),
    ("pagekite", "pagekite"),
    ("localtunnel", "localtunnel"),
    ("netbird", "netbird"),
    ("zerotier", "zerotier"),
];

/// Custom resources that publish Services, by group suffix; kinds empty: all kinds of the group.
const ROUTERS: [(&str, &[&str], &str); 18] = [
    (
        "traefik.io",
        &["IngressRoute", "IngressRouteTCP", "IngressRouteUDP"],
        "traefik",
    ),
    (
        "traefik.containo.us",
        &["IngressRoute", "IngressRouteTCP", "IngressRouteUDP"],
        "traefik",
    ),
    ("projectcontour.io", &["HTTPProxy"], "contour"),
    ("contour.heptio.com", &["IngressRoute"], "contour"),
    (
        "konghq.com",
        &["TCPIngress", "UDPIngress", "KongIngress", "KongRoute"],
        "kong",
    ),
    (
        "getambassador.io",
        &["Mapping", "TCPMapping", "Host", "Listener"],
        "ambassador",
    ),
    ("apisix.apache.org", &["ApisixRoute"], "apisix"),
    (
        "solo.io",
        &["VirtualService", "RouteTable", "Gateway"],
        "gloo",
    ),
    (
        "k8s.nginx.org",
        &["VirtualServer", "VirtualServerRoute", "TransportServer"],
        "nginx",
    ),
    ("haproxy.org", &["TCP"], "haproxy"),
    ("zalando.org", &["RouteGroup"], "skipper"),
    ("voyagermesh.com", &["Ingress"], "voyager"),
    (
        "citrix.com",
        &["ingress", "listener", "HTTPRoute"],
        "citrix",
    ),
    ("ngrok.com", &[], "ngrok"),
    ("tailscale.com", &[], "tailscale"),
    ("cfargotunnel.com", &[], "cloudflared"),
    ("inlets.dev", &[], "inlets"),
    ("networking.internal.knative.dev", &["Ingress"], "knative"),
];

fn router(group: &str, kind: &str) -> Option<&'static str> {
    ROUTERS
        .iter()
        .find(|(suffix, kinds, _)| {
            let rest = group.strip_suffix(suffix);
            rest.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
                && (kinds.is_empty() || kinds.contains(&kind))
        })
        .map(|(_, _, tool)| *tool)
}

/// Tunnel programs that run, router resources that were seen, and counted ones whose objects were not kept.
pub(crate) fn tunnels(
    lens: &mut Lens,
    snapshot: &Snapshot,
    workloads: &[WorkloadView],
    templates: &[PodSpec],
) -> Vec<Tunnel> {
    let mut all: Vec<Tunnel> = Vec::new();
    for view in workloads {
        let spec = templates.get(view.template as usize);
        let containers = spec.map_or(&[][..], |spec| &spec.containers);
        let tool = containers.iter().find_map(|c| tunnel_program(&c.image));
        if let Some(tool) = tool.filter(|_| view.workload.state != WorkloadState::History) {
            all.push(Tunnel {
                object: view.workload.object.clone(),
                kind: lens.word(tool),
                namespace: None,
            });
        }
    }
    let mut seen: BTreeSet<(Text, Text)> = BTreeSet::new();
    for object in &snapshot.objects {
        let published = knative_public(object);
        let tool = router(&object.gvk.group, &object.gvk.kind);
        let Some(tool) = tool.or(published.then_some("knative")) else {
            continue;
        };
        seen.insert((
            Text::clone(&object.gvk.group),
            Text::clone(&object.gvk.kind),
        ));
        all.push(Tunnel {
            object: object.reference(),
            kind: lens.word(tool),
            // These name Services of their own namespace; cluster-scoped ones may name any.
            namespace: object.namespace.clone(),
        });
    }
    for (counted, _) in snapshot.other_kinds.iter().filter(|(_, count)| **count > 0) {
        let Some((kind, group)) = counted.split_once('.') else {
            continue;
        };
        let known = seen.contains(&(Text::from(group), Text::from(kind)));
        if let Some(tool) = router(group, kind).filter(|_| !known) {
            all.push(Tunnel {
                object: ObjectRef::new(group, kind, None, "*"),
                kind: lens.word(tool),
                namespace: None,
            });
        }
    }
    all.sort_by(|a, b| (&a.object, &a.kind).cmp(&(&b.object, &b.kind)));
    all.dedup_by(|a, b| a.object == b.object && a.kind == b.kind);
    all
}

fn tunnel_program(image: &str) -> Option<&'static str> {
    let repository = repository(image);
    let last = repository.rsplit('/').next().unwrap_or(repository);
    TUNNEL_IMAGES
        .iter()
        .find(|(name, _)| *name == last)
        .map(|(_, tool)| *tool)
        .or_else(|| {
            // `kubernetes-ingress-controller` is a name that Kong has too.
            (last == "kubernetes-ingress-controller" && repository.contains("ngrok"))
                .then_some("ngrok")
        })
}

/// A Knative Service is public unless it is labelled otherwise.
fn knative_public(object: &model::snapshot::Object) -> bool {
    &*object.gvk.group == "serving.knative.dev"
        && &*object.gvk.kind == "Service"
        && object
            .label("networking.knative.dev/visibility")
            .is_none_or(|visibility| &**visibility != "cluster-local")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routers_by_group_suffix() {
        for (group, kind, expected) in [
            ("traefik.io", "IngressRoute", Some("traefik")),
            ("traefik.io", "Middleware", None),
            ("configuration.konghq.com", "TCPIngress", Some("kong")),
            ("evilkonghq.com", "TCPIngress", None),
            ("ingress.k8s.ngrok.com", "Domain", Some("ngrok")),
            ("gateway.solo.io", "VirtualService", Some("gloo")),
            ("networking.istio.io", "VirtualService", None),
        ] {
            assert_eq!(router(group, kind), expected, "{kind}.{group}");
        }
    }

    #[test]
    fn tunnel_programs_by_image() {
        for (image, expected) in [
            ("cloudflare/cloudflared:2024.1.0", Some("cloudflared")),
            ("reg:5000/mirror/cloudflared@sha256:1", Some("cloudflared")),
            ("ngrok/kubernetes-ingress-controller", Some("ngrok")),
            ("kong/kubernetes-ingress-controller:3", None),
            ("shop/cloudflared-docs", None),
        ] {
            assert_eq!(tunnel_program(image), expected, "{image}");
        }
    }

    #[test]
    fn kindnet_dates() {
        for (image, expected) in [
            (
                "docker.io/kindest/kindnetd:v20240813-c6f155d6",
                Some(20_240_813),
            ),
            (
                "docker.io/kindest/kindnetd:v20230511-dc714da8",
                Some(20_230_511),
            ),
            ("docker.io/kindest/kindnetd:0.5.4", None),
            ("kindest/kindnetd", None),
        ] {
            assert_eq!(kindnet_date(image), expected, "{image}");
        }
    }
}
