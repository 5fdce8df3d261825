//! Rights over nodes, volumes, admission and what else holds the cluster together.

use super::ask::{Ask, primitive};
use crate::rule::Mapping::{Attack, Cis, Owasp};
use crate::rule::Rule;

const WRITE: &[&str] = &["update", "patch"];

/// ConfigMaps that tell who may log in, where names lead, or what nodes run.
const TRUSTED: [&str; 9] = [
    "aws-auth",
    "cilium-config",
    "cluster-info",
    "coredns",
    "coredns-custom",
    "extension-apiserver-authentication",
    "kube-proxy",
    "kubeadm-config",
    "kubelet-config",
];

fn trusted(ask: &Ask<'_>) -> bool {
    let trusted = |name: &model::text::Text| TRUSTED.contains(&&**name);
    let there = matches!(ask.namespace(), Some("kube-system" | "kube-public"));
    let reaches = ask.global() || there;
    ask.may(WRITE, "", &["configmaps"])
        && if ask.named() {
            reaches && ask.rule.names.iter().any(trusted)
        } else {
            there
        }
}

/// Constraints that let a pod at the node.
fn wide_constraint(ask: &Ask<'_>) -> bool {
    let wide = |name: &model::text::Text| {
        matches!(
            &**name,
            "privileged"
                | "hostaccess"
                | "hostmount-anyuid"
                | "hostnetwork"
                | "hostnetwork-v2"
                | "node-exporter"
                | "anyuid"
        )
    };
    !ask.named() || ask.rule.names.iter().any(wide)
}

pub(super) const RULES: &[Rule] = &[
    primitive!(
        "KP-RBAC-040", "node-proxy", Critical, "role talks to kubelets through nodes/proxy",
        why: "the kubelet runs commands in every pod of its node for whoever may, `get` is enough (a WebSocket begins with a \
              GET), and no audit log shows what. Since 1.33 metrics, stats, logs and pods have rights of their own",
        advice: "give nodes/metrics, nodes/stats, nodes/log, nodes/pods or nodes/configz instead",
        maps: &[Cis("5.1.10"), Owasp("K02"), Attack("T1609")],
        hits: |ask| ask.does("node-proxy"),
        class: NeedsTest
    ),
    primitive!(
        "KP-RBAC-041", "read-nodes-inside", Low, "role reads logs, configuration or memory of what nodes run",
        why: "logs of the node and checkpoints of containers hold what programs wrote and kept, credentials too",
        advice: "nodes/metrics and nodes/stats are enough for monitoring",
        maps: &[Owasp("K02"), Attack("T1613")],
        hits: |ask| ask.does("reads-nodes"),
        class: NeedsTest
    ),
    primitive!(
        "KP-RBAC-042", "write-nodes", Medium, "role changes nodes",
        why: "labels and taints decide where pods run: those of others can be drawn to a node that is owned, or all be driven \
              away",
        advice: "only kubelets and controllers of nodes need it",
        maps: &[Owasp("K02"), Attack("T1578")],
        hits: |ask| ask.does("changes-nodes") || ask.does("deletes-nodes"),
        class: NeedsTest
    ),
    primitive!(
        "KP-RBAC-043", "create-volumes", High, "role makes volumes of paths on nodes",
        why: "a PersistentVolume may be a path of the node: Pod Security does not look behind the claim that mounts it",
        advice: "leave volumes to storage drivers; applications need claims only",
        maps: &[Cis("5.1.9"), Owasp("K02"), Attack("T1611")],
        hits: |ask| ask.does("creates-volumes"),
        class: NeedsTest
    ),
    primitive!(
        "KP-RBAC-044", "write-storage", Medium, "role changes how volumes are made",
        why: "a StorageClass with other parameters, or a CSIDriver, decides where data of new volumes lies and which code on \
              the nodes serves it",
        advice: "leave it to those who run the storage",
        maps: &[Owasp("K02")],
        hits: |ask| ask.does("changes-storage"),
        class: NeedsTest
    ),
    primitive!(
        "KP-RBAC-045", "write-device-classes", Medium, "role changes which devices of nodes pods may claim",
        why: "a DeviceClass or ResourceSlice decides which devices are handed into pods, with administrative access too",
        advice: "only drivers of devices need it",
        maps: &[Owasp("K02")],
        hits: |ask| ask.does("changes-devices"),
        class: NeedsTest
    ),
    primitive!(
        "KP-RBAC-050", "write-webhooks", High, "role changes what the API server asks before it stores objects",
        why: "a mutating webhook or policy sees every object, Secrets too, and puts into it what it likes: a container into \
              each pod of kube-system. Programs that keep the certificate of their own webhook up to date name it in \
              resourceNames, and could still widen its rules",
        advice: "name the configuration in resourceNames; let one program with no other rights keep certificates up to date",
        maps: &[Cis("5.1.12"), Owasp("K02"), Attack("T1556")],
        hits: |ask| ask.does("changes-admission"),
        class: Breaking
    ),
    primitive!(
        "KP-RBAC-051", "weaken-admission", Medium, "role takes away or changes admission policies",
        why: "what the policy forbids is allowed for as long as it is gone",
        advice: "leave admission to those who own it",
        maps: &[Cis("5.1.12"), Owasp("K04"), Attack("T1562.001")],
        hits: |ask| ask.does("weakens-admission") && !ask.does("changes-admission"),
        class: NeedsTest
    ),
    primitive!(
        "KP-RBAC-052", "write-api-services", Critical, "role answers API requests in the server's place",
        why: "an APIService sends a group of the API to a server of the holder's: it sees every request with the identity of \
              who asks, and answers it",
        advice: "only installers of aggregated APIs need it; name the APIService in resourceNames",
        maps: &[Owasp("K02"), Attack("T1557")],
        hits: |ask| !ask.named() && ask.does("answers-api"),
        class: Breaking
    ),
    primitive!(
        "KP-RBAC-053", "write-crds", Medium, "role changes definitions of custom resources",
        why: "a conversion webhook sees and changes every object of its kind; a changed schema lets through what controllers \
              trust to be refused",
        advice: "install definitions from the pipeline, not from the controller that uses them",
        maps: &[Owasp("K02"), Attack("T1557")],
        hits: |ask| !ask.named() && ask.does("changes-crds"),
        class: Breaking
    ),
    primitive!(
        "KP-RBAC-054", "write-namespaces", Medium, "role changes namespaces, and so their Pod Security level",
        why: "one label less, and privileged pods are admitted; network policies that select namespaces by label open as well",
        advice: "leave namespaces to those who own the cluster; making one needs `create` only",
        maps: &[Owasp("K04"), Attack("T1562.001")],
        hits: |ask| ask.does("changes-namespaces") && !ask.named(),
        class: NeedsTest
    ),
    primitive!(
        "KP-RBAC-055", "write-trusted-configmaps", High, "role writes ConfigMaps that the cluster trusts",
        why: "aws-auth maps cloud roles to groups, extension-apiserver-authentication names the proxies that are believed, \
              coredns decides where names lead, kubelet-config what nodes start with",
        advice: "name the one ConfigMap that is needed in resourceNames; let configuration come from the pipeline",
        maps: &[Owasp("K02"), Attack("T1098.006")],
        hits: trusted,
        class: NeedsTest
    ),
    primitive!(
        "KP-RBAC-056", "use-wide-scc", High, "role runs pods under a wide security context constraint",
        why: "with privileged, hostaccess or anyuid a pod reaches the node or runs as root",
        advice: "use restricted-v2 or nonroot-v2, or a constraint of its own with what it needs",
        maps: &[Owasp("K01"), Attack("T1611")],
        hits: |ask| ask.does("uses-scc") && wide_constraint(ask),
        class: NeedsTest
    ),
    Rule {
        minors: (0, 24),
        ..primitive!(
            "KP-RBAC-057", "use-any-psp", Medium, "role runs pods under any PodSecurityPolicy",
            why: "the widest policy is among them; which one is taken is not for the holder to say, but that it admits is",
            advice: "name the policy in resourceNames",
            maps: &[Owasp("K01"), Attack("T1611")],
            hits: |ask| ask.does("uses-psp") && !ask.named(),
            class: NeedsTest
        )
    },
    primitive!(
        "KP-RBAC-058", "command-controllers", Medium, "role makes a privileged controller act for it",
        why: "controllers of deployment and pipelines apply what these objects say with rights of their own, mostly \
              cluster-admin; it is as much as the controller's account may, unless it is told to use the writer's",
        advice: "let the controller use an account of the tenant (Flux serviceAccountName, Argo CD projects)",
        maps: &[Owasp("K02"), Attack("T1098.006")],
        hits: |ask| ask.does("commands-controller"),
        class: NeedsTest
    ),
    Rule {
        on: false,
        ..primitive!(
            "KP-RBAC-059", "hide-traces", Low, "role deletes events or takes leases away",
            why: "events tell what was started and refused; without its lease a controller stands still",
            advice: "events go by themselves; name leases in resourceNames",
            maps: &[Owasp("K10"), Attack("T1070")],
            hits: |ask| ask.does("hides-traces")
                || !ask.named() && ask.does("stops-controllers") && (ask.global() || ask.namespace() == Some("kube-system")),
            class: NeedsTest
        )
    },
];
