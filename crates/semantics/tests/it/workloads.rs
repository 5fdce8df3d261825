//! Owners, states, containers that run.

use crate::builder::{gaps, lines, of, read};
use model::evidence::Ledger;
use model::snapshot::Origin::{self, Files, Live};
use semantics::declare::Declarations;
use serde_json::{Value, json};

fn template(image: &str) -> Value {
    json!({"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "web", "image": image}]}})
}

fn owner(kind: &str, name: &str) -> Value {
    let version = match kind {
        "Deployment" | "ReplicaSet" | "StatefulSet" => "apps/v1",
        "CronJob" | "Job" => "batch/v1",
        "Node" => "v1",
        "Revision" | "Configuration" | "Service" => "serving.knative.dev/v1",
        "Rollout" => "argoproj.io/v1alpha1",
        _ => "example.com/v1",
    };
    json!([{"apiVersion": version, "kind": kind, "name": name, "uid": format!("u-{kind}-{name}"), "controller": true}])
}

/// An object in namespace `n` with uid `u-KIND-NAME`.
fn kind(version: &str, kind: &str, name: &str, owners: Value, spec: Value) -> Value {
    json!({"apiVersion": version, "kind": kind, "metadata": {"namespace": "n", "name": name, "uid": format!("u-{kind}-{name}"), "ownerReferences": owners}, "spec": spec})
}

fn deployment(name: &str, replicas: u32, image: &str) -> Value {
    kind(
        "apps/v1",
        "Deployment",
        name,
        Value::Null,
        json!({"replicas": replicas, "template": template(image)}),
    )
}

fn replica_set(name: &str, owners: Value, replicas: u32, image: &str) -> Value {
    kind(
        "apps/v1",
        "ReplicaSet",
        name,
        owners,
        json!({"replicas": replicas, "template": template(image)}),
    )
}

fn pod(name: &str, owners: Value, image: &str, phase: &str, digest: &str) -> Value {
    let mut pod = kind(
        "v1",
        "Pod",
        name,
        owners,
        json!({"nodeName": "node-1", "containers": [{"name": "web", "image": image}]}),
    );
    pod["metadata"]["labels"] = json!({"app": "web", "pod-template-hash": "abc"});
    pod["status"] = json!({"phase": phase, "podIP": "10.0.0.1", "podIPs": [{"ip": "10.0.0.1"}, {"ip": "fd00::1"}],
        "containerStatuses": [{"name": "web", "image": image, "imageID": format!("docker-pullable://r/web@sha256:{}", digest.repeat(64))}]});
    pod
}

fn check(origin: Origin, objects: &[Value], expected: &[&str], expected_gaps: &[&str]) {
    let inventory = read(&of(origin, objects));
    assert_eq!(lines(&inventory), expected, "{objects:#?}");
    assert_eq!(gaps(&inventory), expected_gaps, "{objects:#?}");
    for (n, pod) in (0u32..).zip(&inventory.pods) {
        assert!(inventory.workloads[pod.workload as usize].pods.contains(&n));
    }
}

#[test]
fn every_kind_with_a_pod_template_is_one_workload() {
    let spec = || json!({"template": template("i")});
    for (version, name, expected) in [
        ("apps/v1", "Deployment", "n/w Deployment Active 1: web=i"),
        (
            "extensions/v1beta1",
            "Deployment",
            "n/w Deployment Active 1: web=i",
        ),
        ("apps/v1", "ReplicaSet", "n/w ReplicaSet Active 1: web=i"),
        ("apps/v1", "StatefulSet", "n/w StatefulSet Active 1: web=i"),
        ("apps/v1", "DaemonSet", "n/w DaemonSet Active 1: web=i"),
        (
            "v1",
            "ReplicationController",
            "n/w ReplicationController Active 1: web=i",
        ),
        ("batch/v1", "Job", "n/w Job Active 1: web=i"),
        (
            "argoproj.io/v1alpha1",
            "Rollout",
            "n/w Rollout Active 1: web=i",
        ),
        (
            "serving.knative.dev/v1",
            "Service",
            "n/w Service Active 1: web=i",
        ),
        (
            "apps.openshift.io/v1",
            "DeploymentConfig",
            "n/w DeploymentConfig Active 1: web=i",
        ),
        (
            "apps.kruise.io/v1alpha1",
            "CloneSet",
            "n/w CloneSet Active 1: web=i",
        ),
    ] {
        check(
            Files,
            &[kind(version, name, "w", Value::Null, spec())],
            &[expected],
            &[],
        );
    }
    let deep = json!({"jobTemplate": {"spec": {"parallelism": 3, "template": template("i")}}});
    check(
        Files,
        &[kind(
            "batch/v1beta1",
            "CronJob",
            "w",
            Value::Null,
            deep.clone(),
        )],
        &["n/w CronJob Active 3: web=i"],
        &[],
    );
    check(
        Files,
        &[kind("example.com/v1", "Nightly", "w", Value::Null, deep)],
        &["n/w Nightly Active 1: web=i"],
        &[],
    );
    let sandbox = json!({"podTemplate": {"spec": {"containers": [{"name": "a", "image": "x"}]}}});
    check(
        Files,
        &[kind(
            "agents.x-k8s.io/v1alpha1",
            "Sandbox",
            "w",
            Value::Null,
            sandbox,
        )],
        &["n/w Sandbox Active 1: a=x"],
        &[],
    );
    let two = json!({"a": {"template": template("x")}, "b": [{"template": template("y")}]});
    check(
        Files,
        &[kind("example.com/v1", "Cluster", "w", Value::Null, two)],
        &["n/w Cluster Active 1: web=x", "n/w Cluster Active 1: web=y"],
        &[],
    );
    let overrides = json!({"containers": [{"name": "prometheus", "image": "x"}], "podTemplate": {"spec": {"containers": [{"name": "a"}]}}});
    check(
        Files,
        &[kind(
            "monitoring.coreos.com/v1",
            "Prometheus",
            "w",
            Value::Null,
            overrides,
        )],
        &[],
        &[],
    );
    let bare = json!({"apiVersion": "v1", "kind": "PodTemplate", "metadata": {"namespace": "n", "name": "w"}, "template": template("i")});
    check(Files, &[bare], &["n/w PodTemplate Dormant 0: web=i"], &[]);
    let no_namespace = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "w"}, "spec": {"containers": [{"name": "a", "image": "i"}]}});
    check(
        Files,
        &[no_namespace],
        &["default/w Pod Active 1: a=i"],
        &[],
    );
}

#[test]
fn rollouts_take_the_template_of_the_deployment_they_name() {
    let rollout = kind(
        "argoproj.io/v1alpha1",
        "Rollout",
        "r",
        Value::Null,
        json!({"replicas": 2, "workloadRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "w"}}),
    );
    check(
        Files,
        &[rollout, deployment("w", 0, "i")],
        &[
            "n/r Rollout Active 2: web=i",
            "n/w Deployment Dormant 0: web=i",
        ],
        &[],
    );
}

#[test]
fn what_does_not_run_is_dormant_or_history() {
    let job = |suspend: bool, condition: &str| {
        let mut job = kind(
            "batch/v1",
            "Job",
            "j",
            Value::Null,
            json!({"suspend": suspend, "template": template("i")}),
        );
        job["status"] = json!({"conditions": [{"type": condition, "status": "True"}]});
        job
    };
    let cron = |suspend: bool| {
        kind(
            "batch/v1",
            "CronJob",
            "c",
            Value::Null,
            json!({"suspend": suspend, "jobTemplate": {"spec": {"template": template("i")}}}),
        )
    };
    for (object, expected) in [
        (deployment("d", 0, "i"), "n/d Deployment Dormant 0: web=i"),
        (
            replica_set("r", Value::Null, 0, "i"),
            "n/r ReplicaSet History 0: web=i",
        ),
        (job(false, "Complete"), "n/j Job History 0: web=i"),
        (job(false, "Failed"), "n/j Job History 0: web=i"),
        (job(true, "Suspended"), "n/j Job Dormant 0: web=i"),
        (job(false, "Other"), "n/j Job Active 0: web=i"),
        (cron(true), "n/c CronJob Dormant 0: web=i"),
        (cron(false), "n/c CronJob Active 0: web=i"),
        (
            pod("p", Value::Null, "i", "Succeeded", "a"),
            "n/p Pod History 0: web=i",
        ),
        (
            pod("p", Value::Null, "i", "Running", "a"),
            "n/p Pod Active 1: web=i@sha256:aaa",
        ),
    ] {
        check(Live, &[object], &[expected], &[]);
    }
}

#[test]
fn pods_belong_to_the_root_owner() {
    let rs = || replica_set("w-abc", owner("Deployment", "w"), 1, "i");
    let run = |n: &str| pod(n, owner("ReplicaSet", "w-abc"), "i", "Running", "a");
    let both = "n/w Deployment Active 2: web=i@sha256:aaa";
    check(
        Live,
        &[deployment("w", 2, "i"), rs(), run("p1"), run("p2")],
        &[both],
        &[],
    );
    // The old side of history does not count, finished pods do not run.
    let old = replica_set("w-old", owner("Deployment", "w"), 0, "old");
    check(
        Live,
        &[
            deployment("w", 1, "i"),
            rs(),
            old,
            run("p1"),
            pod("p0", owner("ReplicaSet", "w-abc"), "i", "Failed", "b"),
        ],
        &["n/w Deployment Active 1: web=i@sha256:aaa"],
        &[],
    );
    // ReplicaSets that may not be listed.
    check(
        Live,
        &[deployment("w", 2, "i"), run("p1"), run("p2")],
        &[both],
        &[],
    );
    // Owners that were not seen give their name.
    check(
        Live,
        &[rs(), run("p1"), run("p2")],
        &[both],
        &["owner-not-seen"],
    );
    check(
        Live,
        &[run("p1")],
        &["n/w-abc ReplicaSet Active 1: web=i@sha256:aaa"],
        &["owner-not-seen"],
    );
    check(
        Files,
        &[rs()],
        &["n/w Deployment Active 1: web=i"],
        &["owner-not-seen"],
    );
    // A uid that lies about its kind is not followed; mirror pods are their own.
    let mut liar = run("p1");
    liar["metadata"]["ownerReferences"][0]["uid"] = json!("u-Deployment-w");
    check(
        Live,
        &[deployment("w", 1, "i"), rs(), liar],
        &["n/w Deployment Active 1: web=i@sha256:aaa"],
        &[],
    );
    check(
        Live,
        &[pod(
            "kube-apiserver-n1",
            owner("Node", "n1"),
            "i",
            "Running",
            "a",
        )],
        &["n/kube-apiserver-n1 Pod Active 1: web=i@sha256:aaa"],
        &[],
    );
    let cron = kind(
        "batch/v1",
        "CronJob",
        "c",
        Value::Null,
        json!({"jobTemplate": {"spec": {"template": template("i")}}}),
    );
    let job = kind(
        "batch/v1",
        "Job",
        "c-1",
        owner("CronJob", "c"),
        json!({"template": template("i")}),
    );
    check(
        Live,
        &[
            cron,
            job,
            pod("c-1-x", owner("Job", "c-1"), "i", "Running", "a"),
        ],
        &["n/c CronJob Active 1: web=i@sha256:aaa"],
        &[],
    );
}

#[test]
fn operators_own_several_workloads() {
    let set = |name: &str| {
        kind(
            "apps/v1",
            "StatefulSet",
            name,
            owner("Kafka", "k"),
            json!({"template": template("i")}),
        )
    };
    let inventory = read(&of(Live, &[set("a"), set("b")]));
    assert_eq!(
        lines(&inventory),
        [
            "n/a StatefulSet Active 0: web=i",
            "n/b StatefulSet Active 0: web=i"
        ]
    );
    let by = inventory.workloads[0].workload.managed_by.as_ref().unwrap();
    assert_eq!((&*by.tool, &*by.name), ("operator", "Kafka n/k"));
    // Pods that a custom resource owns directly are its.
    let run = |name: &str, image: &str| pod(name, owner("TaskRun", "t"), image, "Running", "a");
    check(
        Live,
        &[run("t-1", "x"), run("t-2", "y")],
        &["n/t TaskRun Active 2: web=x@sha256:aaa web=y@sha256:aaa"],
        &["owner-not-seen"],
    );
    // What the operator made is judged, not the template that it was made from.
    let custom = kind(
        "example.com/v1",
        "Kafka",
        "k",
        Value::Null,
        json!({"template": template("z")}),
    );
    check(
        Live,
        &[custom, set("a")],
        &["n/a StatefulSet Active 0: web=i"],
        &[],
    );
    // Knative: four objects, one workload.
    let service = kind(
        "serving.knative.dev/v1",
        "Service",
        "s",
        Value::Null,
        json!({"template": template("i")}),
    );
    let configuration = kind(
        "serving.knative.dev/v1",
        "Configuration",
        "s",
        owner("Service", "s"),
        json!({"template": template("i")}),
    );
    let revision = kind(
        "serving.knative.dev/v1",
        "Revision",
        "s-1",
        owner("Configuration", "s"),
        json!({"containers": [{"name": "web", "image": "i"}]}),
    );
    let deployed = kind(
        "apps/v1",
        "Deployment",
        "s-1-deployment",
        owner("Revision", "s-1"),
        json!({"replicas": 0, "template": template("i")}),
    );
    check(
        Live,
        &[service, configuration, revision, deployed],
        &["n/s Service Active 0: web=i"],
        &[],
    );
}

#[test]
fn owners_in_circles_end() {
    let a = replica_set("a", owner("ReplicaSet", "b"), 1, "x");
    let b = replica_set("b", owner("ReplicaSet", "a"), 1, "y");
    check(
        Live,
        &[
            a.clone(),
            b,
            pod("p", owner("ReplicaSet", "b"), "y", "Running", "a"),
        ],
        &["n/a ReplicaSet Active 1: web=y@sha256:aaa"],
        &["owner-cycle"],
    );
    let own = replica_set("a", owner("ReplicaSet", "a"), 1, "x");
    check(
        Files,
        &[own],
        &["n/a ReplicaSet Active 1: web=x"],
        &["owner-cycle"],
    );
    let chain: Vec<Value> = (0..100)
        .map(|n| {
            replica_set(
                &format!("r{n:03}"),
                owner("ReplicaSet", &format!("r{:03}", n + 1)),
                1,
                "x",
            )
        })
        .collect();
    assert!(!lines(&read(&of(Files, &chain))).is_empty());
}

#[test]
fn containers_are_those_that_run() {
    let rs = replica_set("w-abc", owner("Deployment", "w"), 1, "i");
    let run = |n: &str, image: &str, digest: &str| {
        pod(n, owner("ReplicaSet", "w-abc"), image, "Running", digest)
    };
    // Two digests under one tag, both sides of a rollout, an image rewritten at admission.
    check(
        Live,
        &[
            deployment("w", 2, "i"),
            rs.clone(),
            run("p1", "i", "b"),
            run("p2", "i", "a"),
        ],
        &["n/w Deployment Active 2: web=i@sha256:aaa+sha256:bbb"],
        &[],
    );
    check(
        Live,
        &[
            deployment("w", 2, "new"),
            rs.clone(),
            run("p1", "new", "b"),
            run("p2", "old", "a"),
        ],
        &["n/w Deployment Active 2: web=new@sha256:bbb web=old@sha256:aaa"],
        &[],
    );
    check(
        Live,
        &[
            deployment("w", 1, "i"),
            rs.clone(),
            run("p1", "mirror/i", "a"),
        ],
        &["n/w Deployment Active 1: web=mirror/i@sha256:aaa"],
        &[],
    );
    // Injected and debug containers have no place in the Deployment.
    let mut injected = run("p1", "i", "a");
    injected["spec"]["containers"].as_array_mut().unwrap().push(json!({"name": "proxy", "image": "istio", "volumeMounts": [{"name": "v", "mountPath": "/v"}]}));
    injected["spec"]["volumes"] = json!([{"name": "v", "hostPath": {"path": "/run"}}, {"name": "unused", "hostPath": {"path": "/x"}}]);
    injected["spec"]["ephemeralContainers"] = json!([{"name": "debug", "image": "busybox"}]);
    let inventory = read(&of(Live, &[deployment("w", 1, "i"), rs, injected]));
    assert_eq!(
        lines(&inventory),
        ["n/w Deployment Active 1: web=i@sha256:aaa proxy=istio debug=busybox"]
    );
    let view = &inventory.workloads[0];
    let pointers: Vec<&str> = view
        .workload
        .containers
        .iter()
        .map(|c| &*c.pointer)
        .collect();
    assert_eq!(pointers, ["/spec/template/spec/containers/0", "", ""]);
    let spec = &inventory.templates[view.template as usize];
    assert_eq!(spec.containers.len(), view.workload.containers.len());
    assert_eq!(spec.volumes.len(), 1);
}

#[test]
fn pods_keep_addresses_and_nodes() {
    let inventory = read(&of(Live, &[pod("p", Value::Null, "i", "Pending", "a")]));
    let pod = &inventory.pods[0];
    assert_eq!(
        pod.ips.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["10.0.0.1", "fd00::1"]
    );
    assert_eq!(pod.node.as_deref(), Some("node-1"));
    let inventory = read(&of(
        Files,
        &[
            json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"namespace": "n", "name": "p"}, "spec": {"containers": []}}),
        ],
    ));
    assert!(inventory.pods.is_empty());
}

#[test]
fn equal_templates_are_kept_once() {
    let inventory = read(&of(
        Files,
        &[
            deployment("a", 1, "i"),
            deployment("b", 2, "i"),
            deployment("c", 1, "j"),
        ],
    ));
    assert_eq!(inventory.templates.len(), 2);
    assert_eq!(
        inventory.workloads[0].template,
        inventory.workloads[1].template
    );
}

#[test]
fn claims_resolve_to_host_paths() {
    let volume = json!({"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": "pv"}, "spec": {"hostPath": {"path": "/data"}, "claimRef": {"namespace": "n", "name": "data-db-0"}}});
    let by_name = json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"namespace": "n", "name": "c"}, "spec": {"volumeName": "pv"}});
    let free = json!({"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": "free"}, "spec": {"storageClassName": "manual", "hostPath": {"path": "/free"}}});
    let by_class = json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"namespace": "n", "name": "m"}, "spec": {"storageClassName": "manual"}});
    let mut set = kind(
        "apps/v1",
        "StatefulSet",
        "db",
        Value::Null,
        json!({"template": template("i"), "volumeClaimTemplates": [{"metadata": {"name": "data"}}]}),
    );
    set["spec"]["template"]["spec"]["volumes"] = json!([{"name": "x", "persistentVolumeClaim": {"claimName": "c"}}, {"name": "y", "persistentVolumeClaim": {"claimName": "other"}}, {"name": "z", "persistentVolumeClaim": {"claimName": "m"}}]);
    let inventory = read(&of(Live, &[volume, free, by_name, by_class, set]));
    let paths: Vec<String> = inventory.templates[0]
        .volumes
        .iter()
        .map(|v| format!("{:?}", v.source))
        .collect();
    let claim = |name: &str, path: &str| format!("Claim {{ name: \"{name}\", host_path: {path} }}");
    assert_eq!(
        paths,
        [
            claim("c", "Some(\"/data\")"),
            claim("other", "None"),
            claim("m", "Some(\"/free\")"),
            claim("data", "Some(\"/data\")")
        ]
    );
}

#[test]
fn malformed_objects_are_gaps() {
    let mut wrong = deployment("w", 1, "i");
    wrong["spec"]["template"]["spec"]["hostNetwork"] = json!("true");
    wrong["spec"]["template"]["spec"]["containers"][0]["ports"] = json!("http");
    let inventory = read(&of(Files, &[wrong]));
    assert_eq!(lines(&inventory), ["n/w Deployment Active 1: web=i"]);
    let said: Vec<&str> = inventory
        .gaps
        .iter()
        .filter(|g| &*g.class == "field-malformed")
        .map(|g| g.what.split(' ').next().unwrap())
        .collect();
    assert_eq!(
        said,
        [
            "/spec/template/spec/containers/0/ports",
            "/spec/template/spec/hostNetwork"
        ]
    );
    let mut snapshot = of(Files, &[deployment("w", 1, "i")]);
    snapshot.objects[0].json = b"{\"spec\":".to_vec().into();
    assert_eq!(gaps(&read(&snapshot)), ["object-malformed"]);
    let deep = format!("{}1{}", "{\"a\":".repeat(5000), "}".repeat(5000));
    snapshot.objects[0].json = deep.into_bytes().into();
    assert_eq!(gaps(&read(&snapshot)), ["object-malformed"]);
    for junk in [
        json!([]),
        json!(1),
        json!({"spec": []}),
        json!({"spec": {"template": 7, "replicas": {}}}),
        json!({"spec": {"template": {"spec": {"containers": {"a": 1}}}}}),
    ] {
        for (group, name) in [
            ("apps", "Deployment"),
            ("", "Pod"),
            ("batch", "CronJob"),
            ("example.com", "Thing"),
            ("", "Service"),
            ("networking.k8s.io", "NetworkPolicy"),
            ("networking.k8s.io", "Ingress"),
            ("rbac.authorization.k8s.io", "ClusterRoleBinding"),
            ("gateway.networking.k8s.io", "HTTPRoute"),
            ("cilium.io", "CiliumNetworkPolicy"),
            ("", "Node"),
            ("", "Endpoints"),
        ] {
            let mut snapshot = of(Live, &[deployment("w", 1, "i")]);
            snapshot.objects[0].gvk.group = group.into();
            snapshot.objects[0].gvk.kind = name.into();
            snapshot.objects[0].json = serde_json::to_vec(&junk).unwrap().into();
            read(&snapshot);
        }
    }
}

#[test]
fn undeclared_criticality_is_said_once() {
    let mut ledger = Ledger::default();
    let snapshot = of(Files, &[deployment("a", 1, "i"), deployment("b", 1, "i")]);
    let inventory = semantics::inventory(&snapshot, &Declarations::default(), &mut ledger);
    assert_eq!(inventory.gaps.len(), 1);
    assert_eq!(
        &*inventory.gaps[0].what,
        "how much depends on 2 of 2 workloads is not declared"
    );
    assert_eq!(ledger.gaps, inventory.gaps);
    let all: Declarations = serde_saphyr::from_str("workloads: [{ criticality: normal }]").unwrap();
    assert!(
        semantics::inventory(&snapshot, &all, &mut ledger)
            .gaps
            .is_empty()
    );
}

#[test]
fn what_was_not_listed_is_said() {
    let mut snapshot = of(Live, &[deployment("a", 3, "i")]);
    for listed in &mut snapshot.listed {
        listed.complete = !matches!(&*listed.kind, "Pod" | "NetworkPolicy");
    }
    let inventory = read(&snapshot);
    assert_eq!(
        inventory.unseen.keys().map(|k| &**k).collect::<Vec<_>>(),
        ["NetworkPolicy", "Pod"]
    );
    assert_eq!(gaps(&inventory), ["kinds-not-listed"]);
    assert_eq!(lines(&inventory), ["n/a Deployment Active 3: web=i"]);
}

#[test]
fn namespaces_that_objects_name() {
    let namespace = |name: &str, level: &str| json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": {"pod-security.kubernetes.io/enforce": level}}});
    let inventory = read(&of(
        Files,
        &[
            namespace("a", "baseline"),
            namespace("b", "strict"),
            deployment("w", 1, "i"),
        ],
    ));
    let got: Vec<_> = inventory
        .namespaces
        .iter()
        .map(|n| {
            (
                &*n.name,
                n.labels
                    .get("pod-security.kubernetes.io/enforce")
                    .map(|level| &**level),
                n.seen,
                &*n.labels["kubernetes.io/metadata.name"],
            )
        })
        .collect();
    assert_eq!(
        got,
        [
            ("a", Some("baseline"), true, "a"),
            ("b", Some("strict"), true, "b"),
            ("n", None, false, "n")
        ]
    );
}

#[test]
fn running_digests() {
    for (id, expected) in [
        (
            format!("docker-pullable://r/a@sha256:{}", "a".repeat(64)),
            true,
        ),
        (format!("docker://sha256:{}", "a".repeat(64)), true),
        (format!("r/a@sha256:{}", "a".repeat(64)), true),
        (format!("sha256:{}", "a".repeat(64)), true),
        ("a".repeat(64), true),
        (String::new(), false),
        ("r/a:1".to_owned(), false),
    ] {
        let mut run = pod("p", Value::Null, "i", "Running", "a");
        run["status"]["containerStatuses"][0]["imageID"] = json!(id);
        let inventory = read(&of(Live, &[run]));
        let want: Vec<String> = expected
            .then(|| format!("sha256:{}", "a".repeat(64)))
            .into_iter()
            .collect();
        let got: Vec<String> = inventory.workloads[0].workload.containers[0]
            .running
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(got, want, "{id}");
    }
}
