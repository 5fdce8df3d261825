//! One line a case: what a way out needs, what closes it, what leaves it open.

use super::super::kinds::ALL;
use super::world::{documents, edges, pod, shown, steps_of};
use crate::blast::{Leads, Step};
use model::evidence::Ledger;
use model::snapshot::Origin;
use serde_json::Value;

const ROOT: &str = "runAsUser: 0";

fn steps(documents: &[Value], origin: Origin, minor: u16) -> (Vec<Step>, Ledger) {
    let (mut all, ledger) = steps_of(documents, origin, minor);
    let steps = all.remove("p/c").unwrap();
    for step in &steps {
        assert!(step.probability.low >= 0.0 && step.probability.high <= 1.0);
        if step.is_edge() {
            assert!(
                step.needs.len() + step.because.len() > 0 && step.technique.starts_with('T'),
                "{step:?}"
            );
            assert!(!step.changes.is_empty(), "{step:?}");
        }
    }
    (steps, ledger)
}

/// Pod fields, security context of the container as root, expected P of a kind in percent.
fn check(kind: &str, fields: &str, security: &str, expected: &str) {
    check_as(kind, fields, &format!("{ROOT}, {security}"), expected);
}

fn check_as(kind: &str, fields: &str, security: &str, expected: &str) {
    let pod = pod(fields, &format!("securityContext: {{{security}}}"));
    let (steps, _) = steps(&[pod], Origin::Files, 36);
    assert_eq!(
        shown(&steps, kind),
        expected,
        "{kind}: {fields}; {security}"
    );
}

/// A path of the node, mount fields, expected P of a kind for root.
fn mounted(kind: &str, path: &str, mount: &str, expected: &str) {
    let fields = format!("volumes: [{{name: v, hostPath: {{path: '{path}'}}}}]");
    let container =
        format!("securityContext: {{{ROOT}}}, volumeMounts: [{{name: v, mountPath: /m, {mount}}}]");
    let (steps, _) = steps(&[pod(&fields, &container)], Origin::Files, 36);
    assert_eq!(shown(&steps, kind), expected, "{kind}: {path}; {mount}");
}

fn caps(add: &str) -> String {
    format!("capabilities: {{add: [{add}]}}")
}

#[test]
fn kinds_are_a_table() {
    for kind in ALL {
        assert!(kind.root >= kind.other && kind.root <= 1.0 && kind.other > 0.0);
        assert!(kind.technique.starts_with('T'));
    }
}

#[test]
fn privileged() {
    let all = "CE_BPF CE_CGROUP_BREAKOUT CE_HOST_FD CE_MODULE_LOAD CE_PRIV_MOUNT CE_RAW_IO";
    let (steps, _) = steps(
        &[pod("", "securityContext: {privileged: true}")],
        Origin::Files,
        36,
    );
    assert_eq!(edges(&steps), all);
    check("CE_PRIV_MOUNT", "", "privileged: true", "95");
    check("CE_PRIV_MOUNT", "", "privileged: false", "-");
    check_as("CE_PRIV_MOUNT", "", "privileged: true", "50-86-95");
    check_as(
        "CE_PRIV_MOUNT",
        "",
        "privileged: true, runAsUser: 1000",
        "50",
    );
    check_as(
        "CE_PRIV_MOUNT",
        "",
        "privileged: true, runAsNonRoot: true",
        "50",
    );
    check(
        "CE_PRIV_MOUNT",
        "hostUsers: false",
        "privileged: true",
        "(3)",
    );
    check(
        "CE_PRIV_MOUNT",
        "runtimeClassName: gvisor",
        "privileged: true",
        "(5)",
    );
    check(
        "CE_PRIV_MOUNT",
        "runtimeClassName: kata-qemu",
        "privileged: true",
        "(5)",
    );
    check(
        "CE_PRIV_MOUNT",
        "runtimeClassName: mine",
        "privileged: true",
        "5-86-95",
    );
    check(
        "CE_PRIV_MOUNT",
        "os: {name: windows}",
        "privileged: true",
        "-",
    );
    check(
        "CE_PRIV_MOUNT",
        "",
        "privileged: true, readOnlyRootFilesystem: true",
        "95",
    );
    check("CE_MODULE_LOAD", "", "privileged: true", "93");
}

#[test]
fn capabilities() {
    check("CE_MODULE_LOAD", "", &caps("SYS_MODULE"), "93");
    check("CE_MODULE_LOAD", "", &caps("CAP_SYS_MODULE"), "93");
    check("CE_MODULE_LOAD", "", &caps("sys_module"), "93");
    check("CE_MODULE_LOAD", "", &caps("ALL"), "93");
    check(
        "CE_MODULE_LOAD",
        "",
        "capabilities: {add: [ALL], drop: [SYS_MODULE]}",
        "-",
    );
    check(
        "CE_MODULE_LOAD",
        "",
        "capabilities: {add: [SYS_MODULE], drop: [ALL]}",
        "93",
    );
    check("CE_MODULE_LOAD", "", &caps("SYS_ADMIN"), "-");
    check(
        "CE_MODULE_LOAD",
        "",
        &format!("privileged: true, {}", caps("SYS_MODULE")),
        "93 93",
    );
    check(
        "CE_MODULE_LOAD",
        "hostUsers: false",
        &caps("SYS_MODULE"),
        "(3)",
    );
    check(
        "CE_MODULE_LOAD",
        "",
        &format!(
            "seccompProfile: {{type: RuntimeDefault}}, {}",
            caps("SYS_MODULE")
        ),
        "84",
    );
    check(
        "CE_MODULE_LOAD",
        "",
        &format!(
            "seccompProfile: {{type: Localhost, localhostProfile: a}}, {}",
            caps("SYS_MODULE")
        ),
        "19-74-93",
    );
    check_as(
        "CE_MODULE_LOAD",
        "",
        &format!("runAsUser: 1000, {}", caps("SYS_MODULE")),
        "14",
    );
    check_as(
        "CE_MODULE_LOAD",
        "",
        &format!(
            "runAsUser: 1000, allowPrivilegeEscalation: false, {}",
            caps("SYS_MODULE")
        ),
        "(3)",
    );
    check("CE_CGROUP_BREAKOUT", "", &caps("SYS_ADMIN"), "75");
    check(
        "CE_CGROUP_BREAKOUT",
        "",
        &format!(
            "appArmorProfile: {{type: RuntimeDefault}}, {}",
            caps("SYS_ADMIN")
        ),
        "26",
    );
    check(
        "CE_CGROUP_BREAKOUT",
        "",
        &format!(
            "appArmorProfile: {{type: Unconfined}}, {}",
            caps("SYS_ADMIN")
        ),
        "75",
    );
    check("CE_HOST_FD", "", &caps("DAC_READ_SEARCH"), "50");
    check("CE_RAW_IO", "", &caps("SYS_RAWIO"), "21");
    check("CE_BPF", "", &caps("BPF, PERFMON"), "40 10");
    check("CE_BPF", "", &caps("BPF"), "10");
    check("CE_BPF", "", &caps("PERFMON"), "-");
    check("CAPABILITY", "", &caps("PERFMON"), "(10)");
    check("CE_PROC_MOUNT", "", "procMount: Unmasked", "50");
    check(
        "CE_PROC_MOUNT",
        "hostUsers: false",
        "procMount: Unmasked",
        "(2)",
    );
    check("CE_PROC_MOUNT", "", "procMount: Default", "-");
    check_as(
        "CE_WINDOWS_HOST_PROCESS",
        "os: {name: windows}",
        "windowsOptions: {hostProcess: true}",
        "95",
    );
}

#[test]
fn processes() {
    check("CE_NSENTER", "hostPID: true", "privileged: true", "97");
    check("CE_NSENTER", "hostPID: true", "", "-");
    check("CE_NSENTER", "", "privileged: true", "-");
    check(
        "CE_NSENTER",
        "hostPID: true, runtimeClassName: gvisor",
        "privileged: true",
        "(5)",
    );
    let both = caps("SYS_PTRACE, SYS_ADMIN");
    check("CE_SYS_PTRACE", "hostPID: true", &both, "3-51-85");
    check(
        "CE_SYS_PTRACE",
        "hostPID: true",
        &format!("{both}, appArmorProfile: {{type: Unconfined}}"),
        "85",
    );
    check(
        "CE_SYS_PTRACE",
        "hostPID: true",
        &format!("{both}, appArmorProfile: {{type: RuntimeDefault}}"),
        "(3)",
    );
    check("CE_SYS_PTRACE", "hostPID: true", &caps("SYS_PTRACE"), "-");
    check("CE_SYS_PTRACE", "hostPID: true", &caps("SYS_ADMIN"), "-");
    check("CE_SYS_PTRACE", "", &both, "-");
    check("CE_SYS_PTRACE", "hostPID: true", "privileged: true", "85");
    check("HOST_PID", "hostPID: true", "", "40");
    check(
        "HOST_PID",
        "hostPID: true",
        &format!(
            "{}, appArmorProfile: {{type: Unconfined}}",
            caps("SYS_PTRACE")
        ),
        "85",
    );
    check_as("HOST_PID", "hostPID: true", "runAsUser: 1000", "5");
    // Before 1.31 the profile of the nodes counts as part of the prior.
    let old = pod(
        "hostPID: true",
        &format!("securityContext: {{{ROOT}, {both}}}"),
    );
    assert_eq!(
        shown(&steps(&[old], Origin::Files, 30).0, "CE_SYS_PTRACE"),
        "85"
    );
}

#[test]
fn networks() {
    check("HOST_NETWORK", "hostNetwork: true", "", "2-12-50");
    check("HOST_NETWORK", "", "", "-");
    check("HOST_IPC", "hostIPC: true", "", "(4)");
    check("NET_RAW_MITM", "hostNetwork: true", &caps("NET_RAW"), "30");
    check("NET_RAW_MITM", "hostNetwork: true", "", "-");
    check("NET_RAW_MITM", "", &caps("NET_ADMIN"), "(5)");
    check("NET_RAW_MITM", "", "", "-");
    check(
        "NET_RAW_MITM",
        "hostNetwork: true",
        "privileged: true",
        "30",
    );
}

#[test]
fn mounts() {
    mounted(
        "EXPLOIT_CONTAINERD_SOCK",
        "/run/containerd/containerd.sock",
        "",
        "95",
    );
    mounted(
        "EXPLOIT_CONTAINERD_SOCK",
        "/run/containerd/containerd.sock",
        "readOnly: true",
        "95",
    );
    mounted("EXPLOIT_CONTAINERD_SOCK", "/run/", "readOnly: true", "95");
    mounted(
        "EXPLOIT_CONTAINERD_SOCK",
        "/run",
        "subPath: containerd/containerd.sock",
        "95",
    );
    mounted("EXPLOIT_CONTAINERD_SOCK", "/run", "subPath: lock", "-");
    mounted(
        "EXPLOIT_CONTAINERD_SOCK",
        "/run",
        "subPathExpr: $(POD_NAME)",
        "0-95-95",
    );
    mounted("CE_UMH_CORE_PATTERN", "/proc/sys/kernel", "", "90");
    mounted("CE_UMH_CORE_PATTERN", "/proc", "readOnly: true", "-");
    mounted("CE_UMH_CORE_PATTERN", "/", "readOnly: true", "90");
    mounted(
        "CE_UMH_CORE_PATTERN",
        "/",
        "readOnly: true, recursiveReadOnly: Enabled",
        "-",
    );
    mounted("EXPLOIT_HOST_READ", "/", "readOnly: true", "75");
    mounted(
        "EXPLOIT_HOST_READ",
        "/etc/localtime",
        "readOnly: true",
        "(3)",
    );
    mounted("EXPLOIT_HOST_WRITE", "/var/../etc/", "", "95");
    mounted("EXPLOIT_HOST_WRITE", "/etc", "readOnly: true", "-");
    mounted("EXPLOIT_HOST_WRITE", "/data", "", "10");
    mounted("EXPLOIT_HOST_TRAVERSE", "/var/lib", "readOnly: true", "85");
    mounted("EXPLOIT_HOST_TRAVERSE", "/var/lib/kubelet/plugins", "", "-");
    mounted("CE_STATIC_POD", "/etc/kubernetes/manifests", "", "90");
    mounted(
        "CE_STATIC_POD",
        "/etc/kubernetes/manifests",
        "readOnly: true",
        "-",
    );
    mounted(
        "CE_CONTROL_PLANE_PKI",
        "/etc/kubernetes/pki",
        "readOnly: true",
        "0-54-90",
    );
    mounted("CE_CONTROL_PLANE_PKI", "/", "readOnly: true", "(0-4-90)");
}

#[test]
fn mounts_that_another_user_or_a_boundary_holds() {
    let of = |kind: &str, fields: &str, security: &str, path: &str| {
        let fields = format!("{fields} volumes: [{{name: v, hostPath: {{path: '{path}'}}}}]");
        let container =
            format!("securityContext: {{{security}}}, volumeMounts: [{{name: v, mountPath: /m}}]");
        shown(
            &steps(&[pod(&fields, &container)], Origin::Files, 36).0,
            kind,
        )
    };
    let user = "runAsUser: 1000";
    assert_eq!(of("CE_UMH_CORE_PATTERN", "", user, "/proc"), "(1)");
    assert_eq!(of("CE_UMH_CORE_PATTERN", "", "", "/proc"), "1-72-90");
    assert_eq!(of("EXPLOIT_CONTAINERD_SOCK", "", user, "/run"), "15");
    assert_eq!(of("EXPLOIT_HOST_WRITE", "", user, "/"), "10");
    // Volumes keep their owners in a user namespace.
    assert_eq!(
        of("EXPLOIT_HOST_WRITE", "hostUsers: false,", ROOT, "/"),
        "87"
    );
    assert_eq!(
        of("EXPLOIT_CONTAINERD_SOCK", "hostUsers: false,", ROOT, "/run"),
        "95"
    );
    // A sandbox passes files, not sockets.
    assert_eq!(
        of(
            "EXPLOIT_CONTAINERD_SOCK",
            "runtimeClassName: gvisor,",
            ROOT,
            "/run"
        ),
        "(5)"
    );
    assert_eq!(
        of("EXPLOIT_HOST_WRITE", "runtimeClassName: gvisor,", ROOT, "/"),
        "79"
    );
    // A volume that the container does not mount.
    let idle = pod(
        "volumes: [{name: v, hostPath: {path: /}}]",
        "volumeMounts: []",
    );
    assert_eq!(edges(&steps(&[idle], Origin::Files, 36).0), "");
}

#[test]
fn claims_are_paths() {
    let of = |path: &str| {
        let yaml = format!(
            "{{apiVersion: v1, kind: PersistentVolume, metadata: {{name: pv}}, spec: {{hostPath: {{path: {path}}}, claimRef: {{namespace: shop, name: claim}}}}}}"
        );
        let mut all = documents(&yaml);
        let fields = "volumes: [{name: v, persistentVolumeClaim: {claimName: claim}}]";
        all.push(pod(fields, "volumeMounts: [{name: v, mountPath: /m}]"));
        edges(&steps(&all, Origin::Live, 36).0)
    };
    assert!(of("/").contains("EXPLOIT_HOST_WRITE"));
    assert!(of("/var/lib/kubelet").contains("EXPLOIT_HOST_TRAVERSE"));
    assert_eq!(of("/opt/local-path-provisioner/pvc-1"), "");
    assert_eq!(of("/data/pg"), "");
}

/// Role, binding, mount fields and pod fields of a pod that mounts a directory of logs.
fn logs(role: &str, path: &str, mount: &str, fields: &str, origin: Origin) -> Vec<Step> {
    let yaml = format!(
        "
{{apiVersion: v1, kind: ServiceAccount, metadata: {{name: reader, namespace: shop}}}}
---
{{apiVersion: v1, kind: ServiceAccount, metadata: {{name: default, namespace: shop}}}}
---
{{apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: {{name: logs, namespace: shop}}, rules: [{role}]}}
---
{{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {{name: logs}}, rules: [{role}]}}
---
{{apiVersion: rbac.authorization.k8s.io/v1, kind: RoleBinding, metadata: {{name: logs, namespace: shop}}, roleRef: {{kind: Role, name: logs}}, subjects: [{{kind: ServiceAccount, name: reader}}]}}
---
{{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRoleBinding, metadata: {{name: logs}}, roleRef: {{kind: ClusterRole, name: logs}}, subjects: [{{kind: ServiceAccount, name: everywhere, namespace: shop}}]}}
"
    );
    let mut all = documents(&yaml);
    let fields = format!("{fields}, volumes: [{{name: v, hostPath: {{path: {path}}}}}]");
    let container =
        format!("securityContext: {{{ROOT}}}, volumeMounts: [{{name: v, mountPath: /m, {mount}}}]");
    all.push(pod(&fields, &container));
    steps(&all, origin, 36).0
}

#[test]
fn log_links() {
    let check = |role: &str, path: &str, mount: &str, fields: &str, origin, expected: &str| {
        let found = logs(role, path, mount, fields, origin);
        assert_eq!(
            shown(&found, "CE_VAR_LOG_SYMLINK"),
            expected,
            "{role} {path} {mount} {fields}"
        );
    };
    let pods = "{apiGroups: [''], resources: [pods/log], verbs: [get]}";
    let nodes = "{apiGroups: [''], resources: [nodes/log], verbs: [get]}";
    let dead = "{apiGroups: [''], resources: [pods/*], verbs: ['*']}";
    let lists = "{apiGroups: [''], resources: [pods], verbs: [get, list]}";
    let reader = "serviceAccountName: reader";
    let everywhere = "serviceAccountName: everywhere, automountServiceAccountToken: true";
    let (live, files) = (Origin::Live, Origin::Files);
    check(pods, "/var/log", "", reader, live, "57");
    check(pods, "/var/log/", "", reader, files, "57");
    check(pods, "/var", "", reader, live, "57");
    check(pods, "/", "", reader, live, "57");
    check(pods, "/var/log/pods", "", reader, live, "57");
    check(pods, "/var/log/pods/shop_p_1", "", reader, live, "46");
    check(pods, "/var/log/nginx", "", reader, live, "-");
    check(pods, "/var/log", "readOnly: true", reader, live, "-");
    check(
        pods,
        "/var/log",
        "",
        "serviceAccountName: default",
        live,
        "-",
    );
    check(
        pods,
        "/var/log",
        "",
        "serviceAccountName: default",
        files,
        "(0-3-57)",
    );
    check(
        pods,
        "/var/log",
        "",
        &format!("{reader}, automountServiceAccountToken: false"),
        live,
        "-",
    );
    check(lists, "/var/log", "", reader, live, "-");
    check(dead, "/var/log", "", reader, live, "-");
    // A role of a namespace gives nothing on nodes.
    check(nodes, "/var/log", "", reader, live, "-");
    check(nodes, "/var/log", "", everywhere, live, "57");
    check(
        "{apiGroups: ['*'], resources: ['*'], verbs: ['*']}",
        "/var/log",
        "",
        reader,
        live,
        "57",
    );
    let found = logs(pods, "/var/log", "", reader, live);
    let step = found
        .iter()
        .find(|s| s.kind == "CE_VAR_LOG_SYMLINK")
        .unwrap();
    let changes: Vec<String> = step
        .changes
        .iter()
        .map(|change| format!("{}: {}", change.object, change.what))
        .collect();
    assert_eq!(
        changes,
        [
            "Pod shop/p: unmount volume v from container c",
            "Pod shop/p: set readOnly: true on volume v in container c",
            "Pod shop/p: set automountServiceAccountToken: false",
            "RoleBinding shop/logs: delete it, or bind a smaller role than logs",
        ]
    );
}

/// All that a way needs, any of which ends it.
#[test]
fn changes_end_it() {
    let of = |kind: &str, fields: &str, security: &str| {
        let (steps, _) = steps(
            &[pod(fields, &format!("securityContext: {{{security}}}"))],
            Origin::Files,
            36,
        );
        let step = steps.iter().find(|step| step.kind == kind).unwrap();
        let needs = step.needs.iter().flat_map(|needs| needs.iter());
        let pointers: Vec<String> = needs.map(|need| format!("/spec{}", need.pointer)).collect();
        let changes: Vec<&str> = step.changes.iter().map(|change| &*change.what).collect();
        format!("{} | {}", pointers.join(" "), changes.join(", "))
    };
    assert_eq!(
        of("CE_NSENTER", "hostPID: true", "privileged: true"),
        "/spec/containers/0/securityContext/privileged /spec/hostPID | set privileged: false in container c, set hostPID: false"
    );
    let add = "/spec/containers/0/securityContext/capabilities/add";
    assert_eq!(
        of(
            "CE_SYS_PTRACE",
            "hostPID: true",
            &caps("SYS_PTRACE, SYS_ADMIN")
        ),
        format!(
            "/spec/hostPID {add} {add} | set hostPID: false, drop SYS_PTRACE from container c, drop SYS_ADMIN from container c"
        )
    );
    assert_eq!(
        of("CE_SYS_PTRACE", "hostPID: true", &caps("ALL")),
        format!("/spec/hostPID {add} | set hostPID: false, drop ALL from container c")
    );
}

#[test]
fn keys_of_the_control_plane() {
    let of = |labels: &str, fields: &str| {
        let yaml =
            format!("{{apiVersion: v1, kind: Node, metadata: {{name: node-1, labels: {labels}}}}}");
        let mut all = documents(&yaml);
        let fields =
            format!("{fields} volumes: [{{name: v, hostPath: {{path: /etc/kubernetes}}}}]");
        let container = format!(
            "securityContext: {{{ROOT}}}, volumeMounts: [{{name: v, mountPath: /m, readOnly: true}}]"
        );
        all.push(pod(&fields, &container));
        let (steps, _) = steps(&all, Origin::Live, 36);
        shown(&steps, "CE_CONTROL_PLANE_PKI")
    };
    let (worker, control) = ("{a: b}", "{node-role.kubernetes.io/control-plane: ''}");
    assert_eq!(of(worker, ""), "-");
    assert_eq!(of(worker, "nodeName: node-1,"), "-");
    assert_eq!(of(control, "nodeName: node-1,"), "90");
    assert_eq!(of(control, "nodeName: unseen,"), "(0-4-90)");
    assert_eq!(of(control, ""), "(0-4-90)");
    assert_eq!(
        of(
            worker,
            "nodeSelector: {node-role.kubernetes.io/control-plane: ''},"
        ),
        "90"
    );
}

#[test]
fn flaws_that_nodes_show() {
    let check = |kernel: &str, runtime: &str, fields: &str, security: &str, expected: &str| {
        let yaml = format!(
            "{{apiVersion: v1, kind: Node, metadata: {{name: node-1}}, status: {{nodeInfo: {{kernelVersion: '{kernel}', containerRuntimeVersion: '{runtime}'}}}}}}"
        );
        let mut all = documents(&yaml);
        all.push(pod(
            &format!("nodeName: node-1{fields}"),
            &format!("securityContext: {{{security}}}"),
        ));
        let (found, _) = steps(&all, Origin::Live, 36);
        let kinds = ["CE_KERNEL", "CE_RUNTIME"].map(|kind| shown(&found, kind));
        assert_eq!(
            kinds.join(" | "),
            expected,
            "{kernel} {runtime} {fields} {security}"
        );
    };
    let (new, safe) = ("6.12.1", "containerd://2.1.0");
    let confined = "seccompProfile: {type: RuntimeDefault}";
    check(new, safe, "", "", "- | -");
    check("5.10.101", safe, "", confined, "60 | -");
    check("5.10.102", safe, "", confined, "- | -");
    check("5.15.24-talos", safe, "", confined, "60 | -");
    check("5.15.25-talos", safe, "", confined, "- | -");
    check("5.16.10", safe, "", confined, "60 | -");
    check("5.7.19", safe, "", confined, "- | -");
    check("5.15.24", safe, "", "", "60 30 40 | -");
    // What is there, and nobody showed how it is used, weighs less.
    check("5.4.176", safe, "", "", "20 30 12 | -");
    check("5.4.211", safe, "", "", "12 | -");
    check("5.4.269", safe, "", "", "- | -");
    check("4.19.228-flatcar", safe, "", "", "20 30 12 | -");
    check("4.19.307", safe, "", "", "- | -");
    check("5.19.1", safe, "", "", "30 40 | -");
    check("5.19.2", safe, "", "", "40 | -");
    check("6.7.2", safe, "", "", "40 | -");
    check("6.7.3", safe, "", "", "- | -");
    check("5.15.0-25-generic", safe, "", "", "- | -");
    check("6.6.14", safe, "", "", "40 | -");
    check("6.6.14", safe, "", confined, "- | -");
    check(
        "6.6.14",
        safe,
        "",
        &format!("{confined}, {}", caps("SYS_ADMIN")),
        "40 | -",
    );
    check("6.6.14", safe, ", runtimeClassName: kata", "", "(2) | -");
    check("6.6.15", safe, "", "", "- | -");
    check(
        new,
        "containerd://1.4.2",
        ", hostNetwork: true",
        ROOT,
        "- | 80",
    );
    check(
        new,
        "containerd://1.4.2",
        ", hostNetwork: true",
        "runAsUser: 1",
        "- | -",
    );
    check(new, "containerd://1.4.2", "", ROOT, "- | -");
    check(
        new,
        "containerd://1.4.3",
        ", hostNetwork: true",
        ROOT,
        "- | -",
    );
    check("", "", ", hostNetwork: true", ROOT, "- | -");
}

/// What Pod Security refuses has no way out in files; in a cluster it may run since before the label.
#[test]
fn pods_that_are_not_admitted() {
    let check = |origin: Origin, label: &str, fields: &str, expected: &str| {
        let labels = format!("pod-security.kubernetes.io/{label}");
        let yaml = format!(
            "{{apiVersion: v1, kind: Namespace, metadata: {{name: shop, labels: {{{labels}}}}}}}"
        );
        let mut all = documents(&yaml);
        all.push(pod("", &format!("securityContext: {{{ROOT}, {fields}}}")));
        let (found, ledger) = steps(&all, origin, 36);
        let told = ledger
            .gaps
            .iter()
            .any(|gap| &*gap.class == "pod-security-refuses");
        assert_eq!(
            format!("{} {told}", shown(&found, "CE_PRIV_MOUNT")),
            expected,
            "{origin:?} {label} {fields}"
        );
    };
    let privileged = "privileged: true";
    check(Origin::Files, "enforce: baseline", privileged, "- true");
    check(Origin::Files, "enforce: restricted", privileged, "- true");
    // The API server reads what it does not know as restricted.
    check(Origin::Files, "enforce: Baseline", privileged, "- true");
    check(Origin::Files, "enforce: privileged", privileged, "95 false");
    check(Origin::Files, "warn: restricted", privileged, "95 false");
    check(
        Origin::Files,
        "enforce-version: latest",
        privileged,
        "95 false",
    );
    check(Origin::Live, "enforce: baseline", privileged, "95 false");
    check(Origin::Files, "enforce: baseline", "", "- false");
    // Of baseline nothing forbids this one.
    let (found, _) = steps(
        &[
            documents("{apiVersion: v1, kind: Namespace, metadata: {name: shop, labels: {pod-security.kubernetes.io/enforce: baseline}}}").remove(0),
            pod("hostUsers: true", &format!("securityContext: {{{ROOT}}}")),
        ],
        Origin::Files,
        36,
    );
    assert!(!found.is_empty());
}

#[test]
fn shared_processes() {
    let of = |fields: &str, containers: &str| {
        let yaml = format!(
            "{{apiVersion: v1, kind: Pod, metadata: {{name: p}}, spec: {{{fields} containers: [{containers}]}}}}"
        );
        let (all, _) = steps_of(&documents(&yaml), Origin::Files, 36);
        let words: Vec<String> = all
            .iter()
            .map(|(name, steps)| {
                let edge = steps.iter().any(|s| s.leads == Leads::Pod && s.is_edge());
                let over = steps
                    .iter()
                    .filter(|s| s.reason.starts_with("over a container"));
                format!("{name}={edge}+{}", over.count())
            })
            .collect();
        words.join(" ")
    };
    let share = "shareProcessNamespace: true,";
    let (a, b) = ("{name: a, image: i}", "{name: b, image: i}");
    let strong = "{name: b, image: i, securityContext: {capabilities: {add: [SYS_MODULE]}}}";
    assert_eq!(of(share, &format!("{a}, {b}")), "p/a=true+0 p/b=true+0");
    assert_eq!(of(share, a), "p/a=false+0");
    assert_eq!(of("", &format!("{a}, {b}")), "p/a=false+0 p/b=false+0");
    assert_eq!(
        of(share, &format!("{a}, {strong}")),
        "p/a=true+1 p/b=true+0"
    );
    let init = "shareProcessNamespace: true, initContainers: [{name: i, image: i, securityContext: {privileged: true}}],";
    assert_eq!(of(init, a), "p/a=false+0 p/i=false+0");
    assert_eq!(
        of(init, &format!("{a}, {b}")),
        "p/a=true+0 p/b=true+0 p/i=false+0"
    );
}
