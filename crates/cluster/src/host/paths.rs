//! Which paths of a node are looked at: where distributions put things, and what flags and fields of configuration name.
//! Comes in: nothing, or a flag or field with its value. Goes out: paths and what is done with them.

use crate::canonical::flags;
use crate::redact::classify;

/// What is done with a path beyond looking at its permissions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Role {
    Status,
    /// What stands in it is looked at.
    Folder,
    /// YAML or JSON.
    Yaml,
    Toml,
    /// A file with one flag a line.
    Arguments,
    /// The kubelet's configuration; drop-ins are merged into it.
    Kubelet,
    /// Drop-ins without a file that they change.
    KubeletDropIns,
    /// Static pods.
    Manifests,
    Pod,
    /// Configuration of the container network: `.conf`, `.conflist`, `.json`.
    Networks,
    YamlFolder,
    TomlFolder,
    ArgumentsFolder,
}

impl Role {
    /// Of the files in a folder with this role.
    pub(super) fn inside(self, name: &str) -> Role {
        let ends = |endings: &[&str]| endings.iter().any(|ending| name.ends_with(ending));
        match self {
            // The kubelet reads every file whose name does not begin with a dot (pkg/kubelet/config/file.go).
            Role::Manifests if !name.starts_with('.') => Role::Pod,
            Role::Networks if ends(&[".conf", ".conflist", ".json"]) => Role::Yaml,
            Role::YamlFolder if ends(&[".yaml", ".yml", ".json"]) => Role::Yaml,
            Role::TomlFolder if ends(&[".toml", ".conf"]) => Role::Toml,
            Role::ArgumentsFolder if name.starts_with("kube") || name == "containerd" => {
                Role::Arguments
            }
            _ => Role::Status,
        }
    }

    pub(super) fn is_folder(self) -> bool {
        matches!(
            self,
            Role::Folder
                | Role::Manifests
                | Role::Networks
                | Role::YamlFolder
                | Role::TomlFolder
                | Role::ArgumentsFolder
        )
    }
}

/// Where components have their files: kubeadm, then distributions and clouds.
pub(super) const KNOWN: &[(&str, Role)] = &[
    ("/etc/kubernetes", Role::Status),
    ("/etc/kubernetes/admin.conf", Role::Yaml),
    ("/etc/kubernetes/super-admin.conf", Role::Yaml),
    ("/etc/kubernetes/scheduler.conf", Role::Yaml),
    ("/etc/kubernetes/controller-manager.conf", Role::Yaml),
    ("/etc/kubernetes/kubelet.conf", Role::Yaml),
    ("/etc/kubernetes/bootstrap-kubelet.conf", Role::Yaml),
    ("/etc/kubernetes/proxy.conf", Role::Yaml),
    ("/etc/kubernetes/manifests", Role::Manifests),
    ("/etc/kubernetes/manifests/kube-apiserver.yaml", Role::Pod),
    (
        "/etc/kubernetes/manifests/kube-controller-manager.yaml",
        Role::Pod,
    ),
    ("/etc/kubernetes/manifests/kube-scheduler.yaml", Role::Pod),
    ("/etc/kubernetes/manifests/etcd.yaml", Role::Pod),
    ("/etc/kubernetes/pki", Role::Folder),
    ("/etc/kubernetes/pki/ca.crt", Role::Status),
    ("/etc/kubernetes/pki/etcd", Role::Folder),
    ("/var/lib/kubelet", Role::Status),
    ("/var/lib/kubelet/config.yaml", Role::Kubelet),
    ("/var/lib/kubelet/kubeadm-flags.env", Role::Status),
    ("/var/lib/kubelet/pki", Role::Folder),
    ("/var/lib/kubelet/kubeconfig", Role::Yaml),
    ("/var/lib/kubelet/bootstrap-kubeconfig", Role::Yaml),
    ("/var/lib/kube-proxy/kubeconfig", Role::Yaml),
    ("/var/lib/kube-proxy/kubeconfig.conf", Role::Yaml),
    ("/var/lib/kube-proxy/config.conf", Role::Yaml),
    ("/var/lib/kube-proxy-config/config", Role::Yaml),
    ("/etc/default/kubelet", Role::Status),
    ("/etc/sysconfig/kubelet", Role::Status),
    ("/etc/systemd/system/kubelet.service", Role::Status),
    ("/etc/systemd/system/kubelet.service.d", Role::Folder),
    (
        "/etc/systemd/system/kubelet.service.d/10-kubeadm.conf",
        Role::Status,
    ),
    ("/lib/systemd/system/kubelet.service", Role::Status),
    ("/usr/lib/systemd/system/kubelet.service", Role::Status),
    ("/usr/lib/systemd/system/kubelet.service.d", Role::Folder),
    // etcd.
    ("/var/lib/etcd", Role::Folder),
    ("/var/lib/etcd/member", Role::Folder),
    ("/etc/etcd", Role::Folder),
    ("/etc/etcd/etcd.conf", Role::Status),
    ("/etc/default/etcd", Role::Status),
    // The container network.
    ("/etc/cni/net.d", Role::Networks),
    ("/opt/cni/bin", Role::Status),
    // Container runtimes.
    ("/etc/containerd", Role::Status),
    ("/etc/containerd/config.toml", Role::Toml),
    ("/etc/containerd/conf.d", Role::TomlFolder),
    ("/run/containerd/containerd.sock", Role::Status),
    ("/var/run/containerd/containerd.sock", Role::Status),
    ("/etc/crio/crio.conf", Role::Toml),
    ("/etc/crio/crio.conf.d", Role::TomlFolder),
    ("/run/crio/crio.sock", Role::Status),
    ("/var/run/crio/crio.sock", Role::Status),
    ("/etc/docker/daemon.json", Role::Yaml),
    ("/run/docker.sock", Role::Status),
    ("/var/run/docker.sock", Role::Status),
    ("/run/cri-dockerd.sock", Role::Status),
    ("/etc/crictl.yaml", Role::Yaml),
    // Amazon EKS.
    ("/etc/kubernetes/kubelet/kubelet-config.json", Role::Kubelet),
    ("/etc/kubernetes/kubelet/config.json", Role::Kubelet),
    ("/etc/kubernetes/kubelet/config.json.d", Role::Folder),
    ("/etc/eks/image-credential-provider/config.json", Role::Yaml),
    // Google GKE.
    ("/home/kubernetes/kubelet-config.yaml", Role::Kubelet),
    ("/home/kubernetes/kube-env", Role::Status),
    ("/etc/srv/kubernetes/pki", Role::Folder),
    ("/etc/srv/kubernetes/pki/ca-certificates.crt", Role::Status),
    // Microsoft AKS.
    ("/etc/default/kubeletconfig.json", Role::Kubelet),
    ("/etc/kubernetes/certs", Role::Folder),
    ("/etc/kubernetes/azure.json", Role::Status),
    // Talos.
    ("/etc/kubernetes/kubelet.yaml", Role::Kubelet),
    ("/etc/kubernetes/kubeconfig-kubelet", Role::Yaml),
    ("/system/secrets/etcd", Role::Folder),
    ("/system/secrets/kubernetes/kube-apiserver", Role::Folder),
    // K3s.
    ("/etc/rancher/k3s/config.yaml", Role::Yaml),
    ("/etc/rancher/k3s/config.yaml.d", Role::YamlFolder),
    ("/etc/rancher/k3s/k3s.yaml", Role::Yaml),
    ("/etc/rancher/k3s/registries.yaml", Role::Yaml),
    ("/etc/rancher/node/password", Role::Status),
    ("/etc/systemd/system/k3s.service", Role::Status),
    ("/etc/systemd/system/k3s.service.env", Role::Status),
    ("/etc/systemd/system/k3s-agent.service", Role::Status),
    ("/etc/systemd/system/k3s-agent.service.env", Role::Status),
    ("/var/lib/rancher/k3s/agent", Role::Folder),
    ("/var/lib/rancher/k3s/agent/client-ca.crt", Role::Status),
    ("/var/lib/rancher/k3s/agent/kubelet.kubeconfig", Role::Yaml),
    (
        "/var/lib/rancher/k3s/agent/kubeproxy.kubeconfig",
        Role::Yaml,
    ),
    (
        "/var/lib/rancher/k3s/agent/etc/containerd/config.toml",
        Role::Toml,
    ),
    ("/var/lib/rancher/k3s/agent/etc/cni/net.d", Role::Networks),
    (
        "/var/lib/rancher/k3s/agent/etc/kubelet.conf.d",
        Role::KubeletDropIns,
    ),
    ("/var/lib/rancher/k3s/agent/pod-manifests", Role::Manifests),
    ("/var/lib/rancher/k3s/server/token", Role::Status),
    ("/var/lib/rancher/k3s/server/tls", Role::Folder),
    ("/var/lib/rancher/k3s/server/tls/etcd", Role::Folder),
    ("/var/lib/rancher/k3s/server/cred", Role::Folder),
    (
        "/var/lib/rancher/k3s/server/cred/admin.kubeconfig",
        Role::Yaml,
    ),
    (
        "/var/lib/rancher/k3s/server/cred/controller.kubeconfig",
        Role::Yaml,
    ),
    (
        "/var/lib/rancher/k3s/server/cred/scheduler.kubeconfig",
        Role::Yaml,
    ),
    (
        "/var/lib/rancher/k3s/server/cred/encryption-config.json",
        Role::Yaml,
    ),
    ("/var/lib/rancher/k3s/server/db", Role::Folder),
    ("/var/lib/rancher/k3s/server/db/etcd", Role::Folder),
    ("/var/lib/rancher/k3s/server/db/etcd/config", Role::Yaml),
    ("/run/k3s/containerd/containerd.sock", Role::Status),
    // RKE2.
    ("/etc/rancher/rke2/config.yaml", Role::Yaml),
    ("/etc/rancher/rke2/config.yaml.d", Role::YamlFolder),
    ("/etc/rancher/rke2/rke2.yaml", Role::Yaml),
    ("/etc/rancher/rke2/rke2-pss.yaml", Role::Yaml),
    ("/etc/rancher/rke2/registries.yaml", Role::Yaml),
    ("/etc/rancher/rke2/audit-policy.yaml", Role::Yaml),
    ("/var/lib/rancher/rke2/agent", Role::Folder),
    ("/var/lib/rancher/rke2/agent/client-ca.crt", Role::Status),
    ("/var/lib/rancher/rke2/agent/kubelet.kubeconfig", Role::Yaml),
    (
        "/var/lib/rancher/rke2/agent/kubeproxy.kubeconfig",
        Role::Yaml,
    ),
    (
        "/var/lib/rancher/rke2/agent/etc/containerd/config.toml",
        Role::Toml,
    ),
    ("/var/lib/rancher/rke2/agent/pod-manifests", Role::Manifests),
    ("/var/lib/rancher/rke2/server/token", Role::Status),
    ("/var/lib/rancher/rke2/server/tls", Role::Folder),
    ("/var/lib/rancher/rke2/server/tls/etcd", Role::Folder),
    ("/var/lib/rancher/rke2/server/cred", Role::Folder),
    (
        "/var/lib/rancher/rke2/server/cred/admin.kubeconfig",
        Role::Yaml,
    ),
    (
        "/var/lib/rancher/rke2/server/cred/controller.kubeconfig",
        Role::Yaml,
    ),
    (
        "/var/lib/rancher/rke2/server/cred/scheduler.kubeconfig",
        Role::Yaml,
    ),
    (
        "/var/lib/rancher/rke2/server/cred/encryption-config.json",
        Role::Yaml,
    ),
    ("/var/lib/rancher/rke2/server/db/etcd", Role::Folder),
    ("/var/lib/rancher/rke2/server/db/etcd/config", Role::Yaml),
    // MicroK8s.
    ("/var/snap/microk8s/current/args", Role::ArgumentsFolder),
    ("/var/snap/microk8s/current/certs", Role::Folder),
    ("/var/snap/microk8s/current/credentials", Role::Folder),
    (
        "/var/snap/microk8s/current/credentials/client.config",
        Role::Yaml,
    ),
    (
        "/var/snap/microk8s/current/credentials/kubelet.config",
        Role::Yaml,
    ),
    (
        "/var/snap/microk8s/current/credentials/controller.config",
        Role::Yaml,
    ),
    (
        "/var/snap/microk8s/current/credentials/scheduler.config",
        Role::Yaml,
    ),
    (
        "/var/snap/microk8s/current/credentials/proxy.config",
        Role::Yaml,
    ),
    (
        "/var/snap/microk8s/current/args/cni-network",
        Role::Networks,
    ),
    (
        "/var/snap/microk8s/current/var/kubernetes/backend",
        Role::Folder,
    ),
    (
        "/var/snap/microk8s/common/run/containerd.sock",
        Role::Status,
    ),
    // k0s.
    ("/etc/k0s/k0s.yaml", Role::Yaml),
    ("/var/lib/k0s/kubelet-config.yaml", Role::Kubelet),
    ("/var/lib/k0s/pki", Role::Folder),
    ("/var/lib/k0s/etcd", Role::Folder),
];

/// A path that a flag or field names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Named {
    pub(super) path: String,
    pub(super) role: Role,
    /// The name is one that we know, so that a file that is missing is worth saying.
    pub(super) sure: bool,
}

/// A flag with its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Flag<'a> {
    pub(super) name: &'a str,
    pub(super) value: &'a str,
}

/// Flags that have a value; of `--a b` only where b is no flag.
pub(super) fn flags(words: &[String]) -> Vec<Flag<'_>> {
    let mut out = Vec::new();
    let mut open: Option<&str> = None;
    for word in words {
        let Some(name) = word.strip_prefix('-') else {
            if let Some(name) = open.take() {
                out.push(Flag { name, value: word });
            }
            continue;
        };
        let name = name.strip_prefix('-').unwrap_or(name);
        match name.split_once('=') {
            Some((name, value)) => {
                out.push(Flag { name, value });
                open = None;
            }
            None => open = Some(name),
        }
    }
    out
}

/// The last value of a flag: what counts for flags with one value.
pub(super) fn value<'a>(flags: &[Flag<'a>], name: &str) -> Option<&'a str> {
    let found = flags.iter().rev().find(|flag| flag.name == name)?;
    Some(found.value)
}

/// What a flag of a component names. Values may be relative to the folder of the process.
pub(super) fn of_flag(component: &str, flag: &Flag<'_>) -> Vec<Named> {
    let sure = flags::component(component).is_some_and(|known| known.keeps(flag.name));
    let relative = matches!(
        (component, flag.name),
        (
            "containerd" | "crio" | "k3s" | "rke2" | "k0s",
            "c" | "config"
        ) | ("kubelet", "config" | "config-dir")
            | ("etcd", "config-file" | "data-dir")
    );
    let role = match (component, flag.name) {
        ("kubelet", "config") => Role::Kubelet,
        ("kubelet", "config-dir") => Role::Folder,
        ("kube-proxy" | "kube-scheduler" | "kube-controller-manager", "config")
        | ("etcd" | "dockerd", "config-file")
        | ("k3s" | "rke2" | "k0s", "config" | "c") => Role::Yaml,
        ("containerd" | "crio", "config" | "c") => Role::Toml,
        ("crio", "config-dir" | "d") => Role::TomlFolder,
        ("kubelite", name) if name.ends_with("-args-file") => Role::Arguments,
        (_, name) => match role_of(name) {
            Some(role) => role,
            None if sure => Role::Status,
            None => return Vec::new(),
        },
    };
    let mut out = Vec::new();
    for part in flag.value.split(',').take(64) {
        let path = part.strip_prefix("unix://").unwrap_or(part);
        // `--tls-sni-cert-key=CERT,KEY:NAMES`.
        let path = path.split(':').next().unwrap_or(path);
        let fits = path.starts_with('/') || (relative && !path.is_empty());
        if fits && is_path(path) {
            out.push(Named {
                path: path.to_owned(),
                role,
                sure,
            });
        }
    }
    out
}

/// What a field of a configuration names.
pub(super) fn of_field(key: &str, value: &str) -> Option<Named> {
    let path = value.strip_prefix("unix://").unwrap_or(value);
    let role = role_of(key)?;
    (path.starts_with('/') && is_path(path)).then(|| Named {
        path: path.to_owned(),
        role,
        sure: true,
    })
}

/// A path and no secret: nothing that base64 has and paths do not.
fn is_path(text: &str) -> bool {
    (2..=1024).contains(&text.len())
        && !text.contains(['=', '+', '\0', '\n', '*', '?', '@', '$'])
        && !classify::is_credential(text)
}

/// What the name of a flag or field says about the path in it; `None`: it does not speak of a path.
fn role_of(name: &str) -> Option<Role> {
    let plain: String = name
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|c| c.to_ascii_lowercase())
        .collect();
    if classify::names_credential(name) {
        return None;
    }
    let ends = |endings: &[&str]| endings.iter().any(|ending| plain.ends_with(ending));
    match () {
        () if ends(&["kubeconfig", "kubeconfigfile", "webhookconfigfile"])
            || [
                "admissioncontrolconfigfile",
                "auditpolicyfile",
                "authenticationconfig",
                "authorizationconfig",
                "egressselectorconfigfile",
                "encryptionproviderconfig",
                "imagecredentialproviderconfig",
                "podsecurityadmissionconfigfile",
                "tracingconfigfile",
            ]
            .contains(&&*plain) =>
        {
            Some(Role::Yaml)
        }
        () if plain == "staticpodpath" || plain == "podmanifestpath" => Some(Role::Manifests),
        () if plain == "confdir" || plain == "cniconfdir" => Some(Role::Networks),
        () if ends(&["datadir", "certdir", "certificatesdir"]) => Some(Role::Folder),
        () if ends(&[
            "file",
            "dir",
            "path",
            "directory",
            "ca",
            "cert",
            "key",
            "root",
            "endpoint",
            "socket",
            "certificate",
            "certificateauthority",
            "address",
            "listen",
            "crt",
            "config",
        ]) =>
        {
            Some(Role::Status)
        }
        () => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(component: &str, words: &[&str], expected: &str) {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        let flags = flags(&words);
        let named: Vec<String> = flags
            .iter()
            .flat_map(|flag| of_flag(component, flag))
            .map(|named| {
                let sure = if named.sure { "" } else { "?" };
                format!("{}{sure} {:?}", named.path, named.role)
            })
            .collect();
        assert_eq!(named.join("; "), expected, "{words:?}");
    }

    #[test]
    fn paths_in_flags() {
        check("kubelet", &["--config=/a.yaml"], "/a.yaml Kubelet");
        check(
            "kubelet",
            &["--config", "/a.yaml", "--v", "2"],
            "/a.yaml Kubelet",
        );
        check("kubelet", &["--config-dir=/a.d"], "/a.d Folder");
        check("kubelet", &["--kubeconfig=/k"], "/k Yaml");
        check("kubelet", &["--pod-manifest-path=/m"], "/m Manifests");
        check("kubelet", &["--root-dir=/r"], "/r Status");
        check(
            "kubelet",
            &["--container-runtime-endpoint=unix:///run/c.sock"],
            "/run/c.sock Status",
        );
        check("kubelet", &["--unknown-file=/x"], "/x? Status");
        check("kubelet", &["--unknown=/x", "--token=/abc"], "");
        check("kubelet", &["--unknown-key=/abc+def=="], "");
        check(
            "kube-apiserver",
            &["--token-auth-file=/t.csv"],
            "/t.csv Status",
        );
        check(
            "kube-apiserver",
            &["--encryption-provider-config=/e"],
            "/e Yaml",
        );
        check(
            "kube-apiserver",
            &["--tls-sni-cert-key=/a.crt,/a.key:host"],
            "/a.crt Status; /a.key Status",
        );
        check(
            "kube-apiserver",
            &["--etcd-servers=https://h:2379", "--anonymous-auth"],
            "",
        );
        check("kube-apiserver", &["--audit-log-path=-"], "");
        check("etcd", &["-data-dir", "/d"], "/d Folder");
        check("containerd", &["-c", "node/c.toml"], "node/c.toml Toml");
        check("kubelite", &["--kubelet-args-file=/a"], "/a Arguments");
    }

    #[test]
    fn known_paths_are_written_once() {
        let mut seen = std::collections::BTreeSet::new();
        for (path, _) in KNOWN {
            assert!(
                path.starts_with('/') && !path.ends_with('/') && seen.insert(path),
                "{path}"
            );
        }
    }
}
