//! Rule 17: what the cluster is made of is known by identity and content. The hostile cases are what an attacker in
//! kube-system would write.

use crate::builder::{of, read};
use model::snapshot::Origin;
use serde_json::{Value, json};

fn workload(kind: &str, namespace: &str, name: &str, account: &str, image: &str) -> Value {
    json!({"apiVersion": "apps/v1", "kind": kind, "metadata": {"namespace": namespace, "name": name,
        "labels": {"kubernetes.io/bootstrapping": "rbac-defaults", "k8s-app": name}},
        "spec": {"template": {"metadata": {"labels": {"a": "b"}}, "spec": {"serviceAccountName": account,
            "containers": [{"name": name, "image": image}]}}}})
}

fn spec(value: &mut Value) -> &mut Value {
    &mut value["spec"]["template"]["spec"]
}

/// `provider NAME` of the only workload, or nothing.
fn managed(value: &Value) -> String {
    let inventory = read(&of(Origin::Live, std::slice::from_ref(value)));
    let by = inventory.workloads[0].workload.managed_by.as_ref();
    by.map_or(String::new(), |by| format!("{} {}", by.tool, by.name))
}

#[test]
fn parts_by_name_namespace_account_and_image() {
    let check = |kind, namespace, name, account, image, expected: &str| {
        let value = workload(kind, namespace, name, account, image);
        assert_eq!(managed(&value), expected, "{value}");
    };
    let proxy = "registry.k8s.io/kube-proxy:v1.30.2";
    let provided = "provider kube-proxy";
    check(
        "DaemonSet",
        "kube-system",
        "kube-proxy",
        "kube-proxy",
        proxy,
        provided,
    );
    check(
        "Deployment",
        "kube-system",
        "kube-proxy",
        "kube-proxy",
        proxy,
        "",
    );
    check("DaemonSet", "shop", "kube-proxy", "kube-proxy", proxy, "");
    check(
        "DaemonSet",
        "kube-system",
        "kube-proxy-2",
        "kube-proxy",
        proxy,
        "",
    );
    check("DaemonSet", "kube-system", "kube-proxy", "admin", proxy, "");
    check(
        "DaemonSet",
        "kube-system",
        "kube-proxy",
        "kube-proxy",
        "evil.example/kube-proxy:v1.30.2",
        "",
    );
    check(
        "DaemonSet",
        "kube-system",
        "kube-proxy",
        "kube-proxy",
        "registry.k8s.io.evil.example/kube-proxy",
        "",
    );
    let eks = "602401143452.dkr.ecr.eu-west-1.amazonaws.com/eks/kube-proxy:v1.30.0-eksbuild.3";
    check(
        "DaemonSet",
        "kube-system",
        "kube-proxy",
        "kube-proxy",
        eks,
        provided,
    );
    let calico = "quay.io/calico/node:v3.28.0";
    check(
        "DaemonSet",
        "kube-system",
        "calico-node",
        "calico-node",
        calico,
        "provider calico-node",
    );
    check(
        "DaemonSet",
        "kube-system",
        "miner",
        "calico-node",
        calico,
        "",
    );
    check(
        "Deployment",
        "kube-system",
        "coredns",
        "coredns",
        "coredns/coredns:1.11.1",
        "provider coredns",
    );
    check(
        "Deployment",
        "kube-system",
        "metrics",
        "metrics",
        "registry.k8s.io/coredns/coredns:1",
        "",
    );
}

#[test]
fn a_part_that_was_widened_is_no_part() {
    let proxy = || {
        let image = "registry.k8s.io/kube-proxy:v1.30.2";
        let mut value = workload(
            "DaemonSet",
            "kube-system",
            "kube-proxy",
            "kube-proxy",
            image,
        );
        let spec = spec(&mut value);
        spec["hostNetwork"] = json!(true);
        spec["containers"][0]["securityContext"] = json!({"privileged": true});
        spec["volumes"] = json!([{"name": "m", "hostPath": {"path": "/lib/modules/"}}]);
        value
    };
    assert_eq!(managed(&proxy()), "provider kube-proxy");
    for (path, change) in [
        ("/hostPID", json!(true)),
        (
            "/volumes/1",
            json!({"name": "r", "hostPath": {"path": "/"}}),
        ),
        (
            "/containers/1",
            json!({"name": "x", "image": "evil.example/x"}),
        ),
    ] {
        let mut value = proxy();
        let spec = spec(&mut value);
        match path.rsplit_once('/') {
            Some(("", key)) => spec[key] = change,
            Some((list, _)) => spec[&list[1..]].as_array_mut().unwrap().push(change),
            None => unreachable!(),
        }
        assert_eq!(managed(&value), "", "{path}");
    }
    let image = "registry.k8s.io/coredns/coredns:v1.11.1";
    let mut dns = workload("Deployment", "kube-system", "coredns", "coredns", image);
    spec(&mut dns)["containers"][0]["securityContext"] = json!({"privileged": true});
    assert_eq!(managed(&dns), "");
}

#[test]
fn who_manages_a_part_stays_told() {
    let mut value = workload(
        "DaemonSet",
        "kube-system",
        "cilium",
        "cilium",
        "quay.io/cilium/cilium:v1.15",
    );
    value["metadata"]["annotations"] = json!({"meta.helm.sh/release-name": "cni"});
    assert_eq!(managed(&value), "provider cilium, helm cni");
}

fn mirror(name: &str, image: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"namespace": "kube-system", "name": name,
        "annotations": {"kubernetes.io/config.mirror": "0f1e2d"},
        "ownerReferences": [{"apiVersion": "v1", "kind": "Node", "name": "cp-1", "controller": true, "uid": "1"}]},
        "spec": {"nodeName": "cp-1", "hostNetwork": true, "containers": [{"name": "c", "image": image}]},
        "status": {"phase": "Running"}})
}

#[test]
fn static_pods_of_the_control_plane() {
    let check = |value: &Value, expected: &str| assert_eq!(managed(value), expected, "{value}");
    let image = "registry.k8s.io/kube-scheduler:v1.30.2";
    let own = mirror("kube-scheduler-cp-1", image);
    check(&own, "provider static pod kube-scheduler");
    check(
        &mirror("etcd-cp-1", "registry.k8s.io/etcd:3.5.12-0"),
        "provider static pod etcd",
    );
    check(
        &mirror("kube-scheduler-cp-1", "registry.k8s.io/kube-schedulers:v1"),
        "",
    );
    check(
        &mirror("kube-scheduler-cp-1", "evil.example/kube-scheduler:v1"),
        "",
    );
    check(&mirror("miner-cp-1", image), "");
    check(&mirror("kube-scheduler-cp-2", image), "");
    let mut unowned = own.clone();
    unowned["metadata"]["ownerReferences"] = json!([]);
    check(&unowned, "");
    let mut unannotated = own;
    unannotated["metadata"]["annotations"] = json!({});
    check(&unannotated, "");
}

/// A binding of the controllers, as the API server writes it, with changes.
fn bindings(change: impl FnOnce(&mut Value, &mut Value)) -> Vec<String> {
    let rbac = "rbac.authorization.k8s.io";
    let api = format!("{rbac}/v1");
    let name = "system:controller:job-controller";
    let labels = json!({"kubernetes.io/bootstrapping": "rbac-defaults"});
    let mut role = json!({"apiVersion": api, "kind": "ClusterRole", "metadata": {"name": name, "labels": labels},
        "rules": [{"apiGroups": ["batch"], "resources": ["jobs"], "verbs": ["get", "list", "update", "watch"]},
            {"apiGroups": [""], "resources": ["pods"], "verbs": ["create", "delete", "list", "watch", "patch"]}]});
    let mut binding = json!({"apiVersion": api, "kind": "ClusterRoleBinding", "metadata": {"name": name, "labels": labels},
        "roleRef": {"apiGroup": rbac, "kind": "ClusterRole", "name": name},
        "subjects": [{"kind": "ServiceAccount", "namespace": "kube-system", "name": "job-controller"}]});
    change(&mut role, &mut binding);
    let inventory = read(&of(Origin::Live, &[role, binding]));
    inventory
        .stock_bindings
        .iter()
        .map(|b| b.name.to_string())
        .collect()
}

#[test]
fn bindings_of_controllers_by_name_label_subjects_and_rights() {
    let name = "system:controller:job-controller";
    assert_eq!(bindings(|_, _| {}), [name]);
    let wider = json!({"apiGroups": [""], "resources": ["secrets"], "verbs": ["list"]});
    let none: [&str; 0] = [];
    assert_eq!(
        bindings(|role, _| role["rules"].as_array_mut().unwrap().push(wider)),
        none,
        "wider rules"
    );
    assert_eq!(
        bindings(|role, _| role["metadata"]["labels"] = json!({})),
        none,
        "no label"
    );
    let other = json!({"kind": "ServiceAccount", "namespace": "shop", "name": "default"});
    assert_eq!(
        bindings(|_, b| b["subjects"].as_array_mut().unwrap().push(other)),
        none,
        "one subject more"
    );
    let renamed = bindings(|role, b| {
        role["metadata"]["name"] = json!("system:controller:backdoor");
        b["metadata"]["name"] = json!("system:controller:backdoor");
        b["roleRef"]["name"] = json!("system:controller:backdoor");
        b["subjects"][0]["name"] = json!("backdoor");
    });
    assert_eq!(
        renamed, none,
        "a name of the kind, and the label, are not enough"
    );
    for (case, resource, verbs) in [
        (
            "its namesake's account runs no pods there",
            "configmaps",
            json!(["update"]),
        ),
        ("services lead traffic", "services", json!(["create"])),
        ("tokens", "serviceaccounts/token", json!(["create"])),
    ] {
        let wider = json!({"apiGroups": [""], "resources": [resource], "verbs": verbs});
        assert_eq!(
            bindings(|role, _| role["rules"].as_array_mut().unwrap().push(wider)),
            none,
            "{case}"
        );
    }
    assert_eq!(
        bindings(|_, b| b["metadata"]["labels"] = json!({})),
        none,
        "no label on the binding"
    );
    assert_eq!(
        bindings(|role, b| {
            role["metadata"]["name"] = json!("mine");
            b["roleRef"]["name"] = json!("mine");
        }),
        none,
        "another role, labelled too"
    );
    assert_eq!(
        bindings(|_, b| b["subjects"][0]["namespace"] = json!("shop")),
        none,
        "the account of another namespace"
    );
    let as_user =
        json!({"kind": "User", "name": "system:serviceaccount:kube-system:job-controller"});
    assert_eq!(
        bindings(|_, b| b["subjects"] = json!([as_user])),
        [name],
        "the same account by the name of its user"
    );
    assert_eq!(
        bindings(|_, b| {
            b["kind"] = json!("RoleBinding");
            b["metadata"]["namespace"] = json!("kube-system");
        }),
        none,
        "in one namespace: the policy binds it in the cluster"
    );
    let admin = json!({"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]});
    assert_eq!(
        bindings(|role, _| role["rules"] = json!([admin])),
        none,
        "everything"
    );
}

/// Names and rules of 1.21 to 1.37, those behind feature gates too; the recordings have 1.20 and 1.36.
#[test]
fn bindings_of_younger_controllers() {
    let check = |controller: &str, group: &str, resource: &str, verbs: &str, expected: bool| {
        let name = format!("system:controller:{controller}");
        let verbs: Vec<&str> = verbs.split(',').collect();
        let rule = json!({"apiGroups": [group], "resources": [resource], "verbs": verbs});
        let found = bindings(|role, b| {
            role["metadata"]["name"] = json!(name);
            role["rules"] = json!([rule]);
            b["metadata"]["name"] = json!(name);
            b["roleRef"]["name"] = json!(name);
            b["subjects"][0]["name"] = json!(controller);
        });
        assert_eq!(
            !found.is_empty(),
            expected,
            "{controller} {verbs:?} {resource}"
        );
    };
    let taints = "device-taint-eviction-controller";
    check(taints, "", "pods/status", "patch,update", true);
    check(taints, "", "pods", "delete,get,list,watch", true);
    check(taints, "", "pods/exec", "create", false);
    check(
        "resource-claim-controller",
        "",
        "pods/status",
        "patch",
        true,
    );
    check("resource-claim-controller", "", "secrets", "get", false);
    check(
        "selinux-warning-controller",
        "",
        "persistentvolumes",
        "get,list,watch",
        true,
    );
    check(
        "selinux-warning-controller",
        "",
        "persistentvolumes",
        "create",
        false,
    );
    check(
        "service-cidrs-controller",
        "networking.k8s.io",
        "servicecidrs",
        "get,patch",
        true,
    );
    check(
        "podcertificaterequestcleaner",
        "certificates.k8s.io",
        "podcertificaterequests",
        "delete",
        true,
    );
    check(
        "podcertificaterequestcleaner",
        "certificates.k8s.io",
        "signers",
        "sign",
        false,
    );
    check(
        "legacy-service-account-token-cleaner",
        "",
        "secrets",
        "delete,patch",
        true,
    );
    check(
        "legacy-service-account-token-cleaner",
        "",
        "secrets",
        "list",
        false,
    );
    check(
        "validatingadmissionpolicy-status-controller",
        "admissionregistration.k8s.io",
        "validatingadmissionpolicies/status",
        "patch",
        true,
    );
    check(
        "validatingadmissionpolicy-status-controller",
        "admissionregistration.k8s.io",
        "validatingadmissionpolicies",
        "delete",
        false,
    );
    check(
        "storage-version-migrator-controller",
        "*",
        "*",
        "list,create,patch",
        true,
    );
    check("storage-version-migrator-controller", "*", "*", "*", false);
    check(
        "storage-version-migrator-controller",
        "rbac.authorization.k8s.io",
        "clusterroles",
        "escalate",
        false,
    );
    check(
        "volumeattributesclass-protection-controller",
        "storage.k8s.io",
        "volumeattributesclasses",
        "update",
        true,
    );
    check(
        "podcheckpoint-controller",
        "",
        "nodes/proxy",
        "create,get",
        true,
    );
    check(
        "evictionrequest-controller",
        "lifecycle.k8s.io",
        "evictions",
        "create",
        true,
    );
    check(
        "resourcepoolstatusrequest-controller",
        "resource.k8s.io",
        "resourceslices",
        "list",
        true,
    );
    check(
        "kube-apiserver-serving-clustertrustbundle-publisher",
        "certificates.k8s.io",
        "signers",
        "attest",
        true,
    );
    check(
        "kube-apiserver-serving-clustertrustbundle-publisher",
        "certificates.k8s.io",
        "signers",
        "approve",
        false,
    );
    check("backdoor-controller", "", "pods", "get", false);
}

#[test]
fn what_a_network_plugin_needs_and_no_more() {
    let api = "rbac.authorization.k8s.io/v1";
    let bound = |rules: Value| {
        let node = workload(
            "DaemonSet",
            "kube-system",
            "calico-node",
            "calico-node",
            "quay.io/calico/node:v3.28.0",
        );
        let role = json!({"apiVersion": api, "kind": "ClusterRole", "metadata": {"name": "calico-node"}, "rules": rules});
        let binding = json!({"apiVersion": api, "kind": "ClusterRoleBinding", "metadata": {"name": "calico-node"},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "calico-node"},
            "subjects": [{"kind": "ServiceAccount", "namespace": "kube-system", "name": "calico-node"}]});
        read(&of(Origin::Live, &[node, role, binding]))
            .stock_bindings
            .len()
    };
    assert_eq!(
        bound(json!([{"apiGroups": [""], "resources": ["nodes/status"], "verbs": ["patch"]}])),
        1
    );
    assert_eq!(
        bound(json!([{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}])),
        0
    );
}
