//! Noise: nothing to do about what a fresh cluster brings, and every change of it is found. On recordings of real API
//! servers (1.36, 1.20), with what kubeadm installs written by hand.

use crate::rbac::live;
use crate::world::ask;
use checks::rule::Rule;
use checks::table::all;
use checks::world::Found;
use model::snapshot::Listed;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::io::Read as _;
use std::path::Path;

const RBAC: &str = "rbac.authorization.k8s.io";
const API: &str = "rbac.authorization.k8s.io/v1";

fn bytes(path: &Path) -> Vec<u8> {
    let raw = std::fs::read(path).unwrap();
    let mut out = Vec::new();
    if path.extension().is_some_and(|end| end == "gz") {
        flate2::read::GzDecoder::new(&*raw)
            .read_to_end(&mut out)
            .unwrap();
    } else {
        out = raw;
    }
    out
}

/// All objects of the lists of a folder, of each kind in its newest version; with what a collector leaves out left out.
fn recorded(folder: &str) -> Option<Vec<Value>> {
    let folder = testkit::shared(folder)?;
    let mut files: Vec<_> = folder
        .read_dir()
        .unwrap()
        .map(|e| e.unwrap().path())
        .collect();
    files.sort();
    let mut kinds = BTreeSet::new();
    let mut objects = Vec::new();
    for path in files {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let Some(rest) = name.strip_prefix("list-") else {
            continue;
        };
        if !rest.contains(".json") || rest.contains("events") {
            continue;
        }
        let (version, resource) = rest.rsplit_once('-').unwrap();
        let version = version.trim_start_matches("core-").replace('_', "/");
        let group = version
            .rsplit_once('/')
            .map_or("", |(group, _)| group)
            .to_owned();
        let resource = resource.split('.').next().unwrap().to_owned();
        if !kinds.insert((group, resource)) {
            continue;
        }
        let list: Value = serde_json::from_slice(&bytes(&path)).unwrap();
        let kind = list["kind"]
            .as_str()
            .unwrap()
            .strip_suffix("List")
            .unwrap()
            .to_owned();
        for item in list["items"].as_array().into_iter().flatten() {
            let mut item = item.clone();
            item["apiVersion"] = json!(version);
            item["kind"] = json!(kind);
            item["metadata"]
                .as_object_mut()
                .unwrap()
                .remove("managedFields");
            objects.push(item);
        }
    }
    Some(objects)
}

fn named(kind: &str, namespace: Option<&str>, name: &str) -> Value {
    let mut metadata = json!({"name": name});
    if let Some(namespace) = namespace {
        metadata["namespace"] = json!(namespace);
    }
    let api = match kind {
        "DaemonSet" | "Deployment" => "apps/v1",
        "ServiceAccount" | "Service" | "Pod" => "v1",
        _ => API,
    };
    json!({"apiVersion": api, "kind": kind, "metadata": metadata})
}

fn rule(verbs: &[&str], group: &str, resources: &[&str]) -> Value {
    json!({"verbs": verbs, "apiGroups": [group], "resources": resources})
}

fn role(namespace: Option<&str>, name: &str, rules: Value) -> Value {
    let kind = if namespace.is_some() {
        "Role"
    } else {
        "ClusterRole"
    };
    let mut role = named(kind, namespace, name);
    role["rules"] = rules;
    role
}

fn binding(namespace: Option<&str>, name: &str, role: (&str, &str), subjects: Value) -> Value {
    let kind = if namespace.is_some() {
        "RoleBinding"
    } else {
        "ClusterRoleBinding"
    };
    let mut binding = named(kind, namespace, name);
    binding["roleRef"] = json!({"apiGroup": RBAC, "kind": role.0, "name": role.1});
    binding["subjects"] = subjects;
    binding
}

fn group(name: &str) -> Value {
    json!({"kind": "Group", "apiGroup": RBAC, "name": name})
}

fn user(name: &str) -> Value {
    json!({"kind": "User", "apiGroup": RBAC, "name": name})
}

fn account(namespace: &str, name: &str) -> Value {
    json!({"kind": "ServiceAccount", "namespace": namespace, "name": name})
}

fn workload(kind: &str, name: &str, spec: &Value) -> Value {
    let mut one = named(kind, Some("kube-system"), name);
    let labels = json!({"k8s-app": name});
    one["spec"] = json!({"selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": spec}});
    one
}

/// What `kubeadm init` puts into a cluster beside what the API server makes itself.
fn kubeadm() -> Vec<Value> {
    let join = || group("system:bootstrappers:kubeadm:default-node-token");
    let bootstrapped = |mut one: Value| {
        one["metadata"]["labels"]["kubernetes.io/bootstrapping"] = json!("rbac-defaults");
        one
    };
    let configmap = |name: &str| json!([{"verbs": ["get"], "apiGroups": [""], "resources": ["configmaps"], "resourceNames": [name]}]);
    let system = Some("kube-system");
    let signer = "kubeadm:bootstrap-signer-clusterinfo";
    let csr = |name: &str| format!("system:certificates.k8s.io:certificatesigningrequests:{name}");
    vec![
        named("ServiceAccount", system, "kube-proxy"),
        named("ServiceAccount", system, "coredns"),
        workload(
            "DaemonSet",
            "kube-proxy",
            &json!({
            "serviceAccountName": "kube-proxy", "hostNetwork": true, "priorityClassName": "system-node-critical",
            "tolerations": [{"operator": "Exists"}],
            "containers": [{"name": "kube-proxy", "image": "registry.k8s.io/kube-proxy:v1.36.2",
                "securityContext": {"privileged": true},
                "volumeMounts": [{"name": "lock", "mountPath": "/run/xtables.lock"}, {"name": "modules", "mountPath": "/lib/modules", "readOnly": true}]}],
            "volumes": [{"name": "lock", "hostPath": {"path": "/run/xtables.lock", "type": "FileOrCreate"}},
                {"name": "modules", "hostPath": {"path": "/lib/modules"}},
                {"name": "config", "configMap": {"name": "kube-proxy"}}]}),
        ),
        workload(
            "Deployment",
            "coredns",
            &json!({
            "serviceAccountName": "coredns", "dnsPolicy": "Default", "priorityClassName": "system-cluster-critical",
            "containers": [{"name": "coredns", "image": "registry.k8s.io/coredns/coredns:v1.12.1", "args": ["-conf", "/etc/coredns/Corefile"],
                "resources": {"limits": {"memory": "170Mi"}},
                "securityContext": {"allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true,
                    "capabilities": {"add": ["NET_BIND_SERVICE"], "drop": ["ALL"]}}}]}),
        ),
        role(
            None,
            "kubeadm:get-nodes",
            json!([rule(&["get"], "", &["nodes"])]),
        ),
        bootstrapped(role(
            None,
            "system:coredns",
            json!([
                rule(
                    &["list", "watch"],
                    "",
                    &["endpoints", "services", "pods", "namespaces"]
                ),
                rule(&["list", "watch"], "discovery.k8s.io", &["endpointslices"])
            ]),
        )),
        role(
            system,
            "kubeadm:kubelet-config",
            configmap("kubelet-config"),
        ),
        role(
            system,
            "kubeadm:nodes-kubeadm-config",
            configmap("kubeadm-config"),
        ),
        role(system, "kube-proxy", configmap("kube-proxy")),
        role(Some("kube-public"), signer, configmap("cluster-info")),
        binding(
            None,
            "kubeadm:cluster-admins",
            ("ClusterRole", "cluster-admin"),
            json!([group("kubeadm:cluster-admins")]),
        ),
        binding(
            None,
            "kubeadm:get-nodes",
            ("ClusterRole", "kubeadm:get-nodes"),
            json!([join()]),
        ),
        binding(
            None,
            "kubeadm:kubelet-bootstrap",
            ("ClusterRole", "system:node-bootstrapper"),
            json!([join()]),
        ),
        binding(
            None,
            "kubeadm:node-autoapprove-bootstrap",
            ("ClusterRole", &csr("nodeclient")),
            json!([join()]),
        ),
        binding(
            None,
            "kubeadm:node-autoapprove-certificate-rotation",
            ("ClusterRole", &csr("selfnodeclient")),
            json!([group("system:nodes")]),
        ),
        binding(
            None,
            "kubeadm:node-proxier",
            ("ClusterRole", "system:node-proxier"),
            json!([account("kube-system", "kube-proxy")]),
        ),
        bootstrapped(binding(
            None,
            "system:coredns",
            ("ClusterRole", "system:coredns"),
            json!([account("kube-system", "coredns")]),
        )),
        binding(
            system,
            "kubeadm:kubelet-config",
            ("Role", "kubeadm:kubelet-config"),
            json!([group("system:nodes"), join()]),
        ),
        binding(
            system,
            "kubeadm:nodes-kubeadm-config",
            ("Role", "kubeadm:nodes-kubeadm-config"),
            json!([join(), group("system:nodes")]),
        ),
        binding(
            system,
            "kube-proxy",
            ("Role", "kube-proxy"),
            json!([join()]),
        ),
        binding(
            Some("kube-public"),
            signer,
            ("Role", signer),
            json!([user("system:anonymous")]),
        ),
    ]
}

fn cluster(minor: u16) -> Option<Vec<Value>> {
    let folder = if minor == 20 {
        "captures/v1.20/http"
    } else {
        "captures/http"
    };
    let mut objects = recorded(folder)?;
    objects.extend(kubeadm());
    Some(objects)
}

/// Kinds that were listed and of which a recording may hold none.
const NONE_THERE: [(&str, &str); 14] = [
    ("", "LimitRange"),
    ("", "ResourceQuota"),
    ("", "Secret"),
    (
        "admissionregistration.k8s.io",
        "MutatingWebhookConfiguration",
    ),
    ("admissionregistration.k8s.io", "ValidatingAdmissionPolicy"),
    (
        "admissionregistration.k8s.io",
        "ValidatingAdmissionPolicyBinding",
    ),
    (
        "admissionregistration.k8s.io",
        "ValidatingWebhookConfiguration",
    ),
    ("apiextensions.k8s.io", "CustomResourceDefinition"),
    ("apps", "DaemonSet"),
    ("apps", "StatefulSet"),
    ("batch", "CronJob"),
    ("batch", "Job"),
    ("networking.k8s.io", "Ingress"),
    ("networking.k8s.io", "NetworkPolicy"),
];

/// Every rule of the table, those that are off too.
fn found(objects: &[Value], minor: u16) -> Vec<Found> {
    let rules: Vec<&'static Rule> = all().collect();
    let mut snapshot = live(objects, minor);
    let seen: BTreeSet<_> = snapshot
        .objects
        .iter()
        .map(|one| (one.gvk.group.clone(), one.gvk.kind.clone()))
        .chain(NONE_THERE.map(|(group, kind)| (group.into(), kind.into())))
        .collect();
    snapshot.listed = seen
        .into_iter()
        .map(|(group, kind)| Listed {
            group,
            kind,
            count: 1,
            complete: true,
        })
        .collect();
    ask(&snapshot, &rules).found
}

fn line(one: &Found) -> String {
    format!(
        "{} {} {}: {}",
        one.rule.slug, one.object, one.pointer, one.says
    )
}

/// What those who made the recordings put into the clusters; nodes are hardware.
fn is_users(one: &Found) -> bool {
    const SEEDED: [&str; 7] = ["small-", "old-", "old2-", "cap", "psa-", "real", "node"];
    let seeded = |text: &str| SEEDED.iter().any(|start| text.starts_with(start));
    one.object.namespace.as_deref().map_or_else(
        || seeded(&one.object.name) || &*one.object.name == "x",
        seeded,
    )
}

#[test]
fn nothing_to_do_about_a_fresh_cluster() {
    for minor in [36, 20] {
        let Some(objects) = cluster(minor) else {
            return;
        };
        let found = found(&objects, minor);
        let (marked, rest): (Vec<&Found>, Vec<&Found>) = found.iter().partition(|one| one.provider);
        let (users, own): (Vec<&Found>, Vec<&Found>) =
            rest.into_iter().partition(|one| is_users(one));
        let own: Vec<String> = own.into_iter().map(line).collect();
        println!(
            "1.{minor}: {} objects, {} findings of the provider's marked, {} of users, {} left",
            objects.len(),
            marked.len(),
            users.len(),
            own.len()
        );
        assert!(own.is_empty(), "1.{minor}: {own:#?}");
        assert!(marked.iter().all(|one| !is_users(one)), "1.{minor}");
        assert!(marked.len() > 50 && users.len() > 50);
    }
}

/// An object of the cluster by kind and, with its namespace, name.
fn pick<'o>(objects: &'o mut [Value], what: &str) -> &'o mut Value {
    let (kind, name) = what.split_once(' ').unwrap();
    let (namespace, name) = name
        .split_once('/')
        .map_or((None, name), |(ns, name)| (Some(ns), name));
    let found = objects.iter_mut().find(|one| {
        one["kind"] == kind
            && one["metadata"]["name"] == name
            && one["metadata"]["namespace"].as_str() == namespace
    });
    found.unwrap_or_else(|| panic!("no {what}"))
}

fn push(value: &mut Value, item: Value) {
    if value.is_null() {
        *value = json!([]);
    }
    value.as_array_mut().unwrap().push(item);
}

type Seed = (&'static str, &'static str, Box<dyn Fn(&mut Vec<Value>)>);

/// Adds a rule to a role.
fn more(what: &'static str, slug: &'static str, rule: Value) -> Seed {
    (
        what,
        slug,
        Box::new(move |all| push(&mut pick(all, what)["rules"], rule.clone())),
    )
}

/// Adds a subject to a binding.
fn joined(what: &'static str, slug: &'static str, subject: Value) -> Seed {
    (
        what,
        slug,
        Box::new(move |all| push(&mut pick(all, what)["subjects"], subject.clone())),
    )
}

/// Sets a field of an object.
fn set(what: &'static str, slug: &'static str, pointer: &'static str, value: Value) -> Seed {
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    let key = key.replace("~1", "/");
    (
        what,
        slug,
        Box::new(move |all| {
            let one = pick(all, what);
            let parent =
                parent
                    .split('/')
                    .skip(1)
                    .fold(one, |node, step| match step.parse::<usize>() {
                        Ok(index) => &mut node[index],
                        Err(_) => &mut node[step],
                    });
            parent[&key] = value.clone();
        }),
    )
}

/// A new object.
fn new(what: &'static str, slug: &'static str, object: Value) -> Seed {
    (what, slug, Box::new(move |all| all.push(object.clone())))
}

fn aggregated(name: &str, level: &str, rules: Value) -> Value {
    let mut one = role(None, name, rules);
    one["metadata"]["labels"] = json!({format!("{RBAC}/aggregate-to-{level}"): "true"});
    one
}

fn claims(mut one: Value) -> Value {
    one["metadata"]["labels"] = json!({"kubernetes.io/bootstrapping": "rbac-defaults"});
    one
}

const CHANGED: &str = "built-in-changed";
const FROZEN: &str = "/metadata/annotations/rbac.authorization.kubernetes.io~1autoupdate";
const PROXY: &str = "DaemonSet kube-system/kube-proxy";
const DNS: &str = "Deployment kube-system/coredns";

/// (object that is changed, a rule that must find it; empty: whichever, change).
fn seeds() -> Vec<Seed> {
    let read = |what: &str| rule(&["get", "list"], "", &[what]);
    let url = |url: &str| json!({"verbs": ["get"], "nonResourceURLs": [url]});
    let selects = |labels: Value| json!({"clusterRoleSelectors": [{"matchLabels": labels}]});
    let mallory = || user("mallory");
    vec![
        more("ClusterRole view", CHANGED, read("secrets")),
        more(
            "ClusterRole view",
            CHANGED,
            rule(&["get"], "", &["serviceaccounts/token"]),
        ),
        more(
            "ClusterRole edit",
            CHANGED,
            rule(&["get"], "", &["nodes/proxy"]),
        ),
        more(
            "ClusterRole admin",
            CHANGED,
            rule(&["escalate"], RBAC, &["roles"]),
        ),
        more("ClusterRole system:basic-user", CHANGED, read("pods")),
        more("ClusterRole system:discovery", CHANGED, url("/metrics")),
        more(
            "ClusterRole system:public-info-viewer",
            CHANGED,
            url("/logs"),
        ),
        more(
            "ClusterRole system:aggregate-to-view",
            CHANGED,
            read("secrets"),
        ),
        more(
            "ClusterRole system:aggregate-to-edit",
            CHANGED,
            rule(&["create"], RBAC, &["rolebindings"]),
        ),
        more(
            "ClusterRole system:node",
            CHANGED,
            rule(&["create"], "", &["pods/exec"]),
        ),
        more(
            "ClusterRole system:kube-scheduler",
            CHANGED,
            read("secrets"),
        ),
        more(
            "ClusterRole system:controller:job-controller",
            CHANGED,
            read("secrets"),
        ),
        more(
            "ClusterRole system:node-bootstrapper",
            CHANGED,
            rule(
                &["update"],
                "certificates.k8s.io",
                &["certificatesigningrequests/approval"],
            ),
        ),
        more(
            "ClusterRole system:coredns",
            CHANGED,
            rule(&["create"], "", &["pods"]),
        ),
        more(
            "ClusterRole kubeadm:get-nodes",
            CHANGED,
            rule(&["get"], "", &["nodes/proxy"]),
        ),
        more(
            "Role kube-system/extension-apiserver-authentication-reader",
            CHANGED,
            rule(&["update"], "", &["configmaps"]),
        ),
        more(
            "Role kube-system/system:controller:token-cleaner",
            CHANGED,
            rule(&["create"], "", &["secrets"]),
        ),
        more(
            "Role kube-public/kubeadm:bootstrap-signer-clusterinfo",
            CHANGED,
            read("configmaps"),
        ),
        set(
            "ClusterRole view",
            CHANGED,
            "/aggregationRule",
            selects(json!({"team": "any"})),
        ),
        set(
            "ClusterRole edit",
            CHANGED,
            "/aggregationRule",
            json!({"clusterRoleSelectors": [{"matchLabels": {"rbac.authorization.k8s.io/aggregate-to-edit": "true"}}, {"matchLabels": {"a": "b"}}]}),
        ),
        set(
            "ClusterRole system:node-proxier",
            CHANGED,
            "/aggregationRule",
            selects(json!({"a": "b"})),
        ),
        set(
            "ClusterRole cluster-admin",
            CHANGED,
            "/metadata/labels/rbac.authorization.k8s.io~1aggregate-to-view",
            json!("true"),
        ),
        set(
            "ClusterRole system:kube-controller-manager",
            CHANGED,
            "/metadata/labels/rbac.authorization.k8s.io~1aggregate-to-edit",
            json!("true"),
        ),
        new(
            "ClusterRole reader",
            "built-in-widened",
            aggregated("reader", "view", json!([read("secrets")])),
        ),
        new(
            "ClusterRole owner",
            "built-in-widened",
            aggregated(
                "owner",
                "admin",
                json!([rule(&["bind"], RBAC, &["clusterroles"])]),
            ),
        ),
        joined(
            "ClusterRoleBinding cluster-admin",
            "cluster-admin-user",
            mallory(),
        ),
        joined(
            "ClusterRoleBinding cluster-admin",
            "everybody-rights",
            group("system:authenticated"),
        ),
        joined(
            "ClusterRoleBinding kubeadm:cluster-admins",
            "cluster-admin-account",
            account("default", "web"),
        ),
        joined(
            "ClusterRoleBinding system:node",
            CHANGED,
            group("system:nodes"),
        ),
        joined(
            "ClusterRoleBinding system:public-info-viewer",
            CHANGED,
            mallory(),
        ),
        joined(
            "ClusterRoleBinding system:discovery",
            CHANGED,
            group("system:unauthenticated"),
        ),
        joined(
            "ClusterRoleBinding kubeadm:get-nodes",
            CHANGED,
            group("system:authenticated"),
        ),
        joined(
            "ClusterRoleBinding kubeadm:kubelet-bootstrap",
            CHANGED,
            group("system:unauthenticated"),
        ),
        joined(
            "RoleBinding kube-system/system::leader-locking-kube-scheduler",
            CHANGED,
            mallory(),
        ),
        joined(
            "RoleBinding kube-system/kube-proxy",
            CHANGED,
            account("default", "default"),
        ),
        set(
            "ClusterRoleBinding system:controller:job-controller",
            CHANGED,
            "/subjects",
            json!([account("default", "job-controller")]),
        ),
        set(
            "ClusterRoleBinding system:basic-user",
            CHANGED,
            "/roleRef",
            json!({"apiGroup": RBAC, "kind": "ClusterRole", "name": "edit"}),
        ),
        set(
            "ClusterRole system:discovery",
            "built-in-not-kept-up",
            FROZEN,
            json!("false"),
        ),
        set(
            "ClusterRoleBinding system:node",
            "built-in-not-kept-up",
            FROZEN,
            json!("false"),
        ),
        // Deleted, and made anew with the same name.
        (
            "ClusterRole system:kube-dns",
            CHANGED,
            Box::new(move |all| {
                *pick(all, "ClusterRole system:kube-dns") = role(
                    None,
                    "system:kube-dns",
                    json!([rule(&["get", "list"], "", &["secrets"])]),
                );
            }),
        ),
        (
            "ClusterRoleBinding system:monitoring",
            "",
            Box::new(|all| {
                let name = "system:monitoring";
                all.retain(|one| {
                    one["metadata"]["name"] != name || one["kind"] != "ClusterRoleBinding"
                });
                all.push(binding(
                    None,
                    name,
                    ("ClusterRole", "cluster-admin"),
                    json!([group(name)]),
                ));
            }),
        ),
        new(
            "RoleBinding kube-system/system:controller:job-controller",
            "cluster-admin-in-namespace",
            binding(
                Some("kube-system"),
                "system:controller:job-controller",
                ("ClusterRole", "cluster-admin"),
                json!([mallory()]),
            ),
        ),
        new(
            "ClusterRole system:helper",
            CHANGED,
            claims(role(None, "system:helper", json!([read("secrets")]))),
        ),
        new(
            "ClusterRoleBinding system:helper",
            CHANGED,
            claims(binding(
                None,
                "system:helper",
                ("ClusterRole", "view"),
                json!([mallory()]),
            )),
        ),
        new(
            "ClusterRoleBinding lent",
            "component-role-lent",
            binding(
                None,
                "lent",
                ("ClusterRole", "system:kube-controller-manager"),
                json!([mallory()]),
            ),
        ),
        new(
            "RoleBinding kube-system/b",
            "default-account-binding",
            binding(
                Some("kube-system"),
                "b",
                ("ClusterRole", "view"),
                json!([account("kube-system", "default")]),
            ),
        ),
        set(
            PROXY,
            "privileged-container",
            "/spec/template/spec/containers/0/image",
            json!("example.com/kube-proxy:v1.36.2"),
        ),
        set(
            PROXY,
            "privileged-container",
            "/spec/template/spec/hostPID",
            json!(true),
        ),
        set(
            PROXY,
            "host-path-root",
            "/spec/template/spec/volumes/0/hostPath",
            json!({"path": "/"}),
        ),
        set(
            PROXY,
            "privileged-container",
            "/spec/template/spec/serviceAccountName",
            json!("default"),
        ),
        (
            PROXY,
            "privileged-container",
            Box::new(|all| {
                let side = json!({"name": "side", "image": "example.com/side:1", "securityContext": {"privileged": true}});
                push(
                    pick(all, PROXY)
                        .pointer_mut("/spec/template/spec/containers")
                        .unwrap(),
                    side,
                );
            }),
        ),
        set(DNS, "", "/spec/template/spec/hostNetwork", json!(true)),
        set(
            DNS,
            "privileged-container",
            "/spec/template/spec/containers/0/securityContext",
            json!({"privileged": true}),
        ),
        set(
            DNS,
            "",
            "/spec/template/spec/containers/0/image",
            json!("example.com/coredns:1"),
        ),
    ]
}

#[test]
fn every_change_of_the_clusters_own_is_found() {
    let (mut done, mut asked) = (0, 0);
    let mut missed = Vec::new();
    for minor in [36, 20] {
        let Some(objects) = cluster(minor) else {
            return;
        };
        let before: BTreeSet<String> = found(&objects, minor)
            .iter()
            .filter(|one| !one.provider)
            .map(line)
            .collect();
        for (what, slug, change) in seeds() {
            asked += 1;
            let mut changed = objects.clone();
            change(&mut changed);
            let after = found(&changed, minor);
            let new = |one: &&Found| !one.provider && !before.contains(&line(one));
            let told = after.iter().filter(new).any(|one| {
                one.object.to_string() == what && (slug.is_empty() || one.rule.slug == slug)
            });
            if told {
                done += 1;
            } else {
                let new: Vec<String> = after.iter().filter(new).map(line).collect();
                missed.push(format!("1.{minor} {what} by {slug}: {new:?}"));
            }
        }
    }
    println!("{done} of {asked} changes found");
    assert!(missed.is_empty(), "{missed:#?}");
    assert!(asked >= 60);
}
