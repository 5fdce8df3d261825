//! SUP: versions of components, their end of life, conditions of known vulnerabilities.

mod conditions;
mod installed;
mod lifecycle;

use crate::component::gap;
use crate::rule::Mapping::{Attack, Cve, Owasp};
use crate::rule::{Form, Rule};
use crate::world::{Sink, World};
use conditions::{Condition, Need};
use installed::installed;
use model::evidence::{Gap, GapWeight};
use model::vulnerability::Severity::{Critical, High, Low, Medium};
use semantics::releases::{Release, flaw, vendor_build};

/// A flaw of `semantics::releases`, asked where its condition holds.
macro_rules! flaw {
    (
        $id:literal, $slug:literal, $severity:ident, $cve:literal, $title:literal,
        why: $why:literal, advice: $advice:literal, maps: [$($map:expr),*], when: $when:expr
    ) => {
        Rule {
            id: $id,
            slug: $slug,
            severity: $severity,
            title: $title,
            why: $why,
            advice: $advice,
            maps: &[Cve($cve), $($map,)* Owasp("K07")],
            form: Form::World(|world, sink| flawed(world, sink, $cve, $when)),
            ..Rule::ROW
        }
    };
}

pub(crate) static RULES: &[Rule] = &[
    Rule {
        id: "KP-SUP-001",
        slug: "kubernetes-end-of-life",
        severity: High,
        title: "this version of Kubernetes gets no patches any more",
        why: "flaws that are found from now on are not mended in it. Some providers patch old versions for longer, for money: \
              then their calendar counts",
        advice: "upgrade one minor version after the other, the control plane first",
        maps: &[Owasp("K07")],
        form: Form::World(lifecycle::kubernetes),
        ..Rule::ROW
    },
    Rule {
        id: "KP-SUP-002",
        slug: "kubelet-version-skew",
        severity: Medium,
        title: "kubelet and API server are too many versions apart",
        why: "no kubelet may be newer than its API server, nor more than three minor versions older (two before 1.28): fields \
              that one side does not know are dropped, security settings of pods among them",
        advice: "upgrade the nodes, or the control plane where it is the older one",
        maps: &[Owasp("K07")],
        form: Form::World(lifecycle::skew),
        ..Rule::ROW
    },
    Rule {
        id: "KP-SUP-003",
        slug: "removed-api-version",
        severity: Medium,
        title: "this version of Kubernetes does not serve the API version",
        why: "the API server refuses the file: a policy or role in it is not in force, whatever the repository says",
        advice: "write the API version that the finding names; fields may have changed with it",
        maps: &[Owasp("K07")],
        form: Form::World(lifecycle::removed),
        ..Rule::ROW
    },
    Rule {
        id: "KP-SUP-004",
        slug: "ingress-nginx-retired",
        severity: Medium,
        title: "ingress-nginx is maintained no more",
        why: "the project ended in March 2026: flaws that are found in it stay, and it reads Secrets of every namespace",
        advice: "move to a controller of the Gateway API, or to another Ingress controller",
        maps: &[Owasp("K07")],
        form: Form::World(lifecycle::ingress_nginx),
        ..Rule::ROW
    },
    Rule {
        id: "KP-SUP-005",
        slug: "containerd-end-of-life",
        severity: Low,
        title: "this version of containerd gets no patches any more",
        why: "flaws that are found from now on are not mended in it, unless the distribution does so",
        advice: "update containerd with the node's image",
        maps: &[Owasp("K07")],
        form: Form::World(lifecycle::containerd),
        ..Rule::ROW
    },
    flaw!(
        "KP-SUP-010", "api-server-upgrade-requests", Critical, "CVE-2018-1002105",
        "API server forwards requests of others as its own",
        why: "after a failed upgrade the connection to an aggregated API or a kubelet stays open with the API server's own \
              identity: whoever may open it does everything behind it",
        advice: "upgrade; until then remove aggregated APIs and rights to exec, attach and port-forward",
        maps: [Attack("T1068")],
        when: conditions::upgrades
    ),
    flaw!(
        "KP-SUP-011", "api-server-yaml-bomb", Medium, "CVE-2019-11253",
        "API server is stopped by one small YAML document",
        why: "nested references grow without bound where it is parsed; before 1.14 strangers could send one",
        advice: "upgrade",
        maps: [Attack("T1499")],
        when: conditions::always
    ),
    flaw!(
        "KP-SUP-012", "ephemeral-containers-bypass-plugins", Medium, "CVE-2023-2728",
        "ephemeral containers pass by rules on Secrets and images",
        why: "the plugins ServiceAccount and ImagePolicyWebhook do not look at them: what they forbid is not forbidden",
        advice: "upgrade; until then take away pods/ephemeralcontainers",
        maps: [Attack("T1552")],
        when: conditions::mount_rules
    ),
    flaw!(
        "KP-SUP-013", "kubelet-sub-path-race", High, "CVE-2021-25741",
        "kubelet mounts folders of the node for a sub path",
        why: "the folder of a volume is swapped for a link between check and mount: the container reads and writes the node",
        advice: "update the kubelets; until then mount volumes as a whole",
        maps: [Attack("T1611")],
        when: conditions::sub_path
    ),
    flaw!(
        "KP-SUP-014", "windows-kubelet-injection", High, "CVE-2023-3676",
        "kubelet on Windows runs commands that stand in a pod",
        why: "a sub path or a path of a volume is handed to PowerShell unchecked: whoever makes a pod is administrator of the \
              node",
        advice: "update the kubelets of Windows nodes",
        maps: [Attack("T1611"), Cve("CVE-2023-3955"), Cve("CVE-2023-3893")],
        when: conditions::windows_pods
    ),
    flaw!(
        "KP-SUP-015", "windows-volume-injection", High, "CVE-2023-5528",
        "kubelet on Windows runs commands that stand in a volume",
        why: "the path of a volume is handed to a command line unchecked: whoever makes volumes and pods is administrator of \
              the node",
        advice: "update the kubelets of Windows nodes",
        maps: [Attack("T1611")],
        when: conditions::windows_volumes
    ),
    flaw!(
        "KP-SUP-016", "kubelet-git-hooks", High, "CVE-2024-10220",
        "kubelet runs hooks of repositories that it clones",
        why: "a gitRepo volume of a repository with hooks runs them as root on the node",
        advice: "update the kubelets; forbid gitRepo volumes by admission",
        maps: [Attack("T1611")],
        when: conditions::git_repo
    ),
    flaw!(
        "KP-SUP-017", "windows-log-query-injection", Medium, "CVE-2024-9042",
        "kubelet on Windows runs commands that stand in a query for logs",
        why: "a pattern in a query of a node's logs is handed to PowerShell unchecked",
        advice: "update the kubelets of Windows nodes; take away nodes/proxy",
        maps: [Attack("T1611")],
        when: conditions::windows_logs
    ),
    Rule {
        id: "KP-SUP-020",
        slug: "runtime-overwritten",
        severity: High,
        title: "root in a container overwrites the runtime's program",
        why: "the next container that is started runs the attacker's program as root on the node",
        advice: "update Docker Engine to 18.09.2 or later; run containers as another user than root",
        maps: &[Cve("CVE-2019-5736"), Attack("T1611"), Owasp("K07")],
        form: Form::World(|world, sink| {
            runc(world, sink);
            flawed(world, sink, "CVE-2019-5736", conditions::root);
        }),
        ..Rule::ROW
    },
    flaw!(
        "KP-SUP-021", "shim-socket-open", High, "CVE-2020-15257",
        "containerd takes orders from root on the node's network",
        why: "the socket of its shim is abstract: every process of root with the node's network starts containers through it",
        advice: "update containerd; take hostNetwork from pods that run as root",
        maps: [Attack("T1611")],
        when: conditions::host_network_root
    ),
    flaw!(
        "KP-SUP-023", "image-volume-reads-node", High, "CVE-2022-23648",
        "containerd copies files of the node into volumes of images",
        why: "an image that declares a volume with a path of dots reads any file of the node, credentials of the kubelet among \
              them",
        advice: "update containerd; admit images of known origin only",
        maps: [Attack("T1611")],
        when: conditions::always
    ),
    flaw!(
        "KP-SUP-024", "crio-sysctl-injection", High, "CVE-2022-0811",
        "CRI-O sets any kernel parameter for a pod",
        why: "a second parameter behind a plus sign is set on the node, core_pattern among others: root on the node",
        advice: "update CRI-O; forbid sysctls with + or = in their value by admission",
        maps: [Attack("T1611")],
        when: conditions::sysctls
    ),
    flaw!(
        "KP-SUP-026", "docker-plugin-bypass", Medium, "CVE-2024-41110",
        "Docker Engine hides bodies of requests from its authorization plugin",
        why: "a request with a length of zero is allowed by a plugin that did not see what is asked",
        advice: "update Docker Engine",
        maps: [Attack("T1068")],
        when: conditions::authorization_plugin
    ),
    flaw!(
        "KP-SUP-028", "gpu-toolkit-hooks", Critical, "CVE-2025-23266",
        "hooks of the GPU toolkit run what an image brings",
        why: "LD_PRELOAD of the image is in force in a hook that runs as root on the node",
        advice: "update the toolkit to 1.17.8, the GPU operator to 25.3.1 or later",
        maps: [Attack("T1611")],
        when: conditions::always
    ),
    flaw!(
        "KP-SUP-030", "kernel-fs-context", High, "CVE-2022-0185",
        "kernel lets a container with a user namespace out",
        why: "a heap overflow in fs_context; the default seccomp profile forbids to make the namespace that it needs",
        advice: "update the node's kernel; set seccompProfile: RuntimeDefault until then",
        maps: [Attack("T1611")],
        when: conditions::unshares
    ),
    flaw!(
        "KP-SUP-031", "kernel-release-agent", High, "CVE-2022-0492",
        "kernel runs the release agent that a container names",
        why: "root in a container makes a cgroup namespace and has the node run a program. cgroup v2, seccomp, AppArmor and \
              SELinux stand in the way",
        advice: "update the node's kernel; set seccompProfile: RuntimeDefault until then",
        maps: [Attack("T1611")],
        when: conditions::release_agent
    ),
    flaw!(
        "KP-SUP-032", "kernel-dirty-pipe", High, "CVE-2022-0847",
        "kernel lets containers write files that they may only read",
        why: "pages of files are overwritten in memory, the runtime's program too",
        advice: "update the node's kernel",
        maps: [Attack("T1611")],
        when: conditions::always
    ),
    flaw!(
        "KP-SUP-033", "kernel-nf-tables", High, "CVE-2024-1086",
        "kernel makes root of a user with a network namespace",
        why: "nf_tables uses memory after it was freed; the default seccomp profile forbids to make the namespace that it needs",
        advice: "update the node's kernel; set seccompProfile: RuntimeDefault until then",
        maps: [Attack("T1611")],
        when: conditions::unshares
    ),
    flaw!(
        "KP-SUP-040", "ingress-nginx-annotations", High, "CVE-2025-1097",
        "whoever writes an Ingress runs code in ingress-nginx",
        why: "annotations become configuration unchecked; the controller reads Secrets of every namespace",
        advice: "update to 1.11.5, 1.12.1 or later; let few people write Ingresses",
        maps: [Attack("T1190"), Cve("CVE-2025-1098"), Cve("CVE-2025-24514")],
        when: conditions::ingress_writers
    ),
    flaw!(
        "KP-SUP-041", "ingress-nginx-webhook", Critical, "CVE-2025-1974",
        "every pod runs code in ingress-nginx",
        why: "the admission webhook tries configurations that anybody on the pod network sends it; the controller reads Secrets \
              of every namespace",
        advice: "update to 1.11.5, 1.12.1 or later; until then switch the webhook off, or let the API server alone reach it",
        maps: [Attack("T1190")],
        when: conditions::ingress_webhook
    ),
    flaw!(
        "KP-SUP-042", "ingress-nginx-redirect", High, "CVE-2023-5044",
        "an annotation for redirects runs code in ingress-nginx",
        why: "permanent-redirect becomes configuration unchecked; the controller reads Secrets of every namespace",
        advice: "update to 1.9.0 or later and set enable-annotation-validation",
        maps: [Attack("T1190"), Cve("CVE-2023-5043")],
        when: conditions::ingress_writers
    ),
    flaw!(
        "KP-SUP-043", "ingress-nginx-validation", High, "CVE-2024-7646",
        "the check of annotations of ingress-nginx is passed by",
        why: "a carriage return ends the checked part; what follows becomes configuration",
        advice: "update to 1.10.4, 1.11.2 or later",
        maps: [Attack("T1190")],
        when: conditions::ingress_writers
    ),
];

/// The CVE that the rule is about, and the package that feeds of vulnerabilities know it by.
pub(crate) fn flaw_of(rule: &Rule) -> Option<(&'static str, &'static str)> {
    if rule.family() != "SUP" {
        return None;
    }
    let mut maps = rule.maps.iter();
    let cve = maps.find_map(|map| match map {
        Cve(id) => Some(*id),
        _ => None,
    })?;
    Some((cve, flaw(cve)?.software.package()?))
}

/// The program below every runtime is not in `nodeInfo`.
fn runc(world: &World<'_>, sink: &mut Sink<'_>) {
    if !world.inventory.nodes.is_empty() {
        sink.unknown(widens(
            "version-not-seen",
            "flaws of runc (CVE-2019-5736, CVE-2021-30465, CVE-2024-21626, CVE-2025-31133): the API does not tell its version"
                .to_owned(),
            "look at its package on the nodes: 1.2.8, 1.3.3 and later have none of them",
        ));
    }
}

/// Asks each version that was seen; where the number tells nothing, that is said.
fn flawed(world: &World<'_>, sink: &mut Sink<'_>, cve: &str, condition: Condition) {
    let Some(flaw) = flaw(cve) else { return };
    for installed in installed(world, flaw.software) {
        let Some(release) = installed.release else {
            sink.unknown(widens(
                "version-not-seen",
                format!("flaws of {}: that is no version", installed.says()),
                "name the version in the image's tag",
            ));
            continue;
        };
        let Some([major, minor, patch]) = flaw.fixed(release.version()) else {
            sink.looked(1);
            continue;
        };
        match (condition(world, &installed), release) {
            (Need::NotMet, _) => sink.looked(1),
            (Need::Unknown(gap), _) => sink.unknown(gap),
            (Need::Met(_), Release::Own(_)) => {
                sink.unknown(vendor_build(flaw.software.name(), &installed.text));
            }
            (Need::Met(says), Release::Told(_)) => {
                sink.looked(1);
                let and = if says.is_empty() { "" } else { "; " };
                let says = format!(
                    "{}, {cve} is mended in {major}.{minor}.{patch}{and}{says}",
                    installed.says()
                );
                sink.about(world, &installed.object, installed.pointer, says);
            }
        }
    }
}

fn widens(class: &str, what: String, close: &str) -> Gap {
    Gap {
        weight: GapWeight::Widens,
        ..gap(class, what, "cluster", close)
    }
}
