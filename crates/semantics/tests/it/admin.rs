//! Policies of administrators: both API versions in one view, in the order in which they are asked.

use crate::builder::{of, read};
use model::snapshot::Origin::Live;
use semantics::view::{AdminPeer, AdminPolicy, AdminTier, PolicyPort, TargetPort};
use serde_json::{Value, json};

fn object(kind: &str, name: &str, spec: &Value) -> Value {
    json!({"apiVersion": "policy.networking.k8s.io/v1alpha1", "kind": kind, "metadata": {"name": name}, "spec": spec})
}

fn one(kind: &str, mut spec: Value) -> AdminPolicy {
    if spec.get("subject").is_none() {
        spec["subject"] = json!({"namespaces": {}});
    }
    let mut inventory = read(&of(Live, &[object(kind, "p", &spec)]));
    inventory.admin_policies.remove(0)
}

#[test]
fn tiers_and_priorities_are_in_order() {
    let subject = json!({"namespaces": {}});
    let with = |priority: i64| json!({"priority": priority, "subject": subject});
    let tier =
        |tier: &str, priority: i64| json!({"tier": tier, "priority": priority, "subject": subject});
    let objects = [
        object("BaselineAdminNetworkPolicy", "default", &with(0)),
        object("ClusterNetworkPolicy", "late", &tier("Baseline", 5)),
        object("AdminNetworkPolicy", "second", &with(7)),
        object("ClusterNetworkPolicy", "first", &tier("Admin", 3)),
    ];
    let inventory = read(&of(Live, &objects));
    let names: Vec<&str> = inventory
        .admin_policies
        .iter()
        .map(|p| &*p.object.name)
        .collect();
    assert_eq!(names, ["first", "second", "default", "late"]);
    let tiers: Vec<AdminTier> = inventory.admin_policies.iter().map(|p| p.tier).collect();
    let (admin, baseline) = (AdminTier::Admin, AdminTier::Baseline);
    assert_eq!(tiers, [admin, admin, baseline, baseline]);
}

fn ports(ports: &[PolicyPort]) -> String {
    let text = |port: &PolicyPort| {
        let number = match &port.port {
            None => "*".to_owned(),
            Some(TargetPort::Number(n)) => n.to_string(),
            Some(TargetPort::Name(name)) => name.to_string(),
        };
        let end = port.end.map_or_else(String::new, |end| format!("-{end}"));
        format!("{}/{number}{end}", port.protocol)
    };
    ports.iter().map(text).collect::<Vec<_>>().join(" ")
}

/// `expected`: action, ports (`all`), whether a part is not understood; empty: the rule is not there.
fn check(rule: Value, expected: &str) {
    let policy = one("ClusterNetworkPolicy", json!({"ingress": [rule.clone()]}));
    let got = policy.ingress.first().map_or_else(String::new, |rule| {
        let ports = rule.ports.as_deref().map_or("all".to_owned(), ports);
        let malformed = if rule.malformed { " ?" } else { "" };
        format!("{:?} {ports}{malformed}", rule.action)
    });
    assert_eq!(got, expected, "{rule}");
}

#[test]
fn rules_of_both_versions() {
    let from = json!([{"namespaces": {}}]);
    check(json!({"action": "Allow", "from": from}), "Allow all");
    check(json!({"action": "Accept", "from": from}), "Allow all");
    check(json!({"action": "Deny", "from": from}), "Deny all");
    check(json!({"action": "Pass", "from": from}), "Pass all");
    check(json!({"action": "Log", "from": from}), "");
    check(json!({"from": from}), "");
    check(
        json!({"action": "Deny", "from": from, "ports": [{"portNumber": {"protocol": "UDP", "port": 53}},
            {"portRange": {"start": 1, "end": 9}}, {"namedPort": "web"}]}),
        "Deny UDP/53 TCP/1-9 /web",
    );
    check(
        json!({"action": "Deny", "from": from, "protocols": [{"tcp": {"destinationPort": {"number": 80}}},
            {"udp": {"destinationPort": {"range": {"start": 5, "end": 6}}}}, {"sctp": {}},
            {"destinationNamedPort": "web"}]}),
        "Deny TCP/80 UDP/5-6 SCTP/* /web",
    );
    check(
        json!({"action": "Deny", "from": from, "ports": [{"portNumber": {"port": 99999}}]}),
        "Deny  ?",
    );
    check(
        json!({"action": "Deny", "from": [{"sameLabels": ["x"]}]}),
        "Deny all ?",
    );
}

#[test]
fn peers() {
    let policy = one(
        "AdminNetworkPolicy",
        json!({"priority": 1, "egress": [{"action": "Allow", "to": [
            {"namespaces": {"matchLabels": {"a": "b"}}},
            {"pods": {"namespaceSelector": {}, "podSelector": {"matchLabels": {"c": "d"}}}},
            {"networks": ["10.0.0.0/8", "fd00::/8"]},
            {"nodes": {"matchLabels": {"e": "f"}}},
            {"domainNames": ["*.example.com"]},
        ]}]}),
    );
    let kinds: Vec<&str> = policy.egress[0]
        .peers
        .iter()
        .map(|peer| match peer {
            AdminPeer::Pods(of) if of.pods.is_everything() => "namespaces",
            AdminPeer::Pods(_) => "pods",
            AdminPeer::Networks(nets) if nets.len() == 2 => "networks",
            AdminPeer::Networks(_) => "too few networks",
            AdminPeer::Nodes(_) => "nodes",
            AdminPeer::Names(_) => "names",
        })
        .collect();
    assert_eq!(kinds, ["namespaces", "pods", "networks", "nodes", "names"]);
}

#[test]
fn a_subject_that_is_not_understood_is_unknown() {
    assert!(
        one("AdminNetworkPolicy", json!({"subject": {"strange": {}}}))
            .subject
            .is_none()
    );
    assert!(
        one("AdminNetworkPolicy", json!({"subject": {"namespaces": {}}}))
            .subject
            .is_some()
    );
}
