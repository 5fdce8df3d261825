//! Benchmarks of managed clusters: what of them the API and nodes show. What only the provider's own API shows is
//! unknown, and says which command tells it. Never: a failure because the control plane cannot be seen.

use super::How::{Ask, Rules};
use super::{Control, How, accounts, policies};
use crate::component::{Component, Components, Files, Probe, Seen, Want};

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
fn of_provider(_: &Components<'_>) -> Vec<Seen> {
    vec![policies::unseen(
        "what the provider's own API says of the cluster",
        "aws eks describe-cluster --name NAME; aws ecr describe-repositories",
    )]
}

const PROVIDER: How = Ask(
    of_provider,
    "compare with the output of aws eks describe-cluster",
);

/// CIS Amazon EKS Benchmark 1.7.
pub(super) static EKS: &[Control] = &[
    c(
        "2.1.1",
        "The control plane writes its audit log",
        1,
        PROVIDER,
    ),
    c("2.1.2", "Audit logs are collected and kept", 1, PROVIDER),
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
    c(
        "4.1.7",
        "Access of people is managed by the provider's API",
        1,
        PROVIDER,
    ),
    c(
        "4.1.8",
        "Few may bind, escalate or impersonate",
        1,
        Ask(accounts::escalation, RIGHTS),
    ),
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
        How::Manual("look whether teams, stages and kinds of data share a namespace"),
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
    c("5.1.1", "Images are scanned in the registry", 1, PROVIDER),
    c("5.1.2", "Few may write to the registry", 1, PROVIDER),
    c("5.1.3", "Nodes only read from the registry", 1, PROVIDER),
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
        PROVIDER,
    ),
    c(
        "5.3.1",
        "Stored Secrets are encrypted with a key of yours",
        1,
        PROVIDER,
    ),
    c(
        "5.4.1",
        "The control plane's address is limited",
        1,
        PROVIDER,
    ),
    c(
        "5.4.2",
        "The control plane has a private address only",
        2,
        PROVIDER,
    ),
    c("5.4.3", "Nodes have private addresses only", 1, PROVIDER),
    c(
        "5.4.4",
        "Policies of the network are on",
        1,
        Ask(
            policies::enforcing_network,
            "turn on network policies of the VPC CNI",
        ),
    ),
    c(
        "5.4.5",
        "Traffic to load balancers is encrypted",
        2,
        PROVIDER,
    ),
    c("5.5.1", "People log in by IAM", 2, PROVIDER),
];
