//! CIS Kubernetes Benchmark 1.12: its 131 controls. Titles are ours; numbers and levels are the benchmark's.

use super::How::{Ask, Manual, Rules};
use super::{Control, How, accounts, policies};
use crate::component::{Component, Files, Probe, Want, documents};

const fn c(number: &'static str, title: &'static str, level: u8, how: How) -> Control {
    Control {
        number,
        title,
        level,
        how,
    }
}

const fn mode(files: &'static [Files], most: u32) -> How {
    How::Probe(
        Probe::Files(files, Want::Mode(most)),
        "take the bits away with chmod",
    )
}

const fn owner(files: &'static [Files], name: &'static str) -> How {
    How::Probe(
        Probe::Files(files, Want::Owner(name)),
        "give it to that owner and group with chown",
    )
}

const API: &[Files] = &[Files::Manifest(Component::ApiServer)];
const CONTROLLERS: &[Files] = &[Files::Manifest(Component::ControllerManager)];
const SCHEDULER: &[Files] = &[Files::Manifest(Component::Scheduler)];
const ETCD: &[Files] = &[Files::Manifest(Component::Etcd)];
const SCHEDULER_CONF: &[Files] = &[Files::Kubeconfig(Component::Scheduler)];
const CONTROLLERS_CONF: &[Files] = &[Files::Kubeconfig(Component::ControllerManager)];
const KUBELET_CONF: &[Files] = &[Files::Kubeconfig(Component::Kubelet)];
const PROXY_CONF: &[Files] = &[Files::Kubeconfig(Component::Proxy)];
const KUBELET_CONFIG: &[Files] = &[Files::Config(Component::Kubelet)];

const LEVEL: &str = "label the namespaces: kubectl label ns NAME pod-security.kubernetes.io/enforce=baseline, after a dry run with warn";
const STRICT: &str = "label the namespaces: kubectl label ns NAME pod-security.kubernetes.io/enforce=restricted, after a dry run with warn";
const RIGHTS: &str = "take the right away, or bind it in the one namespace that needs it";

pub(super) static CONTROLS: &[Control] = &[
    c(
        "1.1.1",
        "Static pod file of the API server is for root alone",
        1,
        mode(API, 0o600),
    ),
    c(
        "1.1.2",
        "Static pod file of the API server belongs to root",
        1,
        owner(API, "root"),
    ),
    c(
        "1.1.3",
        "Static pod file of the controller manager is for root alone",
        1,
        mode(CONTROLLERS, 0o600),
    ),
    c(
        "1.1.4",
        "Static pod file of the controller manager belongs to root",
        1,
        owner(CONTROLLERS, "root"),
    ),
    c(
        "1.1.5",
        "Static pod file of the scheduler is for root alone",
        1,
        mode(SCHEDULER, 0o600),
    ),
    c(
        "1.1.6",
        "Static pod file of the scheduler belongs to root",
        1,
        owner(SCHEDULER, "root"),
    ),
    c(
        "1.1.7",
        "Static pod file of the etcd is for root alone",
        1,
        mode(ETCD, 0o600),
    ),
    c(
        "1.1.8",
        "Static pod file of the etcd belongs to root",
        1,
        owner(ETCD, "root"),
    ),
    c(
        "1.1.9",
        "Network plugin files are for root alone",
        1,
        mode(&[Files::Cni], 0o600),
    ),
    c(
        "1.1.10",
        "Network plugin files belong to root",
        1,
        owner(&[Files::Cni], "root"),
    ),
    c(
        "1.1.11",
        "Data folder of etcd is for its owner alone",
        1,
        mode(&[Files::EtcdData], 0o700),
    ),
    c(
        "1.1.12",
        "Data folder of etcd belongs to etcd",
        1,
        owner(&[Files::EtcdData], "etcd"),
    ),
    c(
        "1.1.13",
        "Kubeconfigs of administrators are for root alone",
        1,
        mode(&[Files::Admin], 0o600),
    ),
    c(
        "1.1.14",
        "Kubeconfigs of administrators belong to root",
        1,
        owner(&[Files::Admin], "root"),
    ),
    c(
        "1.1.15",
        "Kubeconfig of the scheduler is for root alone",
        1,
        mode(SCHEDULER_CONF, 0o600),
    ),
    c(
        "1.1.16",
        "Kubeconfig of the scheduler belongs to root",
        1,
        owner(SCHEDULER_CONF, "root"),
    ),
    c(
        "1.1.17",
        "Kubeconfig of the controller manager is for root alone",
        1,
        mode(CONTROLLERS_CONF, 0o600),
    ),
    c(
        "1.1.18",
        "Kubeconfig of the controller manager belongs to root",
        1,
        owner(CONTROLLERS_CONF, "root"),
    ),
    c(
        "1.1.19",
        "Certificates and keys of the cluster belong to root",
        1,
        owner(&[Files::Pki], "root"),
    ),
    c(
        "1.1.20",
        "Certificates of the cluster are written by root alone",
        1,
        mode(&[Files::Certificates], 0o644),
    ),
    c(
        "1.1.21",
        "Keys of the cluster are for root alone",
        1,
        mode(&[Files::Keys], 0o600),
    ),
    c(
        "1.2.1",
        "No anonymous requests to the API server",
        1,
        Rules(&["api-server-anonymous"]),
    ),
    c(
        "1.2.2",
        "No token file",
        1,
        Rules(&["api-server-static-tokens"]),
    ),
    c(
        "1.2.3",
        "External addresses of Services are refused",
        1,
        Rules(&["external-ips-allowed"]),
    ),
    c(
        "1.2.4",
        "API server has a certificate for kubelets",
        1,
        Rules(&["api-server-no-kubelet-certificate"]),
    ),
    c(
        "1.2.5",
        "API server checks certificates of kubelets",
        1,
        Rules(&["api-server-trusts-any-kubelet"]),
    ),
    c(
        "1.2.6",
        "Not everything is allowed",
        1,
        Rules(&["authorization-always-allow"]),
    ),
    c(
        "1.2.7",
        "Nodes are authorized as nodes",
        1,
        Rules(&["authorization-without-node"]),
    ),
    c(
        "1.2.8",
        "RBAC decides",
        1,
        Rules(&["authorization-without-rbac"]),
    ),
    c(
        "1.2.9",
        "Rate of events is limited",
        1,
        Rules(&["event-rate-unlimited"]),
    ),
    c(
        "1.2.10",
        "Admission does not say yes to everything",
        1,
        Rules(&["admission-always-admit"]),
    ),
    c(
        "1.2.11",
        "Images are pulled anew for each pod",
        1,
        Rules(&["always-pull-images-off"]),
    ),
    c(
        "1.2.12",
        "Admission gives pods their account",
        2,
        Rules(&["service-account-plugin-off"]),
    ),
    c(
        "1.2.13",
        "Admission guards the life of namespaces",
        2,
        Rules(&["namespace-lifecycle-off"]),
    ),
    c(
        "1.2.14",
        "Admission limits nodes to their own objects",
        2,
        Rules(&["node-restriction-off"]),
    ),
    c(
        "1.2.15",
        "API server serves no profiles",
        1,
        Rules(&["api-server-profiling"]),
    ),
    c(
        "1.2.16",
        "Audit log has a place",
        1,
        How::Probe(
            Probe::Setting(
                crate::component::api("audit-log-path", ""),
                crate::component::Bad::Absent,
            ),
            "set --audit-log-path; `-` writes to standard output",
        ),
    ),
    c(
        "1.2.17",
        "Audit files are kept 30 days",
        1,
        Rules(&["audit-log-age"]),
    ),
    c(
        "1.2.18",
        "Ten audit files are kept",
        1,
        Rules(&["audit-log-count"]),
    ),
    c(
        "1.2.19",
        "Audit files hold 100 MB",
        1,
        Rules(&["audit-log-size"]),
    ),
    c(
        "1.2.20",
        "Requests end in time",
        1,
        Rules(&["api-server-request-timeout"]),
    ),
    c(
        "1.2.21",
        "Deleted accounts lose their tokens",
        1,
        Rules(&["service-account-lookup-off"]),
    ),
    c(
        "1.2.22",
        "Account tokens have a key of their own",
        1,
        Rules(&["service-account-key-shared"]),
    ),
    c(
        "1.2.23",
        "API server has a certificate for etcd",
        1,
        Rules(&["api-server-no-etcd-certificate"]),
    ),
    c(
        "1.2.24",
        "API server has a certificate of its own",
        1,
        Rules(&["api-server-self-signed"]),
    ),
    c(
        "1.2.25",
        "API server knows the CA of its clients",
        1,
        Rules(&["api-server-no-client-ca"]),
    ),
    c(
        "1.2.26",
        "API server checks the certificate of etcd",
        1,
        Rules(&["api-server-trusts-any-etcd"]),
    ),
    c(
        "1.2.27",
        "Stored Secrets are to be encrypted",
        1,
        Rules(&["secrets-not-encrypted"]),
    ),
    c(
        "1.2.28",
        "Encryption of Secrets is strong and first",
        1,
        How::Probe(
            Probe::Ask(documents::encryption_accepted),
            "put KMS v2, secretbox or aescbc first, keep the old provider behind it, then write all Secrets again",
        ),
    ),
    c(
        "1.2.29",
        "API server takes strong TLS suites only",
        1,
        Rules(&["api-server-weak-ciphers"]),
    ),
    c(
        "1.2.30",
        "Account tokens are not stretched",
        1,
        Rules(&["service-account-tokens-extended"]),
    ),
    c(
        "1.3.1",
        "Pods that ended are swept away",
        1,
        Rules(&["ended-pods-not-collected"]),
    ),
    c(
        "1.3.2",
        "Controller manager serves no profiles",
        1,
        Rules(&["controller-manager-profiling"]),
    ),
    c(
        "1.3.3",
        "Each controller has its own account",
        1,
        Rules(&["controller-manager-shared-credentials"]),
    ),
    c(
        "1.3.4",
        "Controller manager has the key of account tokens",
        1,
        Rules(&["controller-manager-no-token-key"]),
    ),
    c(
        "1.3.5",
        "Pods get the CA of the API server",
        1,
        Rules(&["controller-manager-no-root-ca"]),
    ),
    c(
        "1.3.6",
        "Serving certificates of kubelets are renewed",
        2,
        Rules(&["controller-manager-no-server-rotation"]),
    ),
    c(
        "1.3.7",
        "Controller manager listens to its host only",
        1,
        Rules(&["controller-manager-on-network"]),
    ),
    c(
        "1.4.1",
        "Scheduler serves no profiles",
        1,
        Rules(&["scheduler-profiling"]),
    ),
    c(
        "1.4.2",
        "Scheduler listens to its host only",
        1,
        Rules(&["scheduler-on-network"]),
    ),
    c(
        "2.1",
        "etcd has a certificate",
        1,
        Rules(&["etcd-no-serving-certificate"]),
    ),
    c(
        "2.2",
        "etcd asks clients for certificates",
        1,
        Rules(&["etcd-without-client-auth"]),
    ),
    c(
        "2.3",
        "etcd does not make up certificates for clients",
        1,
        Rules(&["etcd-auto-tls"]),
    ),
    c(
        "2.4",
        "Members of etcd have certificates",
        1,
        Rules(&["etcd-peers-in-clear"]),
    ),
    c(
        "2.5",
        "Members of etcd check each other",
        1,
        Rules(&["etcd-peers-unchecked"]),
    ),
    c(
        "2.6",
        "etcd does not make up certificates for members",
        1,
        Rules(&["etcd-peer-auto-tls"]),
    ),
    c(
        "2.7",
        "etcd has a CA of its own",
        2,
        Rules(&["etcd-shared-ca"]),
    ),
    c(
        "3.1.1",
        "People do not log in with client certificates",
        1,
        Ask(
            accounts::certificate_users,
            "give people OIDC by an AuthenticationConfiguration",
        ),
    ),
    c(
        "3.1.2",
        "People do not log in as service accounts",
        1,
        Ask(
            accounts::account_users,
            "give people OIDC, and machines outside short tokens by TokenRequest",
        ),
    ),
    c(
        "3.1.3",
        "People do not log in with bootstrap tokens",
        1,
        Ask(
            accounts::bootstrap_users,
            "delete bootstrap tokens once nodes have joined",
        ),
    ),
    c(
        "3.2.1",
        "An audit policy is in force",
        1,
        Rules(&["audit-off"]),
    ),
    c(
        "3.2.2",
        "The audit policy holds what matters",
        2,
        Rules(&[
            "audit-off",
            "audit-misses-secrets",
            "audit-logs-secret-values",
            "audit-misses-exec",
            "audit-misses-rights",
            "audit-misses-workloads",
            "audit-misses-admission",
            "audit-silent-people",
            "audit-omits-answers",
        ]),
    ),
    c(
        "4.1.1",
        "Service file of the kubelet is for root alone",
        1,
        mode(&[Files::KubeletService], 0o600),
    ),
    c(
        "4.1.2",
        "Service file of the kubelet belongs to root",
        1,
        owner(&[Files::KubeletService], "root"),
    ),
    c(
        "4.1.3",
        "Kubeconfig of kube-proxy is for root alone",
        1,
        mode(PROXY_CONF, 0o600),
    ),
    c(
        "4.1.4",
        "Kubeconfig of kube-proxy belongs to root",
        1,
        owner(PROXY_CONF, "root"),
    ),
    c(
        "4.1.5",
        "Kubeconfig of the kubelet is for root alone",
        1,
        mode(KUBELET_CONF, 0o600),
    ),
    c(
        "4.1.6",
        "Kubeconfig of the kubelet belongs to root",
        1,
        owner(KUBELET_CONF, "root"),
    ),
    c(
        "4.1.7",
        "Client CA of the kubelet is written by root alone",
        1,
        mode(&[Files::ClientCa], 0o644),
    ),
    c(
        "4.1.8",
        "Client CA of the kubelet belongs to root",
        1,
        owner(&[Files::ClientCa], "root"),
    ),
    c(
        "4.1.9",
        "Configuration of the kubelet is for root alone",
        1,
        mode(KUBELET_CONFIG, 0o600),
    ),
    c(
        "4.1.10",
        "Configuration of the kubelet belongs to root",
        1,
        owner(KUBELET_CONFIG, "root"),
    ),
    c(
        "4.2.1",
        "No anonymous requests to the kubelet",
        1,
        Rules(&["kubelet-anonymous"]),
    ),
    c(
        "4.2.2",
        "The kubelet asks what is allowed",
        1,
        Rules(&["kubelet-always-allow"]),
    ),
    c(
        "4.2.3",
        "The kubelet knows the CA of its clients",
        1,
        Rules(&["kubelet-no-client-ca"]),
    ),
    c(
        "4.2.4",
        "The kubelet has no port without checks",
        1,
        Rules(&["kubelet-read-only-port"]),
    ),
    c(
        "4.2.5",
        "Idle sessions in pods end",
        1,
        Rules(&["kubelet-streams-forever"]),
    ),
    c(
        "4.2.6",
        "The kubelet keeps its iptables rules",
        1,
        Rules(&["kubelet-no-iptables-chains"]),
    ),
    c(
        "4.2.7",
        "Nodes keep the name of their host",
        1,
        Rules(&["kubelet-hostname-override"]),
    ),
    c(
        "4.2.8",
        "The kubelet sends events, not floods",
        2,
        Rules(&["kubelet-events-unlimited"]),
    ),
    c(
        "4.2.9",
        "The kubelet has a certificate that can be checked",
        1,
        Rules(&["kubelet-self-signed"]),
    ),
    c(
        "4.2.10",
        "The kubelet renews its client certificate",
        1,
        Rules(&["kubelet-certificate-not-renewed"]),
    ),
    c(
        "4.2.11",
        "The kubelet renews its serving certificate",
        1,
        Rules(&["kubelet-server-rotation-off"]),
    ),
    c(
        "4.2.12",
        "The kubelet takes strong TLS suites only",
        1,
        Rules(&["kubelet-weak-ciphers"]),
    ),
    c(
        "4.2.13",
        "A pod has a limit of processes",
        1,
        Rules(&["kubelet-no-pid-limit"]),
    ),
    c(
        "4.2.14",
        "Pods get a seccomp profile by default",
        1,
        Rules(&["kubelet-no-seccomp-default"]),
    ),
    c(
        "4.3.1",
        "Metrics of kube-proxy are for its host only",
        1,
        Rules(&["proxy-metrics-open"]),
    ),
    c(
        "5.1.1",
        "cluster-admin is bound where it must be",
        1,
        Ask(accounts::cluster_admin, RIGHTS),
    ),
    c(
        "5.1.2",
        "Few may read Secrets",
        1,
        Ask(accounts::secrets, RIGHTS),
    ),
    c(
        "5.1.3",
        "Roles have no wildcards",
        1,
        Ask(accounts::wildcards, RIGHTS),
    ),
    c(
        "5.1.4",
        "Few may create pods",
        1,
        Ask(accounts::pods, RIGHTS),
    ),
    c(
        "5.1.5",
        "Default accounts are not used",
        1,
        Ask(accounts::default_accounts, RIGHTS),
    ),
    c(
        "5.1.6",
        "Tokens are mounted where they are needed",
        1,
        Ask(accounts::idle_tokens, RIGHTS),
    ),
    c(
        "5.1.7",
        "Nobody is in system:masters",
        1,
        Ask(accounts::masters, RIGHTS),
    ),
    c(
        "5.1.8",
        "Few may bind, escalate or impersonate",
        1,
        Ask(accounts::escalation, RIGHTS),
    ),
    c(
        "5.1.9",
        "Few may create persistent volumes",
        1,
        Ask(accounts::volumes, RIGHTS),
    ),
    c(
        "5.1.10",
        "Few may reach nodes by proxy",
        1,
        Ask(accounts::node_proxy, RIGHTS),
    ),
    c(
        "5.1.11",
        "Few may approve certificates",
        1,
        Ask(accounts::approval, RIGHTS),
    ),
    c(
        "5.1.12",
        "Few may change admission webhooks",
        1,
        Ask(accounts::webhooks, RIGHTS),
    ),
    c(
        "5.1.13",
        "Few may create account tokens",
        1,
        Ask(accounts::tokens, RIGHTS),
    ),
    c(
        "5.2.1",
        "Something limits what pods may be",
        1,
        Ask(policies::mechanism, LEVEL),
    ),
    c(
        "5.2.2",
        "Privileged containers are refused",
        1,
        Ask(policies::baseline, LEVEL),
    ),
    c(
        "5.2.3",
        "Pods with processes of the node are refused",
        1,
        Ask(policies::baseline, LEVEL),
    ),
    c(
        "5.2.4",
        "Pods with IPC of the node are refused",
        1,
        Ask(policies::baseline, LEVEL),
    ),
    c(
        "5.2.5",
        "Pods in the network of the node are refused",
        1,
        Ask(policies::baseline, LEVEL),
    ),
    c(
        "5.2.6",
        "Containers that may gain privileges are refused",
        1,
        Ask(policies::restricted, STRICT),
    ),
    c(
        "5.2.7",
        "Containers as root are refused",
        2,
        Ask(policies::restricted, STRICT),
    ),
    c(
        "5.2.8",
        "Containers with NET_RAW are refused",
        1,
        Ask(policies::restricted, STRICT),
    ),
    c(
        "5.2.9",
        "Containers with capabilities are refused",
        2,
        Ask(policies::restricted, STRICT),
    ),
    c(
        "5.2.10",
        "Windows HostProcess containers are refused",
        1,
        Ask(policies::baseline, LEVEL),
    ),
    c(
        "5.2.11",
        "Volumes of the node are refused",
        1,
        Ask(policies::baseline, LEVEL),
    ),
    c(
        "5.2.12",
        "Ports of the node are refused",
        1,
        Ask(policies::baseline, LEVEL),
    ),
    c(
        "5.3.1",
        "The network enforces policies",
        1,
        Ask(
            policies::enforcing_network,
            "use a network plugin that enforces NetworkPolicy",
        ),
    ),
    c(
        "5.3.2",
        "Every namespace has a network policy",
        2,
        Ask(
            policies::network_policies,
            "begin with plimsoll export netpol, which keeps declared flows",
        ),
    ),
    c(
        "5.4.1",
        "Secrets are files, not variables",
        2,
        Ask(policies::secret_variables, "mount the Secret as a file"),
    ),
    c(
        "5.4.2",
        "Secrets come from a store outside",
        2,
        Ask(
            policies::external_secrets,
            "consider External Secrets or the Secrets Store CSI driver",
        ),
    ),
    c(
        "5.5.1",
        "Images are checked at admission",
        2,
        Ask(
            policies::image_provenance,
            "verify signatures at admission (sigstore policy-controller, Kyverno verifyImages)",
        ),
    ),
    c(
        "5.6.1",
        "Namespaces divide what belongs apart",
        1,
        Manual(
            "look whether teams, stages and kinds of data share a namespace; nothing in the cluster says what belongs apart",
        ),
    ),
    c(
        "5.6.2",
        "Containers have a seccomp profile",
        2,
        Ask(
            policies::seccomp,
            "set seccompProfile.type: RuntimeDefault, or seccompDefault on the nodes",
        ),
    ),
    c(
        "5.6.3",
        "Containers have a security context",
        2,
        Ask(
            policies::contexts,
            "say runAsNonRoot, allowPrivilegeEscalation, capabilities and readOnlyRootFilesystem",
        ),
    ),
    c(
        "5.6.4",
        "The default namespace is empty",
        2,
        Ask(
            policies::default_namespace,
            "move what is there into a namespace of its own",
        ),
    ),
];
