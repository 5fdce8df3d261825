//! Pod templates of any kind of object.

use super::{bare, ids, merge};
use crate::builder::{object, snapshot};
use model::snapshot::Origin;
use semantics::pod_security::Level::{Baseline, Restricted};
use semantics::pod_security::{Version, evaluate_object, evaluate_snapshot};
use serde_json::{Value, json};

#[test]
fn workloads_carry_their_template() {
    let mut pod = bare();
    merge(
        &mut pod,
        &json!({"metadata": {"annotations": {"container.apparmor.security.beta.kubernetes.io/c": "unconfined"}}, "spec": {"hostPID": true}}),
    );
    let check = |api: &str, kind: &str, body: Value, prefix: &str| {
        let object = object(&body, api, kind, 0);
        let judged = evaluate_object(&object, Baseline, Version::Latest).unwrap();
        assert_eq!(ids(&judged), "apparmorprofile hostnamespaces", "{kind}");
        assert_eq!(
            judged.violations[1].fields[0].pointer,
            format!("{prefix}/spec/hostPID")
        );
        let note = &judged.violations[0].fields[0].pointer;
        assert_eq!(body.pointer(note).unwrap(), "unconfined");
    };
    let named = |spec: Value| json!({"metadata": {"name": "w"}, "spec": spec});
    check("v1", "Pod", pod.clone(), "");
    check(
        "v1",
        "PodTemplate",
        json!({"metadata": {"name": "w"}, "template": pod}),
        "/template",
    );
    for (api, kind) in [
        ("apps/v1", "Deployment"),
        ("apps/v1", "ReplicaSet"),
        ("apps/v1", "StatefulSet"),
        ("apps/v1", "DaemonSet"),
        ("v1", "ReplicationController"),
        ("batch/v1", "Job"),
        ("argoproj.io/v1alpha1", "Rollout"),
    ] {
        check(api, kind, named(json!({"template": pod})), "/spec/template");
    }
    let cron = named(json!({"jobTemplate": {"spec": {"template": pod}}}));
    check(
        "batch/v1",
        "CronJob",
        cron,
        "/spec/jobTemplate/spec/template",
    );
    let custom = named(json!({"parts": [{"podTemplate": pod}]}));
    check(
        "example.com/v1",
        "Farm",
        custom,
        "/spec/parts/0/podTemplate",
    );
    for (api, kind, body) in [
        ("v1", "Service", named(json!({"hostPID": true}))),
        ("apps/v1", "Deployment", named(json!({}))),
        (
            "argoproj.io/v1alpha1",
            "Rollout",
            named(json!({"workloadRef": {"kind": "Deployment", "name": "x"}})),
        ),
        ("v1", "Pod", json!({"metadata": {"name": "w"}})),
    ] {
        let object = object(&body, api, kind, 0);
        assert!(
            evaluate_object(&object, Restricted, Version::Latest).is_none(),
            "{kind} {body}"
        );
    }
}

#[test]
fn what_another_object_owns_is_told_there() {
    let owned = |owner: &str| {
        let mut pod = bare();
        pod["metadata"]["ownerReferences"] =
            json!([{"kind": "ReplicaSet", "name": owner, "controller": true}]);
        pod
    };
    let template = json!({"metadata": {"name": "rs"}, "spec": {"template": bare()}});
    let objects = vec![
        object(&template, "apps/v1", "ReplicaSet", 0),
        object(&owned("rs"), "v1", "Pod", 1),
        object(&owned("gone"), "v1", "Pod", 2),
        object(&bare(), "v1", "Pod", 3),
    ];
    let snapshot = snapshot(Origin::Files, objects);
    let judged = evaluate_snapshot(&snapshot, Restricted, Version::Latest);
    let places: Vec<_> = judged
        .iter()
        .map(|one| snapshot.objects[one.object].place)
        .collect();
    let document = |place| match place {
        model::snapshot::Place::File { document, .. } => document,
        model::snapshot::Place::Server => panic!("from a file"),
    };
    let mut documents: Vec<u32> = places.into_iter().map(document).collect();
    documents.sort_unstable();
    assert_eq!(documents, [0, 2, 3]);
}
