//! Objects as somebody may write them next, made of those that a cluster has.
//! Comes in: a Snapshot, a seed. Goes out: candidates, the same for the same seed. Never: an object of a kind that the
//! cluster does not have.

use model::snapshot::{Object, Snapshot};
use model::text::Text;
use serde_json::{Value, json};

/// Numbers that look random and are not.
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Dice(seed.wrapping_mul(2).wrapping_add(1))
    }

    /// Below `most`, which is at least 1.
    pub fn below(&mut self, most: usize) -> usize {
        // Knuth, MMIX.
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap_or(0) % most.max(1)
    }

    pub fn pick<'t, T>(&mut self, all: &'t [T]) -> Option<&'t T> {
        all.get(self.below(all.len()))
    }
}

/// One object of the Snapshot, drawn from all, changed in a way that fits its kind: in place or under a new name.
pub fn candidate(snapshot: &Snapshot, dice: &mut Dice) -> Option<Object> {
    let like = dice.pick(&snapshot.objects)?;
    changed(snapshot, like, dice)
}

/// The same for an object that was chosen.
pub fn changed(snapshot: &Snapshot, like: &Object, dice: &mut Dice) -> Option<Object> {
    let mut json: Value = serde_json::from_slice(&like.json).ok()?;
    let mut object = like.clone();
    if dice.below(2) == 0 {
        let name = format!("{}-x{}", like.name, dice.below(10));
        *json.pointer_mut("/metadata/name")? = json!(name);
        object.name = Text::from(name);
        object.uid = None;
        if let Some(metadata) = json.get_mut("metadata").and_then(Value::as_object_mut) {
            metadata.remove("uid");
        }
    }
    match &*like.gvk.kind {
        "RoleBinding" | "ClusterRoleBinding" => binding(snapshot, &mut json, &object, dice),
        "Role" | "ClusterRole" => role(&mut json, dice),
        "Service" => service(&mut json, dice),
        "Ingress" => {}
        "NetworkPolicy" => policy(&mut json, dice),
        "Pod" => pod(json.get_mut("spec"), dice),
        "CronJob" => pod(
            json.pointer_mut("/spec/jobTemplate/spec/template/spec"),
            dice,
        ),
        _ => pod(json.pointer_mut("/spec/template/spec"), dice),
    }
    let labels = json
        .pointer_mut("/metadata/labels")
        .and_then(Value::as_object_mut);
    if let Some(labels) = labels {
        labels.insert("example.org/changed".into(), json!("yes"));
        object.labels = labels
            .iter()
            .filter_map(|(key, value)| Some((key.as_str().into(), value.as_str()?.into())))
            .collect();
        object.labels.sort();
    }
    object.json = serde_json::to_vec(&json).ok()?.into();
    Some(object)
}

fn binding(snapshot: &Snapshot, json: &mut Value, object: &Object, dice: &mut Dice) {
    let accounts = snapshot.of_kind("", "ServiceAccount");
    if let Some(account) = dice.pick(accounts) {
        let namespace = account.namespace.as_deref().unwrap_or("default");
        json["subjects"] = json!([
            {"kind": "ServiceAccount", "namespace": namespace, "name": &*account.name}
        ]);
    }
    if object.namespace.is_none() || dice.below(2) == 0 {
        let roles = snapshot.of_kind("rbac.authorization.k8s.io", "ClusterRole");
        if let Some(role) = dice.pick(roles) {
            json["roleRef"] = json!({
                "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": &*role.name
            });
        }
    }
}

fn role(json: &mut Value, dice: &mut Dice) {
    let rules = [
        json!({"apiGroups": [""], "resources": ["secrets"], "verbs": ["get", "list"]}),
        json!({"apiGroups": [""], "resources": ["pods/exec"], "verbs": ["create"]}),
        json!({"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["create"]}),
        json!({"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}),
        json!({"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get"]}),
        json!({"apiGroups": [""], "resources": ["serviceaccounts/token"], "verbs": ["create"]}),
    ];
    let rule = dice.pick(&rules).cloned();
    match json.get_mut("rules").and_then(Value::as_array_mut) {
        Some(rules) => rules.extend(rule),
        None => json["rules"] = rule.map_or(json!([]), |rule| json!([rule])),
    }
}

fn service(json: &mut Value, dice: &mut Dice) {
    let kind = ["LoadBalancer", "NodePort", "ClusterIP"];
    if let Some(kind) = dice.pick(&kind) {
        json["spec"]["type"] = json!(kind);
    }
}

fn policy(json: &mut Value, dice: &mut Dice) {
    match dice.below(3) {
        0 => json["spec"]["ingress"] = json!([{}]),
        1 => json["spec"]["podSelector"] = json!({}),
        _ => json["spec"]["ingress"] = json!([]),
    }
}

fn pod(spec: Option<&mut Value>, dice: &mut Dice) {
    let Some(spec) = spec.filter(|spec| spec.is_object()) else {
        return;
    };
    match dice.below(4) {
        0 => spec["hostPID"] = json!(true),
        1 => {
            if let Some(container) = spec.pointer_mut("/containers/0") {
                container["securityContext"] = json!({"privileged": true});
            }
        }
        2 => spec["serviceAccountName"] = json!("default"),
        _ => spec["automountServiceAccountToken"] = json!(false),
    }
}
