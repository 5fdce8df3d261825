//! CiliumNetworkPolicy and CiliumClusterwideNetworkPolicy as they are read.

use crate::builder::{of, read};
use model::snapshot::Origin::Live;
use semantics::view::{CiliumPeer, CiliumPolicy, CiliumRule, Inventory, Selector, TargetPort};
use serde_json::{Value, json};

fn inventory(kind: &str, spec: &Value) -> Inventory {
    let mut metadata = json!({"name": "p"});
    if kind == "CiliumNetworkPolicy" {
        metadata["namespace"] = json!("n");
    }
    let object =
        json!({"apiVersion": "cilium.io/v2", "kind": kind, "metadata": metadata, "spec": spec});
    read(&of(Live, &[object]))
}

fn policy(kind: &str, spec: &Value) -> CiliumPolicy {
    inventory(kind, spec).cilium_policies.remove(0)
}

/// `a=b`, `a?` for expressions, `!` where it is malformed.
fn selector(of: &Selector) -> String {
    let equals = of.equals.iter().map(|(k, v)| format!("{k}={v}"));
    let expressions = of.expressions.iter().map(|e| format!("{}?", e.key));
    let all: Vec<String> = equals.chain(expressions).collect();
    all.join(",") + if of.malformed { "!" } else { "" }
}

fn place(namespaces: Option<&Selector>, pods: &Selector) -> String {
    let namespaces = namespaces.map_or("own".to_owned(), selector);
    format!("{namespaces}/{}", selector(pods))
}

fn text(rule: &CiliumRule) -> String {
    let peers: Vec<String> = rule
        .peers
        .iter()
        .map(|peer| match peer {
            CiliumPeer::Everyone => "everyone".into(),
            CiliumPeer::Pods { pods, namespaces } => place(namespaces.as_ref(), pods),
            CiliumPeer::Block { cidr, except } => format!("{cidr}-{}", except.len()),
            CiliumPeer::Unresolved => "unresolved".into(),
        })
        .collect();
    let ports = rule.ports.as_ref().map_or("all".to_owned(), |ports| {
        let port = |p: &semantics::view::PolicyPort| {
            let number = match &p.port {
                None => "*".to_owned(),
                Some(TargetPort::Number(n)) => n.to_string(),
                Some(TargetPort::Name(name)) => name.to_string(),
            };
            let end = p.end.map_or_else(String::new, |end| format!("-{end}"));
            format!("{}{number}{end}", p.protocol)
        };
        let all: Vec<String> = ports.iter().map(port).collect();
        all.join(",")
    });
    let narrowed = if rule.narrowed { " narrowed" } else { "" };
    let malformed = if rule.malformed { " malformed" } else { "" };
    format!("[{}] [{ports}]{narrowed}{malformed}", peers.join(" "))
}

#[test]
fn subjects() {
    for (kind, spec, expected) in [
        (
            "CiliumNetworkPolicy",
            json!({"endpointSelector": {}}),
            "own/",
        ),
        (
            "CiliumNetworkPolicy",
            json!({"endpointSelector": {"matchLabels": {"k8s:app": "a", "any:b": "c"}}}),
            "own/app=a,b=c",
        ),
        (
            "CiliumClusterwideNetworkPolicy",
            json!({"endpointSelector": {"matchLabels": {"k8s:io.kubernetes.pod.namespace": "x"}, "matchExpressions": [{"key": "io.cilium.k8s.namespace.labels.team", "operator": "Exists"}]}}),
            "kubernetes.io/metadata.name=x,team?/",
        ),
        (
            "CiliumNetworkPolicy",
            json!({"endpointSelector": {"matchLabels": {"io.cilium.k8s.policy.serviceaccount": "x"}}}),
            "own/!",
        ),
        (
            "CiliumNetworkPolicy",
            json!({"endpointSelector": {"matchLabels": {"reserved:health": ""}}}),
            "own/!",
        ),
    ] {
        let (namespaces, pods) = policy(kind, &spec).subject.unwrap();
        assert_eq!(place(namespaces.as_ref(), &pods), expected, "{spec}");
    }
    let host = inventory(
        "CiliumClusterwideNetworkPolicy",
        &json!({"nodeSelector": {}, "ingress": [{}]}),
    );
    assert!(host.cilium_policies.is_empty(), "it selects no pods");
    assert!(
        policy("CiliumNetworkPolicy", &json!({"ingress": [{}]}))
            .subject
            .is_none()
    );
}

#[test]
fn isolation() {
    for (spec, expected) in [
        (json!({}), (false, false)),
        (json!({"ingress": []}), (false, false)),
        (json!({"ingress": [{}]}), (true, false)),
        (json!({"egressDeny": [{}]}), (false, true)),
        (
            json!({"ingress": [{}], "enableDefaultDeny": {"ingress": false, "egress": true}}),
            (false, true),
        ),
    ] {
        let mut whole = spec.clone();
        whole["endpointSelector"] = json!({});
        let read = policy("CiliumNetworkPolicy", &whole);
        assert_eq!(
            (read.ingress.isolates, read.egress.isolates),
            expected,
            "{spec}"
        );
    }
}

#[test]
fn rules() {
    let cluster = "CiliumClusterwideNetworkPolicy";
    let own = "CiliumNetworkPolicy";
    for (kind, rule, expected) in [
        (own, json!({}), "[] [all]"),
        (own, json!({"fromEndpoints": []}), "[] [all]"),
        (own, json!({"fromEndpoints": [{}]}), "[own/] [all]"),
        (cluster, json!({"fromEndpoints": [{}]}), "[/] [all]"),
        (
            own,
            json!({"fromEndpoints": [{"matchLabels": {"k8s:io.kubernetes.pod.namespace": "m", "app": "a"}}]}),
            "[kubernetes.io/metadata.name=m/app=a] [all]",
        ),
        (
            own,
            json!({"fromEntities": ["world", "cluster"]}),
            "[0.0.0.0/0-0 ::/0-0 / unresolved] [all]",
        ),
        (own, json!({"fromEntities": ["all"]}), "[everyone] [all]"),
        (
            own,
            json!({"fromEntities": ["host", "remote-node"]}),
            "[unresolved unresolved] [all]",
        ),
        (own, json!({"fromEntities": ["moon"]}), "[] [all] malformed"),
        (
            own,
            json!({"fromCIDR": ["10.0.0.0/8"]}),
            "[10.0.0.0/8-0] [all]",
        ),
        (own, json!({"fromCIDR": ["nonsense"]}), "[] [all] malformed"),
        (
            own,
            json!({"fromCIDRSet": [{"cidr": "10.0.0.0/8", "except": ["10.1.0.0/16"]}, {"cidrGroupRef": "g"}]}),
            "[10.0.0.0/8-1 unresolved] [all]",
        ),
        (
            own,
            json!({"toPorts": [{"ports": [{"port": "80", "protocol": "TCP"}, {"port": "http"}]}]}),
            "[everyone] [TCP80,http]",
        ),
        (
            own,
            json!({"toPorts": [{"ports": [{"port": "53"}]}]}),
            "[everyone] [TCP53,UDP53,SCTP53]",
        ),
        (
            own,
            json!({"toPorts": [{"ports": [{"port": "8000", "endPort": 9000, "protocol": "TCP"}]}]}),
            "[everyone] [TCP8000-9000]",
        ),
        (
            own,
            json!({"toPorts": [{"ports": [{"port": "0", "protocol": "UDP"}]}]}),
            "[everyone] [UDP*]",
        ),
        (own, json!({"toPorts": []}), "[] [all]"),
        (
            own,
            json!({"fromEndpoints": [{}], "toPorts": [{"ports": [{"port": "80", "protocol": "TCP"}], "rules": {"http": [{"method": "GET"}]}}]}),
            "[own/] [TCP80] narrowed",
        ),
        (
            own,
            json!({"icmps": [{"fields": [{"type": 8}]}]}),
            "[everyone] []",
        ),
        (
            own,
            json!({"fromEndpoints": [{}], "fromRequires": [{}]}),
            "[own/] [all] malformed",
        ),
        (own, json!({"fromGroups": [{}]}), "[unresolved] [all]"),
    ] {
        let spec = json!({"endpointSelector": {}, "ingress": [rule]});
        let read = policy(kind, &spec);
        assert_eq!(text(&read.ingress.allow[0]), expected, "{kind} {rule}");
    }
    let out = json!({"endpointSelector": {}, "egress": [{"toFQDNs": [{"matchName": "a.example"}]}], "egressDeny": [{"toEntities": ["world"]}]});
    let read = policy(own, &out);
    assert_eq!(text(&read.egress.allow[0]), "[unresolved] [all]");
    assert_eq!(text(&read.egress.deny[0]), "[0.0.0.0/0-0 ::/0-0] [all]");
}
