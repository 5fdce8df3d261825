//! Laws that hold for any pod, and no panic.

use super::{check_pod, ids, judge};
use proptest::prelude::*;
use semantics::pod_security::Level::{self, Baseline, Restricted};
use semantics::pod_security::{Version, evaluate};
use serde_json::{Value, json};

/// A pod that says something in every field that is read.
fn full() -> Value {
    let context = json!({
        "privileged": false, "allowPrivilegeEscalation": false, "procMount": "Default", "runAsNonRoot": true, "runAsUser": 1000,
        "capabilities": {"add": ["NET_BIND_SERVICE"], "drop": ["ALL"]},
        "seccompProfile": {"type": "Localhost", "localhostProfile": "p"},
        "appArmorProfile": {"type": "RuntimeDefault"},
        "seLinuxOptions": {"type": "container_t", "level": "s0"},
        "windowsOptions": {"hostProcess": false},
    });
    let container = json!({
        "name": "c", "image": "i", "securityContext": context, "ports": [{"containerPort": 80, "hostPort": 0}],
        "livenessProbe": {"httpGet": {"port": 1, "host": ""}}, "readinessProbe": {"tcpSocket": {"port": 1}},
        "lifecycle": {"postStart": {"httpGet": {"port": 1}}, "preStop": {"tcpSocket": {"port": 1}}},
    });
    json!({
        "metadata": {"name": "p", "annotations": {
            "container.apparmor.security.beta.kubernetes.io/c": "runtime/default",
            "seccomp.security.alpha.kubernetes.io/pod": "runtime/default",
        }},
        "spec": {
            "hostNetwork": false, "hostPID": false, "hostIPC": false, "hostUsers": true, "os": {"name": "linux"},
            "securityContext": {"runAsNonRoot": true, "runAsUser": 5, "sysctls": [{"name": "net.ipv4.tcp_syncookies", "value": "1"}], "seccompProfile": {"type": "RuntimeDefault"}},
            "initContainers": [container.clone()], "containers": [container.clone()], "ephemeralContainers": [container],
            "volumes": [{"name": "v", "emptyDir": {}}, {"name": "w", "secret": {"secretName": "s"}}],
        },
    })
}

#[test]
fn a_full_pod_is_admitted() {
    check_pod(Restricted, &full(), &[]);
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        Just(json!(1.5)),
        prop_oneof![
            "[a-zA-Z/._-]{0,12}",
            ".{0,20}",
            Just("Unconfined".to_owned()),
            Just("windows".to_owned()),
            Just("ALL".to_owned())
        ]
        .prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 5, |inner| {
        let keys = prop_oneof![
            "[a-z]{0,8}",
            Just("type".to_owned()),
            Just("host".to_owned()),
            Just("hostPath".to_owned()),
            Just("a/b~c".to_owned())
        ];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::btree_map(keys, inner, 0..5)
                .prop_map(|map| map.into_iter().collect::<Value>()),
        ]
    })
}

/// Walks down by the numbers and puts the value there.
fn put(at: &mut Value, path: &[usize], new: Value) {
    let next = path.split_first().and_then(|(step, rest)| {
        let inner = match at {
            Value::Object(map) if !map.is_empty() => {
                let count = map.len();
                map.values_mut().nth(step % count)
            }
            Value::Array(list) if !list.is_empty() => {
                let count = list.len();
                list.get_mut(step % count)
            }
            _ => None,
        };
        Some((inner?, rest))
    });
    if let Some((inner, rest)) = next {
        return put(inner, rest, new);
    }
    *at = new;
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]
    #[test]
    fn any_pod_is_judged(
        edits in prop::collection::vec((prop::collection::vec(0usize..40, 1..7), any_json()), 1..6),
        minor in 0u16..45,
    ) {
        let mut pod = full();
        for (path, value) in edits {
            put(&mut pod, &path, value);
        }
        prop_assert_eq!(ids(&judge(&pod, Level::Privileged, minor)), "");
        let baseline = judge(&pod, Baseline, minor);
        let restricted = judge(&pod, Restricted, minor);
        for field in baseline.violations.iter().chain(&restricted.violations).flat_map(|v| &v.fields) {
            prop_assert!(field.value.is_none() || pod.pointer(&field.pointer).is_some(), "{}", field);
        }
        // Restricted admits less, but for what it does not ask of Windows.
        let windows = pod.pointer("/spec/os/name") == Some(&json!("windows"));
        if restricted.violations.is_empty() && !windows {
            prop_assert_eq!(ids(&baseline), "");
        }
        // A newer policy that forbids more or less: at least the table knows it for every pod.
        let bytes = serde_json::to_vec(&pod).unwrap();
        prop_assert_eq!(evaluate(&bytes, Restricted, Version::Latest), evaluate(&bytes, Restricted, Version::Minor(37)));
    }

    #[test]
    fn any_bytes_are_judged(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = evaluate(&bytes, Restricted, Version::Latest);
    }
}
