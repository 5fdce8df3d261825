//! Rules about workloads: each fires on a pod in a line, and is silent on its near miss.

use crate::equal::{compare, of_pods};
use crate::exported::Exported;
use crate::recorded::lists;
use crate::world::{MINOR, ask, lines, pod, snapshot};
use checks::policy::Options;
use checks::table;
use model::snapshot::{Listed, Origin, Snapshot};
use std::collections::BTreeSet;

/// Slug; spec and container of a pod that violates it; where; those of one that does not.
type Case = (
    &'static str,
    (&'static str, &'static str),
    &'static str,
    (&'static str, &'static str),
);

const CASES: &[Case] = &[
    (
        "privileged-container",
        ("", "securityContext: {privileged: true}"),
        "[web] /spec/containers/0/securityContext/privileged",
        ("", "securityContext: {privileged: false}"),
    ),
    (
        "host-pid",
        ("hostPID: true", ""),
        "/spec/hostPID",
        ("hostPID: false", ""),
    ),
    (
        "host-ipc",
        ("hostIPC: true", ""),
        "/spec/hostIPC",
        ("hostIPC: false", ""),
    ),
    (
        "host-network",
        ("hostNetwork: true", ""),
        "/spec/hostNetwork",
        ("hostNetwork: true, os: {name: windows}", ""),
    ),
    (
        "shared-process-namespace",
        ("shareProcessNamespace: true", ""),
        "/spec/shareProcessNamespace",
        ("", ""),
    ),
    (
        "windows-host-process",
        ("securityContext: {windowsOptions: {hostProcess: true}}", ""),
        "[web] /spec/securityContext/windowsOptions/hostProcess",
        (
            "securityContext: {windowsOptions: {hostProcess: true}}",
            "securityContext: {windowsOptions: {hostProcess: false}}",
        ),
    ),
    (
        "privilege-escalation",
        ("", ""),
        "[web] /spec/containers/0/securityContext/allowPrivilegeEscalation",
        ("", "securityContext: {allowPrivilegeEscalation: false}"),
    ),
    (
        "privilege-escalation",
        ("", "securityContext: {allowPrivilegeEscalation: true}"),
        "[web] /spec/containers/0/securityContext/allowPrivilegeEscalation",
        ("os: {name: windows}", ""),
    ),
    (
        "privilege-escalation",
        ("", "securityContext: {capabilities: {add: [NET_ADMIN]}}"),
        "[web] /spec/containers/0/securityContext/allowPrivilegeEscalation",
        ("", "securityContext: {privileged: true}"),
    ),
    (
        "host-users",
        ("", ""),
        "/spec/hostUsers",
        ("hostUsers: false", ""),
    ),
    (
        "host-users",
        ("hostUsers: true", ""),
        "/spec/hostUsers",
        ("hostNetwork: true", ""),
    ),
    (
        "may-run-as-root",
        ("", ""),
        "[web] /spec/containers/0/securityContext/runAsNonRoot",
        ("securityContext: {runAsNonRoot: true}", ""),
    ),
    (
        "may-run-as-root",
        ("securityContext: {runAsNonRoot: false}", ""),
        "[web] /spec/securityContext/runAsNonRoot",
        ("", "securityContext: {runAsUser: 1000}"),
    ),
    (
        "may-run-as-root",
        ("hostUsers: true", ""),
        "[web] /spec/containers/0/securityContext/runAsNonRoot",
        ("hostUsers: false", ""),
    ),
    (
        "runs-as-root",
        ("securityContext: {runAsUser: 0}", ""),
        "[web] /spec/securityContext/runAsUser",
        (
            "securityContext: {runAsUser: 0}",
            "securityContext: {runAsUser: 7}",
        ),
    ),
    (
        "runs-as-root",
        (
            "securityContext: {runAsUser: 7}",
            "securityContext: {runAsUser: 0}",
        ),
        "[web] /spec/containers/0/securityContext/runAsUser",
        ("", ""),
    ),
    (
        "root-group",
        ("securityContext: {runAsGroup: 0, runAsUser: 7}", ""),
        "[web] /spec/securityContext/runAsGroup",
        ("securityContext: {runAsUser: 7}", ""),
    ),
    (
        "windows-administrator",
        (
            "",
            "securityContext: {windowsOptions: {runAsUserName: ContainerAdministrator}}",
        ),
        "[web] /spec/containers/0/securityContext/windowsOptions/runAsUserName",
        (
            "",
            "securityContext: {windowsOptions: {runAsUserName: ContainerUser}}",
        ),
    ),
    (
        "capability-owns-node",
        ("", "securityContext: {capabilities: {add: [SYS_ADMIN]}}"),
        "[web] /spec/containers/0/securityContext/capabilities/add",
        (
            "",
            "securityContext: {capabilities: {add: [NET_BIND_SERVICE, SYS_PTRACE]}}",
        ),
    ),
    (
        "capability-owns-node",
        (
            "",
            "securityContext: {capabilities: {add: [cap_sys_module]}}",
        ),
        "[web] /spec/containers/0/securityContext/capabilities/add",
        ("", "securityContext: {capabilities: {drop: [ALL]}}"),
    ),
    (
        "capability-node-wide",
        ("", "securityContext: {capabilities: {add: [SYS_PTRACE]}}"),
        "[web] /spec/containers/0/securityContext/capabilities/add",
        (
            "",
            "securityContext: {capabilities: {add: [IPC_LOCK, SYS_NICE]}}",
        ),
    ),
    (
        "capability-network",
        ("", "securityContext: {capabilities: {add: [NET_RAW]}}"),
        "[web] /spec/containers/0/securityContext/capabilities/add",
        (
            "",
            "securityContext: {capabilities: {add: [NET_BIND_SERVICE]}}",
        ),
    ),
    (
        "capabilities-kept",
        ("", "securityContext: {capabilities: {drop: [NET_RAW]}}"),
        "[web] /spec/containers/0/securityContext/capabilities/drop",
        ("", "securityContext: {capabilities: {drop: [all]}}"),
    ),
    (
        "host-path-root",
        ("volumes: [{name: a, hostPath: {path: /}}]", ""),
        "/spec/volumes/0/hostPath/path",
        ("volumes: [{name: a, hostPath: {path: /data}}]", ""),
    ),
    (
        "host-path-runtime",
        (
            "volumes: [{name: a, hostPath: {path: /var/run/docker.sock}}]",
            "",
        ),
        "/spec/volumes/0/hostPath/path",
        ("volumes: [{name: a, hostPath: {path: /run/user}}]", ""),
    ),
    (
        "host-path-runtime",
        (
            "volumes: [{name: a, hostPath: {path: /run/containerd/containerd.sock}}]",
            "volumeMounts: [{name: a, mountPath: /s, readOnly: true}]",
        ),
        "/spec/volumes/0/hostPath/path",
        ("volumes: [{name: a, emptyDir: {}}]", ""),
    ),
    (
        "host-path-kubelet",
        (
            "volumes: [{name: a, hostPath: {path: /var/lib/kubelet/pki}}]",
            "",
        ),
        "/spec/volumes/0/hostPath/path",
        (
            "volumes: [{name: a, hostPath: {path: /var/lib/kubelet/plugins/csi}}]",
            "",
        ),
    ),
    (
        "host-path-credentials",
        (
            "volumes: [{name: a, hostPath: {path: /etc/kubernetes/pki/}}]",
            "",
        ),
        "/spec/volumes/0/hostPath/path",
        ("volumes: [{name: a, hostPath: {path: /etc/localtime}}]", ""),
    ),
    (
        "host-path-system-writable",
        (
            "volumes: [{name: a, hostPath: {path: /usr/local/bin}}]",
            "volumeMounts: [{name: a, mountPath: /b}]",
        ),
        "[web] /spec/containers/0/volumeMounts/0/readOnly",
        (
            "volumes: [{name: a, hostPath: {path: /etc/ssl/certs}}]",
            "volumeMounts: [{name: a, mountPath: /b, readOnly: true}]",
        ),
    ),
    (
        "host-path-kernel-writable",
        (
            "volumes: [{name: a, hostPath: {path: /proc}}]",
            "volumeMounts: [{name: a, mountPath: /b}]",
        ),
        "[web] /spec/containers/0/volumeMounts/0/readOnly",
        (
            "volumes: [{name: a, hostPath: {path: /proc}}]",
            "volumeMounts: [{name: a, mountPath: /b, readOnly: true}]",
        ),
    ),
    (
        "host-path-devices",
        ("volumes: [{name: a, hostPath: {path: /dev}}]", ""),
        "/spec/volumes/0/hostPath/path",
        ("volumes: [{name: a, hostPath: {path: /dev/fuse}}]", ""),
    ),
    (
        "host-path-logs-writable",
        (
            "volumes: [{name: a, hostPath: {path: /var/log}}]",
            "volumeMounts: [{name: a, mountPath: /b}]",
        ),
        "[web] /spec/containers/0/volumeMounts/0/readOnly",
        (
            "volumes: [{name: a, hostPath: {path: /var/log}}]",
            "volumeMounts: [{name: a, mountPath: /b, readOnly: true}]",
        ),
    ),
    (
        "host-path-writable",
        (
            "volumes: [{name: a, hostPath: {path: /data}}]",
            "volumeMounts: [{name: a, mountPath: /b}]",
        ),
        "[web] /spec/containers/0/volumeMounts/0/readOnly",
        (
            "volumes: [{name: a, hostPath: {path: /data}}, {name: b, emptyDir: {}}]",
            "volumeMounts: [{name: b, mountPath: /b}]",
        ),
    ),
    (
        "host-path-writable",
        (
            "volumes: [{name: b, emptyDir: {}}, {name: a, hostPath: {path: /data}}]",
            "volumeMounts: [{name: b, mountPath: /c}, {name: a, mountPath: /b, readOnly: false}]",
        ),
        "[web] /spec/containers/0/volumeMounts/1/readOnly",
        (
            "volumes: [{name: a, hostPath: {path: /proc}}]",
            "volumeMounts: [{name: a, mountPath: /b}]",
        ),
    ),
    (
        "mount-propagation",
        (
            "",
            "volumeMounts: [{name: a, mountPath: /b, mountPropagation: Bidirectional}]",
        ),
        "[web] /spec/containers/0/volumeMounts/0/mountPropagation",
        (
            "",
            "volumeMounts: [{name: a, mountPath: /b, mountPropagation: HostToContainer}]",
        ),
    ),
    (
        "git-repo-volume",
        ("volumes: [{name: a, gitRepo: {repository: x}}]", ""),
        "/spec/volumes/0/gitRepo",
        ("volumes: [{name: a, emptyDir: {}}]", ""),
    ),
    (
        "flex-volume",
        ("volumes: [{name: a, flexVolume: {driver: x}}]", ""),
        "/spec/volumes/0/flexVolume",
        ("volumes: [{name: a, csi: {driver: x}}]", ""),
    ),
    (
        "network-volume",
        ("volumes: [{name: a, nfs: {server: x, path: /}}]", ""),
        "/spec/volumes/0",
        (
            "volumes: [{name: a, persistentVolumeClaim: {claimName: x}}]",
            "",
        ),
    ),
    (
        "seccomp-unconfined",
        ("securityContext: {seccompProfile: {type: Unconfined}}", ""),
        "[web] /spec/securityContext/seccompProfile/type",
        (
            "securityContext: {seccompProfile: {type: Unconfined}}",
            "securityContext: {seccompProfile: {type: RuntimeDefault}}",
        ),
    ),
    (
        "seccomp-unset",
        ("", ""),
        "[web] /spec/containers/0/securityContext/seccompProfile/type",
        (
            "securityContext: {seccompProfile: {type: RuntimeDefault}}",
            "",
        ),
    ),
    (
        "apparmor-unconfined",
        ("", "securityContext: {appArmorProfile: {type: Unconfined}}"),
        "[web] /spec/containers/0/securityContext/appArmorProfile/type",
        ("", ""),
    ),
    (
        "selinux-unconfined",
        ("securityContext: {seLinuxOptions: {type: spc_t}}", ""),
        "[web] /spec/securityContext/seLinuxOptions/type",
        ("securityContext: {seLinuxOptions: {type: container_t}}", ""),
    ),
    (
        "proc-unmasked",
        ("", "securityContext: {procMount: Unmasked}"),
        "[web] /spec/containers/0/securityContext/procMount",
        ("hostUsers: false", "securityContext: {procMount: Unmasked}"),
    ),
    (
        "writable-root",
        ("", ""),
        "[web] /spec/containers/0/securityContext/readOnlyRootFilesystem",
        ("", "securityContext: {readOnlyRootFilesystem: true}"),
    ),
    (
        "unsafe-sysctl",
        (
            "securityContext: {sysctls: [{name: kernel.msgmax, value: '1'}]}",
            "",
        ),
        "/spec/securityContext/sysctls",
        (
            "securityContext: {sysctls: [{name: net.ipv4.tcp_syncookies, value: '1'}]}",
            "",
        ),
    ),
    (
        "sysctl-injection",
        (
            "securityContext: {sysctls: [{name: kernel.shm_rmid_forced, value: '1+kernel.core_pattern=|/x'}]}",
            "",
        ),
        "/spec/securityContext/sysctls",
        (
            "securityContext: {sysctls: [{name: net.ipv4.ip_local_port_range, value: '1024 65535'}]}",
            "",
        ),
    ),
    (
        "working-directory-in-proc",
        ("", "workingDir: /proc/self/fd/8/"),
        "[web] /spec/containers/0/workingDir",
        ("", "workingDir: /srv"),
    ),
    (
        "host-port",
        ("", "ports: [{containerPort: 80, hostPort: 80}]"),
        "[web] /spec/containers/0/ports/0/hostPort",
        (
            "hostNetwork: true",
            "ports: [{containerPort: 80, hostPort: 80}]",
        ),
    ),
    (
        "host-port",
        (
            "",
            "ports: [{containerPort: 81}, {containerPort: 80, hostPort: 80}]",
        ),
        "[web] /spec/containers/0/ports/1/hostPort",
        (
            "",
            "ports: [{containerPort: 80, hostPort: 80, hostIP: 127.0.0.1}]",
        ),
    ),
    (
        "debug-port",
        ("", "ports: [{containerPort: 9229}]"),
        "[web] /spec/containers/0/ports/0/containerPort",
        ("", "ports: [{containerPort: 6060, name: metrics}]"),
    ),
    (
        "debug-port",
        ("", "ports: [{containerPort: 8000, name: jdwp}]"),
        "[web] /spec/containers/0/ports/0/containerPort",
        ("", "ports: [{containerPort: 8000}]"),
    ),
    (
        "ssh-port",
        ("", "ports: [{containerPort: 22}]"),
        "[web] /spec/containers/0/ports/0/containerPort",
        ("", "ports: [{containerPort: 2222}]"),
    ),
    (
        "runtime-port",
        ("", "ports: [{containerPort: 2375}]"),
        "[web] /spec/containers/0/ports/0/containerPort",
        ("", "ports: [{containerPort: 2376}]"),
    ),
    (
        "probe-names-host",
        (
            "",
            "readinessProbe: {httpGet: {host: 169.254.169.254, port: 80}}",
        ),
        "[web] /spec/containers/0",
        ("", "readinessProbe: {httpGet: {host: '', port: 80}}"),
    ),
    (
        "secret-as-environment",
        ("", "envFrom: [{secretRef: {name: a}}]"),
        "[web] /spec/containers/0/envFrom/0/secretRef/name",
        ("", "envFrom: [{configMapRef: {name: a}}]"),
    ),
    (
        "secret-key-as-environment",
        (
            "",
            "env: [{name: A, valueFrom: {secretKeyRef: {name: a, key: b}}}]",
        ),
        "[web] /spec/containers/0/env",
        ("", "env: [{name: A, value: b}]"),
    ),
    (
        "credential-in-environment",
        ("", "env: [{name: A, value: 'redacted:v1:token-jwt:99:00'}]"),
        "[web] /spec/containers/0/env/0/value",
        ("", "env: [{name: A, value: 'redacted:v1:text:9:00'}]"),
    ),
    (
        "credential-in-environment",
        ("", "env: [{name: A, value: ghp_0123456789abcdefghij}]"),
        "[web] /spec/containers/0/env/0/value",
        (
            "",
            "env: [{name: TOKEN, value: 'redacted:v1:password-like:9:00'}]",
        ),
    ),
    (
        "password-in-environment",
        (
            "",
            "env: [{name: DB_PASSWORD, value: 'redacted:v1:password-like:9:00'}]",
        ),
        "[web] /spec/containers/0/env/0/value",
        (
            "",
            "env: [{name: VERSION, value: 'redacted:v1:password-like:9:00'}]",
        ),
    ),
    (
        "password-in-environment",
        ("", "env: [{name: DB_PASSWORD, value: hunter2}]"),
        "[web] /spec/containers/0/env/0/value",
        ("", "env: [{name: DB_PASSWORD, value: $(OTHER)}]"),
    ),
    (
        "password-in-environment",
        ("", "env: [{name: DB, value: 'postgres://u:p@db/x'}]"),
        "[web] /spec/containers/0/env/0/value",
        ("", "env: [{name: DB, value: 'postgres://u:$(PW)@db/x'}]"),
    ),
    (
        "password-in-environment",
        ("", "env: [{name: API_TOKEN, value: abc}]"),
        "[web] /spec/containers/0/env/0/value",
        (
            "",
            "env: [{name: MAX_TOKEN, value: 'redacted:v1:number:4:00'}, {name: PWD, value: 'redacted:v1:password-like:4:00'}, {name: TOKEN_FILE, value: 'redacted:v1:text:4:00'}]",
        ),
    ),
    (
        "credential-in-arguments",
        ("", "args: [--password=redacted:v1:password-like:9:00]"),
        "[web] /spec/containers/0",
        (
            "",
            "args: [--password=$(PASSWORD), --token-file=/x, '--password']",
        ),
    ),
    (
        "credential-in-arguments",
        ("", "command: [app, --api-key=0123456789]"),
        "[web] /spec/containers/0",
        ("", "args: [--auth-mode=redacted:v1:text:9:00, --v=2]"),
    ),
    (
        "default-account",
        ("", ""),
        "/spec/serviceAccountName",
        ("serviceAccountName: web", ""),
    ),
    (
        "image-latest",
        ("", ""),
        "[web] /spec/containers/0/image",
        (
            "initContainers: [{name: a, image: 'x@sha256:00'}]",
            "image: reg:5000/web:1",
        ),
    ),
    (
        "image-without-digest",
        ("", ""),
        "[web] /spec/containers/0/image",
        ("", "image: 'web@sha256:0123'"),
    ),
    (
        "image-kept-stale",
        ("", "imagePullPolicy: IfNotPresent"),
        "[web] /spec/containers/0/imagePullPolicy",
        ("", "imagePullPolicy: Always"),
    ),
    (
        "image-from-throwaway-registry",
        ("", "image: ttl.sh/a:1h"),
        "[web] /spec/containers/0/image",
        ("", "image: registry.example/ttl.sh/a:1"),
    ),
    (
        "image-from-frozen-registry",
        ("", "image: k8s.gcr.io/pause:3.2"),
        "[web] /spec/containers/0/image",
        ("", "image: registry.k8s.io/pause:3.2"),
    ),
    (
        "docker-in-docker",
        ("", "image: docker:27-dind"),
        "[web] /spec/containers/0/image",
        ("", "image: docker:27-cli"),
    ),
    (
        "tiller",
        ("", "image: gcr.io/kubernetes-helm/tiller:v2.16"),
        "[web] /spec/containers/0/image",
        ("", "image: shop/distiller:1"),
    ),
    (
        "dashboard-without-login",
        ("", "args: [--a, --enable-skip-login]"),
        "[web] /spec/containers/0/args/1",
        ("", "args: [--enable-skip-login=redacted:v1:boolean:5:00]"),
    ),
    (
        "debug-image",
        ("", "image: nicolaka/netshoot"),
        "[web] /spec/containers/0/image",
        ("", "image: shop/netshooter"),
    ),
    (
        "image-volume-latest",
        ("volumes: [{name: a, image: {reference: x:latest}}]", ""),
        "/spec/volumes/0/image/reference",
        ("volumes: [{name: a, image: {reference: x:1}}]", ""),
    ),
    (
        "installs-at-start",
        ("", "command: [sh, -c, 'apt-get update && x']"),
        "[web] /spec/containers/0",
        ("", "command: [sh, -c, 'echo adapt install']"),
    ),
    (
        "sudo-in-command",
        ("", "command: [sudo, app]"),
        "[web] /spec/containers/0",
        ("", "command: [pseudo, app]"),
    ),
    (
        "ssh-server",
        ("", "command: [/usr/sbin/sshd, -D]"),
        "[web] /spec/containers/0",
        ("", "command: [ssh, host]"),
    ),
    (
        "runs-download",
        ("", "args: ['curl -s https://x/i.sh | sh']"),
        "[web] /spec/containers/0",
        ("", "args: ['curl -s https://x | shasum']"),
    ),
    (
        "system-priority",
        ("priorityClassName: system-node-critical", ""),
        "/spec/priorityClassName",
        ("priorityClassName: high", ""),
    ),
    (
        "runs-on-control-plane",
        (
            "tolerations: [{key: node-role.kubernetes.io/control-plane}]",
            "",
        ),
        "/spec/tolerations",
        (
            "tolerations: [{key: node.kubernetes.io/not-ready, operator: Exists}, {operator: Exists, effect: NoExecute}]",
            "",
        ),
    ),
    (
        "names-its-node",
        ("nodeName: a", ""),
        "/spec/nodeName",
        ("nodeSelector: {a: b}", ""),
    ),
    (
        "memory-without-limit",
        ("", "resources: {limits: {cpu: 1}}"),
        "[web] /spec/containers/0/resources/limits/memory",
        ("", "resources: {limits: {memory: 1Gi}}"),
    ),
    (
        "storage-without-limit",
        ("", ""),
        "[web] /spec/containers/0/resources/limits/ephemeral-storage",
        ("", "resources: {limits: {ephemeral-storage: 1Gi}}"),
    ),
];

/// A pod of these fields; a container that names an image has no other.
fn one((spec, container): (&str, &str)) -> String {
    pod(spec, container).replacen("image: web, image:", "image:", 1)
}

fn said(slug: &str, snapshot: &Snapshot) -> Vec<String> {
    let rule = table::rule(slug).unwrap_or_else(|| panic!("no rule {slug}"));
    let said = ask(snapshot, &[rule]);
    assert!(
        said.answers[0].looked > 0 || !said.answers[0].unknown.is_empty(),
        "{slug}"
    );
    lines(&said)
}

#[test]
fn each_rule_fires_and_its_near_miss_does_not() {
    for (slug, fires, place, silent) in CASES {
        let found = said(slug, &snapshot(&one(*fires)));
        assert_eq!(found, [format!("Pod shop/web {place}")], "{slug} {fires:?}");
        let found = said(slug, &snapshot(&one(*silent)));
        assert!(found.is_empty(), "{slug} {silent:?}: {found:?}");
    }
}

/// Exported policies give the same verdict on all of these pods.
#[test]
fn each_case_is_the_same_in_cel() {
    let rules = of_pods();
    let exported = Exported::of(&rules, MINOR, &Options::default());
    for (_, fires, _, silent) in CASES {
        for yaml in [one(*fires), one(*silent)] {
            compare(&serde_saphyr::from_str(&yaml).unwrap(), &rules, &exported);
        }
    }
}

/// A live cluster of these objects, of which these kinds were listed whole.
fn live(yaml: &str, kinds: &[(&str, &str)]) -> Snapshot {
    let mut snapshot = snapshot(yaml);
    snapshot.origin = Origin::Live;
    for (group, kind) in kinds {
        snapshot.listed.push(Listed {
            group: (*group).into(),
            kind: (*kind).into(),
            count: 0,
            complete: true,
        });
    }
    snapshot
}

const RBAC: [(&str, &str); 4] = [
    ("rbac.authorization.k8s.io", "ClusterRole"),
    ("rbac.authorization.k8s.io", "ClusterRoleBinding"),
    ("rbac.authorization.k8s.io", "Role"),
    ("rbac.authorization.k8s.io", "RoleBinding"),
];

/// Slugs that the tests below ask.
const OTHERS: &[&str] = &[
    "sub-path-mount",
    "persistent-volume-of-node",
    "token-without-use",
    "in-default-namespace",
    "debug-container-left",
    "missing-account-of-pod",
    "missing-secret",
    "missing-config-map",
    "missing-claim",
    "selector-misses-template",
    "variable-twice",
    "device-administrator",
    "device-administrator-template",
];

#[test]
fn every_row_has_its_cases() {
    let asked: BTreeSet<&str> = CASES
        .iter()
        .map(|case| case.0)
        .chain(OTHERS.iter().copied())
        .collect();
    let rows: BTreeSet<&str> = table::all()
        .filter(|row| row.family() == "WL")
        .map(|row| row.slug)
        .collect();
    assert_eq!(asked, rows);
    println!("{} rows", rows.len());
    let fixed = table::all().filter(|row| row.family() == "WL" && row.on);
    let (mut with, mut all) = (0, 0);
    for row in fixed {
        all += 1;
        with += usize::from(!matches!(row.fix, checks::rule::Fix::None));
    }
    println!("{with} of {all} that are on offer a fix");
}

#[test]
fn sub_paths_matter_to_old_kubelets() {
    let yaml = pod("", "volumeMounts: [{name: a, mountPath: /b, subPath: c}]");
    let mut old = snapshot(&yaml);
    old.version.minor = 22;
    assert_eq!(
        said("sub-path-mount", &old),
        ["Pod shop/web [web] /spec/containers/0/volumeMounts/0/mountPath"]
    );
    let mut whole = snapshot(&pod("", "volumeMounts: [{name: a, mountPath: /b}]"));
    whole.version.minor = 22;
    assert!(said("sub-path-mount", &whole).is_empty());
    let rule = table::rule("sub-path-mount").unwrap();
    assert!(ask(&snapshot(&yaml), &[rule]).found.is_empty());
}

#[test]
fn annotations_count_where_the_kubelet_read_them() {
    let yaml = pod("", "").replace(
        "namespace: shop}",
        "namespace: shop, annotations: {seccomp.security.alpha.kubernetes.io/pod: runtime/default}}",
    );
    for (minor, found) in [(20, 0), (26, 0), (27, 1), (MINOR, 1)] {
        let mut snapshot = snapshot(&yaml);
        snapshot.version.minor = minor;
        assert_eq!(said("seccomp-unset", &snapshot).len(), found, "1.{minor}");
    }
}

/// Where the whole object matters: its kind, its namespace, its phase.
#[test]
fn objects_around_the_pod() {
    let daemon = |spec: &str, namespace: &str| {
        format!(
            "{{apiVersion: apps/v1, kind: DaemonSet, metadata: {{name: web, namespace: {namespace}}}, spec: {{template: {{metadata: {{labels: {{a: b}}}}, spec: {{containers: [{{name: web, image: web}}], {spec}}}}}}}}}"
        )
    };
    let everything = "tolerations: [{operator: Exists}]";
    for (slug, yaml, expected) in [
        ("runs-on-control-plane", daemon(everything, "shop"), 0),
        ("runs-on-control-plane", daemon(everything, "shop").replace("DaemonSet", "Deployment"), 1),
        ("runs-on-control-plane", daemon(everything, "kube-system").replace("DaemonSet", "Deployment"), 0),
        ("system-priority", daemon("priorityClassName: system-node-critical", "shop"), 0),
        ("system-priority", daemon("priorityClassName: system-node-critical", "kube-system").replace("DaemonSet", "Deployment"), 0),
        ("names-its-node", daemon("nodeName: a", "shop"), 1),
        ("names-its-node", pod("nodeName: a", "").replace("spec:", "status: {phase: Running}, spec:"), 0),
        ("in-default-namespace", daemon("hostPID: false", "default"), 1),
        ("in-default-namespace", daemon("hostPID: false", "shop"), 0),
        ("persistent-volume-of-node", "{apiVersion: v1, kind: PersistentVolume, metadata: {name: a}, spec: {hostPath: {path: /etc}}}".to_owned(), 1),
        ("persistent-volume-of-node", "{apiVersion: v1, kind: PersistentVolume, metadata: {name: a}, spec: {hostPath: {path: /mnt/a}}}".to_owned(), 0),
        ("device-administrator", "{apiVersion: resource.k8s.io/v1, kind: ResourceClaim, metadata: {name: a, namespace: b}, spec: {devices: {requests: [{name: x}, {name: r, exactly: {adminAccess: true}}]}}}".to_owned(), 1),
        ("device-administrator", "{apiVersion: resource.k8s.io/v1, kind: ResourceClaim, metadata: {name: a, namespace: b}, spec: {devices: {requests: [{name: r, exactly: {adminAccess: false}}]}}}".to_owned(), 0),
        ("device-administrator-template", "{apiVersion: resource.k8s.io/v1beta1, kind: ResourceClaimTemplate, metadata: {name: a, namespace: b}, spec: {spec: {devices: {requests: [{name: r, adminAccess: true}]}}}}".to_owned(), 1),
        ("device-administrator-template", "{apiVersion: resource.k8s.io/v1, kind: ResourceClaimTemplate, metadata: {name: a, namespace: b}, spec: {spec: {devices: {requests: [{name: r}]}}}}".to_owned(), 0),
    ] {
        assert_eq!(said(slug, &snapshot(&yaml)).len(), expected, "{slug}: {yaml}");
    }
}

#[test]
fn tokens_without_use() {
    let slug = "token-without-use";
    let none = pod("", "");
    assert_eq!(
        said(slug, &live(&none, &RBAC)),
        ["Pod shop/web /spec/automountServiceAccountToken"]
    );
    assert!(
        said(
            slug,
            &live(&pod("automountServiceAccountToken: false", ""), &RBAC)
        )
        .is_empty()
    );
    let switched = format!(
        "{none}\n---\n{{apiVersion: v1, kind: ServiceAccount, metadata: {{name: default, namespace: shop}}, automountServiceAccountToken: false}}"
    );
    assert!(said(slug, &live(&switched, &RBAC)).is_empty());
    for subject in [
        "{kind: ServiceAccount, name: default, namespace: shop}",
        "{apiGroup: rbac.authorization.k8s.io, kind: Group, name: 'system:serviceaccounts:shop'}",
        "{apiGroup: rbac.authorization.k8s.io, kind: Group, name: 'system:serviceaccounts'}",
        "{apiGroup: rbac.authorization.k8s.io, kind: User, name: 'system:serviceaccount:shop:default'}",
    ] {
        let bound = format!(
            "{none}\n---\n{{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRoleBinding, metadata: {{name: a}}, roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: r}}, subjects: [{subject}]}}"
        );
        assert!(said(slug, &live(&bound, &RBAC)).is_empty(), "{subject}");
    }
    // Nobody saw all bindings: nothing is certain.
    let rule = table::rule(slug).unwrap();
    let open = ask(&live(&none, &[]), &[rule]);
    assert!(
        open.found.is_empty() && open.answers[0].looked == 0 && open.answers[0].unknown.len() == 1
    );
    // Files need not hold the account, nor what is bound to it.
    let other = pod("serviceAccountName: robot", "");
    let rule = table::rule(slug).unwrap();
    assert!(ask(&snapshot(&other), &[rule]).found.is_empty());
}

#[test]
fn debug_containers_are_looked_for_in_pods() {
    let slug = "debug-container-left";
    let left = pod(
        "ephemeralContainers: [{name: debugger, image: busybox}]",
        "",
    );
    assert_eq!(
        said(slug, &live(&left, &[("", "Pod")])),
        ["Pod shop/web [debugger] /spec/ephemeralContainers/0"]
    );
    assert!(said(slug, &live(&pod("", ""), &[("", "Pod")])).is_empty());
    let rule = table::rule(slug).unwrap();
    assert_eq!(ask(&live(&left, &[]), &[rule]).answers[0].unknown.len(), 1);
}

#[test]
fn references_that_lead_nowhere() {
    let there = |kind: &str, name: &str| {
        format!("{{apiVersion: v1, kind: {kind}, metadata: {{name: {name}, namespace: shop}}}}")
    };
    for (slug, kind, spec, container, place) in [
        (
            "missing-account-of-pod",
            "ServiceAccount",
            "serviceAccountName: a",
            "",
            "/spec/serviceAccountName",
        ),
        (
            "missing-secret",
            "Secret",
            "",
            "env: [{name: A, valueFrom: {secretKeyRef: {name: a, key: k}}}]",
            "/spec/containers/0/env/0/valueFrom/secretKeyRef/name",
        ),
        (
            "missing-secret",
            "Secret",
            "volumes: [{name: v, secret: {secretName: a}}]",
            "",
            "/spec/volumes/0/secret/secretName",
        ),
        (
            "missing-secret",
            "Secret",
            "",
            "envFrom: [{secretRef: {name: a}}]",
            "/spec/containers/0/envFrom/0/secretRef/name",
        ),
        (
            "missing-config-map",
            "ConfigMap",
            "volumes: [{name: v, projected: {sources: [{configMap: {name: a}}]}}]",
            "",
            "/spec/volumes/0/projected/sources/0/configMap/name",
        ),
        (
            "missing-claim",
            "PersistentVolumeClaim",
            "volumes: [{name: v, persistentVolumeClaim: {claimName: a}}]",
            "",
            "/spec/volumes/0/persistentVolumeClaim/claimName",
        ),
    ] {
        let one = pod(spec, container);
        let whole = [("", kind)];
        assert_eq!(
            said(slug, &live(&one, &whole)),
            [format!("Pod shop/web {place}")],
            "{slug}"
        );
        let both = format!("{one}\n---\n{}", there(kind, "a"));
        assert!(said(slug, &live(&both, &whole)).is_empty(), "{slug}");
        let elsewhere = both.replace("name: a, namespace: shop", "name: a, namespace: other");
        assert_eq!(said(slug, &live(&elsewhere, &whole)).len(), 1, "{slug}");
        let optional = one
            .replace("secretName: a}", "secretName: a, optional: true}")
            .replace("name: a}", "name: a, optional: true}")
            .replace("name: a, key: k}", "name: a, key: k, optional: true}");
        if optional != one && slug != "missing-account-of-pod" {
            let rule = table::rule(slug).unwrap();
            assert!(
                ask(&live(&optional, &whole), &[rule]).found.is_empty(),
                "{optional}"
            );
        }
        // Not listed whole, or files: nothing is claimed, and that is said.
        let rule = table::rule(slug).unwrap();
        for open in [live(&one, &[]), snapshot(&one)] {
            let said = ask(&open, &[rule]);
            assert!(
                said.found.is_empty() && said.answers[0].unknown.len() == 1,
                "{slug}"
            );
        }
    }
    let own = live(
        &pod("serviceAccountName: default", ""),
        &[("", "ServiceAccount")],
    );
    assert!(said("missing-account-of-pod", &own).is_empty());
}

#[test]
fn selectors_and_variables() {
    let workload = |labels: &str| {
        format!(
            "{{apiVersion: apps/v1, kind: Deployment, metadata: {{name: web, namespace: shop}}, spec: {{selector: {{matchLabels: {{app: web}}}}, template: {{metadata: {{labels: {{{labels}}}}}, spec: {{containers: [{{name: web, image: web}}]}}}}}}}}"
        )
    };
    let slug = "selector-misses-template";
    assert_eq!(
        said(slug, &snapshot(&workload("app: shop"))),
        ["Deployment shop/web /spec/selector/matchLabels/app"]
    );
    assert!(said(slug, &snapshot(&workload("app: web, tier: front"))).is_empty());
    let slug = "variable-twice";
    assert_eq!(
        said(
            slug,
            &snapshot(&pod("", "env: [{name: A, value: b}, {name: A, value: c}]"))
        ),
        ["Pod shop/web [web] /spec/containers/0/env/1"]
    );
    assert!(
        said(
            slug,
            &snapshot(&pod("", "env: [{name: A, value: b}, {name: B, value: b}]"))
        )
        .is_empty()
    );
}

/// What the rules say of a recorded cluster.
#[test]
fn recorded_clusters_are_quiet_where_the_provider_owns() {
    let Some(captures) = testkit::shared("captures") else {
        return;
    };
    let families = ["WL", "PSS", "SA"];
    let rules: Vec<_> = table::all()
        .filter(|row| row.on && families.contains(&row.family()))
        .collect();
    let snapshots = [
        lists(&captures.join("http"), 36),
        lists(&captures.join("v1.20/http"), 20),
    ];
    for snapshot in snapshots {
        let said = ask(&snapshot, &rules);
        let mut counts = std::collections::BTreeMap::<_, Vec<String>>::new();
        for found in said.found.iter().filter(|one| !one.provider) {
            let container = found.container.as_deref().unwrap_or_default();
            let line = format!("{} [{container}] {}", found.object, found.says);
            counts.entry(found.rule.slug).or_default().push(line);
        }
        println!(
            "== 1.{}: {} findings",
            snapshot.version.minor,
            said.found.len()
        );
        for (slug, lines) in &counts {
            println!("{slug}: {}\n    {}", lines.len(), lines[0]);
        }
        assert!(said.gaps.is_empty(), "{:?}", said.gaps);
        // Each rule looked at something, or says what was not seen, or has no subject in this cluster.
        assert!(said.answers.iter().any(|answer| answer.looked > 0));
    }
}
