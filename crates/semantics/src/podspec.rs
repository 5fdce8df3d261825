//! One pod spec with the defaults of the API server (`pkg/apis/core/v1/defaults.go`) and inherited security context.
//! Comes in: the JSON of a pod spec and its template's annotations. Goes out: `PodSpec`. Never: a judgement.

use crate::json::Node;
use crate::lens::Lens;
use crate::view::{ContainerPort, ContainerSpec, Mount, PodSpec, Security, Volume, VolumeSource};
use model::text::Text;
use model::workload::ContainerKind;

/// From this minor version on `restartPolicy: Always` of init containers counts (KEP-753, on by default).
const SIDECARS_SINCE: u16 = 29;
/// Seccomp annotations were dropped in this minor version (KEP-135).
const SECCOMP_ANNOTATIONS_UNTIL: u16 = 27;

const CONTAINER_LISTS: [(&str, ContainerKind); 3] = [
    ("initContainers", ContainerKind::Init),
    ("containers", ContainerKind::App),
    ("ephemeralContainers", ContainerKind::Ephemeral),
];

/// Reads a pod spec. `claims` are the volume claim templates of a StatefulSet, which become volumes of its pods.
pub(crate) fn pod_spec(
    lens: &mut Lens,
    spec: Node<'_>,
    annotations: Node<'_>,
    claims: Node<'_>,
) -> PodSpec {
    let host_network = spec.flag("hostNetwork").unwrap_or(false);
    let mut containers = Vec::new();
    for (list, kind) in CONTAINER_LISTS {
        for (index, node) in spec.list(list).enumerate() {
            let pointer = format!("/{list}/{index}");
            containers.push(container(lens, spec, annotations, node, kind, &pointer));
        }
    }
    let mut volumes = Vec::new();
    for node in spec.list("volumes") {
        volume(lens, node, &mut volumes);
    }
    for claim in claims.items() {
        let name = lens.word(claim.get("metadata").text("name").unwrap_or(""));
        if !volumes.iter().any(|volume| volume.name == name) {
            volumes.push(Volume {
                name: Text::clone(&name),
                source: VolumeSource::Claim {
                    name,
                    host_path: None,
                },
            });
        }
    }
    let node_selector: Vec<(Text, Text)> =
        lens.labels(spec.get("nodeSelector")).into_iter().collect();
    let windows = spec.get("os").text("name") == Some("windows")
        || node_selector
            .iter()
            .any(|(key, value)| key.ends_with("kubernetes.io/os") && &**value == "windows")
        || containers.iter().any(|c| c.security.windows_host_process);
    let service_account = spec
        .word("serviceAccountName")
        .or_else(|| spec.word("serviceAccount"))
        .unwrap_or("default");
    PodSpec {
        containers,
        service_account: lens.word(service_account),
        automount_token: spec.flag("automountServiceAccountToken"),
        host_network,
        host_pid: spec.flag("hostPID").unwrap_or(false),
        host_ipc: spec.flag("hostIPC").unwrap_or(false),
        host_users: spec.flag("hostUsers"),
        share_process_namespace: spec.flag("shareProcessNamespace").unwrap_or(false),
        runtime_class: lens.option(spec.word("runtimeClassName")),
        windows,
        volumes,
        node_name: lens.option(spec.word("nodeName")),
        node_selector,
    }
}

/// (name, image) of all containers of a pod spec, in the order of [`PodSpec::containers`].
pub(crate) fn images(lens: &mut Lens, spec: Node<'_>) -> Vec<(Text, Text)> {
    CONTAINER_LISTS
        .iter()
        .flat_map(|(list, _)| spec.list(list))
        .map(|node| {
            (
                lens.word(node.text("name").unwrap_or("")),
                lens.word(node.text("image").unwrap_or("")),
            )
        })
        .collect()
}

fn container(
    lens: &mut Lens,
    spec: Node<'_>,
    annotations: Node<'_>,
    node: Node<'_>,
    kind: ContainerKind,
    pointer: &str,
) -> ContainerSpec {
    let name = node.text("name").unwrap_or("");
    let always = node.text("restartPolicy") == Some("Always");
    let kind = match kind {
        ContainerKind::Init if always && lens.minor >= SIDECARS_SINCE => ContainerKind::Sidecar,
        kind => kind,
    };
    let host_network = spec.flag("hostNetwork").unwrap_or(false);
    let mut secret_env: Vec<Text> = Vec::new();
    for env in node.list("env") {
        let name = env.at(&["valueFrom", "secretKeyRef"]).word("name");
        secret_env.extend(lens.option(name));
    }
    for source in node.list("envFrom") {
        let name = source.get("secretRef").word("name");
        secret_env.extend(lens.option(name));
    }
    secret_env.sort_unstable();
    secret_env.dedup();
    ContainerSpec {
        name: lens.word(name),
        kind,
        image: lens.word(node.text("image").unwrap_or("").trim()),
        pointer: pointer.into(),
        ports: node
            .list("ports")
            .filter_map(|port| container_port(lens, port, host_network))
            .collect(),
        security: security(lens, spec, annotations, node, name),
        mounts: node
            .list("volumeMounts")
            .map(|mount| Mount {
                volume: lens.word(mount.text("name").unwrap_or("")),
                path: lens.word(mount.text("mountPath").unwrap_or("")),
                read_only: mount.flag("readOnly").unwrap_or(false),
                recursive_read_only: mount.text("recursiveReadOnly") == Some("Enabled"),
                sub_path: lens.option(mount.word("subPath").or_else(|| mount.word("subPathExpr"))),
            })
            .collect(),
        secret_env,
    }
}

fn container_port(lens: &mut Lens, node: Node<'_>, host_network: bool) -> Option<ContainerPort> {
    let port = node.port("containerPort")?;
    // What is bound to the node's loopback is open to the node alone.
    let local = |ip: &str| {
        ip.parse()
            .is_ok_and(|ip: std::net::IpAddr| ip.is_loopback())
    };
    let declared = if node.text("hostIP").is_some_and(local) {
        0
    } else {
        node.port("hostPort").unwrap_or(0)
    };
    Some(ContainerPort {
        name: lens.option(node.word("name")),
        port,
        // SetDefaults_PodSpec: with hostNetwork the host port is the container port.
        host_port: if host_network && declared == 0 {
            port
        } else {
            declared
        },
        protocol: lens.word(node.word("protocol").unwrap_or("TCP")),
    })
}

fn security(
    lens: &mut Lens,
    spec: Node<'_>,
    annotations: Node<'_>,
    container: Node<'_>,
    name: &str,
) -> Security {
    let pod = spec.get("securityContext");
    let own = container.get("securityContext");
    let privileged = own.flag("privileged").unwrap_or(false);
    let capabilities = |lens: &mut Lens, key: &str| -> Vec<Text> {
        let mut names: Vec<Text> = own
            .get("capabilities")
            .texts(key)
            .map(|name| {
                let upper = name.trim().to_ascii_uppercase();
                lens.word(upper.strip_prefix("CAP_").unwrap_or(&upper))
            })
            .collect();
        names.sort_unstable();
        names.dedup();
        names
    };
    let added_capabilities = capabilities(lens, "add");
    let dropped_capabilities = capabilities(lens, "drop");
    let system_administrator = added_capabilities
        .iter()
        .any(|name| matches!(&**name, "SYS_ADMIN" | "ALL"));
    let seccomp = own
        .get("seccompProfile")
        .word("type")
        .or_else(|| pod.get("seccompProfile").word("type"))
        .or_else(|| seccomp_annotation(lens.minor, annotations, name));
    let apparmor = own
        .get("appArmorProfile")
        .word("type")
        .or_else(|| pod.get("appArmorProfile").word("type"))
        .or_else(|| {
            let key = format!("container.apparmor.security.beta.kubernetes.io/{name}");
            annotations.word(&key).map(profile)
        });
    let windows = own
        .get("windowsOptions")
        .flag("hostProcess")
        .or_else(|| pod.get("windowsOptions").flag("hostProcess"));
    Security {
        privileged,
        // The kubelet's rule (pkg/securitycontext AddNoNewPrivileges): unset is allowed; these two override.
        allow_privilege_escalation: own.flag("allowPrivilegeEscalation").unwrap_or(true)
            || privileged
            || system_administrator,
        run_as_user: own.int("runAsUser").or_else(|| pod.int("runAsUser")),
        run_as_non_root: own
            .flag("runAsNonRoot")
            .or_else(|| pod.flag("runAsNonRoot")),
        read_only_root: own.flag("readOnlyRootFilesystem").unwrap_or(false),
        added_capabilities,
        dropped_capabilities,
        seccomp: lens.option(seccomp),
        apparmor: lens.option(apparmor),
        proc_mount: lens.option(own.word("procMount").filter(|mount| *mount != "Default")),
        windows_host_process: windows.unwrap_or(false),
    }
}

fn seccomp_annotation<'t>(minor: u16, annotations: Node<'t>, container: &str) -> Option<&'t str> {
    if minor >= SECCOMP_ANNOTATIONS_UNTIL {
        return None;
    }
    let own = format!("container.seccomp.security.alpha.kubernetes.io/{container}");
    annotations
        .word(&own)
        .or_else(|| annotations.word("seccomp.security.alpha.kubernetes.io/pod"))
        .map(profile)
}

/// The words of the annotations as the fields say them.
fn profile(annotation: &str) -> &str {
    match annotation {
        "runtime/default" | "docker/default" => "RuntimeDefault",
        "unconfined" => "Unconfined",
        text if text.starts_with("localhost/") => "Localhost",
        text => text,
    }
}

/// A projected volume with several sources of interest is there once for each of them.
fn volume(lens: &mut Lens, node: Node<'_>, volumes: &mut Vec<Volume>) {
    let name = lens.word(node.text("name").unwrap_or(""));
    let mut push = |source| {
        volumes.push(Volume {
            name: Text::clone(&name),
            source,
        });
    };
    if let Some(path) = node.get("hostPath").text("path") {
        return push(VolumeSource::HostPath {
            path: lens.word(path),
        });
    }
    if let Some(secret) = node.get("secret").text("secretName") {
        return push(VolumeSource::Secret {
            name: lens.word(secret),
        });
    }
    if let Some(map) = node.get("configMap").text("name") {
        return push(VolumeSource::ConfigMap {
            name: lens.word(map),
        });
    }
    if let Some(claim) = node.get("persistentVolumeClaim").text("claimName") {
        return push(VolumeSource::Claim {
            name: lens.word(claim),
            host_path: None,
        });
    }
    let mut sources = Vec::new();
    for source in node.get("projected").list("sources") {
        if source.get("serviceAccountToken").is_map() {
            let expiration = source.get("serviceAccountToken").int("expirationSeconds");
            sources.insert(0, VolumeSource::Token { expiration });
        } else if let Some(secret) = source.get("secret").text("name") {
            sources.push(VolumeSource::Secret {
                name: lens.word(secret),
            });
        } else if let Some(map) = source.get("configMap").text("name") {
            sources.push(VolumeSource::ConfigMap {
                name: lens.word(map),
            });
        }
    }
    if sources.is_empty() {
        return push(VolumeSource::Other);
    }
    sources.into_iter().for_each(push);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::{Json, Places};

    fn parse(minor: u16, spec: &str, annotations: &str) -> PodSpec {
        let places = Places::default();
        let (spec, annotations) = (
            Json::parse(spec.as_bytes()).unwrap(),
            Json::parse(annotations.as_bytes()).unwrap(),
        );
        let none = Json::Null;
        let mut lens = Lens::new(minor);
        pod_spec(
            &mut lens,
            Node::new(&spec, &places),
            Node::new(&annotations, &places),
            Node::new(&none, &places),
        )
    }

    /// Security of the first container as one line.
    fn check(spec: &str, expected: &str) {
        let pod = parse(36, spec, "null");
        let s = &pod.containers[0].security;
        let mut words: Vec<String> = Vec::new();
        for (is, word) in [
            (s.privileged, "privileged"),
            (s.allow_privilege_escalation, "escalates"),
            (s.read_only_root, "read-only"),
            (s.windows_host_process, "host-process"),
        ] {
            if is {
                words.push(word.to_owned());
            }
        }
        words.extend(s.run_as_user.map(|u| format!("user={u}")));
        words.extend(s.run_as_non_root.map(|n| format!("non-root={n}")));
        words.extend(s.seccomp.iter().map(|p| format!("seccomp={p}")));
        words.extend(s.apparmor.iter().map(|p| format!("apparmor={p}")));
        words.extend(s.proc_mount.iter().map(|p| format!("proc={p}")));
        words.extend(s.added_capabilities.iter().map(|c| format!("+{c}")));
        words.extend(s.dropped_capabilities.iter().map(|c| format!("-{c}")));
        assert_eq!(words.join(" "), expected, "{spec}");
    }

    #[test]
    fn security_contexts_inherit_as_the_kubelet_does() {
        let with = |pod: &str, own: &str| {
            format!(
                r#"{{"securityContext":{pod},"containers":[{{"name":"a","image":"i","securityContext":{own}}}]}}"#
            )
        };
        check(&with("null", "null"), "escalates");
        check(&with("{}", r#"{"allowPrivilegeEscalation":false}"#), "");
        check(
            &with(
                "{}",
                r#"{"allowPrivilegeEscalation":false,"privileged":true}"#,
            ),
            "privileged escalates",
        );
        check(
            &with(
                "{}",
                r#"{"allowPrivilegeEscalation":false,"capabilities":{"add":["CAP_SYS_ADMIN"]}}"#,
            ),
            "escalates +SYS_ADMIN",
        );
        check(
            &with(
                "{}",
                r#"{"allowPrivilegeEscalation":false,"capabilities":{"add":["net_admin","NET_ADMIN"],"drop":["all"]}}"#,
            ),
            "+NET_ADMIN -ALL",
        );
        check(
            &with(r#"{"runAsUser":1000,"runAsNonRoot":true}"#, "{}"),
            "escalates user=1000 non-root=true",
        );
        check(
            &with(
                r#"{"runAsUser":1000,"runAsNonRoot":true}"#,
                r#"{"runAsUser":0,"runAsNonRoot":false}"#,
            ),
            "escalates user=0 non-root=false",
        );
        check(
            &with(r#"{"seccompProfile":{"type":"RuntimeDefault"}}"#, "{}"),
            "escalates seccomp=RuntimeDefault",
        );
        check(
            &with(
                r#"{"seccompProfile":{"type":"RuntimeDefault"}}"#,
                r#"{"seccompProfile":{"type":"Unconfined"}}"#,
            ),
            "escalates seccomp=Unconfined",
        );
        check(
            &with(r#"{"windowsOptions":{"hostProcess":true}}"#, "{}"),
            "escalates host-process",
        );
        check(
            &with(
                "{}",
                r#"{"procMount":"Default","readOnlyRootFilesystem":true}"#,
            ),
            "escalates read-only",
        );
        check(
            &with("{}", r#"{"procMount":"Unmasked"}"#),
            "escalates proc=Unmasked",
        );
    }

    #[test]
    fn annotations_count_in_their_versions() {
        let spec = r#"{"containers":[{"name":"a","image":"i"}]}"#;
        let annotations = r#"{"seccomp.security.alpha.kubernetes.io/pod":"runtime/default","container.apparmor.security.beta.kubernetes.io/a":"unconfined"}"#;
        for (minor, seccomp) in [(20, Some("RuntimeDefault")), (27, None)] {
            let pod = parse(minor, spec, annotations);
            assert_eq!(pod.containers[0].security.seccomp.as_deref(), seccomp);
            assert_eq!(
                pod.containers[0].security.apparmor.as_deref(),
                Some("Unconfined")
            );
        }
    }

    #[test]
    fn defaults() {
        let pod = parse(
            36,
            r#"{"initContainers":[{"name":"i","image":"x"},{"name":"s","image":"x","restartPolicy":"Always"}],
                "containers":[{"name":"a","image":"i","ports":[{"containerPort":80},{"containerPort":53,"protocol":"UDP","hostPort":5353,"name":"dns"},{"containerPort":90,"hostPort":90,"hostIP":"127.0.0.1"}],
                "env":[{"name":"A","valueFrom":{"secretKeyRef":{"name":"s1","key":"k"}}}],"envFrom":[{"secretRef":{"name":"s0"}},{"configMapRef":{"name":"c"}}],
                "volumeMounts":[{"name":"v","mountPath":"/v","readOnly":true}]}],
                "volumes":[{"name":"v","hostPath":{"path":"/"}},{"name":"p","projected":{"sources":[{"secret":{"name":"z"}},{"serviceAccountToken":{"expirationSeconds":3607}}]}},{"name":"e","emptyDir":{}}]}"#,
            "null",
        );
        assert_eq!(&*pod.service_account, "default");
        assert_eq!(pod.automount_token, None);
        let kinds: Vec<_> = pod
            .containers
            .iter()
            .map(|c| (c.kind, &*c.pointer))
            .collect();
        assert_eq!(
            kinds,
            [
                (ContainerKind::Init, "/initContainers/0"),
                (ContainerKind::Sidecar, "/initContainers/1"),
                (ContainerKind::App, "/containers/0")
            ]
        );
        let app = &pod.containers[2];
        assert_eq!(
            (
                app.ports[0].port,
                &*app.ports[0].protocol,
                app.ports[0].host_port
            ),
            (80, "TCP", 0)
        );
        assert_eq!(
            (
                app.ports[1].port,
                &*app.ports[1].protocol,
                app.ports[1].host_port
            ),
            (53, "UDP", 5353)
        );
        assert_eq!(app.ports[2].host_port, 0, "bound to loopback");
        assert_eq!(
            app.secret_env.iter().map(|s| &**s).collect::<Vec<_>>(),
            ["s0", "s1"]
        );
        let sources: Vec<_> = pod
            .volumes
            .iter()
            .map(|v| (&*v.name, v.source.clone()))
            .collect();
        assert_eq!(
            sources,
            [
                ("v", VolumeSource::HostPath { path: "/".into() }),
                (
                    "p",
                    VolumeSource::Token {
                        expiration: Some(3607)
                    }
                ),
                ("p", VolumeSource::Secret { name: "z".into() }),
                ("e", VolumeSource::Other),
            ]
        );
        let old = parse(
            27,
            r#"{"initContainers":[{"name":"s","restartPolicy":"Always"}],"containers":[],"serviceAccount":"old","hostNetwork":true}"#,
            "null",
        );
        assert_eq!(old.containers[0].kind, ContainerKind::Init);
        assert_eq!(&*old.service_account, "old");
        let host = parse(
            36,
            r#"{"hostNetwork":true,"containers":[{"name":"a","ports":[{"containerPort":8080}]}],"nodeSelector":{"kubernetes.io/os":"windows"}}"#,
            "null",
        );
        assert_eq!(host.containers[0].ports[0].host_port, 8080);
        assert!(host.windows);
    }
}
