//! What the API server and the kubelet refuse of a changed object. Comes in: the object before and after. Goes out: why not.
//! Never: blames a change for what was wrong before it.

use serde_json::Value;

/// What a spec must not be, and what the API server says then.
type Refusal = (fn(&Value) -> bool, &'static str);

/// Rules over several fields of a pod (`ValidateSecurityContext`, `validatePodHostNamespaces`, `ValidateVolumeMounts` of
/// pkg/apis/core/validation; `verifyRunAsNonRoot` of pkg/kubelet/kuberuntime).
pub(super) fn pod(before: &Value, after: &Value, template: &str) -> Result<(), &'static str> {
    let spec = format!("{template}/spec");
    let (Some(before), Some(after)) = (before.pointer(&spec), after.pointer(&spec)) else {
        return Ok(());
    };
    let rules: [Refusal; 5] = [
        (
            |spec| containers(spec).any(forbids_what_it_has),
            "allowPrivilegeEscalation cannot be false in a container that is privileged or has CAP_SYS_ADMIN",
        ),
        (
            |spec| containers(spec).any(|one| root_forbidden(spec, one)),
            "runAsUser 0 is set: with runAsNonRoot the container would not start",
        ),
        (
            |spec| {
                spec["hostUsers"] == false
                    && ["hostNetwork", "hostPID", "hostIPC"]
                        .iter()
                        .any(|field| spec[*field] == true)
            },
            "hostUsers cannot be false in a pod that shares a namespace of the node",
        ),
        (
            |spec| containers(spec).any(|one| mounts_nothing(spec, one)),
            "a volume would be mounted that is not there",
        ),
        (
            |spec| spec["shareProcessNamespace"] == true && spec["hostPID"] == true,
            "a pod cannot share its process namespace and the node's",
        ),
    ];
    for (refuses, why) in rules {
        if refuses(after) && !refuses(before) {
            return Err(why);
        }
    }
    Ok(())
}

/// Rules of RBAC: none of a rule's parts may be empty (`ValidatePolicyRule` of pkg/apis/rbac/validation).
pub(super) fn object(before: &Value, after: &Value) -> Result<(), &'static str> {
    let role = after["apiVersion"]
        .as_str()
        .is_some_and(|version| version.starts_with("rbac.authorization.k8s.io/"));
    let empty = |object: &Value| {
        list(&object["rules"])
            .iter()
            .filter(|rule| {
                let urls = !list(&rule["nonResourceURLs"]).is_empty();
                let none = |part: &str| list(&rule[part]).is_empty();
                none("verbs") || !urls && (none("apiGroups") || none("resources"))
            })
            .count()
    };
    if role && empty(after) > empty(before) {
        return Err("a rule would have no verbs, API groups or resources");
    }
    Ok(())
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn containers(spec: &Value) -> impl Iterator<Item = &Value> {
    ["initContainers", "containers", "ephemeralContainers"]
        .into_iter()
        .flat_map(|name| list(&spec[name]))
}

fn forbids_what_it_has(container: &Value) -> bool {
    let context = &container["securityContext"];
    let added = list(&context["capabilities"]["add"]);
    context["allowPrivilegeEscalation"] == false
        && (context["privileged"] == true || added.iter().any(|one| one == "CAP_SYS_ADMIN"))
}

fn root_forbidden(spec: &Value, container: &Value) -> bool {
    let field = |name: &str| {
        let own = &container["securityContext"][name];
        if own.is_null() {
            &spec["securityContext"][name]
        } else {
            own
        }
    };
    *field("runAsNonRoot") == true && *field("runAsUser") == 0
}

fn mounts_nothing(spec: &Value, container: &Value) -> bool {
    let mounts = list(&container["volumeMounts"]).iter();
    let mut mounts = mounts.chain(list(&container["volumeDevices"]));
    mounts.any(|mount| {
        !list(&spec["volumes"])
            .iter()
            .any(|volume| volume["name"] == mount["name"])
    })
}
