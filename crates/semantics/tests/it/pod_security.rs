//! Pod Security Standards: every control at every policy version.

mod hostile;
mod namespaces;
mod workloads;

use semantics::pod_security::{Judged, Level, Version, evaluate};
use serde_json::{Value, json};

/// Policy versions up to some that do not exist yet.
const MINORS: std::ops::Range<u16> = 0..41;

fn judge(pod: &Value, level: Level, minor: u16) -> Judged {
    let bytes = serde_json::to_vec(pod).unwrap();
    evaluate(&bytes, level, Version::Minor(minor)).unwrap()
}

fn ids(judged: &Judged) -> String {
    let ids: Vec<&str> = judged.violations.iter().map(|v| v.control.id).collect();
    ids.join(" ")
}

/// RFC 7396, but lists are merged item by item.
fn merge(into: &mut Value, patch: &Value) {
    match (into, patch) {
        (Value::Object(into), Value::Object(patch)) => {
            for (key, value) in patch {
                if value.is_null() {
                    into.remove(key);
                } else {
                    merge(into.entry(key.clone()).or_insert(Value::Null), value);
                }
            }
        }
        (Value::Array(into), Value::Array(patch)) => {
            for (index, value) in patch.iter().enumerate() {
                match into.get_mut(index) {
                    Some(item) => merge(item, value),
                    None => into.push(value.clone()),
                }
            }
        }
        (into, patch) => *into = patch.clone(),
    }
}

fn bare() -> Value {
    json!({"metadata": {"name": "p"}, "spec": {
        "initContainers": [{"name": "i", "image": "i"}],
        "containers": [{"name": "c", "image": "i"}],
    }})
}

/// What restricted admits at every version.
fn hardened() -> Value {
    let own = json!({"allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}});
    let mut pod = bare();
    merge(
        &mut pod,
        &json!({"spec": {
            "securityContext": {"runAsNonRoot": true, "seccompProfile": {"type": "RuntimeDefault"}},
            "initContainers": [{"securityContext": own}],
            "containers": [{"securityContext": own}],
        }}),
    );
    pod
}

/// The patched pod violates, from each of these versions on until the next, these controls; before the first, none.
#[track_caller]
fn check(level: Level, patch: Value, expected: &[(u16, &str)]) {
    let mut pod = match level {
        Restricted => hardened(),
        _ => bare(),
    };
    merge(&mut pod, &patch);
    check_pod(level, &pod, expected);
}

#[track_caller]
fn check_pod(level: Level, pod: &Value, expected: &[(u16, &str)]) {
    for minor in MINORS {
        let wanted = expected.iter().rev().find(|(since, _)| *since <= minor);
        let wanted = wanted.map_or("", |(_, ids)| ids);
        let judged = judge(pod, level, minor);
        assert_eq!(ids(&judged), wanted, "v1.{minor} {pod}");
        assert_eq!(judged.malformed, [""; 0], "{pod}");
        for field in judged.violations.iter().flat_map(|v| &v.fields) {
            // A place that has a value is there.
            let there = pod.pointer(&field.pointer).is_some();
            assert_eq!(there, field.value.is_some(), "{field} {pod}");
        }
    }
    let bytes = serde_json::to_vec(pod).unwrap();
    let latest = evaluate(&bytes, level, Version::Latest).unwrap();
    assert_eq!(latest, judge(pod, level, 40));
    assert_eq!(ids(&judge(pod, Level::Privileged, 37)), "");
}

use Level::{Baseline, Restricted};

fn of_container(context: Value) -> Value {
    json!({"spec": {"containers": [{"securityContext": context}]}})
}

fn of_pod(context: Value) -> Value {
    json!({"spec": {"securityContext": context}})
}

#[test]
fn the_node_is_closed_at_every_version() {
    check(Baseline, json!({}), &[]);
    for field in ["hostNetwork", "hostPID", "hostIPC"] {
        check(
            Baseline,
            json!({"spec": {field: true}}),
            &[(0, "hostnamespaces")],
        );
        check(Baseline, json!({"spec": {field: false}}), &[]);
    }
    check(
        Baseline,
        of_container(json!({"privileged": true})),
        &[(0, "privileged")],
    );
    check(Baseline, of_container(json!({"privileged": false})), &[]);
    for list in ["initContainers", "ephemeralContainers"] {
        let patch = json!({"spec": {list: [{"securityContext": {"privileged": true}}]}});
        check(Baseline, patch, &[(0, "privileged")]);
    }
    let path = json!({"spec": {"volumes": [{"name": "v", "hostPath": {"path": "/"}}]}});
    check(Baseline, path, &[(0, "hostpathvolumes")]);
    let empty = json!({"spec": {"volumes": [{"name": "v", "hostPath": {}}]}});
    check(Baseline, empty, &[(0, "hostpathvolumes")]);
    let other = json!({"spec": {"volumes": [{"name": "v", "nfs": {"server": "s", "path": "/"}}]}});
    check(Baseline, other, &[]);
    let port = |port: u32| json!({"spec": {"initContainers": [{"ports": [{"containerPort": 1}, {"containerPort": 2, "hostPort": port}]}]}});
    check(Baseline, port(0), &[]);
    check(Baseline, port(80), &[(0, "hostports")]);
    let process = json!({"windowsOptions": {"hostProcess": true}});
    check(
        Baseline,
        of_pod(process.clone()),
        &[(0, "windowshostprocess")],
    );
    check(
        Baseline,
        of_container(process),
        &[(0, "windowshostprocess")],
    );
    check(
        Baseline,
        of_pod(json!({"windowsOptions": {"hostProcess": false}})),
        &[],
    );
}

#[test]
fn capabilities() {
    let add = |names: Value| of_container(json!({"capabilities": {"add": names}}));
    check(Baseline, add(json!(["CHOWN", "SYS_CHROOT", "MKNOD"])), &[]);
    for name in ["NET_RAW", "SYS_ADMIN", "ALL", "chown", "CAP_CHOWN", ""] {
        check(
            Baseline,
            add(json!(["KILL", name])),
            &[(0, "capabilities_baseline")],
        );
    }
    let both = "capabilities_baseline capabilities_restricted";
    check(Restricted, add(json!(["NET_BIND_SERVICE"])), &[]);
    check(
        Restricted,
        add(json!(["CHOWN"])),
        &[(22, "capabilities_restricted")],
    );
    check(
        Restricted,
        add(json!(["NET_RAW"])),
        &[(0, "capabilities_baseline"), (22, both)],
    );
    let drop = |names: Value| {
        let mut pod = hardened();
        pod["spec"]["containers"][0]["securityContext"]["capabilities"]["drop"] = names;
        pod
    };
    for names in [json!(["all"]), json!(["NET_RAW", "CHOWN"]), json!([])] {
        check_pod(Restricted, &drop(names), &[(22, "capabilities_restricted")]);
    }
    check_pod(Restricted, &drop(json!(["KILL", "ALL"])), &[]);
    check(
        Restricted,
        json!({"spec": {"ephemeralContainers": [{"name": "e", "securityContext": {"allowPrivilegeEscalation": false}}]}}),
        &[(22, "capabilities_restricted")],
    );
}

#[test]
fn seccomp_was_an_annotation_before_1_19() {
    let note = |key: &str, value: &str| json!({"metadata": {"annotations": {key: value}}});
    let pod = "seccomp.security.alpha.kubernetes.io/pod";
    let old = [(0, "seccompprofile_baseline"), (19, "")];
    check(Baseline, note(pod, "unconfined"), &old);
    check(Baseline, note(pod, ""), &old);
    for fine in [
        "runtime/default",
        "docker/default",
        "localhost/x.json",
        "localhost/",
    ] {
        check(Baseline, note(pod, fine), &[]);
    }
    let container = "container.seccomp.security.alpha.kubernetes.io/";
    check(Baseline, note(&format!("{container}c"), "unconfined"), &old);
    check(Baseline, note(&format!("{container}i"), "unconfined"), &old);
    check(
        Baseline,
        note(&format!("{container}nobody"), "unconfined"),
        &[],
    );
    // Restricted had nothing of its own then.
    check(Restricted, note(pod, "unconfined"), &old);

    let field = |kind: &str| json!({"seccompProfile": {"type": kind}});
    let new = [(19, "seccompprofile_baseline")];
    check(Baseline, of_pod(field("Unconfined")), &new);
    check(Baseline, of_container(field("Unconfined")), &new);
    check(Baseline, of_container(json!({"seccompProfile": {}})), &new);
    check(Baseline, of_container(field("Localhost")), &[]);
    let both = [(19, "seccompprofile_baseline seccompprofile_restricted")];
    check(Restricted, of_container(field("Unconfined")), &both);
    check(Restricted, of_pod(field("Unconfined")), &both);
    check(Restricted, of_container(field("Localhost")), &[]);
    let without = |contexts: [Value; 2]| {
        let mut pod = hardened();
        pod["spec"]["securityContext"] = json!({"runAsNonRoot": true});
        let [init, app] = contexts;
        merge(
            &mut pod["spec"]["initContainers"][0]["securityContext"],
            &init,
        );
        merge(&mut pod["spec"]["containers"][0]["securityContext"], &app);
        pod
    };
    let fine = || field("RuntimeDefault");
    check_pod(Restricted, &without([fine(), fine()]), &[]);
    check_pod(
        Restricted,
        &without([fine(), json!({})]),
        &[(19, "seccompprofile_restricted")],
    );
    check_pod(
        Restricted,
        &without([json!({}), json!({})]),
        &[(19, "seccompprofile_restricted")],
    );
}

#[test]
fn app_armor_is_an_annotation_and_a_field() {
    let note = |name: &str, value: &str| json!({"metadata": {"annotations": {format!("container.apparmor.security.beta.kubernetes.io/{name}"): value}}});
    for fine in ["runtime/default", "localhost/foo", ""] {
        check(Baseline, note("c", fine), &[]);
    }
    check(Baseline, note("c", "unconfined"), &[(0, "apparmorprofile")]);
    check(
        Baseline,
        note("nobody", "unconfined"),
        &[(0, "apparmorprofile")],
    );
    let field = |kind: &str| json!({"appArmorProfile": {"type": kind}});
    check(
        Baseline,
        of_pod(field("Unconfined")),
        &[(0, "apparmorprofile")],
    );
    check(
        Baseline,
        of_container(field("Unconfined")),
        &[(0, "apparmorprofile")],
    );
    check(
        Baseline,
        of_container(json!({"appArmorProfile": {}})),
        &[(0, "apparmorprofile")],
    );
    check(Baseline, of_pod(field("RuntimeDefault")), &[]);
    check(Baseline, of_container(field("Localhost")), &[]);
}

#[test]
fn se_linux_types() {
    let with = |field: &str, value: &str| json!({"seLinuxOptions": {field: value}});
    for fine in ["", "container_t", "container_init_t", "container_kvm_t"] {
        check(Baseline, of_pod(with("type", fine)), &[]);
    }
    check(
        Baseline,
        of_pod(with("type", "container_engine_t")),
        &[(0, "selinuxoptions"), (31, "")],
    );
    check(
        Baseline,
        of_container(with("type", "spc_t")),
        &[(0, "selinuxoptions")],
    );
    check(
        Baseline,
        of_container(with("user", "system_u")),
        &[(0, "selinuxoptions")],
    );
    check(
        Baseline,
        of_container(with("role", "sysadm_r")),
        &[(0, "selinuxoptions")],
    );
    check(Baseline, of_container(with("user", "")), &[]);
    check(Baseline, of_container(with("level", "s0:c1")), &[]);
}

#[test]
fn sysctls() {
    let with = |name: &str| {
        of_pod(
            json!({"sysctls": [{"name": "kernel.shm_rmid_forced", "value": "1"}, {"name": name, "value": "1"}]}),
        )
    };
    for fine in [
        "net.ipv4.ip_local_port_range",
        "net.ipv4.tcp_syncookies",
        "net.ipv4.ping_group_range",
        "net.ipv4.ip_unprivileged_port_start",
    ] {
        check(Baseline, with(fine), &[]);
    }
    for (name, since) in [
        ("net.ipv4.ip_local_reserved_ports", 27),
        ("net.ipv4.tcp_keepalive_time", 29),
        ("net.ipv4.tcp_fin_timeout", 29),
        ("net.ipv4.tcp_keepalive_intvl", 29),
        ("net.ipv4.tcp_keepalive_probes", 29),
        ("net.ipv4.tcp_rmem", 32),
        ("net.ipv4.tcp_wmem", 32),
        ("net.ipv4.tcp_slow_start_after_idle", 37),
        ("net.ipv4.tcp_notsent_lowat", 37),
    ] {
        check(Baseline, with(name), &[(0, "sysctls"), (since, "")]);
    }
    for bad in [
        "kernel.msgmax",
        "net.ipv4.ip_forward",
        "net/ipv4/tcp_syncookies",
        "",
    ] {
        check(Baseline, with(bad), &[(0, "sysctls")]);
    }
}

#[test]
fn hosts_of_probes_since_1_34() {
    let new = [(34, "hostprobesandhostlifecycle")];
    for handler in ["livenessProbe", "readinessProbe", "startupProbe"] {
        for call in ["httpGet", "tcpSocket"] {
            let with = |host: &str| json!({"spec": {"initContainers": [{"restartPolicy": "Always", handler: {call: {"port": 1, "host": host}}}]}});
            check(Baseline, with("evil.example"), &new);
            check(Baseline, with("127.0.0.1"), &new);
            check(Baseline, with(""), &[]);
        }
    }
    for hook in ["postStart", "preStop"] {
        for call in ["httpGet", "tcpSocket"] {
            let patch = json!({"spec": {"containers": [{"lifecycle": {hook: {call: {"port": 1, "host": "::1"}}}}]}});
            check(Baseline, patch.clone(), &new);
            check(Restricted, patch, &new);
        }
    }
    check(
        Baseline,
        json!({"spec": {"containers": [{"livenessProbe": {"grpc": {"port": 1}}}]}}),
        &[],
    );
}

#[test]
fn user_namespaces_relax_since_1_35() {
    let own = |spec: Value| {
        let mut patch = json!({"spec": {"hostUsers": false}});
        merge(&mut patch, &json!({"spec": spec}));
        patch
    };
    let unmasked = json!({"containers": [{"securityContext": {"procMount": "Unmasked"}}]});
    check(
        Baseline,
        json!({"spec": unmasked.clone()}),
        &[(0, "procmount")],
    );
    check(
        Baseline,
        own(unmasked.clone()),
        &[(0, "procmount"), (35, "")],
    );
    check(
        Restricted,
        own(unmasked.clone()),
        &[(0, "procmount"), (35, "procmount_restricted")],
    );
    let mut shared = own(unmasked);
    shared["spec"]["hostUsers"] = json!(true);
    check(
        Restricted,
        shared,
        &[(0, "procmount"), (35, "procmount procmount_restricted")],
    );
    check(Baseline, of_container(json!({"procMount": "Default"})), &[]);
    check(
        Baseline,
        of_container(json!({"procMount": ""})),
        &[(0, "procmount")],
    );

    let root = json!({"securityContext": {"runAsUser": 0}});
    check(
        Restricted,
        json!({"spec": root.clone()}),
        &[(23, "runasuser")],
    );
    check(Restricted, own(root), &[(23, "runasuser"), (35, "")]);
    let may = json!({"securityContext": {"runAsNonRoot": false}});
    check(
        Restricted,
        json!({"spec": may.clone()}),
        &[(0, "runasnonroot")],
    );
    check(Restricted, own(may), &[(0, "runasnonroot"), (35, "")]);
    // Nothing else is relaxed.
    check(
        Restricted,
        own(json!({"hostPID": true})),
        &[(0, "hostnamespaces")],
    );
    let add = json!({"containers": [{"securityContext": {"capabilities": {"add": ["CHOWN"]}}}]});
    check(Restricted, own(add), &[(22, "capabilities_restricted")]);
}

#[test]
fn root_and_inheritance() {
    check(
        Restricted,
        of_container(json!({"runAsUser": 0})),
        &[(23, "runasuser")],
    );
    check(Restricted, of_container(json!({"runAsUser": 1})), &[]);
    check(
        Restricted,
        of_container(json!({"runAsNonRoot": false})),
        &[(0, "runasnonroot")],
    );
    let with = |pod_says: Value, init: Value, app: Value| {
        let mut pod = hardened();
        pod["spec"]["securityContext"]["runAsNonRoot"] = pod_says;
        pod["spec"]["initContainers"][0]["securityContext"]["runAsNonRoot"] = init;
        pod["spec"]["containers"][0]["securityContext"]["runAsNonRoot"] = app;
        pod
    };
    let bad = [(0, "runasnonroot")];
    check_pod(
        Restricted,
        &with(Value::Null, json!(true), json!(true)),
        &[],
    );
    check_pod(
        Restricted,
        &with(json!(false), json!(true), json!(true)),
        &bad,
    );
    let open = judge(&with(Value::Null, json!(true), Value::Null), Restricted, 37);
    assert_eq!(ids(&open), "runasnonroot");
    assert_eq!(
        open.violations[0].detail(),
        "/spec/containers/0/securityContext/runAsNonRoot is not set; runAsNonRoot must be true, of the pod or of every container"
    );
    check(
        Restricted,
        of_container(json!({"allowPrivilegeEscalation": true})),
        &[(8, "allowprivilegeescalation")],
    );
}

#[test]
fn a_bare_pod_and_windows() {
    check_pod(
        Restricted,
        &bare(),
        &[
            (0, "runasnonroot"),
            (8, "allowprivilegeescalation runasnonroot"),
            (
                19,
                "allowprivilegeescalation runasnonroot seccompprofile_restricted",
            ),
            (
                22,
                "allowprivilegeescalation capabilities_restricted runasnonroot seccompprofile_restricted",
            ),
        ],
    );
    let mut windows = bare();
    merge(
        &mut windows,
        &json!({"spec": {"os": {"name": "windows"}, "securityContext": {"runAsNonRoot": true}}}),
    );
    let before =
        |more: &'static [(u16, &'static str)]| {
            [
            &[
                (8, "allowprivilegeescalation"),
                (19, "allowprivilegeescalation seccompprofile_restricted"),
                (22, "allowprivilegeescalation capabilities_restricted seccompprofile_restricted"),
            ],
            more,
        ]
        .concat()
        };
    check_pod(Restricted, &windows, &before(&[(25, "")]));
    let mut linux = windows.clone();
    linux["spec"]["os"]["name"] = json!("linux");
    check_pod(Restricted, &linux, &before(&[]));
    // What replaces a control of baseline speaks for it: it is silent where that one is.
    let mut odd = windows.clone();
    odd["spec"]["securityContext"]["seccompProfile"] = json!({"type": "Unconfined"});
    assert_eq!(ids(&judge(&odd, Restricted, 25)), "");
    assert_eq!(ids(&judge(&odd, Baseline, 25)), "seccompprofile_baseline");
    // The others hold on Windows, too.
    windows["spec"]["securityContext"] =
        json!({"windowsOptions": {"hostProcess": true}, "runAsUser": 0});
    assert_eq!(
        ids(&judge(&windows, Restricted, 37)),
        "windowshostprocess runasnonroot runasuser"
    );
}

#[test]
fn volumes() {
    let with = |source: Value| {
        let mut volume = json!({"name": "v"});
        merge(&mut volume, &source);
        json!({"spec": {"volumes": [volume]}})
    };
    for fine in [
        "configMap",
        "csi",
        "downwardAPI",
        "emptyDir",
        "ephemeral",
        "image",
        "persistentVolumeClaim",
        "projected",
        "secret",
    ] {
        check(Restricted, with(json!({fine: {}})), &[]);
    }
    // The API server makes an emptyDir of it.
    check(Restricted, with(json!({})), &[]);
    for bad in [
        "awsElasticBlockStore",
        "azureDisk",
        "azureFile",
        "cephfs",
        "cinder",
        "fc",
        "flexVolume",
        "flocker",
        "gcePersistentDisk",
        "gitRepo",
        "glusterfs",
        "iscsi",
        "nfs",
        "photonPersistentDisk",
        "portworxVolume",
        "quobyte",
        "rbd",
        "scaleIO",
        "storageos",
        "vsphereVolume",
        "notInventedYet",
    ] {
        check(
            Restricted,
            with(json!({bad: {}})),
            &[(0, "restrictedvolumes")],
        );
        check(Baseline, with(json!({bad: {}})), &[]);
    }
    check(
        Restricted,
        with(json!({"hostPath": {"path": "/"}})),
        &[(0, "hostpathvolumes restrictedvolumes")],
    );
}

#[test]
fn the_api_server_names_the_stricter_control_only() {
    let mut pod = bare();
    merge(
        &mut pod,
        &json!({"spec": {"volumes": [{"name": "v", "hostPath": {"path": "/"}}], "containers": [{"securityContext": {"procMount": "Unmasked", "seccompProfile": {"type": "Unconfined"}, "capabilities": {"add": ["NET_RAW"]}}}]}}),
    );
    let named = |level, minor| {
        let judged = judge(&pod, level, minor);
        let own = judged.violations.iter().filter(|v| v.replaced_by.is_none());
        own.map(|v| v.control.id).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(
        named(Baseline, 37),
        "capabilities_baseline hostpathvolumes procmount seccompprofile_baseline"
    );
    assert_eq!(
        named(Restricted, 18),
        "capabilities_baseline procmount allowprivilegeescalation restrictedvolumes runasnonroot"
    );
    assert_eq!(
        named(Restricted, 21),
        "capabilities_baseline procmount allowprivilegeescalation restrictedvolumes runasnonroot seccompprofile_restricted"
    );
    assert_eq!(
        named(Restricted, 34),
        "procmount allowprivilegeescalation capabilities_restricted restrictedvolumes runasnonroot seccompprofile_restricted"
    );
    assert_eq!(
        named(Restricted, 35),
        "allowprivilegeescalation capabilities_restricted procmount_restricted restrictedvolumes runasnonroot seccompprofile_restricted"
    );
}

#[test]
fn types_that_the_api_server_refuses_are_told() {
    let malformed = |patch: Value| {
        let mut pod = bare();
        merge(&mut pod, &patch);
        judge(&pod, Baseline, 37).malformed
    };
    assert_eq!(
        malformed(of_container(json!({"privileged": "true"}))),
        ["/spec/containers/0/securityContext/privileged"]
    );
    assert_eq!(
        malformed(json!({"spec": {"hostPID": 1}})),
        ["/spec/hostPID"]
    );
    assert_eq!(
        malformed(of_container(json!({"capabilities": {"add": [1]}}))),
        ["/spec/containers/0/securityContext/capabilities/add/0"]
    );
    assert!(evaluate(b"{", Baseline, Version::Latest).is_none());
}

#[test]
fn versions() {
    for (text, expected) in [
        ("latest", Some(Version::Latest)),
        ("v1.0", Some(Version::Minor(0))),
        ("v1.35", Some(Version::Minor(35))),
        ("v1.035", None),
        ("1.35", None),
        ("v2.1", None),
        ("v1.", None),
        ("v1.+5", None),
        ("v1.99999999", None),
        ("", None),
    ] {
        assert_eq!(Version::parse(text), expected, "{text}");
    }
    assert_eq!(Version::Latest.on(30), Version::Minor(30));
    assert_eq!(Version::Minor(35).on(30), Version::Minor(30));
    assert_eq!(Version::Minor(24).on(30), Version::Minor(24));
}
