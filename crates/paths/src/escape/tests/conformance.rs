//! KubeHound's own attack pods, as each of the eight kinds that carry a pod.

use super::world::{documents, edges, steps_of};
use model::snapshot::Origin;
use serde_json::{Value, json};

const KINDS: [(&str, &str); 8] = [
    ("v1", "Pod"),
    ("apps/v1", "Deployment"),
    ("apps/v1", "DaemonSet"),
    ("apps/v1", "StatefulSet"),
    ("apps/v1", "ReplicaSet"),
    ("v1", "ReplicationController"),
    ("batch/v1", "Job"),
    ("batch/v1", "CronJob"),
];

/// The pod as another kind makes it.
fn carried(pod: &Value, version: &str, kind: &str) -> Value {
    let template = json!({"metadata": {"labels": pod["metadata"]["labels"]}, "spec": pod["spec"]});
    let spec = match kind {
        "Pod" => return pod.clone(),
        "CronJob" => {
            json!({"schedule": "* * * * *", "jobTemplate": {"spec": {"template": template}}})
        }
        "Job" => json!({"template": template}),
        _ => {
            json!({"selector": {"matchLabels": pod["metadata"]["labels"]}, "template": template})
        }
    };
    let metadata = &pod["metadata"];
    json!({"apiVersion": version, "kind": kind, "metadata": metadata, "spec": spec})
}

fn check(file: &str, expected: &[(&str, &str)]) {
    let Some(folder) = testkit::shared("conformance/rbac-paths/kubehound") else {
        return;
    };
    let yaml = std::fs::read_to_string(folder.join(file)).unwrap();
    let original = documents(&yaml);
    for (version, kind) in KINDS {
        let of_kind = |document: &Value| {
            if document["kind"] == "Pod" {
                carried(document, version, kind)
            } else {
                document.clone()
            }
        };
        let all: Vec<Value> = original.iter().map(of_kind).collect();
        for origin in [Origin::Files, Origin::Live] {
            let (found, _) = steps_of(&all, origin, 36);
            let found: Vec<(&str, String)> = found
                .iter()
                .map(|(name, steps)| (name.as_str(), edges(steps)))
                .collect();
            let expected: Vec<(&str, String)> = expected
                .iter()
                .map(|(name, kinds)| (*name, (*kinds).to_owned()))
                .collect();
            assert_eq!(found, expected, "{file} as {kind}, {origin:?}");
        }
    }
}

#[test]
fn kubehound() {
    let privileged = "CE_BPF CE_CGROUP_BREAKOUT CE_HOST_FD CE_MODULE_LOAD CE_PRIV_MOUNT CE_RAW_IO";
    check(
        "CE_MODULE_LOAD.yaml",
        &[("modload-pod/modload-pod", "CE_MODULE_LOAD")],
    );
    check("CE_PRIV_MOUNT.yaml", &[("priv-pod/priv-pod", privileged)]);
    let nsenter = "CE_BPF CE_CGROUP_BREAKOUT CE_HOST_FD CE_MODULE_LOAD CE_NSENTER CE_PRIV_MOUNT CE_RAW_IO CE_SYS_PTRACE HOST_PID";
    check("CE_NSENTER.yaml", &[("nsenter-pod/nsenter-pod", nsenter)]);
    let log = "CE_VAR_LOG_SYMLINK EXPLOIT_HOST_WRITE";
    check(
        "CE_VAR_LOG_SYMLINK.yaml",
        &[("varlog-pod/varlog-container", log)],
    );
    check("CONTROL_POD.yaml", &[("control-pod/control-pod", "")]);
    check("POD_EXEC.yaml", &[("pod-exec-pod/pod-exec-pod", "")]);
    check("TOKEN_LIST.yaml", &[("tokenlist-pod/tokenlist-pod", "")]);
    let share = "SHARE_PS_NAMESPACE";
    check(
        "SHARE_PS_NAMESPACE.yaml",
        &[
            ("sharedps-pod1/sharedps-pod1-a", share),
            ("sharedps-pod1/sharedps-pod1-b", share),
            ("sharedps-pod1/sharedps-pod1-c", share),
            ("sharedps-pod2/sharedps-pod2-a", share),
            ("sharedps-pod2/sharedps-pod2-b", share),
        ],
    );
}
