//! Benchmarks of managed clusters: what of them the API and nodes show. What only the provider's own API shows is
//! unknown, and says which command tells it. Never: a failure because the control plane cannot be seen.

mod aks;
mod gke;

use super::How::{Ask, Rules};
use super::{Control, How, accounts, policies};
use crate::component::{Component, Components, Files, Probe, Seen, Verdict, Want};
use model::object::ObjectRef;
use semantics::view::Node;

const fn c(number: &'static str, title: &'static str, level: u8, how: How) -> Control {
    Control {
        number,
        title,
        level,
        how,
    }
}

const fn files(files: &'static [Files], want: Want) -> How {
    How::Probe(
        Probe::Files(files, want),
        "chmod and chown the file for root",
    )
}

const CONF: &[Files] = &[Files::Kubeconfig(Component::Kubelet)];
const CONFIG: &[Files] = &[Files::Config(Component::Kubelet)];
const RIGHTS: &str = "take the right away, or bind it in the one namespace that needs it";
const LEVEL: &str = "label the namespaces: kubectl label ns NAME pod-security.kubernetes.io/enforce=baseline, after a dry run with warn";
const STRICT: &str = "label the namespaces: kubectl label ns NAME pod-security.kubernetes.io/enforce=restricted, after a dry run with warn";

/// The provider's API tells, which is not asked.
fn provider(close: &str) -> Vec<Seen> {
    let what = "what the provider's own API says of the cluster";
    vec![policies::unseen(what, close)]
}

const AWS: How = Ask(
    |_| provider("aws eks describe-cluster --name NAME; aws ecr describe-repositories"),
    "compare with the output of aws eks describe-cluster",
);
const GOOGLE: How = Ask(
    |_| {
        provider(
            "gcloud container clusters describe NAME; gcloud container node-pools list --cluster NAME",
        )
    },
    "compare with the output of gcloud container clusters describe",
);
const AZURE: How = Ask(
    |_| provider("az aks show --name NAME --resource-group GROUP; az acr show --name REGISTRY"),
    "compare with the output of az aks show",
);

/// Of each node, whether it is as it should be; `None`: it does not tell.
fn nodes(
    components: &Components<'_>,
    what: &str,
    ask: fn(&Node) -> Option<(bool, String)>,
) -> Vec<Seen> {
    let world = &components.world;
    if world.inventory.nodes.is_empty() {
        return vec![policies::unseen(what, "allow get and list on nodes")];
    }
    let of = |node: &Node| {
        let object = ObjectRef::new("", "Node", None, &node.name);
        let Some((good, says)) = ask(node) else {
            return policies::unseen(
                &format!("{what} of node {}", node.name),
                "allow get and list on nodes",
            );
        };
        let verdict = if good { Verdict::Good } else { Verdict::Bad };
        Seen {
            at: world.at(&object),
            object,
            pointer: String::new(),
            says,
            verdict,
        }
    };
    world.inventory.nodes.iter().map(of).collect()
}

const PRIVATE_NODES: How = Ask(
    |components| {
        nodes(components, "addresses of nodes", |node| {
            let seen = !node.internal_ips.is_empty() || !node.external_ips.is_empty();
            let says = match node.external_ips.first() {
                Some(ip) => format!("its external address is {ip}"),
                None => "it has no external address".to_owned(),
            };
            seen.then_some((node.external_ips.is_empty(), says))
        })
    },
    "make node pools with private nodes",
);

/// Containers see the identity of their own account, not that of the node. Source: the label that GKE gives such nodes.
const METADATA_SERVER: How = Ask(
    |components| {
        nodes(components, "labels of nodes", |node| {
            let label = "iam.gke.io/gke-metadata-server-enabled";
            let on = node
                .labels
                .get(label)
                .is_some_and(|value| &**value == "true");
            let says = format!(
                "its label {label} is {}",
                if on { "true" } else { "not true" }
            );
            Some((on, says))
        })
    },
    "gcloud container node-pools update POOL --cluster NAME --workload-metadata=GKE_METADATA",
);

const CONTAINER_OS: How = Ask(
    |components| {
        nodes(components, "systems of nodes", |node| {
            let image = node.os_image.as_deref()?;
            let good = image.starts_with("Container-Optimized OS");
            Some((good, format!("its system is {image}")))
        })
    },
    "make node pools with the image type cos_containerd",
);

const DASHBOARD: How = Ask(
    |components| {
        let mut workloads = components.world.inventory.workloads.iter();
        let found = workloads.find(|view| &*view.workload.object.name == "kubernetes-dashboard");
        let (says, verdict) = match found {
            Some(view) => (format!("{} runs", view.workload.object), Verdict::Bad),
            None if components.world.snapshot.saw_all("", "Pod") => {
                ("no dashboard runs".to_owned(), Verdict::Good)
            }
            None => return vec![policies::unseen("pods", "allow get and list on pods")],
        };
        vec![policies::of_cluster(says, verdict)]
    },
    "remove it: use kubectl, or a dashboard of your own behind a login",
);

const NAMESPACES: How =
    How::Manual("look whether teams, stages and kinds of data share a namespace");

/// CIS Amazon EKS Benchmark 1.7.
pub(super) static EKS: &[&[Control]] = &[OF_EKS, KUBELET, RIGHTS_OF, PODS];
/// CIS Google Kubernetes Engine Benchmark 1.6.
pub(super) static GKE: &[&[Control]] = &[gke::OF_GKE, KUBELET];
/// CIS Azure Kubernetes Service Benchmark 1.7.
pub(super) static AKS: &[&[Control]] = &[aks::OF_AKS, KUBELET, RIGHTS_OF, PODS];

/// Section 3.2 of all three.
static KUBELET: &[Control] = &[
    c(
        "3.2.1",
        "No anonymous requests to the kubelet",
        1,
        Rules(&["kubelet-anonymous"]),
    ),
    c(
        "3.2.2",
        "The kubelet asks what is allowed",
        1,
        Rules(&["kubelet-always-allow"]),
    ),
    c(
        "3.2.3",
        "The kubelet knows the CA of its clients",
        1,
        Rules(&["kubelet-no-client-ca"]),
    ),
    c(
        "3.2.4",
        "The kubelet has no port without checks",
        1,
        Rules(&["kubelet-read-only-port"]),
    ),
    c(
        "3.2.5",
        "Idle sessions in pods end",
        1,
        Rules(&["kubelet-streams-forever"]),
    ),
    c(
        "3.2.6",
        "The kubelet keeps its iptables rules",
        1,
        Rules(&["kubelet-no-iptables-chains"]),
    ),
    c(
        "3.2.7",
        "The kubelet sends events",
        2,
        Rules(&["kubelet-events-unlimited"]),
    ),
    c(
        "3.2.8",
        "The kubelet renews its client certificate",
        1,
        Rules(&["kubelet-certificate-not-renewed"]),
    ),
    c(
        "3.2.9",
        "The kubelet renews its serving certificate",
        1,
        Rules(&["kubelet-server-rotation-off"]),
    ),
];

/// Section 4.1 of EKS and AKS.
static RIGHTS_OF: &[Control] = &[
    c(
        "4.1.1",
        "cluster-admin is bound where it must be",
        1,
        Ask(accounts::cluster_admin, RIGHTS),
    ),
    c(
        "4.1.2",
        "Few may read Secrets",
        1,
        Ask(accounts::secrets, RIGHTS),
    ),
    c(
        "4.1.3",
        "Roles have no wildcards",
        1,
        Ask(accounts::wildcards, RIGHTS),
    ),
    c(
        "4.1.4",
        "Few may create pods",
        1,
        Ask(accounts::pods, RIGHTS),
    ),
    c(
        "4.1.5",
        "Default accounts are not used",
        1,
        Ask(accounts::default_accounts, RIGHTS),
    ),
    c(
        "4.1.6",
        "Tokens are mounted where they are needed",
        1,
        Ask(accounts::idle_tokens, RIGHTS),
    ),
];

/// Section 4.2 of EKS and AKS.
static PODS: &[Control] = &[
    c(
        "4.2.1",
        "Privileged containers are refused",
        1,
        Ask(policies::baseline, LEVEL),
    ),
    c(
        "4.2.2",
        "Pods with processes of the node are refused",
        1,
        Ask(policies::baseline, LEVEL),
    ),
    c(
        "4.2.3",
        "Pods with IPC of the node are refused",
        1,
        Ask(policies::baseline, LEVEL),
    ),
    c(
        "4.2.4",
        "Pods in the network of the node are refused",
        1,
        Ask(policies::baseline, LEVEL),
    ),
    c(
        "4.2.5",
        "Containers that may gain privileges are refused",
        1,
        Ask(policies::restricted, STRICT),
    ),
];

/// CIS Amazon EKS Benchmark 1.7.
static OF_EKS: &[Control] = &[
    c("2.1.1", "The control plane writes its audit log", 1, AWS),
    c("2.1.2", "Audit logs are collected and kept", 1, AWS),
    c(
        "3.1.1",
        "Kubeconfig of the kubelet is written by root alone",
        1,
        files(CONF, Want::Mode(0o644)),
    ),
    c(
        "3.1.2",
        "Kubeconfig of the kubelet belongs to root",
        1,
        files(CONF, Want::Owner("root")),
    ),
    c(
        "3.1.3",
        "Configuration of the kubelet is written by root alone",
        1,
        files(CONFIG, Want::Mode(0o644)),
    ),
    c(
        "3.1.4",
        "Configuration of the kubelet belongs to root",
        1,
        files(CONFIG, Want::Owner("root")),
    ),
    c(
        "4.1.7",
        "Access of people is managed by the provider's API",
        1,
        AWS,
    ),
    c(
        "4.1.8",
        "Few may bind, escalate or impersonate",
        1,
        Ask(accounts::escalation, RIGHTS),
    ),
    c(
        "4.3.1",
        "The network enforces policies",
        1,
        Ask(
            policies::enforcing_network,
            "turn on network policies of the VPC CNI, or use another plugin",
        ),
    ),
    c(
        "4.3.2",
        "Every namespace has a network policy",
        1,
        Ask(
            policies::network_policies,
            "begin with plimsoll export netpol",
        ),
    ),
    c(
        "4.4.1",
        "Secrets are files, not variables",
        2,
        Ask(policies::secret_variables, "mount the Secret as a file"),
    ),
    c(
        "4.4.2",
        "Secrets come from a store outside",
        2,
        Ask(
            policies::external_secrets,
            "use the Secrets Store CSI driver",
        ),
    ),
    c(
        "4.5.1",
        "Namespaces divide what belongs apart",
        1,
        NAMESPACES,
    ),
    c(
        "4.5.2",
        "The default namespace is empty",
        2,
        Ask(
            policies::default_namespace,
            "move what is there into a namespace of its own",
        ),
    ),
    c("5.1.1", "Images are scanned in the registry", 1, AWS),
    c("5.1.2", "Few may write to the registry", 1, AWS),
    c("5.1.3", "Nodes only read from the registry", 1, AWS),
    c(
        "5.1.4",
        "Images come from approved registries only",
        2,
        Ask(policies::image_provenance, "verify images at admission"),
    ),
    c(
        "5.2.1",
        "Workloads have cloud identities of their own",
        1,
        AWS,
    ),
    c(
        "5.3.1",
        "Stored Secrets are encrypted with a key of yours",
        1,
        AWS,
    ),
    c("5.4.1", "The control plane's address is limited", 1, AWS),
    c(
        "5.4.2",
        "The control plane has a private address only",
        2,
        AWS,
    ),
    c(
        "5.4.3",
        "Nodes have private addresses only",
        1,
        PRIVATE_NODES,
    ),
    c(
        "5.4.4",
        "Policies of the network are on",
        1,
        Ask(
            policies::enforcing_network,
            "turn on network policies of the VPC CNI",
        ),
    ),
    c("5.4.5", "Traffic to load balancers is encrypted", 2, AWS),
    c("5.5.1", "People log in by IAM", 2, AWS),
];
