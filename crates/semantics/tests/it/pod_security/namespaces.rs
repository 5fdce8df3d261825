//! What a namespace admits by its labels and the cluster's default.

use super::{bare, hardened, judge, merge};
use crate::builder::{object, snapshot};
use model::evidence::{Ledger, Truth};
use model::snapshot::Origin;
use semantics::declare::{Declarations, PodSecurity};
use semantics::pod_security::Level::{self, Baseline, Restricted};
use semantics::pod_security::{LevelVersion, Version, admits, namespace_policy, of_namespace};
use serde_json::{Value, json};

#[test]
fn what_a_namespace_enforces() {
    let policy = |labels: Value, default: Option<Level>, server: u16| {
        let labels = labels.as_object().unwrap().iter();
        let labels = labels
            .map(|(mode, value)| {
                (
                    format!("pod-security.kubernetes.io/{mode}").into(),
                    value.as_str().unwrap().into(),
                )
            })
            .collect();
        namespace_policy(&labels, default, server)
    };
    let at = |level, minor| {
        Some(LevelVersion {
            level,
            version: Version::Minor(minor),
        })
    };
    let enforce = |labels: Value, default, server| policy(labels, default, server).enforce;
    assert_eq!(enforce(json!({}), None, 36), None);
    assert_eq!(enforce(json!({}), Some(Baseline), 36), at(Baseline, 36));
    assert_eq!(
        enforce(json!({"enforce": "privileged"}), Some(Baseline), 36),
        at(Level::Privileged, 36)
    );
    assert_eq!(
        enforce(json!({"enforce": "Baseline"}), None, 36),
        at(Restricted, 36)
    );
    assert_eq!(
        enforce(json!({"enforce": ""}), Some(Level::Privileged), 36),
        at(Restricted, 36)
    );
    assert_eq!(
        enforce(
            json!({"enforce": "baseline", "enforce-version": "v1.24"}),
            None,
            36
        ),
        at(Baseline, 24)
    );
    assert_eq!(
        enforce(
            json!({"enforce": "baseline", "enforce-version": "v1.99"}),
            None,
            36
        ),
        at(Baseline, 36)
    );
    assert_eq!(
        enforce(
            json!({"enforce": "baseline", "enforce-version": "newest"}),
            None,
            30
        ),
        at(Baseline, 30)
    );
    assert_eq!(
        enforce(json!({"enforce-version": "v1.24"}), Some(Restricted), 36),
        at(Restricted, 24)
    );
    assert_eq!(enforce(json!({"enforce-version": "v1.24"}), None, 36), None);
    // Before the plugin was on by default, labels decide nothing.
    assert_eq!(
        enforce(json!({"enforce": "restricted"}), Some(Restricted), 22),
        None
    );
    let told = policy(
        json!({"audit": "all", "warn": "baseline", "warn-version": "v1.30"}),
        Some(Restricted),
        36,
    );
    assert_eq!(told.audit, at(Level::Privileged, 36));
    assert_eq!(told.warn, at(Baseline, 30));
    assert_eq!(policy(json!({}), Some(Restricted), 36).warn, None);

    let bytes = |pod: &Value| serde_json::to_vec(pod).unwrap();
    let mut host = bare();
    host["spec"]["hostNetwork"] = json!(true);
    let open = policy(json!({}), None, 36);
    for (labels, plain, host_network, hard) in [
        (
            json!({"enforce": "privileged"}),
            Truth::Yes,
            Truth::Yes,
            Truth::Yes,
        ),
        (
            json!({"enforce": "baseline"}),
            Truth::Yes,
            Truth::No,
            Truth::Yes,
        ),
        (
            json!({"enforce": "restricted"}),
            Truth::No,
            Truth::No,
            Truth::Yes,
        ),
        (
            json!({"enforce": "restricted", "enforce-version": "v1.0"}),
            Truth::No,
            Truth::No,
            Truth::Yes,
        ),
        (json!({}), Truth::Unknown, Truth::Unknown, Truth::Yes),
    ] {
        let policy = policy(labels, None, 36);
        assert_eq!(admits(&policy, &bytes(&bare())), plain, "{policy:?}");
        assert_eq!(admits(&policy, &bytes(&host)), host_network, "{policy:?}");
        assert_eq!(admits(&policy, &bytes(&hardened())), hard, "{policy:?}");
        assert_eq!(policy.powers().host_namespaces, host_network, "{policy:?}");
        assert_eq!(policy.powers().root, plain, "{policy:?}");
    }
    let mut odd = bare();
    odd["spec"]["hostPID"] = json!("true");
    let baseline = policy(json!({"enforce": "baseline"}), None, 36);
    assert_eq!(admits(&baseline, &bytes(&odd)), Truth::Unknown);
    assert_eq!(admits(&open, b"no"), Truth::Unknown);
}

#[test]
fn a_level_admits_a_power_as_it_admits_such_a_pod() {
    let powers = [
        (
            json!({"containers": [{"securityContext": {"privileged": true}}]}),
            0,
        ),
        (
            json!({"volumes": [{"name": "v", "hostPath": {"path": "/"}}]}),
            1,
        ),
        (json!({"hostNetwork": true}), 2),
        (json!({"hostPID": true}), 2),
        (
            json!({"containers": [{"securityContext": {"capabilities": {"add": ["SYS_ADMIN"]}}}]}),
            3,
        ),
        (
            json!({"containers": [{"securityContext": {"capabilities": {"add": ["SYS_PTRACE"]}}}]}),
            3,
        ),
        (json!({"securityContext": {"runAsUser": 0}}), 4),
    ];
    for level in [Level::Privileged, Baseline, Restricted] {
        let said = level.powers();
        let said = [
            said.privileged,
            said.host_path,
            said.host_namespaces,
            said.escape_capability,
            said.root,
        ];
        for (spec, power) in &powers {
            let mut pod = hardened();
            merge(&mut pod, &json!({"spec": spec}));
            let admitted = judge(&pod, level, 37).violations.is_empty();
            assert_eq!(said[*power] == Truth::Yes, admitted, "{level:?} {spec}");
        }
    }
}

#[test]
fn namespaces_of_an_inventory() {
    let namespace = |name: &str, labels: Value| {
        object(
            &json!({"metadata": {"name": name, "labels": labels}}),
            "v1",
            "Namespace",
            0,
        )
    };
    let mut unseen = bare();
    unseen["metadata"]["namespace"] = json!("elsewhere");
    let objects = vec![
        namespace(
            "a",
            json!({"pod-security.kubernetes.io/enforce": "restricted"}),
        ),
        namespace("b", json!({})),
        object(&unseen, "v1", "Pod", 0),
    ];
    let snapshot = snapshot(Origin::Files, objects);
    let declared = Declarations {
        pod_security: PodSecurity {
            default: Some(Baseline),
        },
        ..Declarations::default()
    };
    let level = |declared: &Declarations, name: &str| {
        let inventory = semantics::inventory(&snapshot, declared, &mut Ledger::default());
        of_namespace(&inventory, name)
            .enforce
            .map(|enforce| enforce.level)
    };
    assert_eq!(level(&declared, "a"), Some(Restricted));
    assert_eq!(level(&declared, "b"), Some(Baseline));
    assert_eq!(level(&Declarations::default(), "b"), None);
    // Its labels were not seen: they may say less than the default.
    assert_eq!(level(&declared, "elsewhere"), None);
    assert_eq!(level(&declared, "nowhere"), None);
}
