//! CIS Azure Kubernetes Service Benchmark 1.7. Source: the numbering of the benchmark; the words are ours.

use super::{
    AZURE, Ask, CONF, Control, Files, How, NAMESPACES, PRIVATE_NODES, Want, c, files, policies,
};

const AZURE_JSON: &[Files] = &[Files::AzureJson];

pub(super) static OF_AKS: &[Control] = &[
    c("2.1.1", "The control plane writes its audit log", 1, AZURE),
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
        "azure.json is written by root alone",
        1,
        files(AZURE_JSON, Want::Mode(0o644)),
    ),
    c(
        "3.1.4",
        "azure.json belongs to root",
        1,
        files(AZURE_JSON, Want::Owner("root")),
    ),
    c(
        "4.4.1",
        "The network plugin is up to date",
        1,
        How::Manual("compare the plugin's image with its last release"),
    ),
    c(
        "4.4.2",
        "Every namespace has a network policy",
        2,
        Ask(
            policies::network_policies,
            "begin with plimsoll export netpol",
        ),
    ),
    c(
        "4.5.1",
        "Secrets are files, not variables",
        2,
        Ask(policies::secret_variables, "mount the Secret as a file"),
    ),
    c(
        "4.5.2",
        "Secrets come from a store outside",
        2,
        Ask(
            policies::external_secrets,
            "use the Secrets Store CSI driver, or External Secrets",
        ),
    ),
    c(
        "4.6.1",
        "Namespaces divide what belongs apart",
        1,
        NAMESPACES,
    ),
    c(
        "4.6.2",
        "Pods and containers have a security context",
        2,
        Ask(
            policies::contexts,
            "set a security context: plimsoll fix --all shows it",
        ),
    ),
    c(
        "4.6.3",
        "The default namespace is empty",
        2,
        Ask(
            policies::default_namespace,
            "move what is there into a namespace of its own",
        ),
    ),
    c("5.1.1", "Images are scanned in the registry", 1, AZURE),
    c("5.1.2", "Few may write to the registry", 1, AZURE),
    c("5.1.3", "Nodes only read from the registry", 1, AZURE),
    c(
        "5.1.4",
        "Images come from approved registries only",
        2,
        Ask(policies::image_provenance, "verify images at admission"),
    ),
    c(
        "5.2.1",
        "Workloads have cloud identities of their own",
        2,
        AZURE,
    ),
    c(
        "5.3.1",
        "Stored Secrets are encrypted with a key of yours",
        1,
        AZURE,
    ),
    c(
        "5.4.1",
        "The control plane answers to known networks only",
        1,
        AZURE,
    ),
    c(
        "5.4.2",
        "The control plane has a private address only",
        2,
        AZURE,
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
            "turn on network policies of the cluster",
        ),
    ),
    c("5.4.5", "Traffic to load balancers is encrypted", 2, AZURE),
    c("5.5.1", "People log in by the directory", 2, AZURE),
    c("5.5.2", "Rights are decided by the directory", 2, AZURE),
];
